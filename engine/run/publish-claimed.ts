/**
 * Publishes again what readers do not see as the catalog says, under claims of the caller's own: a
 * link that goes back to an older version because two showed it at once would stay there.
 */
import { sql } from 'kysely'
import type { Definitions } from '../catalog/membership.ts'
import type { WriteTransaction } from '../catalog/open.ts'
import { rowsTable } from '../catalog/rows.ts'
import type { Hold } from './hold.ts'
import { BOOKKEEPING } from './hold.ts'
import type { Project } from './project.ts'
import { publishNodes } from './publish.ts'
import type { OpenIntent } from './recover.ts'
import { clearIntents } from './recover.ts'

/** Shows the nodes; those that somebody has claimed are left to who has: they are about to move. */
export async function publishClaimed(
  project: Project,
  definitions: Definitions,
  { nodes, hold }: { readonly nodes: readonly number[]; readonly hold: Hold },
): Promise<void> {
  if (nodes.length === 0) return
  const writers = await writersOf(project, definitions, nodes)
  const claims = [...new Set(nodes.map((node) => writers.get(node) ?? node))]
  const taken = await project.catalog.write(
    async (trx) => claimToShow(trx, claims, hold),
    BOOKKEEPING,
  )
  const ours = taken.map(({ node }) => node)
  await publishNodes(project, definitions, {
    nodes: nodes.filter((node) => ours.includes(writers.get(node) ?? node)),
    keep: async (forMs) => hold.keep(ours, forMs),
  })
  await clearIntents(project, taken)
}

/** Outputs are claimed with the node whose build writes them. */
async function writersOf(
  { catalog }: Project,
  { graph, ids }: Definitions,
  nodes: readonly number[],
): Promise<ReadonlyMap<number, number>> {
  const wanted = rowsTable(
    catalog.dialect,
    { id: 'int' },
    nodes.map((id) => [id]),
  )
  const { rows } = await sql<{ node: number; asset: number; src: number }>`
    select n.id as node, n.asset, e.src from ${wanted} w
    join node n on n.id = w.id join edge e on e.dst = n.id`.execute(catalog.db)
  return new Map(
    rows.flatMap(({ node, asset, src }) =>
      graph.writerOf(ids.nameOf(asset)) === undefined ? [] : [[node, src] as const],
    ),
  )
}

/** Intents that have something to show, for those of the nodes that have none open. */
async function claimToShow(
  trx: WriteTransaction,
  nodes: readonly number[],
  hold: Hold,
): Promise<readonly OpenIntent[]> {
  await hold.require(trx)
  const endMs = await hold.claimsEndMs(trx)
  const wanted = rowsTable(
    trx.dialect,
    { id: 'int' },
    nodes.map((id) => [id]),
  )
  const { rows } = await sql<OpenIntent>`
    insert into intent (node, run, epoch, state, notes, holder, expires_ms)
    select n.id, 0, n.epoch, 'committed', '[]', ${hold.holder}, ${sql.lit(endMs)}
    from ${wanted} w join node n on n.id = w.id where true
    on conflict (node) do nothing returning node, epoch`.execute(trx.db)
  return rows
}
