/**
 * A small road for flow tests: words → upper → part lists → pages, with a shared setting.
 *
 *     word[i] → upper[i] → shelf[s] (one part a word, fan-in by value) → page[s] (a copy)
 *     setting[x] is read by shelf; label[i] is an on-demand value; note[i] is a value-only build
 */
import { readFileSync } from 'node:fs'
import type { AssetDefinition, BuildContext, Json, Slot } from '../../engine/index.ts'
import { byValue, defineAsset, sameKey } from '../../engine/index.ts'

export interface Word {
  readonly text: string
  /** the shelves it stands on */
  readonly shelves: readonly string[]
  readonly more?: Json
}

const word = (slot: Slot | undefined): Word => slot?.value as unknown as Word
export const text = async (context: BuildContext, asset: string, key: string): Promise<string> =>
  (await context.read({ asset, key })).map((part) => readFileSync(part.path, 'utf8')).join('')

export const wordFact = defineAsset({ kind: 'fact', name: 'word', dimensions: ['i'] })
export const settingFact = defineAsset({ kind: 'fact', name: 'setting', dimensions: ['x'] })

export const upper = defineAsset({
  kind: 'stored',
  name: 'upper',
  dimensions: ['i'],
  recipe: '1',
  tags: ['text'],
  from: { word: sameKey },
  publish: ([i]) => ({ path: `upper/i=${i}`, mode: 'folder' }),
  build: ({ inputs }) => {
    const bytes = word(inputs.one('word')).text.toUpperCase()
    return {
      parts: [{ name: 'upper.txt', from: { bytes }, rows: bytes.length }],
      value: { length: bytes.length },
    }
  },
})

/** The label of a word exists because a shelf reads it. */
export const label = defineAsset({
  kind: 'value',
  name: 'label',
  dimensions: ['i'],
  recipe: '1',
  reads: { assets: ['setting'], nodes: ([i = '']) => [{ asset: 'setting', key: i }] },
  evaluate: (inputs) => {
    const [setting] = inputs.of('setting')
    return setting?.value === undefined ? undefined : { label: setting.value }
  },
})

export const place = defineAsset({
  kind: 'value',
  name: 'place',
  dimensions: ['i'],
  recipe: '1',
  from: { word: sameKey },
  evaluate: (inputs) => ({ shelves: [...word(inputs.one('word')).shelves] }),
  waiting: (value) =>
    (value as { shelves: readonly string[] }).shelves.length === 0 ? 'stands nowhere' : undefined,
})

export const shelf = defineAsset({
  kind: 'stored',
  name: 'shelf',
  dimensions: ['s'],
  recipe: '1',
  from: { place: byValue((_, value) => (value as { shelves: string[] }).shelves.map((s) => [s])) },
  reads: {
    assets: ['upper', 'label'],
    nodes: (_key, places) =>
      places.flatMap(({ key }) => ['upper', 'label'].map((asset) => ({ asset, key }))),
  },
  outline: (inputs) => ({
    verdict: 'build',
    parts: inputs.of('place').map(({ key }) => ({
      name: `${key}.txt`,
      reads: (slot) => slot.asset !== 'place' && slot.key === key,
    })),
  }),
  summarize: (parts) => ({ words: parts.map((part) => part.name) }),
  publish: ([s]) => ({ path: `shelf/s=${s}`, mode: 'files' }),
  build: async (context) => {
    const parts = (context.parts ?? []).map(async ({ name }) => {
      const key = name.slice(0, -'.txt'.length)
      const named = context.inputs.of('label').find((slot) => slot.key === key)?.value
      const bytes = `${JSON.stringify(named ?? null)} ${await text(context, 'upper', key)}`
      return { name, from: { bytes } }
    })
    return { parts: await Promise.all(parts) }
  },
})

export const page = defineAsset({
  kind: 'stored',
  name: 'page',
  dimensions: ['s'],
  recipe: '1',
  from: { shelf: sameKey },
  outline: (inputs) => {
    const { asset, key, value } = inputs.one('shelf')
    if (key === 'forbidden') return { verdict: 'blocked', why: 'no page may show it' }
    return { verdict: 'copy', of: { asset, key }, value: value ?? null }
  },
  publish: ([s]) => ({ path: `page/s=${s}`, mode: 'folder' }),
  build: () => {
    throw new Error('a copy is never built')
  },
})

export const library: readonly AssetDefinition[] = [
  wordFact,
  settingFact,
  upper,
  label,
  place,
  shelf,
  page,
]
