/**
 * Recovery: ends what a dead run left open, before anything else happens.
 *
 * An intent `prepared` was never committed: its folders go. An intent `committed` is in the
 * catalog: its publication is repeated. Both are safe to repeat, so recovery may die as well.
 */
import { sql } from 'kysely'
import type { Definitions } from '../catalog/membership.ts'
import type { Connection } from '../catalog/open.ts'
import { rowsTable } from '../catalog/rows.ts'
import type { Lease } from '../catalog/leases.ts'
import { failpoint } from '../core/failpoint.ts'
import type { Project } from './project.ts'
import { publishNodes } from './publish.ts'
import { removeResidue } from './sweep.ts'

/** Whether a run left something open: an intent, or itself. */
export async function isLeftOpen(db: Connection): Promise<boolean> {
  const intent = await db.selectFrom('intent').select('node').limit(1).executeTakeFirst()
  if (intent !== undefined) return true
  const last = await db
    .selectFrom('run')
    .select('status')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return last?.status === 'running'
}

/** Ends every open intent. The caller holds the run lease, so their runs are dead. */
export async function recover(
  project: Project,
  definitions: Definitions,
  lease: Lease,
): Promise<number> {
  const intents = await project.catalog.db.selectFrom('intent').selectAll().execute()
  if (intents.length === 0) return 0
  const prepared = intents.filter((intent) => intent.state === 'prepared')
  await project.store.abort(prepared.flatMap((intent) => JSON.parse(intent.notes) as string[]))
  failpoint('recover.aborted')
  const committed = intents.filter((intent) => intent.state === 'committed').map((one) => one.node)
  const nodes = await withOutputs(project, committed)
  await publishNodes(project, definitions, { nodes, lease })
  failpoint('recover.published')
  // A run that died after a commit left the folders it was about to remove.
  await removeResidue(project)
  failpoint('recover.swept')
  await clearIntents(project, intents)
  return intents.length
}

/** Nodes and the outputs that their builds wrote. */
async function withOutputs(project: Project, nodes: readonly number[]): Promise<readonly number[]> {
  const { db, dialect } = project.catalog
  const wanted = rowsTable(
    dialect,
    { id: 'int' },
    nodes.map((id) => [id]),
  )
  const outputs = [...project.graph.assets.values()].flatMap((asset) =>
    asset.kind === 'output' ? [asset.name] : [],
  )
  if (outputs.length === 0 || nodes.length === 0) return nodes
  const { rows } = await sql<{ id: number }>`
    select n.id from ${wanted} w join edge e on e.src = w.id join node n on n.id = e.dst
    join asset a on a.id = n.asset where a.name in (${sql.join(outputs)})`.execute(db)
  return [...nodes, ...rows.map((row) => row.id)]
}

/** One claim's intent: a later claim of the node has another epoch, and its intent is its own. */
export interface OpenIntent {
  readonly node: number
  readonly epoch: number
}

/** Clears intents that are done with. Volatile: losing it repeats a publication. */
export async function clearIntents(
  project: Project,
  intents: readonly OpenIntent[],
): Promise<void> {
  if (intents.length === 0) return
  await project.catalog.write(
    async ({ db, dialect }) => {
      const wanted = rowsTable(
        dialect,
        { node: 'int', epoch: 'int' },
        intents.map(({ node, epoch }) => [node, epoch]),
      )
      await sql`delete from intent
        where (node, epoch) in (select w.node, w.epoch from ${wanted} w)`.execute(db)
    },
    { volatile: true, bookkeeping: true },
  )
}
