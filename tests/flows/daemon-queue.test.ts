/** The queue under a daemon: failures, dead letters, pauses, and signals that were lost. */
import { renameSync, rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addRequests, cancelRequest, requeue } from '../../assets/queue-requests.ts'
import { QUEUE_SENSOR } from '../../assets/queue-observer.ts'
import { changePause } from '../../engine/index.ts'
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
  await standing.run()
})
afterAll(async () => standing[Symbol.asyncDispose]())

const last = async (road: RoadProject) =>
  road.tables
    .selectFrom('canonical_rebuild_queue')
    .select(['queue_id', 'status', 'outcome', 'attempts'])
    .orderBy('queue_id', 'desc')
    .executeTakeFirstOrThrow()

const openEnds = async (road: RoadProject): Promise<number> =>
  (
    await road.tables
      .selectFrom('canonical_rebuild_queue')
      .select('queue_id')
      .where('processed_ms', 'is', null)
      .execute()
  ).length

test('a failed build keeps its request; dead ones are shown, and asking again revives them', async () => {
  await using road = await standing.clone()
  // The mapping asks for a cast that no row survives: another attempt cannot help.
  road.edit('mappings/medical/synthea/v1.json', (document) => {
    const { columns } = document as unknown as { columns: Record<string, unknown> }
    columns['description'] = { expr: 'cast(cast(PATIENT as integer) as varchar)' }
  })
  await using daemon = await RoadDaemon.start(road)
  await daemon.until('it is dead', async () => (await last(road)).status === 'DEAD')
  const dead = await last(road)
  expect(dead).toMatchObject({ outcome: 'MAPPING_CAST_FAILED', attempts: 1 })
  expect(await road.canonicalRows(JANUARY)).toHaveLength(10)
  const builds = daemon.events.filter((event) => event.type === 'failed').length

  await requeue(road.project, dead.queue_id, PERSON)
  const failed = (): number => daemon.events.filter((event) => event.type === 'failed').length
  await daemon.until('it was tried again', async () => failed() > builds)
  await daemon.until('it is dead again', async () => (await last(road)).status === 'DEAD')

  road.edit('mappings/medical/synthea/v1.json', (document) => {
    const { columns } = document as unknown as { columns: Record<string, unknown> }
    columns['description'] = { source: 'ENCOUNTERCLASS' }
  })
  await daemon.until('all are answered', async () => (await openEnds(road)) === 0)
  await daemon.quiet()
  expect((await last(road)).status).toBe('SUCCEEDED')
})

test('a part that is missing fails a build once, is made again, and the request is answered', async () => {
  await using road = await standing.clone()
  road.edit('mappings/medical/synthea/v1.json', (document) => {
    const { columns } = document as unknown as { columns: Record<string, unknown> }
    columns['description'] = { source: 'ENCOUNTERCLASS' }
  })
  renameSync(road.path('data/.versions'), road.path('data/.away'))
  await using daemon = await RoadDaemon.start(road)
  await daemon.until('it failed', async () => (await last(road)).attempts > 0)
  expect((await last(road)).outcome).toBe('PART_MISSING')
  rmSync(road.path('data/.versions'), { recursive: true, force: true })
  renameSync(road.path('data/.away'), road.path('data/.versions'))
  await daemon.until('all are answered', async () => (await openEnds(road)) === 0)
  expect((await last(road)).status).toBe('SUCCEEDED')
})

test('a paused queue keeps requests and builds no month until it goes on', async () => {
  await using road = await standing.clone()
  await changePause(road.project, { sensor: QUEUE_SENSOR, isPause: true, actor: PERSON })
  await using daemon = await RoadDaemon.start(road)
  await addRequests(road.project, [MONTH], PERSON)
  road.deliver('beta/first', [medicalFile('2024-01', encounters('2024-01', 7, 'b'))])
  await daemon.until('beta is ready', async () => daemon.built('gold_submitter').length > 0)
  await daemon.until('it looked since', async () => daemon.events.length > 50)
  expect(daemon.built('gold_canonical')).toEqual([])
  // One of a person stands for what the road would ask for too.
  expect(await openEnds(road)).toBe(1)
  await changePause(road.project, { sensor: QUEUE_SENSOR, isPause: false, actor: PERSON })
  await daemon.quiet()
  expect(await openEnds(road)).toBe(0)
  expect(await road.canonicalRows(JANUARY)).toHaveLength(17)
})

test('a request that was taken back is not built', async () => {
  await using road = await standing.clone()
  const [id = 0] = await addRequests(road.project, [MONTH], PERSON)
  await cancelRequest(road.project, id, PERSON)
  await using daemon = await RoadDaemon.start(road)
  await daemon.quiet()
  expect(daemon.built('gold_canonical')).toEqual([])
  expect(await last(road)).toMatchObject({ status: 'CANCELLED', outcome: 'by ann' })
})

describe('on PostgreSQL with pg-boss', () => {
  test('F23: a daemon that hears no signal picks requests and deliveries up by looking', async () => {
    await using road = await RoadProject.create({ database: 'postgres' })
    road.deliver('alpha/first', [medicalFile('2024-01', encounters('2024-01', 10, 'first'))])
    await road.run()
    await using daemon = await RoadDaemon.start(road, { isDeaf: true, lookMs: 30_000 })
    await daemon.until('all looked', async () =>
      daemon.daemon.sensors.every(({ lookedAtMs }) => lookedAtMs !== undefined),
    )
    await addRequests(
      road.project,
      Array.from({ length: 3 }, () => MONTH),
      PERSON,
    )
    await daemon.until('it is built', async () => daemon.built('gold_canonical').length > 0)
    await daemon.until('all are answered', async () => (await openEnds(road)) === 0)
    expect(daemon.built('gold_canonical')).toEqual([`${JANUARY} cutoff`])
  })
})
