/**
 * Whether a node is sure to be built although something it reads is not known yet.
 *
 * `build` is a promise: the node must differ from its last build whatever the pending nodes come
 * to. A pending source may return to what was read before, so it proves nothing; neither does a
 * read that a pending member has named, nor an outline that will see other inputs.
 */
import { readBy } from '../catalog/builds.ts'
import type { StoredAsset } from '../core/asset.ts'
import { RECIPE } from '../core/fingerprint.ts'
import type { Decided } from './evidence.ts'
import type { SlotAt } from './frame.ts'
import type { Walk } from './walk-state.ts'

/** Whether it will be built for certain. */
export function runsSurely(walk: Walk, asset: StoredAsset, one: Decided): boolean {
  if (asset.outline !== undefined || !staysMember(walk, asset, one)) return false
  if (hasPendingMember(walk, one) && mayReadHeld(walk, asset)) return false
  if (one.current === undefined) return true
  const insists = one.dirty?.cause === 'forced' || one.dirty?.cause === 'missing'
  return insists || differsSurely(walk, asset, one)
}

const hasPendingMember = (walk: Walk, { node }: Decided): boolean =>
  node.members.some(({ src }) => walk.pending.has(src))

const readsHeld = new WeakMap<Walk, Map<string, boolean>>()

/** Whether a read that a member has yet to name could be one that waits: asked once an asset. */
function mayReadHeld(walk: Walk, asset: StoredAsset): boolean {
  const answers = readsHeld.get(walk) ?? new Map<string, boolean>()
  readsHeld.set(walk, answers)
  // What an asset may read was visited before it, so the answer holds for all of its nodes.
  const answer = answers.get(asset.name) ?? couldReadHeld(walk, asset)
  answers.set(asset.name, answer)
  return answer
}

function couldReadHeld(walk: Walk, asset: StoredAsset): boolean {
  const { graph } = walk.evaluation.definitions
  const waiting = new Set(
    [...walk.held.values(), ...walk.doubted.values()].map((name) => name.asset),
  )
  const mayWait = (name: string): boolean => {
    const read = graph.assets.get(name)
    const isOnDemand = read?.kind === 'value' && read.from === undefined
    return waiting.has(name) || (isOnDemand && (read.reads?.assets ?? []).some(mayWait))
  }
  return (asset.reads?.assets ?? []).some(mayWait)
}

/** Some parent gives the key now, and will have content and give it afterwards. */
function staysMember(walk: Walk, asset: StoredAsset, { node }: Decided): boolean {
  return node.members.some(({ src, asset: parent, isPresent }) => {
    if (!walk.pending.has(src)) return isPresent
    return asset.from[parent]?.by === 'key' && walk.surely.has(src)
  })
}

/** Some slot differs from the last build's and cannot go back. */
function differsSurely(walk: Walk, asset: StoredAsset, one: Decided): boolean {
  const { node, current } = one
  const readsAreFixed = !hasPendingMember(walk, one)
  const before = current === undefined ? undefined : readBy(current)
  const isMember = (slot: SlotAt): boolean => asset.from[slot.asset] !== undefined

  return node.slots.some((slot, place) => {
    if (walk.pending.has(slot.node)) return false
    const version = before?.of(slot.node, place)
    if (version === slot.version) return false
    return version !== undefined || isMember(slot) || slot.asset === RECIPE || readsAreFixed
  })
}
