/**
 * Random asset graphs: a small description, the assets it declares, and the pure functions that
 * both the assets and the naive model (engine-model.ts) are made of.
 *
 * Contents are small on purpose: `n` is 0, 1 or 2, so that cutoffs, reverts and coincidences are
 * frequent. Every value says all that its parts say, so equal values are equal contents.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import type {
  AssetDefinition,
  BuildContext,
  BuildResult,
  Inputs,
  Json,
  KeysFrom,
  Outline,
  Slot,
  StoredAsset,
} from '../../engine/index.ts'
import {
  byKey,
  byValue,
  canonicalJson,
  defineAsset,
  formatKey,
  nodeText,
} from '../../engine/index.ts'

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

const memberNames = (spec: AssetSpec): readonly string[] => spec.from.map(({ parent }) => parent)

export interface SmallPart {
  readonly name: string
  readonly rows: number
}

function partsOf(
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

function summary(spec: AssetSpec, parts: readonly SmallPart[]): Content {
  const n = parts.reduce((sum, part) => sum + part.rows, 0) % 3
  return { n, k: keysOf(n, spec.seed), parts: parts.map(({ name, rows }) => [name, rows]) }
}

/** What a writer's build makes of its own content: key and content of each output. */
export const outputsOf = (
  key: string,
  { n, k }: Content,
): readonly (readonly [string, Content])[] =>
  k.map((name, at) => [`${key}x${name}`, { n: (n + at) % 3, k: keysOf(n, at) }])

/** A node text's failure is switched on from outside: a build is not told. */
export type Failing = ReadonlySet<string>

/** The declared assets of a description. */
export function assetsOf(
  specs: readonly AssetSpec[],
  { recipes, failing }: { readonly recipes: Recipes; readonly failing: Failing },
): readonly AssetDefinition[] {
  return specs.map((spec) => assetOf(spec, { specs, recipe: recipes[spec.name] ?? '1', failing }))
}

interface Around {
  readonly specs: readonly AssetSpec[]
  readonly recipe: string
  readonly failing: Failing
}

const readsOf = (slots: readonly Slot[]): readonly Read[] =>
  slots
    .filter((slot) => slot.asset !== 'recipe')
    .map((slot) => ({ asset: slot.asset, key: slot.key, n: (slot.value as Content).n }))

/** Writers with an odd seed publish a part of their own beside their outputs. */
const isPublished = ({ shape, seed }: AssetSpec): boolean =>
  ['opaque', 'parts', 'copy', 'output'].includes(shape) || (shape === 'writer' && seed % 2 === 1)

function assetOf(spec: AssetSpec, around: Around): AssetDefinition {
  const named = { name: spec.name, dimensions: ['key'] }
  if (spec.shape === 'fact') return defineAsset({ kind: 'fact', ...named })
  const publish = ([key = '']: readonly string[]) => ({
    path: `${spec.name}/${key}`,
    mode: spec.seed % 2 === 0 ? ('folder' as const) : ('files' as const),
  })
  if (spec.shape === 'output') return defineAsset({ kind: 'output', ...named, publish })
  const { recipe } = around
  const from = Object.fromEntries(spec.from.map(({ parent, map }) => [parent, keysFrom(map)]))
  const reads = {
    assets: spec.reads.map(({ parent }) => parent),
    nodes: ([key = '']: readonly string[], members: readonly Slot[]) =>
      spec.reads.map(({ parent, pick }) => ({
        asset: parent,
        key: formatKey([pickKey(pick, key, readsOf(members))]),
      })),
  }
  const content = ({ key: [key = ''], slots }: Inputs): Content | undefined =>
    made(spec, { key, recipe, reads: readsOf(slots) })
  const evaluate = (inputs: Inputs): Json | undefined => content(inputs)
  if (spec.shape === 'demand')
    return defineAsset({ kind: 'value', ...named, recipe, reads, evaluate })
  if (spec.shape === 'value')
    return defineAsset({ kind: 'value', ...named, recipe, from, reads, evaluate })
  const stored: StoredAsset = {
    kind: 'stored',
    ...named,
    recipe,
    from,
    reads,
    ...(isPublished(spec) && { publish }),
    ...((spec.mayBeAbsent || spec.shape === 'parts' || spec.shape === 'copy') && {
      outline: (inputs: Inputs) => outline(spec, inputs, content(inputs)),
    }),
    ...(spec.shape === 'parts' && { summarize: (parts) => summary(spec, parts.map(small)) }),
    ...(spec.shape === 'writer' && { outputs: [`${spec.name}_out`] }),
    build: async (context) => {
      await readParents(context, around.specs)
      if (around.failing.has(nodeText(context.node))) throw new Error('switched off')
      return build(spec, context, recipe)
    },
  }
  return defineAsset(stored)
}

const small = (part: { readonly name: string; readonly rows: number | undefined }): SmallPart => ({
  name: part.name,
  rows: part.rows ?? 0,
})

const keysFrom = (map: MapName): KeysFrom =>
  map === 'value'
    ? byValue((_, value) => (value as Content).k.map((key) => [key]))
    : byKey(([key = '']) => mapKeys(map, key, { n: 0, k: [] }).map((one) => [one]))

function outline(spec: AssetSpec, inputs: Inputs, content: Content | undefined): Outline {
  if (content === undefined) return { verdict: 'retire', why: 'the model says so' }
  const [source] = spec.from
  if (spec.shape === 'copy' && source !== undefined) {
    const { asset, key, value } = inputs.one(source.parent)
    return { verdict: 'copy', of: { asset, key }, value: value ?? null }
  }
  if (spec.shape !== 'parts') return { verdict: 'build' }
  const members = inputs.slots.filter(({ asset }) => memberNames(spec).includes(asset))
  return {
    verdict: 'build',
    parts: members.map((member) => ({
      name: `${member.asset}-${member.key}`,
      reads: (slot) => slot === member || !memberNames(spec).includes(slot.asset),
    })),
  }
}

/** Every published parent is read as a file and compared with what the slot says. */
async function readParents(context: BuildContext, specs: readonly AssetSpec[]): Promise<void> {
  for (const slot of context.inputs.slots) {
    const parent = specs.find(({ name }) => name === slot.asset)
    if (parent === undefined || !isPublished(parent)) continue
    const files = await context.read({ asset: slot.asset, key: slot.key })
    const sum = files.reduce((total, { path }) => total + Number(readFileSync(path, 'utf8')), 0)
    const { n } = slot.value as Content
    if (sum % 3 !== n) throw new Error(`${nodeText(slot)} holds ${sum}, its slot says ${n}`)
  }
}

function build(spec: AssetSpec, { inputs, parts }: BuildContext, recipe: string): BuildResult {
  const [key = ''] = inputs.key
  const reads = readsOf(inputs.slots)
  const content = made(spec, { key, recipe, reads })
  if (content === undefined) throw new Error('an absent content is never built')
  const part = ({ name, rows }: SmallPart) => ({ name, from: { bytes: String(rows) }, rows })
  if (spec.shape === 'parts') {
    const wanted = new Set(parts?.map(({ name }) => name))
    const all = partsOf(spec, { key, recipe, reads })
    return { parts: all.filter(({ name }) => wanted.has(name)).map(part) }
  }
  if (spec.shape === 'opaque')
    return { parts: [part({ name: 'one', rows: content.n })], value: content }
  if (spec.shape === 'plain') return { parts: [], value: content }
  const outputs = outputsOf(key, content).map(([name, value]) => ({
    asset: `${spec.name}_out`,
    key: [name],
    parts: [part({ name: 'one', rows: value.n })],
    value,
  }))
  const own = isPublished(spec) ? [part({ name: 'one', rows: content.n })] : []
  return { parts: own, value: content, outputs }
}

/** Descriptions: two facts, then up to `size` assets that read earlier ones. */
export const specsArbitrary = (size: number): fc.Arbitrary<readonly AssetSpec[]> =>
  fc
    .array(
      fc.record({
        shape: fc.constantFrom<Shape>(
          'value',
          'demand',
          'plain',
          'opaque',
          'parts',
          'copy',
          'writer',
        ),
        parents: fc.array(
          fc.tuple(fc.nat(20), fc.constantFrom<MapName>('same', 'all', 'half', 'value')),
          {
            minLength: 1,
            maxLength: 2,
          },
        ),
        reads: fc.array(fc.tuple(fc.nat(20), fc.constantFrom<Pick>('same', 'fixed', 'value')), {
          maxLength: 2,
        }),
        mayBeAbsent: fc.boolean(),
        seed: fc.nat(9),
      }),
      { minLength: 1, maxLength: size },
    )
    .map((drafts) => {
      const specs: AssetSpec[] = ['f0', 'f1'].map((name) => ({
        name,
        shape: 'fact',
        from: [],
        reads: [],
        mayBeAbsent: false,
        seed: 0,
      }))
      for (const draft of drafts) specs.push(...fromDraft(draft, specs))
      return specs
    })

interface Draft {
  readonly shape: Shape
  readonly parents: readonly (readonly [number, MapName])[]
  readonly reads: readonly (readonly [number, Pick])[]
  readonly mayBeAbsent: boolean
  readonly seed: number
}

function fromDraft(draft: Draft, specs: readonly AssetSpec[]): readonly AssetSpec[] {
  const name = `a${specs.length}`
  const givers = specs.filter(({ shape }) => shape !== 'demand')
  const copied = specs.filter((spec) => isPublished(spec))
  const sources = draft.shape === 'copy' ? copied : givers
  const shape = draft.shape === 'copy' && copied.length === 0 ? 'opaque' : draft.shape
  const pool = sources.length === 0 ? givers : sources
  const from = new Map<string, MapName>()
  for (const [at, map] of shape === 'copy' ? draft.parents.slice(0, 1) : draft.parents) {
    const parent = pool[at % pool.length]
    if (parent !== undefined) from.set(parent.name, shape === 'copy' ? 'same' : map)
  }
  const reads = new Map<string, Pick>()
  for (const [at, pick] of shape === 'copy' ? [] : draft.reads) {
    const parent = specs[at % specs.length]
    const isMember = shape !== 'demand' && from.has(parent?.name ?? '')
    // An on-demand node has no members to read values of.
    if (parent !== undefined && !isMember)
      reads.set(parent.name, shape === 'demand' && pick === 'value' ? 'same' : pick)
  }
  const spec: AssetSpec = {
    name,
    shape,
    from: shape === 'demand' ? [] : [...from].map(([parent, map]) => ({ parent, map })),
    reads: [...reads].map(([parent, pick]) => ({ parent, pick })),
    mayBeAbsent: shape !== 'copy' && draft.mayBeAbsent,
    seed: draft.seed,
  }
  if (shape !== 'writer') return [spec]
  const output: AssetSpec = {
    name: `${name}_out`,
    shape: 'output',
    from: [{ parent: name, map: 'same' }],
    reads: [],
    mayBeAbsent: false,
    seed: draft.seed,
  }
  return [spec, output]
}
