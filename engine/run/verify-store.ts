/**
 * `--verify`: what an audit of the store found, as an observation to plan with.
 *
 * A missing part makes its node dirty, cause `missing`; an output's part, the build that writes
 * it. Its row stays, so that a reader fails loudly instead of reading fewer rows, but without its
 * fingerprint: part reuse cannot find it. Rows of retained old versions are forgotten, links that
 * lag are swapped. When all is well nothing is written.
 */
import { sql } from 'kysely'
import type { RawBuilder } from 'kysely'
import type { WriteTransaction } from '../catalog/open.ts'
import { rowsTable } from '../catalog/rows.ts'
import { markDirty } from '../catalog/trace.ts'
import { frameDigest } from '../core/digest.ts'
import { nodeText } from '../core/key.ts'
import type { AuditOptions, PartFault, StoreAudit } from './audit-store.ts'
import { auditStore } from './audit-store.ts'
import { publishClaimed } from './publish-claimed.ts'
import type { Observation, Project } from './project.ts'
import { loadDefinitions } from './project.ts'

/** Audits the store; plan or run with what it returns. Throws STORE_UNUSABLE. */
export async function verifyStore(
  project: Project,
  options: AuditOptions = {},
): Promise<Observation> {
  const audit = await auditStore(project, options)
  const marks = await marksOf(project, audit.missing)
  const back = options.selection === undefined ? await partsBack(project, marks) : []
  const findings = [
    ...audit.missing.map((fault) => `${nodeText(fault)} ${fault.part} ${fault.what}`),
    ...audit.forgotten.map((fault) => `${fault.build} ${fault.ordinal}`),
    ...audit.lagging.map(nodeText),
    ...back.map(String),
  ]
  const digest = frameDigest(['verify', ...findings])
  if (findings.length === 0) return { digest }
  return {
    digest,
    apply: async ({ trx }) => markFaults(trx, { audit, marks, back }),
    mend: async (hold) => {
      const definitions = await loadDefinitions(project.graph, project.catalog, false)
      const nodes = audit.lagging.map((one) => one.node)
      await publishClaimed(project, definitions, { nodes, hold })
    },
  }
}

/** Who has to be built again, and why: the node itself, or the writer of an output. */
export async function marksOf(
  { catalog, graph }: Project,
  missing: readonly PartFault[],
): Promise<ReadonlyMap<number, string>> {
  const outputs = missing.filter(({ asset }) => graph.writerOf(asset) !== undefined)
  const wanted = rowsTable(
    catalog.dialect,
    { id: 'int' },
    outputs.map(({ node }) => [node]),
  )
  const { rows } = await sql<{ output: number; writer: number }>`
    select e.dst as output, e.src as writer from ${wanted} w join edge e on e.dst = w.id
  `.execute(catalog.db)
  const writers = new Map(rows.map((row) => [row.output, row.writer]))
  const reasons = new Map<number, string>()
  for (const fault of missing) {
    const node = writers.get(fault.node) ?? fault.node
    if (!reasons.has(node)) reasons.set(node, `${nodeText(fault)}: ${fault.part} ${fault.what}`)
  }
  return reasons
}

/** Nodes marked `missing` before whose parts are there again, as after a restored backup. */
async function partsBack(
  { catalog }: Project,
  marks: ReadonlyMap<number, string>,
): Promise<readonly number[]> {
  const marked = await catalog.db
    .selectFrom('dirty')
    .select('node')
    .where('cause', '=', 'missing')
    .execute()
  return marked.flatMap(({ node }) => (marks.has(node) ? [] : [node]))
}

/** Makes the catalog say what was found, in the caller's transaction. */
export async function markFaults(
  trx: WriteTransaction,
  {
    audit,
    marks,
    back,
  }: {
    readonly audit: StoreAudit
    readonly marks: ReadonlyMap<number, string>
    readonly back: readonly number[]
  },
): Promise<void> {
  const { db, dialect } = trx
  await markDirty(
    trx,
    'missing',
    [...marks].map(([node, reason]) => ({ node, reason })),
  )
  const among = (faults: readonly PartFault[]): RawBuilder<unknown> => {
    const rows = faults.map(({ build, ordinal }) => [build, ordinal])
    const wanted = rowsTable(dialect, { build: 'int', ordinal: 'int' }, rows)
    return sql`(build, ordinal) in (select w.build, w.ordinal from ${wanted} w)`
  }
  await sql`update part set fingerprint = null where ${among(audit.missing)}`.execute(db)
  await sql`delete from part where ${among(audit.forgotten)}`.execute(db)
  if (back.length === 0) return
  const again = rowsTable(
    dialect,
    { node: 'int' },
    back.map((node) => [node]),
  )
  // As `removed`, the weakest mark that no other input's return takes away: the plan looks again.
  await sql`update dirty set cause = 'removed', reason = null
    where node in (select w.node from ${again} w)`.execute(db)
}
