/** A catalog that is lost comes back from the store alone. */
import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fsck, makePlan, openCatalog, rebuildCatalog, rollBack } from '../../engine/index.ts'
import { decidedRoad, known } from '../support/known-state.ts'
import { rebuiltFromStore } from '../support/lost-catalog.ts'
import { MIGRATIONS } from '../../migrations/index.ts'
import { rejectedCode } from '../support/error-code.ts'
import { freshDatabase } from '../support/postgres.ts'
import type { RoadProject } from '../support/project.ts'
import { verdictOn } from './verified-road.ts'

const ACTOR = { name: 'test', reason: 'the disk is gone' }
const JOURNAL = '_catalog/journal'

let road: RoadProject
beforeAll(async () => {
  road = await decidedRoad()
})
afterAll(async () => road[Symbol.asyncDispose]())

test.each(['sqlite', 'postgres'] as const)(
  'on %s: same submissions, decisions, winners and holds; one run computes nothing',
  async (database) => {
    await using clone = await road.clone()
    const before = await known(clone.project)
    const server = database === 'postgres' ? await freshDatabase() : undefined
    const url = server?.url ?? clone.path('other.db')
    const { project, catalog, ...rebuilt } = await rebuiltFromStore(clone, url)
    expect([rebuilt.told.lost, rebuilt.told.unknown, rebuilt.failures]).toEqual([[], 0, 0])
    expect([Object.keys(rebuilt.outcomes), rebuilt.children]).toEqual([['cutoff'], 0])
    expect(await known(project)).toEqual(before)
    const { steps, waiting } = await makePlan(project, { actor: ACTOR })
    expect([steps, waiting]).toEqual([[], (await clone.plan()).waiting])
    expect((await fsck(project)).faults).toEqual([])
    const { platform } = clone
    expect((await verdictOn({ platform, project }, { deep: true })).broken).toEqual([])
    await catalog.close()
    await server?.close()
  },
)

test('a month that was rolled back stays where a person put it', async () => {
  await using clone = await road.clone()
  const node = { asset: 'gold_canonical', key: 'MA/medical/2024-02' }
  await rollBack(clone.project, { node, commitNumber: 1, actor: ACTOR })
  await clone.run()
  const before = await known(clone.project)
  const { project, catalog, outcomes } = await rebuiltFromStore(clone, clone.path('other.db'))
  expect(Object.keys(outcomes)).toEqual(['cutoff'])
  expect(await known(project)).toEqual(before)
  await catalog.close()
})

test('an unchanged run tells the journal nothing', async () => {
  await using clone = await road.clone()
  const last = async () => (await clone.project.store.lastManifest(JOURNAL))?.number
  const before = await last()
  expect((await clone.run()).report.run).toBeUndefined()
  expect(await last()).toBe(before)
})

test('a catalog that is in use is not written over; a damaged journal is told by its number', async () => {
  await using clone = await road.clone()
  expect(await rejectedCode(rebuildCatalog(clone.project, { actor: ACTOR }))).toBe(
    'CATALOG_NOT_EMPTY',
  )
  const file = clone.path(`data/.versions/${JOURNAL}/_manifest/0000000002.json`)
  writeFileSync(file, readFileSync(file, 'utf8').slice(0, -20))
  const catalog = await openCatalog({ url: clone.path('other.db'), migrations: MIGRATIONS })
  const project = { ...clone.project, catalog }
  await expect(rebuildCatalog(project, { actor: ACTOR })).rejects.toMatchObject({
    code: 'STORED_INVALID',
    context: { path: JOURNAL, number: 2 },
  })
  // Nothing was kept of it: mended, it is rebuilt into the same catalog.
  const nodes = await catalog.db.selectFrom('node').selectAll().execute()
  expect(nodes).toEqual([])
  await catalog.close()
})
