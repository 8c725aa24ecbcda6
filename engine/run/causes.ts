/** Why a node would be built: the difference between what its last build read and what it would. */
import type { RetainedBuild } from '../catalog/builds.ts'
import { readBy } from '../catalog/builds.ts'
import type { DirtyRow } from '../catalog/nodes.ts'
import { nodesById } from '../catalog/nodes.ts'
import { RECIPE } from '../core/fingerprint.ts'
import type { NodeName } from '../core/key.ts'
import type { Cause } from '../core/plan.ts'
import { changedPointers } from '../core/plan.ts'
import type { Frame, Resolved, SlotAt } from './frame.ts'

export interface CauseQuestion {
  readonly node: Resolved
  readonly current: RetainedBuild | undefined
  readonly dirty: DirtyRow | undefined
}

/** Causes of many nodes: their old contents are loaded together. In the order of `questions`. */
export async function causesOf(
  frame: Frame,
  questions: readonly CauseQuestion[],
): Promise<readonly (readonly Cause[])[]> {
  const compared = questions.map((question) => compare(question))
  await frame.contents.load(
    frame,
    compared.flatMap((diffs) => diffs.flatMap((diff) => diff.before ?? [])),
  )
  const gone = compared.flatMap((diffs) =>
    diffs.flatMap((diff) => (diff.now === undefined ? [diff.source] : [])),
  )
  const names = new Map(
    (await nodesById(frame, [...new Set(gone)])).map((row) => [
      row.id,
      { asset: frame.definitions.ids.nameOf(row.asset), key: row.key },
    ]),
  )
  const pointers = new Map<string, readonly string[]>()
  return compared.map((diffs, at) => {
    const question = questions[at]
    const own = question === undefined ? [] : ownCauses(question)
    return [...own, ...diffs.map((diff) => causeOf(diff, { frame, names, pointers }))]
  })
}

interface Difference {
  readonly source: number
  /** version before; undefined: was no slot */
  readonly before: number | undefined
  /** undefined: no slot any more */
  readonly now: SlotAt | undefined
}

function compare({ node, current }: CauseQuestion): readonly Difference[] {
  if (current === undefined) return []
  const before = readBy(current)
  const differences: Difference[] = []
  let kept = 0
  for (const [place, slot] of node.slots.entries()) {
    const version = before.of(slot.node, place)
    if (version !== undefined) kept++
    if (version !== slot.version)
      differences.push({ source: slot.node, before: version, now: slot })
  }
  if (kept === before.size) return differences
  const now = new Set(node.slots.map((slot) => slot.node))
  for (const [source, version] of before) {
    if (!now.has(source)) differences.push({ source, before: version, now: undefined })
  }
  return differences
}

function ownCauses({ current, dirty }: CauseQuestion): readonly Cause[] {
  if (current === undefined) return [{ kind: 'new' }]
  if (dirty?.cause !== 'forced' && dirty?.cause !== 'missing') return []
  return [{ kind: dirty.cause, ...(dirty.reason === null ? {} : { reason: dirty.reason }) }]
}

function causeOf(
  { source, before, now }: Difference,
  context: {
    readonly frame: Frame
    readonly names: ReadonlyMap<number, NodeName>
    readonly pointers: Map<string, readonly string[]>
  },
): Cause {
  const old = before === undefined ? undefined : context.frame.contents.get(before)
  if (now === undefined) {
    return { kind: 'removed', ...context.names.get(source), ...(old && { from: old.contentId }) }
  }
  const name = { asset: now.asset, key: now.key }
  if (old === undefined) return { kind: 'added', ...name, to: now.contentId }
  const ends = { ...name, from: old.contentId, to: now.contentId }
  if (now.asset === RECIPE) return { kind: 'recipe', ...ends }
  if (old.value === undefined || now.value === undefined) return { kind: 'input', ...ends }
  // One edited mapping is the cause of thousands of steps: its pointers are found once.
  const pair = `${before}:${now.version}`
  const pointers = context.pointers.get(pair) ?? changedPointers(old.value, now.value)
  context.pointers.set(pair, pointers)
  return { kind: 'input', ...ends, ...(pointers.length > 0 && { pointers }) }
}
