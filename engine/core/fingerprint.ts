/**
 * The fingerprint: what a build would read, as one digest that can be explained and re-derived.
 *
 * `fp/1` = SHA-256 over length-framed pieces: the domain, the asset, the key, then name and
 * content id of every slot, sorted by name. A slot's name is the node it reads, so a fan-in is an
 * ordered list of (key, content id), and an asset's recipe version is a slot like any other. The
 * slots are stored beside the digest: a decision is explained by a diff of two slot tables, and an
 * engine that changes the domain re-hashes what is stored instead of rebuilding.
 */
import type { ContentId, Fingerprint, Json } from './digest.ts'
import { frameDigest } from './digest.ts'
import { compareText, nodeText } from './key.ts'

/** One named input of a build: a node and what it contains. */
export interface Slot {
  readonly asset: string
  /** the node's key in text form */
  readonly key: string
  /** `absent` when the node has no content */
  readonly contentId: ContentId
  /** small values (facts, value nodes, what a stored build returned); absent: undefined */
  readonly value: Json | undefined
}

/** The asset under which every asset's recipe version is a fact. */
export const RECIPE = 'recipe'

/** The asset under which the time bucket of an asset with `freshness` is a fact. */
export const FRESHNESS = 'freshness'

/** The asset under which a person's decision to go back is a fact, by the partition's name. */
export const ROLLBACK = 'rollback'

const byName = (a: Slot, b: Slot): number =>
  compareText(a.asset, b.asset) || compareText(a.key, b.key)

/** Slots in the order they are hashed: by name. A list in that order is returned as it is. */
export const sortSlots = <One extends Slot>(slots: readonly One[]): readonly One[] =>
  isSorted(slots) ? slots : slots.toSorted(byName)

function isSorted(slots: readonly Slot[]): boolean {
  let before: Slot | undefined
  for (const slot of slots) {
    if (before !== undefined && byName(before, slot) > 0) return false
    before = slot
  }
  return true
}

/** The fingerprint of one build, or of one part of it when `part` is given. */
export function fingerprint(target: {
  readonly asset: string
  readonly key: string
  readonly part?: string
  readonly slots: readonly Slot[]
}): Fingerprint {
  const pieces = ['fp/1', target.asset, target.key, target.part ?? '']
  for (const slot of sortSlots(target.slots)) pieces.push(nodeText(slot), slot.contentId)
  return frameDigest(pieces) as string as Fingerprint
}

/** How one slot differs between what was read and what would be read now. */
export interface SlotChange {
  readonly asset: string
  readonly key: string
  /** `undefined`: not a slot before */
  readonly from: ContentId | undefined
  /** `undefined`: no longer a slot */
  readonly to: ContentId | undefined
}

/** The slots that differ, by name. Empty exactly when the two fingerprints are equal. */
export function slotChanges(
  before: readonly Pick<Slot, 'asset' | 'key' | 'contentId'>[],
  after: readonly Pick<Slot, 'asset' | 'key' | 'contentId'>[],
): readonly SlotChange[] {
  const old = new Map(before.map((slot) => [nodeText(slot), slot]))
  const changes: SlotChange[] = []
  for (const slot of after) {
    const was = old.get(nodeText(slot))
    old.delete(nodeText(slot))
    if (was?.contentId === slot.contentId) continue
    changes.push({ asset: slot.asset, key: slot.key, from: was?.contentId, to: slot.contentId })
  }
  for (const slot of old.values()) {
    changes.push({ asset: slot.asset, key: slot.key, from: slot.contentId, to: undefined })
  }
  return changes.toSorted((a, b) => compareText(nodeText(a), nodeText(b)))
}
