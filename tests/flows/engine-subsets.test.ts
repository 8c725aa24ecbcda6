import { afterEach, describe, expect, test } from 'vitest'
import { library, upper } from '../support/engine-assets.ts'
import { errorCode, rejectedCode } from '../support/error-code.ts'
import type { EngineProject } from '../support/engine-project.ts'
import { DATABASES, engineProject } from '../support/engine-project.ts'
import { presentNodes } from '../support/engine-state.ts'
import { compileSelection } from '../../engine/run/select.ts'

const FIRST = {
  'word/1': { text: 'one', shelves: ['a'] },
  'word/2': { text: 'two', shelves: ['a', 'b'] },
  'word/3': { text: 'three', shelves: ['b'] },
}
const CHANGED = {
  'word/3': { text: 'drei', shelves: ['b'] },
  'word/1': { text: 'eins', shelves: ['a'] },
}

describe.each(DATABASES)('on %s', (database) => {
  let at: EngineProject
  afterEach(async () => at.close())

  const open = async (): Promise<void> => {
    at = await engineProject({ assets: library, database })
    await at.run('*', { facts: FIRST })
    at.takeLog()
  }
  const steps = async (selection: string, call = {}): Promise<readonly string[]> =>
    (await at.plan(selection, call)).steps.map((step) => `${step.asset}[${step.key}]`)

  test('each form of a selection names exactly its partitions', async () => {
    await open()
    const facts = CHANGED
    const all = ['upper[1]', 'upper[3]', 'shelf[a]', 'shelf[b]', 'page[a]', 'page[b]']
    expect(await steps('*', { facts })).toEqual(all)
    expect(await steps('upper', { facts })).toEqual(all.slice(0, 2))
    expect(await steps('upper/3', { facts })).toEqual(['upper[3]'])
    expect(await steps('upper[i>=2]', { facts })).toEqual(['upper[3]'])
    expect(await steps('tag:text', { facts })).toEqual(all.slice(0, 2))
    expect(await steps('+shelf', { facts })).toEqual(all.slice(0, 4))
    expect(await steps('upper+1', { facts })).toEqual(all.slice(0, 4))
    expect(await steps('upper+', { facts })).toEqual(all)
    expect(await steps('1+page', { facts })).toEqual([])
    expect(await steps('2+page', { facts })).toEqual(all)
    expect(await steps('+page/a', { facts })).toEqual(['upper[1]', 'shelf[a]', 'page[a]'])
    expect(await steps('upper/1+', { facts })).toEqual(['upper[1]', 'shelf[a]', 'page[a]'])
    expect(await steps('upper/1, upper/3', { facts })).toEqual(all.slice(0, 2))
    expect(await steps('* and not page', { facts })).toEqual(all.slice(0, 4))
    expect(await steps('(upper or shelf) and +page/b', { facts })).toEqual(['upper[3]', 'shelf[b]'])
  })

  test('a spread by key follows members that the plan itself makes', async () => {
    at = await engineProject({ assets: library, database })
    expect(await steps('+page/b', { facts: FIRST })).toEqual([
      'upper[2]',
      'upper[3]',
      'shelf[b]',
      'page[b]',
    ])
    await at.run('+page/b', { facts: FIRST })
    expect(at.takeLog()).toEqual(['shelf[b]', 'upper[2]', 'upper[3]'])
  })

  test('a subset build leaves every partition outside it as it was', async () => {
    await open()
    const before = await presentNodes(at.project.catalog)
    await at.run('upper/3+', { facts: CHANGED })
    expect(at.takeLog()).toEqual(['shelf[b]', 'upper[3]'])
    const after = await presentNodes(at.project.catalog)
    const moved = [...after].filter(
      ([node, { contentId }]) => before.get(node)?.contentId !== contentId,
    )
    expect(moved.map(([node]) => node)).toEqual([
      'page[b]',
      'shelf[b]',
      'upper[3]',
      'word[1]',
      'word[3]',
    ])
    await at.run()
    expect(at.takeLog()).toEqual(['shelf[a]', 'upper[1]'])
  })

  test('a partition over a stale parent waits, names it, and is not built from it', async () => {
    await open()
    const { steps: listed, waiting } = await at.plan('shelf/b', { facts: CHANGED })
    expect(listed).toEqual([])
    expect(waiting).toEqual([
      {
        asset: 'shelf',
        key: 'b',
        kind: 'upstream',
        why: 'upper[3] has to be built first: select +shelf/b',
        on: { asset: 'upper', key: '3' },
      },
    ])
    const report = await at.run('shelf/b', { facts: CHANGED })
    expect([at.takeLog(), report.plan.waiting.length]).toEqual([[], 1])
  })

  test('a parent that turns out unchanged makes nobody wait', async () => {
    await open()
    await at.run('page', { facts: { 'word/1': { text: 'one', shelves: ['a'], more: 'noted' } } })
    const { steps: listed, waiting } = await at.plan('shelf+', {
      facts: { 'word/1': FIRST['word/1'] },
    })
    expect([listed, waiting]).toEqual([[], []])
  })

  test('a partition that only may run beside an unselected parent is maybe, and waits when it must', async () => {
    await open()
    // page[b] reads shelf[b], which is not selected and stale only if upper[3] changes.
    const selection = 'upper or page'
    const facts = { 'word/3': { text: 'Three', shelves: ['b'] } }
    const force = { force: true }
    const plan = await at.plan(selection, { facts, ...force })
    expect(plan.steps.find((step) => step.asset === 'page' && step.key === 'b')?.verdict).toBe(
      'maybe',
    )
    await at.run(selection, { facts, ...force })
    expect(at.takeLog()).toEqual(['upper[1]', 'upper[2]', 'upper[3]'])
  })

  test('the failure of one build holds its descendants, and nothing else', async () => {
    await open()
    const breaks = {
      ...upper,
      build: async (context: Parameters<typeof upper.build>[0]) => {
        if (context.inputs.key[0] === '3') throw new Error('secret of a row')
        return upper.build(context)
      },
    }
    at = await at.reopen(library.map((asset) => (asset === upper ? breaks : asset)))
    const report = await at.run('*', { facts: CHANGED })
    expect(report.status).toBe('partial')
    expect(report.failures).toMatchObject([
      { node: { asset: 'upper', key: '3' }, code: 'ASSET_FAILED' },
    ])
    expect(JSON.stringify(report.failures)).not.toContain('secret')
    expect(at.takeLog()).toEqual(['shelf[a]', 'upper[1]', 'upper[3]'])
    expect(await steps('*')).toEqual(['upper[3]', 'shelf[b]', 'page[b]'])
    at = await at.reopen(library)
    await at.run()
    expect(at.takeLog()).toEqual(['shelf[b]', 'upper[3]'])
  })

  test('after the limit of failures nothing more is claimed', async () => {
    const breaks = { ...upper, build: () => Promise.reject(new Error('no')) }
    at = await engineProject({
      assets: library.map((asset) => (asset === upper ? breaks : asset)),
      database,
    })
    const words = Array.from(
      { length: 20 },
      (_, i) => [`word/${i}`, { text: `w${i}`, shelves: [] }] as const,
    )
    const report = await at.run('*', {
      facts: Object.fromEntries(words),
      failuresMax: 2,
      concurrency: 1,
    })
    expect([report.status, report.failures.length, at.takeLog().length]).toEqual(['failed', 2, 2])
  })

  test('a plan can be applied as it was seen, or not at all', async () => {
    await open()
    const plan = await at.plan('*', { facts: CHANGED })
    const moved = at.run('*', { facts: FIRST, planId: plan.id })
    expect(await rejectedCode(moved)).toBe('PLAN_MOVED')
    expect(at.takeLog()).toEqual([])
    const report = await at.run('*', { facts: CHANGED, planId: plan.id })
    expect(report.plan.steps).toEqual(plan.steps)
    expect(await rejectedCode(at.run('*', { planId: plan.id }))).toBe('PLAN_MOVED')
  })

  test('a selection of an unknown asset or dimension is refused with its place', async () => {
    await open()
    const { graph } = at.project
    expect(errorCode(() => compileSelection(graph, 'uper'))).toBe('ASSET_UNKNOWN')
    expect(errorCode(() => compileSelection(graph, 'upper[x=1]'))).toBe('SELECTION_SYNTAX')
    expect(errorCode(() => compileSelection(graph, 'upper/1/2'))).toBe('SELECTION_SYNTAX')
  })
})
