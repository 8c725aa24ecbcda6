/** The assets that a description declares. */
import { readFileSync } from 'node:fs'
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
import { byKey, byValue, defineAsset, formatKey, nodeText } from '../../engine/index.ts'
import type { AssetSpec, Content, MapName, Read, Recipes, SmallPart } from './engine-specs.ts'
import {
  isPublished,
  made,
  mapKeys,
  memberNames,
  outputsOf,
  partsOf,
  pickKey,
  summary,
} from './engine-specs.ts'

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
