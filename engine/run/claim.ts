/**
 * Claims: takes a batch of dirty nodes of one asset, decides what each needs, and records the
 * intent before anything is written anywhere.
 *
 * A claim raises the node's epoch; every commit names the epoch it was claimed under, so a run that
 * was overtaken commits nothing (fencing). Nodes that need nothing are settled here.
 */
import { sql } from 'kysely'
import type { RetainedBuild, StoredPart } from '../catalog/builds.ts'
import { firstWanted, retainedBuilds } from '../catalog/builds.ts'
import type { DirtyRow } from '../catalog/nodes.ts'
import { dirtyRows } from '../catalog/nodes.ts'
import type { WriteTransaction } from '../catalog/open.ts'
import { rowsTable } from '../catalog/rows.ts'
import { commitTraces, unmark } from '../catalog/trace.ts'
import type { StoredAsset } from '../core/asset.ts'
import type { NodeName } from '../core/key.ts'
import { nodeText } from '../core/key.ts'
import { holdOf } from '../core/rollback.ts'
import type { Cause } from '../core/plan.ts'
import { boundCauses } from '../core/plan.ts'

import { causesOf } from './causes.ts'
import type { Decision } from './decide.ts'
import type { Decided } from './evidence.ts'
import { decideNodes } from './evidence.ts'
import type { Evaluation } from './evaluate.ts'
import { frameOf } from './evaluate.ts'
import type { Frame, Resolved } from './frame.ts'
import type { Hold } from './hold.ts'
import { resolveNodes } from './frame.ts'

/** A decision that leads to work outside the transaction. */
export type Work = Extract<Decision, { kind: 'retire' | 'ready' | 'known' | 'build' }>

/** One claimed node: everything an attempt needs without asking the catalog again. */
export interface Task {
  readonly asset: StoredAsset
  readonly node: Resolved
  readonly work: Work
  readonly epoch: number
  readonly attempt: string
  /** undefined: nothing is published */
  readonly folder: string | undefined
  /** what would undo its stagings, as its intent says; grows while it is attempted */
  readonly notes: string[]
  /** parts of the stored nodes it reads, by name, as they were when it was claimed */
  readonly parts: ReadonlyMap<string, readonly StoredPart[]>
  /** fingerprint → milliseconds since 1970 */
  readonly firstWanted: ReadonlyMap<string, number>
  readonly claimRevision: number
  readonly current: RetainedBuild | undefined
  readonly currentContentId: string
  readonly causes: readonly Cause[]
}

export interface Claimed {
  readonly tasks: readonly Task[]
  readonly blocked: readonly (NodeName & { readonly why: string })[]
  /** nodes that read something stale: they wait */
  readonly held: readonly number[]
  /** nodes that another has claimed */
  readonly busy: readonly number[]
  /** all that were dirty, as they were in this transaction */
  readonly rows: readonly DirtyRow[]
}

export interface ClaimRequest {
  readonly asset: StoredAsset
  /** as the caller read them; those that are not dirty any more are left alone */
  readonly rows: readonly Pick<DirtyRow, 'id'>[]
  /** nodes that are stale and do not run: whoever reads one waits */
  readonly held: Set<number>
  readonly hold: Hold
  /** ask which of what they read is dirty: a caller that does not know what is stale */
  readonly readsDirty: boolean
  /** a name that no attempt ever had; `at` counts those of one claim */
  readonly nextAttempt: (at: number) => string
}

/** Claims the rows that need work. One transaction, a fixed number of statements. */
export async function claim(evaluation: Evaluation, request: ClaimRequest): Promise<Claimed> {
  const { trx } = evaluation
  const frame = frameOf(evaluation, request.held)
  // A worker may have built one since it was read: its row then says nothing of what it has now.
  const now = await dirtyRows(
    trx,
    request.rows.map((row) => row.id),
  )
  const busy = await openClaims(trx, now)
  const rows = now.filter((row) => !busy.has(row.id))
  const dirty = new Map(rows.map((row) => [row.id, row]))
  const resolved = await resolveNodes(frame, request.asset, rows)
  if (request.readsDirty) {
    for (const node of await dirtyAmong(trx, resolved)) request.held.add(node)
  }
  // What was rolled back takes nothing from what it reads.
  const waits = (node: Resolved): boolean =>
    node.rollback === undefined && node.read.some(([source]) => request.held.has(source))
  const nodes = resolved.filter((node) => !waits(node))
  const { asset } = request
  const decided = await decideNodes(frame, { asset, nodes, dirty, store: evaluation.store })
  await frame.contents.load(
    frame,
    nodes.map((node) => node.row.version),
  )
  await settle(trx, frame, decided)
  const tasks = await take(evaluation, { frame, request, decided })
  return {
    tasks,
    blocked: decided.flatMap(({ node, decision }) =>
      decision.kind === 'blocked'
        ? [{ asset: request.asset.name, key: node.row.key, why: decision.why }]
        : [],
    ),
    held: resolved.filter(waits).map((node) => node.row.id),
    busy: [...busy],
    rows: now,
  }
}

/** Makes what needs work ours: epochs, intents, and what an attempt has to know. */
async function take(
  evaluation: Evaluation,
  {
    frame,
    request,
    decided,
  }: {
    readonly frame: Frame
    readonly request: ClaimRequest
    readonly decided: readonly Decided[]
  },
): Promise<readonly Task[]> {
  const { trx, nowMs, run } = evaluation
  const working = decided.filter((one): one is Decided & { decision: Work } => isWork(one.decision))
  const epochs = await raiseEpochs(
    trx,
    working.map((one) => one.node.row.id),
  )
  const prints = working.flatMap(({ decision }) => wantedPrints(decision))
  const wanted = await firstWanted(trx, prints, nowMs)
  const causes = await causesOf(frame, working)
  const parts = await partsRead(frame, working)
  const tasks = working.map((one, at): Task => {
    const attempt = request.nextAttempt(at)
    const folder = folderOf({ store: evaluation.store, asset: request.asset }, one, attempt)
    return {
      asset: request.asset,
      node: one.node,
      work: one.decision,
      epoch: epochs.get(one.node.row.id) ?? 0,
      attempt,
      folder,
      notes: folder === undefined ? [] : [folder],
      parts,
      firstWanted: wanted,
      claimRevision: trx.revision,
      current: one.current,
      currentContentId: frame.contents.get(one.node.row.version).contentId,
      causes: boundCauses(causes[at] ?? []).causes,
    }
  })
  await insertIntents(trx, { run, hold: request.hold, tasks })
  const claims = tasks.map(({ node, epoch }) => ({
    asset: request.asset.name,
    key: node.row.key,
    epoch,
    holder: request.hold.holder,
  }))
  await evaluation.hooks.onClaimed?.({ trx, nowMs, run }, claims)
  return tasks
}

const isWork = (decision: Decision): decision is Work =>
  decision.kind === 'retire' ||
  decision.kind === 'ready' ||
  decision.kind === 'known' ||
  decision.kind === 'build'

async function settle(
  trx: WriteTransaction,
  frame: Frame,
  decided: readonly Decided[],
): Promise<void> {
  const done = decided.filter(
    ({ decision }) => decision.kind === 'clean' || decision.kind === 'absent',
  )
  await unmark(
    trx,
    done.map(({ node }) => node.row.id),
  )
  await commitTraces(
    trx,
    done.map(({ node }) => ({
      node: node.row.id,
      contentId: frame.contents.get(node.row.version).contentId,
      value: null,
      read: node.read,
      dropped: node.dropped,
      claimRevision: trx.revision,
      waiting: holdOf(node.rollback),
    })),
  )
}

async function raiseEpochs(
  { db, dialect }: WriteTransaction,
  nodes: readonly number[],
): Promise<ReadonlyMap<number, number>> {
  if (nodes.length === 0) return new Map()
  const wanted = rowsTable(
    dialect,
    { id: 'int' },
    nodes.map((id) => [id]),
  )
  const { rows } = await sql<{ id: number; epoch: number }>`
    update node set epoch = epoch + 1 where id in (select w.id from ${wanted} w)
    returning id, epoch`.execute(db)
  return new Map(rows.map((row) => [row.id, row.epoch]))
}

/** The parts that builds will read, found once for the whole batch. */
async function partsRead(
  frame: Frame,
  working: readonly (Decided & { readonly decision: Work })[],
): Promise<ReadonlyMap<string, readonly StoredPart[]>> {
  const { assets } = frame.definitions.graph
  const isStored = (asset: string): boolean => {
    const kind = assets.get(asset)?.kind
    return kind === 'stored' || kind === 'output'
  }
  const slots = working.flatMap(({ node, decision }) =>
    decision.kind === 'build' ? node.slots.filter((slot) => isStored(slot.asset)) : [],
  )
  const byNode = new Map(slots.map((slot) => [slot.node, slot]))
  const builds = await retainedBuilds(frame, [...byNode.keys()], 'current')
  return new Map(
    [...byNode].map(([id, slot]) => [nodeText(slot), builds.get(id)?.[0]?.parts ?? []]),
  )
}

/** Fingerprints of the parts to be computed; an opaque build's is its own. */
const wantedPrints = (work: Work): readonly string[] => {
  if (work.kind !== 'build' || work.parts === undefined) return []
  return work.parts.flatMap((part) => (part.found === undefined ? [part.fingerprint] : []))
}

function folderOf(
  { store, asset }: Pick<Evaluation, 'store'> & Pick<ClaimRequest, 'asset'>,
  { node, decision }: Decided,
  attempt: string,
): string | undefined {
  const publication = asset.publish?.(node.key)
  if (publication === undefined || decision.kind === 'retire') return undefined
  return store.folderFor(publication.path, attempt)
}

/** Nodes with an open claim: another's at work, or a dead one's that recovery has to end first. */
async function openClaims(
  { db, dialect }: WriteTransaction,
  rows: readonly { readonly id: number }[],
): Promise<ReadonlySet<number>> {
  const wanted = rowsTable(
    dialect,
    { id: 'int' },
    rows.map(({ id }) => [id]),
  )
  const open = await sql<{ node: number }>`
    select i.node from ${wanted} w join intent i on i.node = w.id`.execute(db)
  return new Set(open.rows.map((row) => row.node))
}

/** What the nodes read and is dirty. */
async function dirtyAmong(
  { db, dialect }: WriteTransaction,
  nodes: readonly Resolved[],
): Promise<readonly number[]> {
  const reads = new Set(nodes.flatMap((node) => node.read.map(([source]) => source)))
  const wanted = rowsTable(
    dialect,
    { id: 'int' },
    [...reads].map((id) => [id]),
  )
  const { rows } = await sql<{ node: number }>`
    select d.node from ${wanted} w join dirty d on d.node = w.id`.execute(db)
  return rows.map(({ node }) => node)
}

/** Records whose they are and what may be written, before it is. */
async function insertIntents(
  trx: WriteTransaction,
  {
    run,
    hold,
    tasks,
  }: { readonly run: number; readonly hold: Hold; readonly tasks: readonly Task[] },
): Promise<void> {
  const endMs = await hold.claimsEndMs(trx)
  const { db, dialect } = trx
  if (tasks.length === 0) return
  const wanted = rowsTable(
    dialect,
    { node: 'int', epoch: 'int', notes: 'text' },
    tasks.map((task) => [task.node.row.id, task.epoch, JSON.stringify(task.notes)]),
  )
  await sql`insert into intent (node, run, epoch, state, notes, holder, expires_ms)
    select node, ${run}, epoch, 'prepared', notes, ${hold.holder}, ${sql.lit(endMs)} from ${wanted} w`.execute(
    db,
  )
}
