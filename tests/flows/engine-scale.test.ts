import { afterEach, expect, test } from 'vitest'
import type { AssetDefinition } from '../../engine/index.ts'
import { byKey, defineAsset } from '../../engine/index.ts'
import type { EngineProject, Facts } from '../support/engine-project.ts'
import { engineProject } from '../support/engine-project.ts'

let at: EngineProject
afterEach(async () => at.close())

const FAN_IN = 10_000
const leaf = defineAsset({ kind: 'fact', name: 'leaf', dimensions: ['i'] })
const tree = defineAsset({
  kind: 'stored',
  name: 'tree',
  dimensions: ['t'],
  recipe: '1',
  from: { leaf: byKey(() => [['all']]) },
  publish: ([t]) => ({ path: `tree/${t}`, mode: 'folder' }),
  build: ({ inputs }) => {
    const total = inputs.of('leaf').reduce((sum, slot) => sum + Number(slot.value), 0)
    return {
      parts: [{ name: 'total', from: { bytes: `${total}` } }],
      value: { total, leaves: inputs.slots.length - 1 },
    }
  },
})
const assets: readonly AssetDefinition[] = [leaf, tree]

const value = async (): Promise<unknown> => {
  const row = await at.project.catalog.db
    .selectFrom('node as n')
    .innerJoin('version as v', 'v.id', 'n.version')
    .select('v.value')
    .where('n.key', '=', 'all')
    .executeTakeFirstOrThrow()
  return JSON.parse(row.value ?? 'null')
}

test('a fan-in of 10,000 is exact: one changed leaf is seen, named, and built once', async () => {
  at = await engineProject({ assets })
  const leaves = Array.from({ length: FAN_IN }, (_, i) => [`leaf/${i}`, 1] as const)
  await at.run('*', { facts: Object.fromEntries(leaves) })
  expect([at.takeLog(), await value()]).toEqual([['tree[all]'], { total: FAN_IN, leaves: FAN_IN }])
  const facts: Facts = { 'leaf/7777': 2 }
  const { steps } = await at.plan('*', { facts })
  expect(steps).toMatchObject([
    { verdict: 'build', causes: [{ kind: 'input', asset: 'leaf', key: '7777' }], causesMore: 0 },
  ])
  await at.run('*', { facts })
  expect([at.takeLog(), await value()]).toEqual([
    ['tree[all]'],
    { total: FAN_IN + 1, leaves: FAN_IN },
  ])
  await at.run('*', { facts: { 'leaf/7777': undefined, 'leaf/new': 5 } })
  expect([at.takeLog(), await value()]).toEqual([
    ['tree[all]'],
    { total: FAN_IN + 4, leaves: FAN_IN },
  ])
  expect((await at.run()).run).toBe(undefined)
})

test('an asset that is added to a standing project gets its partitions from what is there', async () => {
  at = await engineProject({ assets: [leaf] })
  await at.run('*', { facts: { 'leaf/1': 1, 'leaf/2': 2 } })
  at = await at.reopen(assets)
  expect((await at.plan()).steps).toMatchObject([{ asset: 'tree', key: 'all', verdict: 'build' }])
  await at.run()
  expect([at.takeLog(), await value()]).toEqual([['tree[all]'], { total: 3, leaves: 2 }])
})

test('a new recipe whose key map differs moves the memberships with it', async () => {
  at = await engineProject({ assets })
  await at.run('*', { facts: { 'leaf/1': 1, 'leaf/2': 2 } })
  at.takeLog()
  const split: AssetDefinition = {
    ...tree,
    recipe: '2',
    from: { leaf: byKey(([i = '']) => [[`t${i}`]]) },
  }
  at = await at.reopen([leaf, split])
  expect((await at.plan()).steps.map((step) => `${step.verdict} ${step.key}`)).toEqual([
    'retire all',
    'build t1',
    'build t2',
  ])
  await at.run()
  expect(at.takeLog()).toEqual(['tree[t1]', 'tree[t2]'])
  expect((await at.plan()).steps).toEqual([])
})

test('an asset that is no longer declared keeps what it has and disturbs nothing', async () => {
  at = await engineProject({ assets })
  await at.run('*', { facts: { 'leaf/1': 1 } })
  at = await at.reopen([leaf])
  await at.run('*', { facts: { 'leaf/1': 2 } })
  expect((await at.run()).run).toBe(undefined)
  at = await at.reopen(assets)
  await at.run()
  expect([at.takeLog(), await value()]).toEqual([['tree[all]'], { total: 2, leaves: 1 }])
})
