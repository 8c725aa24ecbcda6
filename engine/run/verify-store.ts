/**
 * Looks into the store: is every part that the catalog counts on there, with its size?
 *
 * Sizes only, so that the cost is one listing; what a build reads is checked against its SHA-256
 * when it is read. A partition with a missing or cut part becomes dirty, cause `missing`; for a
 * node that another build writes, that build does.
 */
import { sql } from 'kysely'
import type { Handle } from '../catalog/open.ts'
import { markDirty } from '../catalog/trace.ts'
import { frameDigest } from '../core/digest.ts'
import { loadDefinitions } from './project.ts'
import type { Observation, Project } from './project.ts'

interface PartRow {
  readonly node: number
  readonly asset: number
  readonly path: string
  readonly size: number
}

interface Damage {
  readonly node: number
  readonly asset: number
  readonly reason: string
}

/** Parts asked for at once. */
const PAGE = 50_000

/** What is missing in the store, as an observation to plan with. Throws STORE_UNUSABLE. */
export async function verifyStore(project: Project): Promise<Observation> {
  const damaged = await findDamage(project)
  const digest = frameDigest(['verify', ...damaged.flatMap((one) => [String(one.node), one.reason])])
  if (damaged.length === 0) return { digest }
  return {
    digest,
    apply: async ({ trx }) => {
      const definitions = await loadDefinitions(project.graph, trx, true)
      const marks = new Map<number, string>()
      for (const { node, asset, reason } of damaged) {
        const kind = definitions.graph.assets.get(definitions.ids.nameOf(asset))?.kind
        const target = kind === 'output' ? await writerOf(trx.db, node) : node
        if (target !== undefined) marks.set(target, reason)
      }
      await markDirty(trx, 'missing', [...marks].map(([node, reason]) => ({ node, reason })))
    },
  }
}

async function findDamage({ catalog, store }: Project): Promise<readonly Damage[]> {
  const damaged = new Map<number, Damage>()
  let after = { node: 0, ordinal: -1 }
  for (;;) {
    const rows = await page(catalog.db, after)
    const sizes = await store.sizes(rows.map((row) => row.path))
    for (const [at, { node, asset, size }] of rows.entries()) {
      const found = sizes[at]
      if (found === size || damaged.has(node)) continue
      const reason = found === undefined ? 'a part is not in the store' : 'a part has another size'
      damaged.set(node, { node, asset, reason })
    }
    const last = rows.at(-1)
    if (last === undefined || rows.length < PAGE) return [...damaged.values()]
    after = last
  }
}

/** The current parts after a place, in order of node and part. */
async function page(
  db: Handle,
  after: { readonly node: number; readonly ordinal: number },
): Promise<readonly (PartRow & { readonly ordinal: number })[]> {
  const { rows } = await sql<PartRow & { readonly ordinal: number }>`
    select n.id as node, n.asset, p.ordinal, p.path, p.size_bytes as size
    from node n join build b on b.id = n.built join part p on p.build = b.parts_build
    where n.version <> 0 and (n.id > ${after.node}
      or (n.id = ${after.node} and p.ordinal > ${after.ordinal}))
    order by n.id, p.ordinal limit ${sql.lit(PAGE)}`.execute(db)
  return rows
}

/** The node whose build writes this output: the one source it has. */
async function writerOf(db: Handle, output: number): Promise<number | undefined> {
  const row = await db.selectFrom('edge').select('src').where('dst', '=', output).executeTakeFirst()
  return row?.src
}
