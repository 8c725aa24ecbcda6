/**
 * A plan: what a run would do and why, as plain data.
 *
 * Verdicts: `build` (its own slots differ), `maybe` (differs only if a listed step's output
 * changes), `reuse` (every part is already there), `retire`. Nodes that cannot run stand apart
 * under `waiting`. The promise: every `build` runs, and nothing unlisted runs.
 */
import type { ContentId, Json } from './digest.ts'
import { canonicalJson } from './digest.ts'

export type Verdict = 'build' | 'maybe' | 'reuse' | 'retire'
export type Outcome = 'built' | 'reused' | 'cutoff' | 'retired' | 'failed' | 'unchanged'

/** Why a node's slots differ from what its last build read. */
export interface Cause {
  readonly kind:
    | 'new' // never built
    | 'input' // a slot has other content
    | 'added' // a new slot
    | 'removed' // a slot is gone
    | 'recipe' // the asset's code has another version
    | 'missing' // a part is not in the store or has another size
    | 'forced' // a person asked for it
    | 'upstream' // only `maybe`: a listed step may change it
  /** the node whose content changed */
  readonly asset?: string
  readonly key?: string
  readonly from?: ContentId
  readonly to?: ContentId
  /** JSON pointers into the changed value, at most 8 */
  readonly pointers?: readonly string[]
  /** for `forced` and `missing`: the reason recorded */
  readonly reason?: string
}

export interface Step {
  readonly asset: string
  readonly key: string
  readonly verdict: Verdict
  /** at most 8; `causesMore` counts the rest */
  readonly causes: readonly Cause[]
  readonly causesMore: number
  /** parts: to compute, and kept or copied */
  readonly partsToCompute?: number
  readonly partsKept?: number
  readonly estimateMs?: number
}

export interface Waiting {
  readonly asset: string
  readonly key: string
  readonly kind: 'hold' | 'blocked' | 'upstream'
  readonly why: string
  /** for `upstream`: the parent that has to be built first */
  readonly on?: { readonly asset: string; readonly key: string }
}

export interface Plan {
  readonly id: string
  /** catalog revision and digest of what was observed */
  readonly basis: { readonly revision: number; readonly observation: string }
  readonly selection: string
  /** upstream first, then by key */
  readonly steps: readonly Step[]
  readonly waiting: readonly Waiting[]
  /** stored partitions that exist and are current */
  readonly unchanged: number
}

const CAUSES_MAX = 8

/** Cuts a list of causes to what a step shows. */
export const boundCauses = (causes: readonly Cause[]): Pick<Step, 'causes' | 'causesMore'> => ({
  causes: causes.slice(0, CAUSES_MAX),
  causesMore: Math.max(0, causes.length - CAUSES_MAX),
})

const POINTERS_MAX = 8

/**
 * JSON pointers (RFC 6901) of the places where two values differ: the deepest common places, in
 * document order, at most 8. An array whose length changed is one place.
 */
export function changedPointers(before: Json | undefined, after: Json | undefined): string[] {
  const found: string[] = []
  const visit = (from: Json | undefined, to: Json | undefined, at: string): void => {
    if (found.length >= POINTERS_MAX || canonicalJson(from ?? null) === canonicalJson(to ?? null)) {
      return
    }
    const names = sharedShape(from, to)
    if (names === undefined) {
      found.push(at)
      return
    }
    for (const name of names) {
      const escaped = name.replaceAll('~', '~0').replaceAll('/', '~1')
      visit(member(from, name), member(to, name), `${at}/${escaped}`)
    }
  }
  visit(before, after, '')
  return found
}

function sharedShape(from: Json | undefined, to: Json | undefined): string[] | undefined {
  if (typeof from !== 'object' || typeof to !== 'object' || from === null || to === null) {
    return undefined
  }
  if (Array.isArray(from) !== Array.isArray(to)) return undefined
  if (Array.isArray(from) && Array.isArray(to) && from.length !== to.length) return undefined
  return [...new Set([...Object.keys(from), ...Object.keys(to)])]
}

const member = (value: Json | undefined, name: string): Json | undefined =>
  value === null || typeof value !== 'object'
    ? undefined
    : (value as Readonly<Record<string, Json>>)[name]
