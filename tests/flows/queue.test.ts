/**
 * The rebuild queue is a log of requests: each ends by the commit that covered it, with a status
 * and a reason, and a failure never consumes one.
 */
import { renameSync, rmSync } from 'node:fs'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encounters, medicalFile } from '../support/deliveries.ts'
import { RoadProject } from '../support/project.ts'

const JANUARY = 'MA/medical/2024-01'

let standing: RoadProject
beforeAll(async () => {
  standing = await RoadProject.create()
  standing.deliver('alpha/first', [medicalFile('2024-01', encounters('2024-01', 10, 'first'))])
  standing.deliver('beta/first', [medicalFile('2024-01', encounters('2024-01', 10, 'b'))])
  await standing.run()
})
afterAll(async () => standing[Symbol.asyncDispose]())

const MAPPING = 'mappings/medical/synthea/v1.json'
const editMapping = (road: RoadProject, source: string): void =>
  road.edit(MAPPING, (document) => {
    const { columns } = document as unknown as { columns: Record<string, unknown> }
    columns['description'] = { source }
  })

const requests = async (road: RoadProject) =>
  (
    await road.tables
      .selectFrom('canonical_rebuild_queue')
      .selectAll()
      .orderBy('queue_id')
      .execute()
  )
    .slice(1)
    .map(({ status, outcome, attempts }) => ({ status, outcome, attempts }))

test('a first build asks once and is answered', async () => {
  const [first] = await standing.tables.selectFrom('canonical_rebuild_queue').selectAll().execute()
  expect(first).toMatchObject({ status: 'SUCCEEDED', outcome: 'built', requested_by: 'test' })
  const [build] = await standing.tables.selectFrom('canonical_month_build').selectAll().execute()
  expect(build).toMatchObject({ atomic_month: '2024-01', status: 'SUCCEEDED', rows: 20 })
})

test('a failed build keeps its request, and the next success answers it', async () => {
  await using road = await standing.clone()
  editMapping(road, 'ENCOUNTERCLASS')
  // A part it has to read is gone.
  renameSync(road.path('data/.versions'), road.path('data/.away'))
  const failed = await road.run()
  expect(failed.canonical).toEqual([`${JANUARY} failed`])
  expect(failed.report.status).toBe('failed')
  expect(await requests(road)).toEqual([{ status: 'FAILED', outcome: 'PART_MISSING', attempts: 1 }])
  rmSync(road.path('data/.versions'), { recursive: true, force: true })
  renameSync(road.path('data/.away'), road.path('data/.versions'))
  const { canonical } = await road.run()
  expect(canonical).toEqual([`${JANUARY} built`])
  expect(await requests(road)).toEqual([{ status: 'SUCCEEDED', outcome: 'built', attempts: 1 }])
})

test('a request that turns out to need nothing is skipped, with the reason', async () => {
  await using road = await RoadProject.create()
  // Declared, and without a row in February: the month is looked at and never built.
  const rows = encounters('2024-01', 3, 'a')
  road.deliver('alpha/quiet', [medicalFile(['2024-01', '2024-02'], rows)])
  expect((await road.run()).canonical).toEqual([`${JANUARY} built`])
  const queue = await road.tables
    .selectFrom('canonical_rebuild_queue')
    .select(['atomic_month', 'status', 'outcome'])
    .orderBy('atomic_month')
    .execute()
  expect(queue).toEqual([
    { atomic_month: '2024-01', status: 'SUCCEEDED', outcome: 'built' },
    { atomic_month: '2024-02', status: 'SKIPPED', outcome: 'unchanged' },
  ])
})

test('a correction asks for its month, and says whose it is', async () => {
  await using road = await standing.clone()
  road.deliver('alpha/second', [medicalFile('2024-01', encounters('2024-01', 12, 'second'))])
  await road.run()
  const queue = await road.tables.selectFrom('canonical_rebuild_queue').selectAll().execute()
  expect(queue.at(-1)).toMatchObject({
    reason: 'gold_submitter[MA/medical/alpha/2024-01]',
    requested_by: 'test',
    status: 'SUCCEEDED',
    outcome: 'built',
  })
  expect(queue).toHaveLength(2)
})

test('a decision made while a month is built leads to one more build', async () => {
  await using road = await standing.clone()
  road.deliver('alpha/second', [medicalFile('2024-01', encounters('2024-01', 12, 'second'))])
  let decided: Promise<void> | undefined
  const first = await road.run(undefined, {
    onEvent: (event) => {
      if (event.type !== 'started' || event.node.asset !== 'gold_canonical') return
      decided ??= road
        .submission('beta/first')
        .then(async (row) => road.decide({ kind: 'withdraw', submission: row.submission_id }))
    },
  })
  await decided
  expect(first.canonical).toEqual([`${JANUARY} built`])
  const second = await road.run()
  // Its one part is the one just built.
  expect(second.canonical).toEqual([`${JANUARY} reused`])
  expect(await road.canonicalRows(JANUARY)).toHaveLength(12)
  expect((await requests(road)).map(({ status }) => status)).toEqual(['SUCCEEDED', 'SUCCEEDED'])
  expect(await road.steps()).toEqual([])
})

test('a winner whose layout has no mapping blocks its month loudly', async () => {
  await using road = await standing.clone()
  rmSync(road.path('mappings/medical/synthea'), { recursive: true })
  const { steps, waiting } = await road.plan()
  expect(steps).toEqual([])
  expect(waiting).toEqual([
    {
      asset: 'gold_canonical',
      key: JANUARY,
      kind: 'blocked',
      why: 'the winner of alpha has layout medical/synthea/v1, which has no mapping to the active schema',
    },
  ])
  await road.run()
  // It never vanishes: readers keep what was there, and the request stays open.
  expect(await road.canonicalRows(JANUARY)).toHaveLength(20)
  expect(await requests(road)).toEqual([{ status: 'PENDING', outcome: null, attempts: 0 }])
})

test('the winner does not depend on the order in which submissions are processed', async () => {
  // Received in this order, one observation's deliveries by path.
  const sizes = { a_first: 10, b_second: 12, c_third: 5, d_fourth: 11 }
  const deliverAll = (road: RoadProject): void => {
    for (const [name, count] of Object.entries(sizes)) {
      road.deliver(`gamma/${name}`, [medicalFile('2024-01', encounters('2024-01', count, name))])
    }
  }
  /** Parses one submission at a time, in the order given by ranks. */
  const winnerAfter = async (ranks: readonly number[]): Promise<unknown> => {
    await using road = await standing.clone()
    deliverAll(road)
    await road.run('raw')
    const ids = (await road.submissions())
      .filter((row) => row.submitter_id === 'gamma')
      .map((row) => row.submission_id)
    for (const rank of ranks) await road.run(`+verdict[submission_id=${ids[rank] ?? ''}]`)
    const { canonical } = await road.run()
    expect(canonical).toEqual([`${JANUARY} built`])
    const { waiting } = await road.plan()
    const gamma = await road.canonicalRows(JANUARY, ['submitter_id', 'encounter_id'])
    return [
      waiting.map((one) => one.key),
      gamma.filter((row) => row['submitter_id'] === 'gamma').map((row) => row['encounter_id']),
    ]
  }
  const inOrder = await winnerAfter([0, 1, 2, 3])
  expect(inOrder).toEqual([
    ['MA/medical/gamma/2024-01'],
    encounters('2024-01', 11, 'd_fourth')
      .map((row) => `${row['Id']}`)
      .toSorted((a, b) => (a < b ? -1 : 1)),
  ])
  await fc.assert(
    fc.asyncProperty(fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }), async (ranks) => {
      expect(await winnerAfter(ranks)).toEqual(inOrder)
    }),
    { numRuns: 2 },
  )
})
