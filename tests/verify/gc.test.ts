/** gc: what is beyond retention goes, and nothing that anybody asks for. */
import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { GcReport } from '../../engine/index.ts'
import { collectGarbage, fsck } from '../../engine/index.ts'
import { decidedRoad, known } from '../support/known-state.ts'
import { rebuiltFromStore } from '../support/lost-catalog.ts'
import type { RoadProject } from '../support/project.ts'
import { tamper } from './damage.ts'
import { verdictOn } from './verified-road.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const ACTOR = { name: 'test', reason: 'a test' }

let road: RoadProject
beforeAll(async () => {
  road = await decidedRoad()
  // One submission is measured anew forty times, and 260 runs come after that.
  const { submission_id: submission } = await road.submission('alpha/q1')
  for (let at = 0; at < 40; at++) {
    await road.run(`measure[submission_id=${submission}]`, { force: true })
  }
  await tamper(
    road,
    `insert into run (actor, command, reason, plan, started_ms, heartbeat_ms, ended_ms, status, counts)
     select 'test', 'x', null, null, 1, 1, 1, 'succeeded', '{}'
     from (with recursive t(n) as (select 1 union all select n + 1 from t where n < 260) select n from t)`,
  )
})
afterAll(async () => road[Symbol.asyncDispose]())

const collect = async (it: RoadProject, days: number, isDryRun = false): Promise<GcReport> =>
  collectGarbage(it.project, {
    retention: { historyMs: days * DAY_MS, logsMs: days * DAY_MS },
    actor: ACTOR,
    isDryRun,
  })

const counts = ({ removed }: GcReport): Readonly<Record<string, number>> =>
  Object.fromEntries(removed.flatMap(({ what, count }) => (count === 0 ? [] : [[what, count]])))

test('within retention nothing goes, and what stays has its reason', async () => {
  await using clone = await road.clone()
  const report = await collect(clone, 36_500)
  expect(counts(report)).toEqual({})
  expect(report.kept.map(({ what }) => what)).toEqual([
    'audit rows',
    'builds',
    'contents',
    'parts',
    'first-wanted instants',
  ])
  for (const { count, why } of report.kept)
    expect([count > 0, why.length > 10]).toEqual([true, true])
})

test('a dry run says the same and changes nothing', async () => {
  await using clone = await road.clone()
  const builds = async () => clone.project.catalog.db.selectFrom('build').selectAll().execute()
  const before = await builds()
  const said = counts(await collect(clone, 0, true))
  expect(await builds()).toEqual(before)
  expect(counts(await collect(clone, 0))).toEqual(said)
  expect(said['superseded builds']).toBe(8)
  expect(counts(await collect(clone, 0))).toEqual({})
})

test('after it every invariant holds, nothing is built, and a lost catalog still comes back', async () => {
  await using clone = await road.clone()
  const before = await known(clone.project)
  await collect(clone, 0)
  expect((await clone.plan()).steps).toEqual([])
  expect((await fsck(clone.project)).faults).toEqual([])
  expect((await verdictOn(clone, { deep: true })).broken).toEqual([])
  const { project, catalog, outcomes } = await rebuiltFromStore(clone, clone.path('other.db'))
  expect(Object.keys(outcomes)).toEqual(['cutoff'])
  const after = await known(project)
  expect({ ...after, finding: [] }).toEqual({ ...before, finding: [] })
  await catalog.close()
})

test('a withdrawal after it still finds the parts of kept versions', async () => {
  await using clone = await road.clone()
  await collect(clone, 0)
  const { submission_id: submission } = await clone.submission('beta/short')
  await clone.decide({ kind: 'withdraw', submission })
  const { canonical } = await clone.run()
  expect(canonical).toEqual(['MA/medical/2024-01 reused'])
  expect(clone.platform.duck.started).toBe(0)
})

test('residue and old logs go, young logs stay', async () => {
  await using clone = await road.clone()
  const orphan = clone.path('data/.versions/gold_canonical/MA/medical/atomic_month=2024-01/@r999-1')
  mkdirSync(orphan)
  writeFileSync(`${orphan}/part-alpha.parquet`, 'x')
  const logs = clone.path('.tributary/logs')
  const [first = '', ...more] = readdirSync(logs).toSorted()
  const old = new Date(Date.now() - 40 * DAY_MS)
  utimesSync(`${logs}/${first}`, old, old)
  const said = counts(await collect(clone, 30))
  expect([said['orphans of the store'], said['run logs']]).toEqual([1, 1])
  expect([existsSync(orphan), readdirSync(logs).toSorted()]).toEqual([false, more])
})

test('on PostgreSQL too', async () => {
  await using server = await decidedRoad('postgres')
  expect(counts(await collect(server, 0))).toMatchObject({ 'builds of months': 5 })
  expect((await verdictOn(server)).broken).toEqual([])
})
