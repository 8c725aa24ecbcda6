import { afterEach, describe, expect, test } from 'vitest'
import { auditTrace } from '../../engine/catalog/trace-audit.ts'
import { defineAsset, loadDefinitions, sameKey } from '../../engine/index.ts'
import { library, wordFact } from '../support/engine-assets.ts'
import type { EngineProject } from '../support/engine-project.ts'
import { engineProject, factChanges } from '../support/engine-project.ts'
import { orphans, presentNodes, storeOffences } from '../support/engine-state.ts'
import { DISPATCHES, drain, openExecutor } from '../support/workers.ts'
import { AFTER, BEFORE, jobAssets } from '../faults/engine-job.ts'

let at: EngineProject
afterEach(async () => at.close())

const contents = async ({ project }: EngineProject): Promise<ReadonlyMap<string, string>> =>
  new Map(
    [...(await presentNodes(project.catalog))].map(([node, { contentId }]) => [node, contentId]),
  )

async function expectSound({ project, root }: EngineProject): Promise<void> {
  const { db, dialect } = project.catalog
  expect(await storeOffences(project, { root })).toEqual([])
  expect(await orphans(project)).toEqual([])
  expect(await db.selectFrom('intent').selectAll().execute()).toEqual([])
  const definitions = await loadDefinitions(project.graph, { db, dialect }, false)
  expect((await auditTrace({ db, dialect }, definitions)).faults).toEqual([])
}

describe.each(DISPATCHES)('on %s with the %s executor', (database, executorName) => {
  test('two workers end where a run ends, and build nothing twice', async () => {
    at = await engineProject({ assets: jobAssets, database })
    await at.run('*', { facts: BEFORE })
    await at.run('*', { facts: AFTER })
    const clean = await contents(at)
    await at.close()

    at = await engineProject({ assets: jobAssets, database })
    await using executor = await openExecutor(at, executorName)
    for (const facts of [BEFORE, AFTER]) {
      await drain(at.project, { executor, workers: 2, also: [factChanges(facts)] })
      const log = at.takeLog()
      expect(log).toEqual([...new Set(log)])
      await expectSound(at)
    }
    expect(await contents(at)).toEqual(clean)
    expect((await at.plan()).steps).toEqual([])
    const runs = await at.project.catalog.db.selectFrom('run').select('status').execute()
    expect(runs.map((run) => run.status)).toEqual(['succeeded', 'succeeded'])
  })

  test('a tick with nothing to do writes nothing', async () => {
    at = await engineProject({ assets: library, database })
    await using executor = await openExecutor(at, executorName)
    const facts = { 'word/1': { text: 'one', shelves: ['a'] } }
    const reconciler = await drain(at.project, { executor, workers: 1, also: [factChanges(facts)] })
    const { db } = at.project.catalog
    const before = await db.selectFrom('catalog').selectAll().execute()
    for (let tick = 0; tick < 20; tick++) await reconciler.tick()
    expect(await db.selectFrom('catalog').selectAll().execute()).toEqual(before)
  })

  test('a build that fails is tried again with growing delays, then waits for its input', async () => {
    let left = 2
    const flaky = defineAsset({
      kind: 'stored',
      name: 'flaky',
      dimensions: ['i'],
      recipe: '1',
      from: { word: sameKey },
      build: ({ inputs }) => {
        if (left-- > 0) throw new Error('not yet')
        return { parts: [], value: String(inputs.key) }
      },
    })
    at = await engineProject({ assets: [wordFact, flaky], database })
    await using executor = await openExecutor(at, executorName)
    const facts = { 'word/1': { text: 'one', shelves: [] } }
    await drain(at.project, { executor, workers: 1, also: [factChanges(facts)] })
    expect(at.takeLog()).toEqual(['flaky[1]', 'flaky[1]', 'flaky[1]'])
    expect(await at.project.catalog.db.selectFrom('obstacle').selectAll().execute()).toEqual([])
  })
})

test('a run waits for what a worker is building, and ends with all of it current', async () => {
  let begin = (): void => undefined
  const begun = new Promise<void>((resolve) => (begin = resolve))
  let open = (): void => undefined
  const gate = new Promise<void>((resolve) => (open = resolve))
  const slow = defineAsset({
    kind: 'stored',
    name: 'slow',
    dimensions: ['i'],
    recipe: '1',
    from: { word: sameKey },
    build: async ({ inputs }) => {
      begin()
      await gate
      return { parts: [], value: String(inputs.key) }
    },
  })
  at = await engineProject({ assets: [wordFact, slow] })
  await using executor = await openExecutor(at, 'embedded')
  const facts = { 'word/1': { text: 'one', shelves: [] } }
  const drained = drain(at.project, { executor, workers: 1, also: [factChanges(facts)] })
  await begun
  const ran = at.run('*', { facts })
  setTimeout(open, 300)
  expect((await ran).status).toBe('succeeded')
  await drained
  expect(at.takeLog()).toEqual(['slow[1]'])
  expect((await at.plan()).steps).toEqual([])
})
