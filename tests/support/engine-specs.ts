/**
 * Small descriptions of asset graphs, and the pure functions that both the assets
 * (engine-declare.ts) and the naive model (engine-model.ts) are made of.
 *
 * Contents are small on purpose: `n` is 0, 1 or 2, so that cutoffs, reverts and coincidences are
 * frequent. Every value says all that its parts say, so equal values are equal contents.
 */
import { createHash } from 'node:crypto'
import type { Json } from '../../engine/index.ts'
import { canonicalJson } from '../../engine/index.ts'

export type Shape =
  | 'fact'
  | 'value'
  | 'demand' // a value node that exists because something reads it
  | 'plain' // stored, a value and no parts
  | 'opaque' // one part
  | 'parts' // one part for each member
  | 'copy'
  | 'writer'
  | 'output'
export type MapName = 'same' | 'all' | 'half' | 'value'
export type Pick = 'same' | 'fixed' | 'value'

export interface AssetSpec {
  readonly name: string
  readonly shape: Shape
  readonly from: readonly { readonly parent: string; readonly map: MapName }[]
  readonly reads: readonly { readonly parent: string; readonly pick: Pick }[]
  /** one content in five is absent, or retires the node */
  readonly mayBeAbsent: boolean
  readonly seed: number
}

export type Recipes = Readonly<Record<string, string>>

/** What a node contains: `n` is read by others, `k` names keys, the rest tells contents apart. */
export interface Content {
  readonly n: number
  readonly k: readonly string[]
  readonly [more: string]: Json
}

const KEYS = ['0', '1', '2'] as const
export const FACT_KEYS = ['0', '1', '2', '3'] as const
const keysOf = (n: number, seed: number): readonly string[] =>
  KEYS.filter((_, at) => (n + seed + at) % 3 !== 0)

export const factContent = (n: number, more: number): Content => ({ n, k: keysOf(n, 0), more })

/** The keys one parent gives. */
export function mapKeys(map: MapName, key: string, content: Content): readonly string[] {
  if (map === 'same') return [key]
  if (map === 'all') return ['a']
  if (map === 'half') return [`h${(key.codePointAt(0) ?? 0) % 2}`]
  return content.k
}

/** The key that a read names, from the members alone. */
export function pickKey(
  pick: Pick,
  key: string,
  members: readonly { readonly n: number }[],
): string {
  if (pick === 'same') return key
  return pick === 'fixed' ? '0' : String(members.reduce((sum, { n }) => sum + n, 0) % 3)
}

export interface Read {
  readonly asset: string
  readonly key: string
  readonly n: number
}

const digest = (...of: readonly Json[]): number =>
  createHash('sha256').update(canonicalJson(of)).digest().readUInt32BE(0)

/** What a build or an evaluation makes of what it reads; undefined: absent. */
export function made(
  spec: AssetSpec,
  {
    key,
    recipe,
    reads,
  }: { readonly key: string; readonly recipe: string; readonly reads: readonly Read[] },
): Content | undefined {
  const slots = reads.map(({ asset, key: name, n }) => [asset, name, n])
  const sum = digest(spec.seed, recipe, key, slots)
  if (spec.mayBeAbsent && sum % 5 === 0) return undefined
  if (spec.shape === 'parts') return summary(spec, partsOf(spec, { key, recipe, reads }))
  const n = sum % 3
  return { n, k: keysOf(n, spec.seed) }
}

export const memberNames = (spec: AssetSpec): readonly string[] =>
  spec.from.map(({ parent }) => parent)

export interface SmallPart {
  readonly name: string
  readonly rows: number
}

export function partsOf(
  spec: AssetSpec,
  {
    key,
    recipe,
    reads,
  }: { readonly key: string; readonly recipe: string; readonly reads: readonly Read[] },
): readonly SmallPart[] {
  const members = reads.filter(({ asset }) => memberNames(spec).includes(asset))
  const others = reads.filter(({ asset }) => !memberNames(spec).includes(asset))
  return members.map((member) => ({
    name: `${member.asset}-${member.key}`,
    rows:
      digest(
        spec.seed,
        recipe,
        key,
        [member, ...others].map((read) => [read.asset, read.key, read.n]),
      ) % 3,
  }))
}

export function summary(spec: AssetSpec, parts: readonly SmallPart[]): Content {
  const n = parts.reduce((sum, part) => sum + part.rows, 0) % 3
  return { n, k: keysOf(n, spec.seed), parts: parts.map(({ name, rows }) => [name, rows]) }
}

/** What a writer's build makes of its own content: key and content of each output. */
export const outputsOf = (
  key: string,
  { n, k }: Content,
): readonly (readonly [string, Content])[] =>
  k.map((name, at) => [`${key}x${name}`, { n: (n + at) % 3, k: keysOf(n, at) }])

/** Writers with an odd seed publish a part of their own beside their outputs. */
export const isPublished = ({ shape, seed }: AssetSpec): boolean =>
  ['opaque', 'parts', 'copy', 'output'].includes(shape) || (shape === 'writer' && seed % 2 === 1)
