import { afterEach, expect, test } from 'vitest'
import type { AssetDefinition, Json, KeysFrom, StoredAsset } from '../../engine/index.ts'
import { byValue, defineAsset, sameKey } from '../../engine/index.ts'
import type { EngineProject } from '../support/engine-project.ts'
import { engineProject } from '../support/engine-project.ts'

// Every `build` runs and nothing unlisted runs: the corners where a plan has to say less, or more.

const word = defineAsset({ kind: 'fact', name: 'word', dimensions: ['i'] })

/** A stored node with the value of its first input, or what `make` makes of it. */
const stored = (
  name: string,
  from: Readonly<Record<string, KeysFrom>>,
  more: Partial<StoredAsset> = {},
): StoredAsset =>
  defineAsset({
    kind: 'stored',
    name,
    dimensions: ['i'],
    recipe: '1',
    from,
    build: ({ inputs }) => {
      const [first] = inputs.slots.filter((slot) => slot.asset !== 'recipe')
      return { parts: [], value: first?.value ?? null }
    },
    ...more,
  })

const published = (name: string, from: Readonly<Record<string, KeysFrom>>): StoredAsset =>
  stored(name, from, {
    publish: ([i]) => ({ path: `${name}/${i}`, mode: 'folder' }),
    build: ({ inputs }) => {
      const value = inputs.slots.find((slot) => slot.asset in from)?.value ?? null
      return { parts: [{ name: 'value', from: { bytes: JSON.stringify(value) } }], value }
    },
  })

const copyOf = (name: string, parent: string): StoredAsset =>
  stored(
    name,
    { [parent]: sameKey },
    {
      publish: ([i]) => ({ path: `${name}/${i}`, mode: 'folder' }),
      outline: (inputs) => {
        const { asset, key, value } = inputs.one(parent)
        return { verdict: 'copy', of: { asset, key }, value: value ?? null }
      },
    },
  )

/** The keys that a value lists. */
const listedKeys = byValue((_, value) => (value as readonly string[]).map((key) => [key]))

let at: EngineProject
afterEach(async () => at.close())
const open = async (
  assets: readonly AssetDefinition[],
  facts: Record<string, Json>,
): Promise<void> => {
  at = await engineProject({ assets })
  await at.run('*', { facts })
  at.takeLog()
}
const steps = async (
  call: Parameters<EngineProject['plan']>[1],
  selection = '*',
): Promise<readonly string[]> =>
  (await at.plan(selection, call)).steps.map((step) => `${step.verdict} ${step.asset}[${step.key}]`)

test('a copy of a copy goes back with the first', async () => {
  await open([word, published('a', { word: sameKey }), copyOf('b', 'a'), copyOf('c', 'b')], {
    'word/1': 'one',
  })
  await at.run('*', { facts: { 'word/1': 'two' } })
  at.takeLog()
  const facts = { 'word/1': 'one' }
  expect(await steps({ facts })).toEqual(['reuse a[1]', 'reuse b[1]', 'reuse c[1]'])
  expect((await at.run('*', { facts })).counts).toMatchObject({ reused: 3, built: 0 })
})

test('a value that loses its last member by a retirement takes its readers with it', async () => {
  const value = defineAsset({
    kind: 'value',
    name: 'v',
    dimensions: ['i'],
    recipe: '1',
    from: { a: listedKeys },
    evaluate: (inputs) => inputs.of('a').length,
  })
  await open([word, stored('a', { word: sameKey }), value, stored('t', { v: sameKey })], {
    'word/1': ['x', 'y'],
  })
  const facts = { 'word/1': undefined }
  expect(await steps({ facts })).toEqual(['retire a[1]', 'retire t[x]', 'retire t[y]'])
  expect((await at.run('*', { facts })).counts.retired).toBe(3)
})

test('a partition that a pending value may drop is maybe, though its code changed', async () => {
  const assets = [word, stored('a', { word: sameKey }), stored('b', { a: listedKeys })]
  await open(assets, { 'word/1': ['x', 'y'] })
  at = await at.reopen([...assets.slice(0, 2), stored('b', { a: listedKeys }, { recipe: '2' })])
  const facts = { 'word/1': ['x'] }
  expect(await steps({ facts })).toEqual(['build a[1]', 'maybe b[x]', 'maybe b[y]'])
  const report = await at.run('*', { facts })
  expect([at.takeLog(), report.counts.retired]).toEqual([['a[1]', 'b[x]'], 1])
})

test('a read that a pending member has yet to name may be one that waits', async () => {
  const reader = stored(
    'c',
    { a: sameKey, word: sameKey },
    {
      reads: {
        assets: ['b'],
        nodes: (_, members) => {
          const named = members.find((slot) => slot.asset === 'a')?.value as
            | readonly string[]
            | undefined
          return [{ asset: 'b', key: named?.[0] ?? 'none' }]
        },
      },
    },
  )
  at = await engineProject({
    assets: [word, stored('a', { word: sameKey }), stored('b', { word: sameKey }), reader],
  })
  const facts = { 'word/1': ['2'], 'word/2': ['2'] }
  expect(await steps({ facts }, 'not b')).toEqual([
    'build a[1]',
    'build a[2]',
    'maybe c[1]',
    'maybe c[2]',
  ])
  await at.run('not b', { facts })
  expect(at.takeLog()).toEqual(['a[1]', 'a[2]'])
  expect(await steps({ facts }, '*')).toEqual([
    'build b[1]',
    'build b[2]',
    'build c[1]',
    'build c[2]',
  ])
})
