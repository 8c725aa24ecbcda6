/**
 * Daemons and workers as processes: told to stop in the middle of a build (F4), killed in it; two on
 * one queue with three processes that ask (F5). A frozen one is PostgreSQL's case: on SQLite it may hold
 * the lock that every writer needs.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { verifyProject } from '../../assets/verify/verify-project.ts'
import { encounters, medicalFile } from '../support/deliveries.ts'
import { LongProcess } from '../support/long-process.ts'
import { RoadProject } from '../support/project.ts'
import { countFault } from './support/count.ts'

const ASKER = fileURLToPath(new URL('ask-child.ts', import.meta.url))
const MONTHS = ['2024-01', '2024-02', '2024-03', '2024-04', '2024-05']
const STOP_MS = 5_000

let standing: RoadProject
beforeAll(async () => {
  standing = await RoadProject.create()
  for (const month of MONTHS) {
    standing.deliver(`alpha/${month}`, [medicalFile(month, encounters(month, 10, 'a'))])
  }
  await standing.run()
})
afterAll(async () => standing[Symbol.asyncDispose]())

const open = async (road: RoadProject): Promise<number> =>
  (
    await road.tables
      .selectFrom('canonical_rebuild_queue')
      .select('queue_id')
      .where('processed_ms', 'is', null)
      .execute()
  ).length

const dirty = async (road: RoadProject): Promise<number> =>
  (await road.project.catalog.db.selectFrom('dirty').select('node').execute()).length

async function expectSound(road: RoadProject): Promise<void> {
  const { db } = road.project.catalog
  expect(await db.selectFrom('intent').selectAll().execute()).toEqual([])
  const results = await verifyProject(road.platform)
  expect(results.filter(({ holds }) => !holds)).toEqual([])
  const twice = await db
    .selectFrom('build')
    .select(['node', 'commit_number'])
    .where('outcome', 'in', ['built', 'reused', 'retired'])
    .groupBy(['node', 'commit_number'])
    .having(({ fn }) => fn.countAll(), '>', 1)
    .execute()
  expect(twice).toEqual([])
}

const dispatcher = async (road: RoadProject): Promise<LongProcess> =>
  LongProcess.start(['daemon', '--no-work', '--port', '0'], road)

/** Deliveries of a size that a worker is busy with for a moment. */
function deliverMore(road: RoadProject): void {
  for (const month of MONTHS) {
    road.deliver(`beta/${month}`, [medicalFile(month, encounters(month, 2_000, 'b'))])
  }
}

test('F4: a worker told to stop in a build exits in time, and another goes on at once', async () => {
  await using road = await standing.clone()
  await using daemon = await dispatcher(road)
  await using first = await LongProcess.start(['worker', '--workers', '2'], road)
  deliverMore(road)
  await first.until('it builds', () => first.said.some(({ event }) => event === 'finished'))
  const ended = await first.end('SIGTERM')
  countFault('F4')
  expect(ended).toMatchObject({ code: 0, signal: null })
  expect(ended.ms).toBeLessThanOrEqual(STOP_MS)
  const { db } = road.project.catalog
  expect(await db.selectFrom('intent').selectAll().execute()).toEqual([])
  await using second = await LongProcess.start(['worker', '--workers', '2'], road)
  await second.until(
    'the rest is built',
    async () => (await dirty(road)) + (await open(road)) === 0,
  )
  expect((await daemon.end('SIGTERM')).code).toBe(0)
  await second.end()
  await expectSound(road)
})

test('a worker killed in a build is followed by another, which ends what it left', async () => {
  await using road = await standing.clone()
  await using daemon = await dispatcher(road)
  await using first = await LongProcess.start(['worker', '--workers', '2'], road)
  await using second = await LongProcess.start(['worker', '--workers', '1'], road)
  deliverMore(road)
  await first.until('it builds', () => first.said.some(({ event }) => event === 'finished'))
  await first.end('SIGKILL')
  await second.until(
    'the rest is built',
    async () => (await dirty(road)) + (await open(road)) === 0,
  )
  await second.end()
  await daemon.end()
  await expectSound(road)
})

test('F5: 1,000 requests by three processes to two daemons are all accounted for', async () => {
  await using road = await standing.clone()
  await using first = await LongProcess.start(['daemon', '--workers', '1', '--port', '0'], road)
  await using second = await LongProcess.start(['daemon', '--workers', '1', '--port', '0'], road)
  const counts = [334, 333, 333]
  const askers = counts.map(async (count, at) =>
    promisify(execFile)(process.execPath, [ASKER, road.root, String(count), `asker-${at}`]),
  )
  await Promise.all(askers)
  await first.until('all are answered', async () => (await open(road)) === 0)
  const rows = await road.tables
    .selectFrom('canonical_rebuild_queue')
    .selectAll()
    .where('requested_by', 'like', 'asker-%')
    .execute()
  expect(rows).toHaveLength(1000)
  expect([...new Set(rows.map((row) => row.status))].toSorted()).toEqual(['SKIPPED'])
  // Each was answered by a build that was claimed after it was made.
  expect(rows.filter((row) => (row.claimed_ms ?? 0) < row.enqueued_ms)).toEqual([])
  const built = [first, second].map(
    ({ said }) =>
      said.filter((one) => one.event === 'finished' && one.node?.startsWith('gold_canonical'))
        .length,
  )
  const ticks = [first, second].map(
    ({ said }) => said.filter(({ event }) => event === 'ticked').length,
  )
  console.log(`builds of the daemons: ${built.join(' and ')}; acts: ${ticks.join(' and ')}`)
  expect(built.reduce((sum, one) => sum + one, 0)).toBeLessThan(1000)
  await first.end()
  await second.end()
  await expectSound(road)
})
