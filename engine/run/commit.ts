/**
 * Commits a group of finished attempts: one transaction, then what readers see.
 *
 *     sync staged folders → [ epochs · traces · builds · memberships · hook · audit ] → manifests,
 *     links → (next claim) intents cleared → superseded folders removed
 *
 * The transaction is the commit point. Everything after it is a projection of the catalog that
 * recovery repeats. An attempt whose epoch was overtaken is dropped here and its folder removed.
 */
import { sql } from 'kysely'
import type { NewBuild, StoredPart } from '../catalog/builds.ts'
import { insertBuilds, releaseParts } from '../catalog/builds.ts'
import type { ChangedParent, Definitions } from '../catalog/membership.ts'
import { createNodes, moveMemberships } from '../catalog/membership.ts'
import type { WriteTransaction } from '../catalog/open.ts'
import { rowsTable } from '../catalog/rows.ts'
import type { Actor } from '../catalog/runs.ts'
import { insertAudit } from '../catalog/runs.ts'
import type { TraceCommit } from '../catalog/trace.ts'
import { commitTraces } from '../catalog/trace.ts'
import { noteUnprojected } from '../catalog/unprojected.ts'
import { ABSENT } from '../core/digest.ts'
import type { Json } from '../core/digest.ts'
import { assert } from '../core/errors.ts'
import { failpoint } from '../core/failpoint.ts'
import { nodeText } from '../core/key.ts'
import { holdOf } from '../core/rollback.ts'
import type { Finished, Staged } from './attempt.ts'
import type { Task } from './claim.ts'
import type { Hold } from './hold.ts'
import { projectJournal } from './journal.ts'
import type { Committed, Project } from './project.ts'
import type { OpenIntent } from './recover.ts'
import { publishNodes } from './publish.ts'

export interface Group {
  readonly project: Project
  readonly definitions: Definitions
  readonly run: number
  readonly hold: Hold
  readonly actor: Actor
  /** more to do in the commit's transaction: the end of the jobs that asked for it */
  readonly also?: (trx: WriteTransaction) => Promise<void>
}

export interface GroupResult {
  readonly committed: readonly Committed[]
  /** nodes whose attempt was overtaken: nothing of it is visible */
  readonly fenced: readonly Finished[]
  /** nodes whose intent can be cleared */
  readonly projected: readonly OpenIntent[]
}

/** One node of a group: a claimed one or an output of its build. */
interface Entry {
  readonly node: number
  readonly asset: string
  readonly key: string
  readonly finished: Finished
  readonly staged: Staged
  /** the writer of an output */
  readonly writer: number | undefined
}

/** Commits and publishes. Throws when the catalog or the store fails; recovery does the rest. */
export async function commitGroup(
  group: Group,
  finished: readonly Finished[],
): Promise<GroupResult> {
  const { project } = group
  // What was overtaken must not become visible, not even until the transaction finds out.
  const open = await unfenced(project.catalog, finished)
  const standing = finished.filter(({ task }) => open.has(task.node.row.id))
  await project.store.sync(standing.flatMap((one) => stagedFolders(one)))
  failpoint('commit.synced')
  const nowMs = project.clock.nowMs()
  const result = await project.catalog.write(async (trx) =>
    commitIn(trx, group, { finished, nowMs }),
  )
  failpoint('commit.committed')
  await project.store.abort(result.fenced.flatMap(({ task }) => task.notes))
  await publishNodes(project, group.definitions, {
    nodes: result.published,
    keep: async (forMs) => group.hold.keep(result.claimed, forMs),
  })
  await projectJournal(project)
  failpoint('commit.published')
  await project.store.remove(result.released)
  return result
}

const stagedFolders = ({ staged, outputs }: Finished): readonly string[] => [
  ...(staged.folder === undefined ? [] : [staged.folder]),
  ...(outputs ?? []).flatMap((output) => output.folder ?? []),
]

interface Written extends GroupResult {
  readonly published: readonly number[]
  /** claims that stay open until what they published is shown */
  readonly claimed: readonly number[]
  readonly released: readonly string[]
}

async function commitIn(
  trx: WriteTransaction,
  group: Group,
  { finished, nowMs }: { readonly finished: readonly Finished[]; readonly nowMs: number },
): Promise<Written> {
  await group.hold.require(trx)
  const valid = await unfenced(trx, finished)
  const fenced = finished.filter((one) => !valid.has(one.task.node.row.id))
  const standing = finished.filter((one) => valid.has(one.task.node.row.id))
  const own = standing.map((one): Entry => ({
    node: one.task.node.row.id,
    asset: one.task.asset.name,
    key: one.task.node.row.key,
    finished: one,
    staged: one.staged,
    writer: undefined,
  }))
  const first = await commitTraces(trx, own.map(ownTrace))
  const { outputs, gone } = await outputEntries(trx, group, standing)
  const second = await commitTraces(
    trx,
    [...outputs, ...gone].map((entry) => outputTrace(trx, entry, first.versions)),
  )
  const entries = [...own, ...outputs]
  const versions = new Map([...first.versions, ...second.versions])
  const changed = new Set([...first.changed, ...second.changed].map((one) => one.node))
  const builds = await insertBuilds(
    trx,
    entries.map((entry) => newBuild(entry, { versions, group, nowMs })),
  )
  const parents = entries.filter((entry) => changed.has(entry.node)).map(parentOf)
  await moveMemberships(trx, group.definitions, parents)
  const committed = entries.map((entry) => committedOf(entry, { changed, builds }))
  await group.project.hooks.onCommit?.({ trx, nowMs, run: group.run }, committed)
  const published = entries.filter((entry) => movesReaders(group, entry)).map((entry) => entry.node)
  // The store has a manifest of what is published; of the rest its journal speaks.
  const heads = own.filter((entry) => !movesReaders(group, entry))
  await noteUnprojected(trx, 'head', heads)
  const shown = new Set(published.concat(outputs.flatMap((o) => o.writer ?? [])))
  const nodes = own.map((entry) => entry.node)
  await closeIntents(trx, nodes, shown)
  await auditGroup(trx, group, { entries, nowMs })
  const released = await release(trx, group, { entries, builds })
  await noteReleased(
    trx,
    nodes.find((node) => shown.has(node)),
    released,
  )
  await group.also?.(trx)
  const projected = own.map(({ node, finished: { task } }) => ({ node, epoch: task.epoch }))
  const claimed = nodes.filter((node) => shown.has(node))
  return { committed, fenced, projected, published, claimed, released }
}

/** The nodes whose claim is open, under the epoch that it raised them to. */
export async function unfenced(
  { db, dialect }: Pick<WriteTransaction, 'db' | 'dialect'>,
  finished: readonly { readonly task: Task }[],
): Promise<ReadonlySet<number>> {
  const wanted = rowsTable(
    dialect,
    { id: 'int', epoch: 'int' },
    finished.map((one) => [one.task.node.row.id, one.task.epoch]),
  )
  const { rows } = await sql<{ id: number }>`
    select n.id from ${wanted} w join node n on n.id = w.id and n.epoch = w.epoch
    join intent i on i.node = n.id and i.epoch = n.epoch and i.state = 'prepared'`.execute(db)
  return new Set(rows.map((row) => row.id))
}

const ownTrace = ({ node, staged, finished }: Entry): TraceCommit => ({
  node,
  contentId: staged.contentId,
  value: staged.value,
  read: finished.task.node.read,
  dropped: finished.task.node.dropped,
  claimRevision: finished.task.claimRevision,
  waiting: holdOf(finished.task.node.rollback),
})

const outputTrace = (
  trx: WriteTransaction,
  { node, staged, writer }: Entry,
  versions: ReadonlyMap<number, number>,
): TraceCommit => ({
  node,
  contentId: staged.contentId,
  value: staged.value,
  read: writer === undefined ? [] : [[writer, versions.get(writer) ?? 0]],
  dropped: [],
  claimRevision: trx.revision,
})

/**
 * The outputs of the group's builds: those made now, and those that vanish. `gone` vanished before:
 * nothing happens to them but that they read another version of their writer.
 */
async function outputEntries(
  trx: WriteTransaction,
  { definitions }: Group,
  standing: readonly Finished[],
): Promise<{ readonly outputs: readonly Entry[]; readonly gone: readonly Entry[] }> {
  const outputs: Entry[] = []
  const gone: Entry[] = []
  for (const finished of standing) {
    if (finished.outputs === undefined) continue
    const writer = finished.task.node.row.id
    const made = finished.outputs
    const names = made.map(({ asset, key }) => ({ asset: asset.name, key }))
    const rows = await createNodes(trx, definitions, names)
    const byName = new Map(
      rows.map((row) => [
        nodeText({ asset: definitions.ids.nameOf(row.asset), key: row.key }),
        row.id,
      ]),
    )
    for (const staged of made) {
      const name = { asset: staged.asset.name, key: staged.key }
      const node = byName.get(nodeText(name))
      if (node !== undefined) outputs.push({ node, ...name, finished, staged, writer })
    }
    const assets = (finished.task.asset.outputs ?? []).map(definitions.ids.idOf)
    if (assets.length === 0) continue
    const before = await sql<{ id: number; asset: number; key: string; version: number }>`
      select n.id, n.asset, n.key, n.version from edge e join node n on n.id = e.dst
      where e.src = ${writer} and n.asset in (${sql.join(assets)})
    `.execute(trx.db)
    for (const row of before.rows) {
      const name = { asset: definitions.ids.nameOf(row.asset), key: row.key }
      if (byName.has(nodeText(name))) continue
      const entry = { node: row.id, ...name, finished, staged: GONE, writer }
      ;(row.version === 0 ? gone : outputs).push(entry)
    }
  }
  return { outputs, gone }
}

const GONE: Staged = { contentId: ABSENT, value: null, parts: [], folder: undefined }

function newBuild(
  entry: Entry,
  context: {
    readonly versions: ReadonlyMap<number, number>
    readonly group: Group
    readonly nowMs: number
  },
): NewBuild {
  const { node, finished, staged, writer } = entry
  const { task } = finished
  const slots =
    writer === undefined
      ? JSON.stringify(task.node.slots.map((slot) => [slot.node, slot.version]))
      : JSON.stringify([[writer, context.versions.get(writer) ?? 0]])
  return {
    node,
    run: context.group.run,
    outcome: outcomeOf(entry),
    fingerprint: task.work.kind === 'retire' ? null : task.work.fingerprint,
    version: context.versions.get(node) ?? 0,
    slots,
    attempt: staged.folder === undefined ? null : task.attempt,
    atMs: context.nowMs,
    ms: writer === undefined ? finished.ms : 0,
    rows:
      writer === undefined ? (finished.rows ?? null) : sum(staged.parts, (part) => part.rows ?? 0),
    sizeBytes: sum(staged.parts, (part) => part.sizeBytes),
    cause: writer === undefined && task.causes.length > 0 ? JSON.stringify(task.causes) : null,
    error: null,
    parts: partsOf(staged),
    publishes: movesReaders(context.group, entry),
  }
}

/** Equal content keeps pointing at the parts it was found equal to. */
function partsOf(staged: Staged): NewBuild['parts'] {
  if (staged.parts === undefined) return 'same'
  return staged.parts.length === 0 ? 'none' : staged.parts
}

function outcomeOf({ finished, staged, writer }: Entry): Finished['outcome'] {
  if (staged.contentId === ABSENT) return 'retired'
  // An output may change although its writer's own content does not.
  if (writer !== undefined) return staged.parts === undefined ? 'cutoff' : 'built'
  return staged.parts === undefined && finished.outcome === 'built' ? 'cutoff' : finished.outcome
}

const sum = (
  parts: readonly StoredPart[] | undefined,
  of: (part: StoredPart) => number,
): number | null =>
  parts === undefined ? null : parts.reduce((total, part) => total + of(part), 0)

const valueOf = (staged: Staged): Json | undefined =>
  staged.value === null ? undefined : (JSON.parse(staged.value) as Json)

const parentOf = ({ node, asset, key, staged }: Entry): ChangedParent => ({
  id: node,
  asset,
  key,
  value: staged.contentId === ABSENT ? undefined : valueOf(staged),
})

/** Readers see another version: new parts, or none any more. */
function movesReaders({ definitions }: Group, { asset, staged }: Entry): boolean {
  const definition = definitions.graph.assets.get(asset)
  const isPublished =
    (definition?.kind === 'stored' || definition?.kind === 'output') &&
    definition.publish !== undefined
  return isPublished && staged.parts !== undefined
}

function committedOf(
  entry: Entry,
  context: {
    readonly changed: ReadonlySet<number>
    readonly builds: ReadonlyMap<number, { readonly build: number }>
  },
): Committed {
  const { finished, staged, writer } = entry
  return {
    asset: entry.asset,
    key: entry.key,
    outcome: outcomeOf(entry),
    value: valueOf(staged),
    record: writer === undefined ? finished.record : undefined,
    changed: context.changed.has(entry.node),
    ms: finished.ms,
    rows: finished.rows,
    parts: (staged.parts ?? []).map((part) => ({ name: part.name, path: part.path })),
    build: context.builds.get(entry.node)?.build ?? 0,
    epoch: finished.task.epoch,
    fingerprint: finished.task.work.kind === 'retire' ? null : finished.task.work.fingerprint,
  }
}

/** Intents of nodes with something to show go to `committed`; the others are done. */
async function closeIntents(
  { db, dialect }: WriteTransaction,
  nodes: readonly number[],
  shown: ReadonlySet<number>,
): Promise<void> {
  if (nodes.length === 0) return
  const wanted = rowsTable(
    dialect,
    { node: 'int', shown: 'int' },
    nodes.map((node) => [node, shown.has(node) ? 1 : 0]),
  )
  await sql`delete from intent
    where node in (select w.node from ${wanted} w where w.shown = 0)`.execute(db)
  await sql`update intent set state = 'committed', notes = '[]'
    where node in (select w.node from ${wanted} w where w.shown = 1)`.execute(db)
}

/** Keeps in an open intent what is to be removed, so that recovery need not look for it. */
async function noteReleased(
  { db }: WriteTransaction,
  claimed: number | undefined,
  released: readonly string[],
): Promise<void> {
  if (released.length === 0) return
  assert(claimed !== undefined, 'only what is published has versions to let go of')
  const notes = JSON.stringify(released)
  await db.updateTable('intent').set({ notes }).where('node', '=', claimed).execute()
}

async function auditGroup(
  trx: WriteTransaction,
  { run, actor }: Group,
  { entries, nowMs }: { readonly entries: readonly Entry[]; readonly nowMs: number },
): Promise<void> {
  const [first] = entries
  if (first === undefined) return
  const more = entries.length > 1 ? ` and ${entries.length - 1} more` : ''
  const subject = `${nodeText(first)}${more}`
  await insertAudit(trx, { atMs: nowMs, actor, action: 'commit', subject, run })
}

/** Lets go of versions beyond retention; their units are removed after the commit. */
async function release(
  trx: WriteTransaction,
  { project }: Group,
  {
    entries,
    builds,
  }: {
    readonly entries: readonly Entry[]
    readonly builds: ReadonlyMap<number, { readonly commitNumber: number }>
  },
): Promise<readonly string[]> {
  const keep = project.retainedVersions
  const old = entries.filter((entry) => (builds.get(entry.node)?.commitNumber ?? 0) > keep)
  const paths = await releaseParts(
    trx,
    old.map((entry) => entry.node),
    keep,
  )
  return [...new Set(paths.map(project.store.unitOf))]
}
