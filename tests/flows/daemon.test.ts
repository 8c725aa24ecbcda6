/**
 * What a daemon promises, on its real sensors, queue and workers: the seed system's losses, each by
 * name, and what it does when there is nothing to do.
 */
import { createHash } from 'node:crypto'
import { readFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addRequests } from '../../assets/queue-requests.ts'
import { verifyAudit } from '../../engine/index.ts'
import type { Row } from '../support/deliveries.ts'
import { encounters, medicalFile } from '../support/deliveries.ts'
import { RoadProject } from '../support/project.ts'
import { RoadDaemon } from '../support/road-daemon.ts'

const JANUARY = 'MA/medical/2024-01'
const MONTH = { state: 'MA', fileType: 'medical', month: '2024-01' }
const PERSON = { name: 'ann', reason: 'to be sure' }

let standing: RoadProject
beforeAll(async () => {
  standing = await RoadProject.create()
  standing.deliver('alpha/first', [medicalFile('2024-01', encounters('2024-01', 10, 'first'))])
  standing.deliver('beta/first', [medicalFile('2024-01', encounters('2024-01', 10, 'b'))])
  await standing.run()
})
afterAll(async () => standing[Symbol.asyncDispose]())

const requests = async (road: RoadProject) =>
  (
    await road.tables
      .selectFrom('canonical_rebuild_queue')
      .select(['status', 'outcome', 'reason', 'requested_by'])
      .orderBy('queue_id')
      .execute()
  ).slice(1)

/** Every file of the catalog and the store, by digest. */
function digests(road: RoadProject): Readonly<Record<string, string>> {
  const files = ['.tributary', 'data'].flatMap((folder) =>
    readdirSync(road.path(folder), { recursive: true, withFileTypes: true }).flatMap((entry) =>
      // SQLite's shared memory holds locks of readers, and is no part of the database.
      entry.isFile() && !entry.name.endsWith('-shm') ? [join(entry.parentPath, entry.name)] : [],
    ),
  )
  const digest = (path: string): string =>
    createHash('sha256').update(readFileSync(path)).digest('hex')
  return Object.fromEntries(files.map((path) => [path, digest(path)]))
}

test('a delivery dropped into the inbox is built, with no command given', async () => {
  await using road = await standing.clone()
  await using daemon = await RoadDaemon.start(road)
  road.deliver('gamma/first', [medicalFile('2024-01', encounters('2024-01', 7, 'g'))])
  await daemon.until('gamma is in the month', async () => daemon.built('gold_canonical').length > 0)
  await daemon.quiet()
  expect(daemon.built('gold_canonical')).toEqual([`${JANUARY} built`])
  expect(await road.canonicalRows(JANUARY)).toHaveLength(27)
  expect((await verifyAudit(road.project)).faults).toEqual([])
})

test('the second correction of a month is built', async () => {
  await using road = await standing.clone()
  await using daemon = await RoadDaemon.start(road)
  for (const [at, name] of ['second', 'third'].entries()) {
    road.deliver(`alpha/${name}`, [medicalFile('2024-01', encounters('2024-01', 12 + at, name))])
    await daemon.until(`${name} is built`, async () => daemon.built('gold_canonical').length > at)
    await daemon.quiet()
    expect(await road.canonicalRows(JANUARY)).toHaveLength(22 + at)
  }
  expect(daemon.built('gold_canonical')).toEqual([`${JANUARY} built`, `${JANUARY} built`])
  expect((await requests(road)).map((one) => one.status)).toEqual(['SUCCEEDED', 'SUCCEEDED'])
})

test('an enqueue during a build leads to one more build', async () => {
  await using road = await standing.clone()
  let asked: Promise<unknown> | undefined
  await using daemon = await RoadDaemon.start(road, {
    onEvent: (event) => {
      if (event.type !== 'started' || event.node.asset !== 'gold_canonical') return
      asked ??= addRequests(road.project, [MONTH], PERSON)
    },
  })
  road.deliver('alpha/second', [medicalFile('2024-01', encounters('2024-01', 12, 'second'))])
  await daemon.until('it was built again', async () => daemon.built('gold_canonical').length > 1)
  await asked
  await daemon.quiet()
  expect(daemon.built('gold_canonical')).toEqual([`${JANUARY} built`, `${JANUARY} cutoff`])
  expect(await requests(road)).toMatchObject([
    { status: 'SUCCEEDED', outcome: 'built' },
    { status: 'SKIPPED', outcome: 'cutoff', reason: 'to be sure', requested_by: 'ann' },
  ])
})

test('many requests for one month are one build, and each is answered', async () => {
  await using road = await standing.clone()
  await addRequests(
    road.project,
    Array.from({ length: 25 }, () => MONTH),
    PERSON,
  )
  await using daemon = await RoadDaemon.start(road)
  await daemon.until('it was built', async () => daemon.built('gold_canonical').length > 0)
  await daemon.quiet()
  expect(daemon.built('gold_canonical')).toEqual([`${JANUARY} cutoff`])
  const answered = await requests(road)
  expect(answered).toHaveLength(25)
  expect(new Set(answered.map((one) => one.status))).toEqual(new Set(['SKIPPED']))
})

test('a winner whose submission is validated again does not become newest', async () => {
  await using road = await standing.clone()
  road.deliver('alpha/second', [medicalFile('2024-01', encounters('2024-01', 12, 'second'))])
  await road.run()
  await using daemon = await RoadDaemon.start(road)
  // How a file is read: the older delivery is parsed and validated again, and so is the newer.
  road.edit('registry/layouts/medical/synthea.json', (document) => {
    const { resources } = document as unknown as { resources: { schema: { fields: Row[] } }[] }
    const field = resources[0]?.schema.fields.find(({ name }) => name === 'CODE')
    Object.assign(field ?? {}, { constraints: { maxLength: 18 } })
  })
  const runs = async (): Promise<number> =>
    (await road.tables.selectFrom('parse_run').select('parse_run_id').execute()).length
  const before = await runs()
  await daemon.until('everything was parsed again', async () => (await runs()) >= before + 3)
  await daemon.quiet()
  const ids = await road.canonicalRows(JANUARY, ['encounter_id', 'submitter_id'])
  const alpha = ids.filter((row) => row['submitter_id'] === 'alpha')
  expect(alpha).toHaveLength(12)
  expect(alpha.every((row) => String(row['encounter_id']).startsWith('second-'))).toBe(true)
})

test('a missing output is rebuilt by the verify sensor, not skipped', async () => {
  await using road = await standing.clone()
  const part = (): string => {
    const root = road.path('data/.versions/gold_canonical')
    const found = readdirSync(root, { recursive: true, encoding: 'utf8' })
    return join(root, found.find((path) => path.endsWith('.parquet')) ?? '')
  }
  const before = await road.canonicalRows(JANUARY)
  rmSync(part())
  await using daemon = await RoadDaemon.start(road, {
    // The hour has come.
    change: (sensors) =>
      sensors.map((one) =>
        one.name === 'verify'
          ? {
              ...one,
              timing: { everyMs: 500 },
              look: async (context) =>
                one.look({ ...context, isAsked: context.cursor === undefined }),
            }
          : one,
      ),
  })
  await daemon.until('it was built', async () => daemon.built('gold_canonical').length > 0)
  await daemon.quiet()
  expect(daemon.built('gold_canonical')).toEqual([`${JANUARY} built`])
  expect(daemon.acts('verify')).toEqual(['1 to build'])
  expect(await road.canonicalRows(JANUARY)).toEqual(before)
})

describe('a registry with errors', () => {
  test('keeps the daemon on the last good one, and is one finding until it is whole', async () => {
    await using road = await standing.clone()
    await using daemon = await RoadDaemon.start(road)
    await daemon.quiet()
    const path = 'mappings/medical/synthea/v1.json'
    const good = readFileSync(road.path(path))
    road.write(path, '{ "schema": ')
    await daemon.until('it is seen', async () => (await road.findings()).length > 0)
    road.deliver('gamma/first', [medicalFile('2024-01', encounters('2024-01', 7, 'g'))])
    await daemon.until('gamma is built', async () => daemon.built('gold_canonical').length > 0)
    await daemon.quiet()
    expect(await road.canonicalRows(JANUARY)).toHaveLength(27)
    const open = () =>
      road.tables.selectFrom('finding').select('code').where('closed_ms', 'is', null).execute()
    expect(await open()).toEqual([{ code: 'REGISTRY_INVALID' }])
    road.write(path, good)
    await daemon.until('it is whole', async () => (await open()).length === 0)
    expect(daemon.acts('registry')).toEqual([
      'the registry has errors: the last good one stays',
      'nothing to build',
    ])
  })
})

test('looks that find nothing write nothing at all', async () => {
  await using road = await standing.clone()
  await using daemon = await RoadDaemon.start(road)
  await daemon.quiet()
  const looks = (): number => daemon.events.filter((event) => event.type === 'ticked').length
  const before = digests(road)
  const [seen, revision] = [looks(), await revisionOf(road)]
  await daemon.until('a hundred looks', async () => looks() >= seen + 100)
  expect(digests(road)).toEqual(before)
  expect(await revisionOf(road)).toEqual(revision)
  const late = daemon.events.slice(-100).filter((event) => event.type !== 'ticked')
  expect(late).toEqual([])
})

const revisionOf = async (road: RoadProject) =>
  road.project.catalog.db.selectFrom('catalog').selectAll().execute()
