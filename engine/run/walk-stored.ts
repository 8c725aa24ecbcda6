/** The stored nodes of a walk: what would be done to each, and what that means for its readers. */
import { ABSENT_CONTENT } from '../catalog/contents.ts'
import type { DirtyRow } from '../catalog/nodes.ts'
import { commitTraces, unmark } from '../catalog/trace.ts'
import type { StoredAsset } from '../core/asset.ts'
import type { NodeName } from '../core/key.ts'
import { compareText, nodeText } from '../core/key.ts'
import { holdOf } from '../core/rollback.ts'
import type { Cause, Step } from '../core/plan.ts'
import { boundCauses } from '../core/plan.ts'
import { causesOf } from './causes.ts'
import type { Decision } from './decide.ts'
import type { Decided } from './evidence.ts'
import { decideNodes } from './evidence.ts'
import type { Resolved } from './frame.ts'
import { resolveNodes } from './frame.ts'
import { runsSurely } from './sure.ts'
import type { Candidates, Selected, Walk } from './walk-state.ts'
import { expectContent, firstIn, nameExpected, readsExpected } from './walk-state.ts'

/** A decision, and what of its inputs is not settled. */
interface Judged extends Decided {
  readonly name: NodeName & { readonly id: number }
  readonly pendingOn: NodeName | undefined
  readonly doubtedOn: NodeName | undefined
}

const isSettled = ({ pendingOn }: Judged): boolean => pendingOn === undefined
const needsNothing = ({ decision }: Judged): boolean =>
  decision.kind === 'clean' || decision.kind === 'absent'

/** Visits the candidates of one asset; returns the nodes whose dependents must be looked at. */
export async function visitStored(
  walk: Walk,
  asset: StoredAsset,
  { dirty, touched }: Candidates,
): Promise<readonly number[]> {
  const dirtyById = new Map(dirty.map((row) => [row.id, row]))
  const below = [...touched.values()].filter((row) => !dirtyById.has(row.id))
  const rows = [...dirty, ...below].toSorted((a, b) => compareText(a.key, b.key))
  const resolved = await resolveNodes(walk.frame, asset, rows)
  const isSelected = await walk.selectedNow()
  const moved: number[] = []
  const free: Resolved[] = []
  for (const node of resolved) {
    const heldBy = node.rollback === undefined ? firstIn(walk.held, node) : undefined
    if (heldBy === undefined) free.push(node)
    else moved.push(holdBelow(walk, { asset: asset.name, node, heldBy, isSelected }))
  }
  const judged = await judge(walk, asset, { nodes: free, dirty: dirtyById })
  await settle(walk, judged)
  const steps: Judged[] = []
  for (const one of judged) {
    const took = isSelected(one.name) ? await take(walk, asset, one) : leave(walk, asset, one)
    if (took.isStep) steps.push(one)
    if (took.isMoved) moved.push(one.name.id)
  }
  await addSteps(walk, asset, steps)
  await nameExpected(walk, moved)
  return moved
}

function holdBelow(
  walk: Walk,
  {
    asset,
    node,
    heldBy,
    isSelected,
  }: {
    readonly asset: string
    readonly node: Resolved
    readonly heldBy: NodeName
    readonly isSelected: Selected
  },
): number {
  const { id, key } = node.row
  if (isSelected({ asset, key, id })) {
    const why = `${nodeText(heldBy)} has to be built first: select +${asset}/${key}`
    walk.waiting.push({ asset, key, kind: 'upstream', why, on: heldBy })
  }
  hold(walk, { asset, key, id }, node)
  return id
}

function hold(walk: Walk, { asset, key, id }: Judged['name'], node: Resolved): void {
  walk.held.set(id, { asset, key })
  if (node.row.version !== 0) walk.stale.add(id)
}

async function judge(
  walk: Walk,
  asset: StoredAsset,
  {
    nodes,
    dirty,
  }: { readonly nodes: readonly Resolved[]; readonly dirty: ReadonlyMap<number, DirtyRow> },
): Promise<readonly Judged[]> {
  const { store } = walk.evaluation
  const decided = await decideNodes(walk.frame, { asset, nodes, dirty, store })
  return decided.map((one) => ({
    ...one,
    name: { asset: asset.name, key: one.node.row.key, id: one.node.row.id },
    pendingOn: firstIn(walk.pending, one.node),
    // What is not selected does not move, and what was rolled back does not mind that it is stale.
    doubtedOn: one.node.rollback === undefined ? firstIn(walk.doubted, one.node) : undefined,
  }))
}

interface Took {
  readonly isStep: boolean
  /** its dependents have to be looked at */
  readonly isMoved: boolean
}

/** A node that is not selected keeps what it has: stale, perhaps stale, or current. */
function leave(walk: Walk, asset: StoredAsset, one: Judged): Took {
  const { name, node } = one
  const { asset: assetName, key } = name
  if (isSettled(one) && needsNothing(one)) {
    if (one.doubtedOn !== undefined) walk.doubted.set(name.id, { asset: assetName, key })
    return { isStep: false, isMoved: one.doubtedOn !== undefined }
  }
  const isStale = isSettled(one) || runsSurely(walk, asset, one)
  if (isStale) hold(walk, name, node)
  else walk.doubted.set(name.id, { asset: assetName, key })
  return { isStep: false, isMoved: true }
}

/** A selected node: a step, something to wait for, or nothing. */
async function take(walk: Walk, asset: StoredAsset, one: Judged): Promise<Took> {
  const { name, node, decision } = one
  const { asset: assetName, key } = name
  if (!isSettled(one)) {
    walk.pending.set(name.id, { asset: assetName, key })
    if (one.doubtedOn !== undefined) walk.doubted.set(name.id, { asset: assetName, key })
    else if (runsSurely(walk, asset, one)) walk.surely.add(name.id)
    return { isStep: true, isMoved: true }
  }
  if (needsNothing(one)) {
    if (one.doubtedOn !== undefined) walk.doubted.set(name.id, { asset: assetName, key })
    return { isStep: false, isMoved: one.doubtedOn !== undefined }
  }
  if (decision.kind === 'blocked') {
    walk.waiting.push({ asset: assetName, key, kind: 'blocked', why: decision.why })
    hold(walk, name, node)
    return { isStep: false, isMoved: true }
  }
  if (one.doubtedOn !== undefined) {
    walk.doubted.set(name.id, { asset: assetName, key })
    walk.pending.set(name.id, { asset: assetName, key })
    return { isStep: true, isMoved: true }
  }
  return { isStep: true, isMoved: await foresee(walk, one) }
}

/** Puts what a step will make under expected or pending. Returns whether dependents are touched. */
async function foresee(walk: Walk, { name, node, decision }: Judged): Promise<boolean> {
  const { row } = node
  if (decision.kind === 'retire') {
    expectContent(walk, row.id, ABSENT_CONTENT)
    return true
  }
  if (decision.kind === 'ready' || decision.kind === 'known') {
    const version = decision.kind === 'known' ? decision.version : row.version
    await walk.frame.contents.load(walk.frame, [row.version, version])
    const next = decision.kind === 'known' ? walk.frame.contents.get(version) : decision
    if (next.contentId === walk.frame.contents.get(row.version).contentId) return false
    const { parts } = decision
    expectContent(walk, row.id, { contentId: next.contentId, value: next.value, parts })
    return true
  }
  walk.pending.set(row.id, { asset: name.asset, key: name.key })
  walk.surely.add(row.id)
  return true
}

/**
 * Ends what turned out to be no work, selected or not: reverted edits, and nodes that have and get
 * no content. They must not make their dependents wait.
 */
async function settle(walk: Walk, judged: readonly Judged[]): Promise<void> {
  const { trx } = walk.evaluation
  const done = judged.filter(
    (one) =>
      isSettled(one) &&
      !readsExpected(walk, one.node) &&
      needsNothing(one) &&
      (one.dirty !== undefined || one.decision.kind === 'absent'),
  )
  await unmark(
    trx,
    done.map((one) => one.node.row.id),
  )
  await walk.frame.contents.load(
    walk.frame,
    done.map((one) => one.node.row.version),
  )
  await commitTraces(
    trx,
    done.map(({ node }) => ({
      node: node.row.id,
      ...walk.frame.contents.get(node.row.version),
      value: null,
      read: node.read,
      dropped: node.dropped,
      claimRevision: trx.revision,
      waiting: holdOf(node.rollback),
    })),
  )
}

async function addSteps(walk: Walk, asset: StoredAsset, steps: readonly Judged[]): Promise<void> {
  const causes = await causesOf(walk.frame, steps)
  for (const [at, { node, name, decision, pendingOn, doubtedOn }] of steps.entries()) {
    const unsettledOn = pendingOn ?? doubtedOn
    const upstream: Cause[] =
      unsettledOn === undefined ? [] : [{ kind: 'upstream', ...unsettledOn }]
    if (node.row.version !== 0) walk.stale.add(name.id)
    walk.steps.push({
      asset: asset.name,
      key: name.key,
      verdict: verdictOf(decision, unsettledOn === undefined || walk.surely.has(name.id)),
      ...boundCauses(decision.kind === 'clean' ? upstream : [...(causes[at] ?? []), ...upstream]),
      ...partCounts(decision),
    })
  }
}

function verdictOf(decision: Decision, isSure: boolean): Step['verdict'] {
  if (!isSure) return 'maybe'
  if (decision.kind === 'retire') return 'retire'
  return decision.kind === 'ready' || decision.kind === 'known' ? 'reuse' : 'build'
}

function partCounts(decision: Decision): Pick<Step, 'partsToCompute' | 'partsKept'> {
  if (decision.kind === 'ready') return { partsToCompute: 0, partsKept: decision.parts.length }
  if (decision.kind !== 'build' || decision.parts === undefined) return {}
  const found = decision.parts.filter((part) => part.found !== undefined).length
  return { partsToCompute: decision.parts.length - found, partsKept: found }
}
