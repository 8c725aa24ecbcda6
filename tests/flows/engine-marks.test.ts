import { readFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { auditTrace } from '../../engine/catalog/trace-audit.ts'
import type { StoredAsset } from '../../engine/index.ts'
import { defineAsset, loadDefinitions, sameKey, verifyStore } from '../../engine/index.ts'
import { library, upper, wordFact } from '../support/engine-assets.ts'
import type { EngineProject } from '../support/engine-project.ts'
import { DATABASES, engineProject, factChanges } from '../support/engine-project.ts'
import { storeOffences } from '../support/engine-state.ts'
import { writeFacts } from '../../engine/run/facts.ts'

const FIRST = {
  'word/1': { text: 'one', shelves: ['a'] },
  'word/2': { text: 'two', shelves: ['a'] },
}

describe.each(DATABASES)('on %s', (database) => {
  let at: EngineProject
  afterEach(async () => at.close())
  const faults = async () =>
    at.project.catalog.read(async (db) => {
      const snapshot = { db, dialect: at.project.catalog.dialect }
      return (await auditTrace(snapshot, await loadDefinitions(at.project.graph, snapshot, false)))
        .faults
    })
  const listed = async (): Promise<readonly string[]> =>
    (await at.plan()).steps.map((step) => `${step.asset}[${step.key}]`)

  test('a lost member is not forgotten when another input goes back', async () => {
    at = await engineProject({ assets: library, database })
    await at.run('*', { facts: FIRST })
    await at.run('upper', { facts: { 'setting/1': 'new' } })
    await at.run('upper', { facts: { 'word/2': { text: 'two', shelves: [] } } })
    await at.run('upper', { facts: { 'setting/1': undefined } })
    expect(await listed()).toEqual(['shelf[a]', 'page[a]'])
    await at.run()
    expect(readdirSync(join(at.root, 'store/page/s=a'))).toEqual(['1.txt'])
    expect(await faults()).toEqual([])
  })

  test('a source that moves and goes back while it is read leaves its reader stale', async () => {
    let meanwhile = async (): Promise<void> => undefined
    const slow: StoredAsset = {
      ...upper,
      build: async (context) => {
        await meanwhile()
        return upper.build(context)
      },
    }
    at = await engineProject({
      assets: library.map((asset) => (asset === upper ? slow : asset)),
      database,
    })
    await at.run('*', { facts: FIRST })
    const { catalog, graph } = at.project
    meanwhile = async () =>
      catalog.write(async (trx) => {
        const fact = { asset: 'word', key: '1', value: FIRST['word/1'] }
        await writeFacts(trx, await loadDefinitions(graph, trx, false), [fact])
      })
    await at.run('*', { facts: { 'word/1': { text: 'eins', shelves: ['a'] } } })
    meanwhile = async () => undefined
    expect(readFileSync(join(at.root, 'store/upper/i=1/upper.txt'), 'utf8')).toBe('EINS')
    expect(await faults()).toEqual([])
    expect(await listed()).toContain('upper[1]')
    await at.run()
    expect(readFileSync(join(at.root, 'store/page/s=a/1.txt'), 'utf8')).toBe('null ONE')
  })

  test('the same fact twice in one observation: the last one stands', async () => {
    at = await engineProject({ assets: library, database })
    const twice = factChanges({ 'word/1': { text: 'no', shelves: [] } })
    await at.run('*', { also: [twice, factChanges(FIRST)], facts: { 'word/2': undefined } })
    const { catalog, graph } = at.project
    await catalog.write(async (trx) => {
      const fact = (text: string) => ({ asset: 'word', key: '9', value: { text, shelves: [] } })
      await writeFacts(trx, await loadDefinitions(graph, trx, false), [fact('first'), fact('last')])
    })
    await at.run()
    expect(readFileSync(join(at.root, 'store/upper/i=9/upper.txt'), 'utf8')).toBe('LAST')
    expect(await faults()).toEqual([])
  })

  test('a force over a lost part restores it, though nothing differs', async () => {
    at = await engineProject({ assets: library, database })
    await at.run('*', { facts: FIRST })
    rmSync(join(at.root, 'store/upper/i=1/upper.txt'))
    const also = [await verifyStore(at.project)]
    await at.run('shelf', { also })
    await at.run('upper', { force: true })
    expect(await storeOffences(at.project, { root: at.root })).toEqual([])
    expect(await listed()).toEqual([])
  })

  test('a read of a partition that nothing makes holds nobody up', async () => {
    const eager: StoredAsset = {
      ...upper,
      name: 'eager',
      from: { word: { by: 'key', keys: (key) => [key] } },
      reads: { assets: ['shelf'], nodes: () => [{ asset: 'shelf', key: 'nowhere' }] },
      publish: ([i]) => ({ path: `eager/i=${i}`, mode: 'folder' }),
    }
    at = await engineProject({ assets: [...library, eager], database })
    await at.run('eager or upper', { facts: FIRST })
    expect(at.takeLog()).toEqual(['eager[1]', 'eager[2]', 'upper[1]', 'upper[2]'])
    await at.run()
    at.takeLog()
    expect((await at.run()).run).toBe(undefined)
    await at.run('*', { facts: { 'word/1': { text: 'one', shelves: ['a', 'nowhere'] } } })
    expect(at.takeLog()).toEqual(['eager[1]', 'eager[2]', 'shelf[nowhere]', 'upper[1]'])
    expect(await faults()).toEqual([])
  })

  test('an expected return to what a node read last leaves it out of the plan', async () => {
    const length = defineAsset({
      kind: 'stored',
      name: 'length',
      dimensions: ['i'],
      recipe: '1',
      from: { word: sameKey },
      build: ({ inputs }) => ({
        parts: [],
        value: (inputs.one('word').value as { text: string }).text.length,
      }),
    })
    const size = defineAsset({
      kind: 'value',
      name: 'size',
      dimensions: ['i'],
      recipe: '1',
      from: { length: sameKey },
      evaluate: (inputs) => (Number(inputs.one('length').value) > 3 ? 'long' : 'short'),
    })
    const tag = (name: string, parent: string) =>
      defineAsset({
        kind: 'stored',
        name,
        dimensions: ['i'],
        recipe: '1',
        from: { [parent]: sameKey },
        build: ({ inputs }) => ({ parts: [], value: inputs.one(parent).value ?? null }),
      })
    const assets = [wordFact, length, size, tag('by_size', 'size'), tag('by_length', 'length')]
    at = await engineProject({ assets, database })
    const [one, longer] = ['one', 'longer'].map((text) => ({ 'word/1': { text, shelves: [] } }))
    await at.run('*', { facts: one ?? {} })
    await at.run('length', { facts: longer ?? {} })
    expect(await listed()).toEqual(['by_length[1]', 'by_size[1]'])
    const back = await at.plan('*', { facts: one ?? {} })
    expect(back.steps).toMatchObject([{ asset: 'length', verdict: 'reuse' }])
    expect(back.steps).toHaveLength(1)
    at.takeLog()
    await at.run('*', { facts: one ?? {} })
    expect([at.takeLog(), await listed(), await faults()]).toEqual([[], [], []])
  })
})
