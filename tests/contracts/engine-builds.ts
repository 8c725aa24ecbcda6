import { afterEach, describe, expect, test } from 'vitest'
import type { AssetDefinition, Json } from '../../engine/index.ts'
import { byKey, defineAsset, sameKey, verifyStore } from '../../engine/index.ts'
import type { Database, EngineProject } from '../support/engine-project.ts'
import { engineProject } from '../support/engine-project.ts'
import { loseFile, namesIn, versionsOf } from '../support/store-view.ts'
import { lastReads, orphans, presentNodes, storeOffences } from '../support/engine-state.ts'

/** One file of lines `month: text`; a parse writes each month it finds, a count reads all months. */
const file = defineAsset({ kind: 'fact', name: 'file', dimensions: ['f'] })
const parse = defineAsset({
  kind: 'stored',
  name: 'parse',
  dimensions: ['f'],
  recipe: '1',
  from: { file: sameKey },
  outputs: ['month'],
  checks: [
    {
      name: 'no bad line',
      run: ({ inputs }) => (inputs.one('file').value === 'bad' ? 'one line is bad' : undefined),
    },
  ],
  build: ({ inputs }) => {
    const months = inputs.one('file').value as Readonly<Record<string, string>>
    const outputs = Object.entries(months).map(([month, bytes]) => ({
      asset: 'month',
      key: [...inputs.key, month],
      parts: [{ name: 'rows.txt', from: { bytes }, rows: 1 }],
      value: { size: bytes.length },
    }))
    return { parts: [], value: { months: outputs.length }, outputs }
  },
})
const month = defineAsset({
  kind: 'output',
  name: 'month',
  dimensions: ['f', 'm'],
  publish: ([f, m]) => ({ path: `month/${f}/${m}`, mode: 'folder' }),
})
const count = defineAsset({
  kind: 'stored',
  name: 'count',
  dimensions: ['m'],
  recipe: '1',
  from: { month: byKey(([, m = '']) => [[m]]) },
  publish: ([m]) => ({ path: `count/${m}`, mode: 'folder' }),
  build: ({ inputs }) => {
    const total = inputs
      .of('month')
      .reduce((sum, slot) => sum + (slot.value as { size: number }).size, 0)
    return { parts: [{ name: 'total.txt', from: { bytes: `${total}` } }], value: total }
  },
})
const assets: readonly AssetDefinition[] = [file, parse, month, count]

/** Declares the suite for a project on one kind of state and store. */
export function engineBuilds(database: Database): void {
  describe(`builds on ${database}`, () => {
    let at: EngineProject
    afterEach(async () => at.close())
    const open = async (facts: Record<string, Json>, retainedVersions = 3): Promise<void> => {
      at = await engineProject({ assets, database, retainedVersions })
      await at.run('*', { facts })
      at.takeLog()
    }
    const contents = async (asset: string): Promise<Record<string, unknown>> => {
      const found = [...(await presentNodes(at.project.catalog)).values()].filter(
        (node) => node.asset === asset,
      )
      return Object.fromEntries(
        found.map(({ key, value }) => [key, JSON.parse(value ?? 'null') as unknown]),
      )
    }
    const offences = async (): Promise<readonly string[]> => [
      ...(await storeOffences(at.project, { root: at.root })),
      ...(await orphans(at.project)),
    ]

    test('one build writes new, changed and vanished outputs in one transaction', async () => {
      await open({ 'file/x': { jan: 'aa', feb: 'bb' }, 'file/y': { jan: 'c' } })
      expect(await contents('count')).toEqual({ jan: 3, feb: 2 })
      const { revision } = await at.project.catalog.db
        .selectFrom('catalog')
        .select('revision')
        .executeTakeFirstOrThrow()
      const report = await at.run('*', { facts: { 'file/x': { feb: 'bbbb', mar: 'd' } } })
      expect(at.takeLog()).toEqual(['count[feb]', 'count[jan]', 'count[mar]', 'parse[x]'])
      expect(await contents('month')).toEqual({
        'x/feb': { size: 4 },
        'x/mar': { size: 1 },
        'y/jan': { size: 1 },
      })
      expect(await contents('count')).toEqual({ jan: 1, feb: 4, mar: 1 })
      expect(await namesIn(at, 'month/x')).toEqual(['feb', 'mar'])
      const rows = await at.project.catalog.db
        .selectFrom('build as b')
        .innerJoin('node as n', 'n.id', 'b.node')
        .select(['n.key', 'b.outcome', 'b.at_ms'])
        .where('b.run', '=', report.run ?? 0)
        .where('n.key', 'like', 'x/%')
        .orderBy('n.key')
        .execute()
      expect(rows.map(({ key, outcome }) => [key, outcome])).toEqual([
        ['x/feb', 'built'],
        ['x/jan', 'retired'],
        ['x/mar', 'built'],
      ])
      expect(new Set(rows.map((row) => row.at_ms)).size).toBe(1)
      expect(revision).toBeGreaterThan(0)
      expect(await offences()).toEqual([])
    })

    test('an output whose bytes did not change is a cutoff for everything behind it', async () => {
      await open({ 'file/x': { jan: 'aa', feb: 'bb' } })
      await at.run('*', { facts: { 'file/x': { jan: 'aa', feb: 'b' } } })
      expect(at.takeLog()).toEqual(['count[feb]', 'parse[x]'])
    })

    test('an output that vanished stays quiet while its writer goes on changing', async () => {
      await open({ 'file/x': { jan: 'aa', feb: 'bb' } })
      await at.run('*', { facts: { 'file/x': { feb: 'bb' } } })
      await at.run('*', { facts: { 'file/x': { feb: 'bb', mar: 'c' } } })
      at.takeLog()
      const report = await at.run()
      expect([report.run, at.takeLog()]).toEqual([undefined, []])
      await at.run('*', { facts: { 'file/x': { jan: 'aa' } } })
      expect(await contents('count')).toEqual({ jan: 2 })
      expect(await offences()).toEqual([])
    })

    test('a retired writer takes its outputs with it, as its plan says', async () => {
      await open({ 'file/x': { jan: 'aa' }, 'file/y': { jan: 'c', feb: 'd' } })
      const { steps } = await at.plan('*', { facts: { 'file/y': undefined } })
      expect(steps.map((step) => `${step.verdict} ${step.asset}[${step.key}]`)).toEqual([
        'retire parse[y]',
        'retire count[feb]',
        'build count[jan]',
      ])
      const report = await at.run('*', { facts: { 'file/y': undefined } })
      expect(report.counts).toMatchObject({ built: 1, retired: 2 })
      expect(await contents('month')).toEqual({ 'x/jan': { size: 2 } })
      expect(await namesIn(at, 'month/y')).toEqual([])
      expect(await offences()).toEqual([])
    })

    test('a failed check publishes nothing, and the partition keeps what it had', async () => {
      await open({ 'file/x': { jan: 'aa' } })
      const report = await at.run('*', { facts: { 'file/x': 'bad' } })
      expect(report.failures).toMatchObject([
        { code: 'CHECK_FAILED', text: 'parse[x] failed its check no bad line: one line is bad' },
      ])
      expect(await contents('month')).toEqual({ 'x/jan': { size: 2 } })
      expect(await offences()).toEqual([])
    })

    test('the last three versions of a partition keep their parts, older ones are removed', async () => {
      await open({ 'file/x': { jan: 'a' } })
      for (const jan of ['bb', 'ccc', 'dddd', 'eeeee'])
        await at.run('*', { facts: { 'file/x': { jan } } })
      at.takeLog()
      expect((await versionsOf(at.project.store, 'count/jan')).size).toBe(3)
      await at.run('*', { facts: { 'file/x': { jan: 'ccc' } } })
      expect(at.takeLog()).toEqual(['parse[x]'])
      await at.run('*', { facts: { 'file/x': { jan: 'a' } } })
      expect(at.takeLog()).toEqual(['count[jan]', 'parse[x]'])
      expect(await offences()).toEqual([])
    })

    test('with one version kept, only the current parts are there', async () => {
      await open({ 'file/x': { jan: 'a' } }, 1)
      for (const jan of ['bb', 'ccc']) await at.run('*', { facts: { 'file/x': { jan } } })
      const kept = async (path: string): Promise<number> =>
        (await versionsOf(at.project.store, path)).size
      expect([await kept('count/jan'), await kept('month/x/jan')]).toEqual([1, 1])
      expect(await offences()).toEqual([])
    })

    test('a lost part is found by a look at the store, made again, and nothing else is', async () => {
      await open({ 'file/x': { jan: 'aa', feb: 'b' } })
      await loseFile(at, 'count/jan/total.txt')
      await loseFile(at, 'month/x/feb/rows.txt')
      expect((await at.run()).run).toBe(undefined)
      const also = [await verifyStore(at.project)]
      const { steps } = await at.plan('*', { also })
      expect(steps.map((step) => [step.asset, step.key, step.causes[0]?.kind])).toEqual([
        ['parse', 'x', 'missing'],
        ['count', 'feb', 'upstream'],
        ['count', 'jan', 'missing'],
      ])
      await at.run('*', { also })
      expect(at.takeLog()).toEqual(['count[jan]', 'parse[x]'])
      expect(await offences()).toEqual([])
      expect((await at.run('*', { also: [await verifyStore(at.project)] })).run).toBe(undefined)
    })

    test('a retained version that was lost is computed, not linked', async () => {
      await open({ 'file/x': { jan: 'a' } })
      const [first = []] = (await versionsOf(at.project.store, 'count/jan')).values()
      await at.run('*', { facts: { 'file/x': { jan: 'bb' } } })
      await at.project.store.remove(first)
      at.takeLog()
      const back = { 'file/x': { jan: 'a' } }
      expect((await at.plan('*', { facts: back })).steps.map((step) => step.verdict)).toEqual([
        'build',
        'maybe',
      ])
      const report = await at.run('*', { facts: back })
      expect(report.failures).toEqual([])
      expect(at.takeLog()).toEqual(['count[jan]', 'parse[x]'])
      expect(await contents('count')).toEqual({ jan: 1 })
      expect(await offences()).toEqual([])
    })

    test('what a build read is stored as its slots, recipe included', async () => {
      await open({ 'file/x': { jan: 'aa' } })
      const read = (await lastReads(at.project.catalog)).get('count[jan]')
      expect([read?.recipe, [...(read?.slots ?? [])]]).toEqual([
        '1',
        [['month[x/jan]', '{"size":2}']],
      ])
    })
  })
}
