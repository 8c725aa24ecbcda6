/**
 * Rolls a partition back to a version that is kept, and lets it go on again.
 *
 * One transaction records the decision (core/rollback.ts) and marks the partition; the version
 * returns by the ordinary road of claim, stage and commit: its parts are linked or copied inside
 * the store under a new commit number, nothing is computed. A crash between the two leaves a
 * partition that is dirty, and the next run finishes.
 *
 * Only what nothing else is made of can go back: else its dependents would have to be built from
 * it, and they have a version of their own to go back to.
 */
import { sql } from 'kysely'
import { findNodes } from '../catalog/nodes.ts'
import type { NodeRow } from '../catalog/nodes.ts'
import type { Connection, WriteTransaction } from '../catalog/open.ts'
import type { Actor } from '../catalog/runs.ts'
import { insertAudit } from '../catalog/runs.ts'
import { markDirty } from '../catalog/trace.ts'
import type { KeptVersion } from '../catalog/versions.ts'
import { keptVersions } from '../catalog/versions.ts'
import type { Definitions } from '../catalog/membership.ts'
import { EngineError } from '../core/errors.ts'
import { ROLLBACK } from '../core/fingerprint.ts'
import type { NodeName } from '../core/key.ts'
import { nodeText } from '../core/key.ts'
import type { RollbackFact } from '../core/rollback.ts'
import { rollbackKey, rolledBackNode } from '../core/rollback.ts'
import { writeFacts } from './facts.ts'
import { projectJournal } from './journal.ts'
import type { Project } from './project.ts'
import { loadDefinitions } from './project.ts'

/** Decides that a node shows a kept version. Throws NODE_UNKNOWN, ROLLBACK_REFUSED, VERSION_GONE. */
export async function rollBack(
  project: Project,
  { node, commitNumber, actor }: Decided & { readonly commitNumber: number },
): Promise<KeptVersion> {
  const shown = await project.catalog.write(async (trx) => {
    const definitions = await loadDefinitions(project.graph, trx, true)
    const row = await rollable(trx, definitions, node)
    const kept = await keptVersions(trx.db, row.id)
    const version = kept.find((one) => one.commitNumber === commitNumber)
    if (version === undefined) {
      const numbers = kept.map((one) => one.commitNumber)
      throw new EngineError('VERSION_GONE', {
        node: nodeText(node),
        wanted: `commit ${commitNumber}`,
        kept: numbers,
      })
    }
    const contentId = version.contentId as RollbackFact['contentId']
    const rollback: RollbackFact = { contentId, commitNumber, by: actor.name, reason: actor.reason }
    await writeRollbacks(trx, definitions, [{ node, rollback }])
    await audit(project, trx, { action: 'rollback', node, actor })
    return version
  })
  await projectJournal(project)
  return shown
}

interface Decided {
  readonly node: NodeName
  readonly actor: Actor
}

/** Lets a node follow its inputs again. Throws NODE_UNKNOWN, ROLLBACK_REFUSED. */
export async function clearRollback(project: Project, { node, actor }: Decided): Promise<void> {
  await project.catalog.write(async (trx) => {
    const definitions = await loadDefinitions(project.graph, trx, true)
    await rollable(trx, definitions, node)
    const changed = await writeRollbacks(trx, definitions, [{ node, rollback: undefined }])
    if (changed === 0) {
      throw new EngineError('ROLLBACK_REFUSED', {
        node: nodeText(node),
        reason: 'it is not rolled back',
      })
    }
    await audit(project, trx, { action: 'rollback --clear', node, actor })
  })
  await projectJournal(project)
}

/**
 * Writes decisions as facts, with the edge by which their node reads them. Returns how many
 * changed. The nodes must exist.
 */
export async function writeRollbacks(
  trx: WriteTransaction,
  definitions: Definitions,
  decisions: readonly { readonly node: NodeName; readonly rollback: RollbackFact | undefined }[],
): Promise<number> {
  const facts = decisions.map(({ node, rollback }) => ({
    asset: ROLLBACK,
    key: rollbackKey(node),
    value: rollback === undefined ? undefined : { ...rollback },
  }))
  const changed = await writeFacts(trx, definitions, facts)
  const targets = await findNodes(
    trx,
    definitions.ids,
    decisions.map(({ node }) => node),
  )
  const name = (row: NodeRow): string =>
    nodeText({ asset: definitions.ids.nameOf(row.asset), key: row.key })
  const byName = new Map(targets.map((row) => [name(row), row.id]))
  for (const fact of await findNodes(trx, definitions.ids, facts)) {
    const target = byName.get(nodeText(rolledBackNode(fact.key)))
    if (target === undefined || fact.version === 0) continue
    const { numInsertedOrUpdatedRows: added } = await trx.db
      .insertInto('edge')
      .values({ dst: target, src: fact.id, src_version: 0 })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirstOrThrow()
    if (Number(added) > 0) await markDirty(trx, 'input', [{ node: target, source: fact.id }])
  }
  return changed
}

/** The nodes whose rollback stands. */
export async function rolledBackNodes(
  db: Connection,
  { ids }: Definitions,
): Promise<ReadonlySet<number>> {
  const { rows } = await sql<{ node: number }>`
    select e.dst as node from node n join edge e on e.src = n.id
    where n.asset = ${ids.idOf(ROLLBACK)} and n.version <> 0`.execute(db)
  return new Set(rows.map((row) => row.node))
}

/** The rollbacks that stand, by partition. */
export async function standingRollbacks({
  catalog,
  graph,
}: Pick<Project, 'catalog' | 'graph'>): Promise<
  readonly { readonly node: NodeName; readonly rollback: RollbackFact }[]
> {
  const { ids } = await loadDefinitions(graph, catalog, false)
  const { rows } = await sql<{ key: string; value: string }>`
    select n.key, v.value from node n join version v on v.id = n.version
    where n.asset = ${ids.idOf(ROLLBACK)} order by n.key`.execute(catalog.db)
  return rows.map(({ key, value }) => ({
    node: rolledBackNode(key),
    rollback: JSON.parse(value) as RollbackFact,
  }))
}

async function rollable(
  trx: WriteTransaction,
  { graph, ids }: Definitions,
  node: NodeName,
): Promise<NodeRow> {
  const [row] = await findNodes(trx, ids, [node])
  if (row === undefined) throw new EngineError('NODE_UNKNOWN', { node: nodeText(node) })
  const asset = graph.assets.get(node.asset)
  const readers = graph.childrenOf(node.asset)
  const reason =
    asset?.kind !== 'stored' || asset.publish === undefined
      ? 'only what a build publishes can go back'
      : `${readers.join(', ')} is made of it: roll that back, or decide about what it reads`
  if (asset?.kind !== 'stored' || asset.publish === undefined || readers.length > 0) {
    throw new EngineError('ROLLBACK_REFUSED', { node: nodeText(node), reason })
  }
  return row
}

async function audit(
  { clock }: Project,
  trx: WriteTransaction,
  { action, node, actor }: Decided & { readonly action: string },
): Promise<void> {
  const entry = { atMs: clock.nowMs(), actor, action, subject: nodeText(node), run: null }
  await insertAudit(trx, entry)
}
