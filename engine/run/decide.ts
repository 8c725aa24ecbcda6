/**
 * Decides what a stored node needs: nothing, a retirement, parts that are already there, a build.
 *
 * Pure over what was resolved and what is retained; a plan and a claim call the same function, so
 * a plan cannot promise what a run would not do. Parts are looked for before they are computed:
 * in the current version, then in retained ones.
 */
import type { RetainedBuild, StoredPart } from '../catalog/builds.ts'
import { readBy } from '../catalog/builds.ts'
import type { DirtyRow } from '../catalog/nodes.ts'
import type { Outline, PartOutline, StoredAsset } from '../core/asset.ts'
import type { ContentId, Fingerprint, Json } from '../core/digest.ts'
import { partsContentId } from '../core/digest.ts'
import { FRESHNESS, RECIPE, fingerprint } from '../core/fingerprint.ts'
import type { NodeName } from '../core/key.ts'
import { nodeText } from '../core/key.ts'
import type { RollbackFact } from '../core/rollback.ts'
import type { Resolved } from './frame.ts'

export interface PartDecision {
  readonly name: string
  readonly fingerprint: Fingerprint
  /** where its bytes already are; undefined: to be computed */
  readonly found: StoredPart | undefined
}

export type Decision =
  /** its slots are those of its last build after all */
  | { readonly kind: 'clean' }
  /** it has no content and gets none: only its trace is brought up to date */
  | { readonly kind: 'absent' }
  | { readonly kind: 'retire'; readonly why: string }
  | { readonly kind: 'blocked'; readonly why: string }
  /** every part is there: linked, nothing computed */
  | {
      readonly kind: 'ready'
      readonly fingerprint: Fingerprint
      readonly contentId: ContentId
      readonly value: Json | undefined
      readonly parts: readonly StoredPart[]
    }
  /** a build was made from these slots before, and all it made is still there */
  | {
      readonly kind: 'known'
      readonly fingerprint: Fingerprint
      readonly version: number
      readonly parts: readonly StoredPart[]
    }
  | {
      readonly kind: 'build'
      readonly fingerprint: Fingerprint
      /** undefined: the build decides about its own parts */
      readonly parts: readonly PartDecision[] | undefined
    }

export interface Evidence {
  readonly asset: StoredAsset
  readonly node: Resolved
  /** undefined: not dirty, looked at because something upstream is expected to change */
  readonly dirty: DirtyRow | undefined
  /** current first, then newest first */
  readonly builds: readonly RetainedBuild[]
  /** parts of the node an outline copies */
  readonly partsOf: (name: NodeName) => readonly StoredPart[] | undefined
}

/** The outline of a node's build, and the retirement of a key no parent gives any more. */
export function outlineOf(asset: StoredAsset, node: Resolved): Outline {
  if (!node.isMember) return { verdict: 'retire', why: 'no parent gives this key any more' }
  // In a plan: a parent will appear, and an outline never sees a node that no parent gives.
  if (!node.members.some((member) => member.isPresent)) return { verdict: 'build' }
  return asset.outline?.(node.inputs) ?? { verdict: 'build' }
}

/** Whether the last build read exactly these slots, by version. */
function sameSlots(node: Resolved, build: RetainedBuild): boolean {
  const before = readBy(build)
  return (
    before.size === node.slots.length &&
    node.slots.every((slot, place) => before.of(slot.node, place) === slot.version)
  )
}

/** What a node needs, from what was resolved and what is retained. */
export function decide({ asset, node, dirty, builds, partsOf }: Evidence): Decision {
  const current = builds.find((build) => build.current)
  const insists = dirty?.cause === 'forced' || dirty?.cause === 'missing'
  if (current !== undefined && !insists && sameSlots(node, current)) return { kind: 'clean' }
  if (node.rollback !== undefined) {
    return backTo(node.rollback, {
      own: fingerprint({ asset: asset.name, key: node.row.key, slots: node.slots }),
      builds,
    })
  }
  const outline = outlineOf(asset, node)
  if (outline.verdict === 'blocked') return { kind: 'blocked', why: outline.why }
  if (outline.verdict === 'retire') {
    return node.row.version === 0 ? { kind: 'absent' } : { kind: 'retire', why: outline.why }
  }
  const own = fingerprint({ asset: asset.name, key: node.row.key, slots: node.slots })
  if (outline.verdict === 'copy') return copyOf({ outline, own, parts: partsOf(outline.of) })
  const usable = dirty?.cause === 'forced' ? [] : builds
  if (outline.parts === undefined) return wholeBuild(own, givingBack(asset, { usable, insists }))
  return partsBuild({ asset, node, own, outlined: outline.parts, builds: usable })
}

/** The version a person went back to: whatever else the node reads, nothing is computed. */
function backTo(
  { contentId, commitNumber }: RollbackFact,
  { own, builds }: { readonly own: Fingerprint; readonly builds: readonly RetainedBuild[] },
): Decision {
  const kept = builds.find(
    (build) => build.isWhole && build.version !== 0 && partsContentId(build.parts) === contentId,
  )
  if (kept === undefined) {
    const why = `it was rolled back to commit ${commitNumber}, whose parts are not in the store any more`
    return { kind: 'blocked', why }
  }
  return { kind: 'known', fingerprint: own, version: kept.version, parts: kept.parts }
}

/** Slots that every part reads. */
const IMPLIED: ReadonlySet<string> = new Set([RECIPE, FRESHNESS])

/** A build of named parts: those that are there are kept, the others computed. */
function partsBuild({
  asset,
  node,
  own,
  outlined,
  builds,
}: {
  readonly asset: StoredAsset
  readonly node: Resolved
  readonly own: Fingerprint
  readonly outlined: readonly PartOutline[]
  readonly builds: readonly RetainedBuild[]
}): Decision {
  const parts = outlined.map(({ name, reads }) => {
    const slots = node.slots.filter((slot) => IMPLIED.has(slot.asset) || reads(slot))
    const print = fingerprint({ asset: asset.name, key: node.row.key, part: name, slots })
    return { name, fingerprint: print, found: findPart(builds, name, print) }
  })
  const found = parts.flatMap((part) =>
    part.found === undefined ? [] : [{ ...part.found, fingerprint: part.fingerprint }],
  )
  if (found.length < parts.length || parts.length === 0) {
    // A cutoff keeps the parts it was found equal to, under the fingerprints they were made from.
    const known = wholeBuild(own, builds)
    return known.kind === 'known' ? known : { kind: 'build', fingerprint: own, parts }
  }
  const value = asset.summarize?.(
    found.map((part) => ({ name: part.name, rows: part.rows ?? undefined })),
  )
  return { kind: 'ready', fingerprint: own, contentId: partsContentId(found), value, parts: found }
}

function copyOf({
  outline,
  own,
  parts,
}: {
  readonly outline: Extract<Outline, { verdict: 'copy' }>
  readonly own: Fingerprint
  readonly parts: readonly StoredPart[] | undefined
}): Decision {
  if (parts === undefined || parts.length === 0) {
    return { kind: 'blocked', why: `${nodeText(outline.of)} has no parts to copy` }
  }
  const copied = parts.map((part) => ({ ...part, fingerprint: null }))
  return {
    kind: 'ready',
    fingerprint: own,
    contentId: partsContentId(copied),
    value: outline.value,
    parts: copied,
  }
}

/** A build that writes further nodes gives back only what stands: older outputs may be gone. */
function givingBack(
  asset: StoredAsset,
  { usable, insists }: { readonly usable: readonly RetainedBuild[]; readonly insists: boolean },
): readonly RetainedBuild[] {
  if (asset.outputs === undefined) return usable
  return insists ? [] : usable.filter((one) => one.current)
}

function wholeBuild(own: Fingerprint, builds: readonly RetainedBuild[]): Decision {
  const same = builds.find(
    (one) => one.fingerprint === own && one.version !== 0 && one.isWhole && hasAllParts(one),
  )
  if (same === undefined) return { kind: 'build', fingerprint: own, parts: undefined }
  return { kind: 'known', fingerprint: own, version: same.version, parts: same.parts }
}

/** Of an old version a single part may have been forgotten, as a damaged one is. */
const hasAllParts = ({ parts, contentId }: RetainedBuild): boolean =>
  parts.length === 0 || partsContentId(parts) === contentId

const findPart = (
  builds: readonly RetainedBuild[],
  name: string,
  print: Fingerprint,
): StoredPart | undefined => {
  for (const build of builds) {
    const part = build.parts.find((one) => one.name === name && one.fingerprint === print)
    if (part !== undefined) return part
  }
  return undefined
}
