/** What a person decides about submissions moves winners at once, and nothing else. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encounters, medicalFile } from '../support/deliveries.ts'
import { RoadProject } from '../support/project.ts'

const JANUARY = 'MA/medical/2024-01'
const FEBRUARY = 'MA/medical/2024-02'

let standing: RoadProject
beforeAll(async () => {
  standing = await RoadProject.create()
  const both = ['2024-01', '2024-02'].flatMap((month) => encounters(month, 10, 'first'))
  standing.deliver('alpha/first', [medicalFile(['2024-01', '2024-02'], both)])
  await standing.run()
  // A correction of one month, then a short one of the other: 4 of 10 rows are held.
  standing.deliver('alpha/second', [medicalFile('2024-01', encounters('2024-01', 11, 'second'))])
  standing.deliver('alpha/short', [medicalFile('2024-02', encounters('2024-02', 4, 'short'))])
  await standing.run()
})
afterAll(async () => standing[Symbol.asyncDispose]())

const id = async (road: RoadProject, drop: string): Promise<string> =>
  (await road.submission(drop)).submission_id
const rowCount = async (road: RoadProject, month: string): Promise<number> =>
  (await road.canonicalRows(month)).length
const alpha = (month: string) =>
  ({ state: 'MA', fileType: 'medical', submitter: 'alpha', month }) as const

test('a withdrawal brings the runner-up back without computing a row', async () => {
  await using road = await standing.clone()
  await road.decide({ kind: 'withdraw', submission: await id(road, 'alpha/second') })
  const { canonical, brokenPromises } = await road.run()
  expect(brokenPromises).toEqual([])
  expect(canonical).toEqual([`${JANUARY} reused`])
  expect(road.platform.duck.started).toBe(0)
  expect(await rowCount(road, JANUARY)).toBe(10)
})

test('a withdrawal without a runner-up retires the month', async () => {
  await using road = await standing.clone()
  for (const drop of ['alpha/short', 'alpha/first', 'alpha/second']) {
    await road.decide({ kind: 'withdraw', submission: await id(road, drop) })
  }
  const { canonical, brokenPromises } = await road.run()
  expect(brokenPromises).toEqual([])
  expect(canonical).toEqual([`${JANUARY} retired`, `${FEBRUARY} retired`])
  await expect(rowCount(road, JANUARY)).rejects.toMatchObject({ code: 'DUCK_TASK_FAILED' })
  expect(await road.steps()).toEqual([])
})

test('a held month waits in words; confirmed, it wins', async () => {
  await using road = await standing.clone()
  const { steps, waiting } = await road.plan()
  expect(steps).toEqual([])
  expect(waiting).toEqual([
    {
      asset: 'winner',
      key: 'MA/medical/alpha/2024-02',
      kind: 'hold',
      why: expect.stringMatching(
        /-[0-9a-f]{12} has 4 rows, the winner .* has 10: confirm or reject it$/,
      ),
    },
  ])
  await road.decide({
    kind: 'confirm',
    submission: await id(road, 'alpha/short'),
    months: ['2024-02'],
  })
  const { canonical } = await road.run()
  expect(canonical).toEqual([`${FEBRUARY} built`])
  expect(await rowCount(road, FEBRUARY)).toBe(4)
  expect((await road.plan()).waiting).toEqual([])
})

test('a held submission that is withdrawn or rejected ends its hold and builds nothing', async () => {
  for (const kind of ['withdraw', 'reject'] as const) {
    await using road = await standing.clone()
    const submission = await id(road, 'alpha/short')
    await road.decide(
      kind === 'withdraw' ? { kind, submission } : { kind, submission, months: 'all' },
    )
    const { log } = await road.run()
    // The winner's parts are compared and found equal: nothing behind them is looked at.
    expect(log).toEqual(['gold_submitter MA/medical/alpha/2024-02 cutoff'])
    expect((await road.plan()).waiting).toEqual([])
    expect(await rowCount(road, FEBRUARY)).toBe(10)
  }
})

test('a month that is rejected goes to its runner-up; the other months stay', async () => {
  await using road = await standing.clone()
  const submission = await id(road, 'alpha/first')
  await road.decide({ kind: 'reject', submission, months: ['2024-02'] })
  const { canonical } = await road.run()
  // The held one is the first now, and a first is never held.
  expect(canonical).toEqual([`${FEBRUARY} built`])
  expect(await rowCount(road, FEBRUARY)).toBe(4)
  expect(await rowCount(road, JANUARY)).toBe(11)
})

test('a pin wins until it is cleared', async () => {
  await using road = await standing.clone()
  const submission = await id(road, 'alpha/first')
  await road.decide({ kind: 'pin', submission, month: alpha('2024-01') })
  expect((await road.run()).canonical).toEqual([`${JANUARY} reused`])
  expect(await rowCount(road, JANUARY)).toBe(10)
  await road.decide({ kind: 'pin', submission: undefined, month: alpha('2024-01') })
  expect((await road.run()).canonical).toEqual([`${JANUARY} reused`])
  expect(await rowCount(road, JANUARY)).toBe(11)
})

test('a decision that cannot be is refused and changes nothing', async () => {
  await using road = await standing.clone()
  const submission = await id(road, 'alpha/first')
  const outside = road.decide({ kind: 'reject', submission, months: ['2025-01'] })
  await expect(outside).rejects.toMatchObject({ code: 'DECISION_INVALID' })
  const unknown = road.decide({ kind: 'withdraw', submission: 'nobody' })
  await expect(unknown).rejects.toMatchObject({ code: 'SUBMISSION_UNKNOWN' })
  await road.decide({ kind: 'withdraw', submission })
  const again = road.decide({ kind: 'withdraw', submission })
  await expect(again).rejects.toMatchObject({ code: 'SUBMISSION_STATE' })
})

test('older bytes sent again are a new submission, and win', async () => {
  await using road = await standing.clone()
  const january = encounters('2024-01', 9, 'other')
  road.deliver('alpha/third', [medicalFile('2024-01', january)])
  await road.run()
  road.deliver('alpha/back', [medicalFile('2024-01', encounters('2024-01', 11, 'second'))])
  const { canonical } = await road.run()
  expect((await road.statuses())['alpha/back']).toBe('VALIDATED')
  expect(canonical).toHaveLength(1)
  expect(await rowCount(road, JANUARY)).toBe(11)
})

test('the same bytes again are a duplicate and build nothing', async () => {
  await using road = await standing.clone()
  road.deliver('alpha/again', [medicalFile('2024-01', encounters('2024-01', 11, 'second'))])
  const { log } = await road.run()
  expect(log).toEqual([])
  const again = await road.submission('alpha/again')
  expect([again.status, again.duplicate_of]).toEqual(['DUPLICATE', await id(road, 'alpha/second')])
  // Withdrawn, the bytes may come back.
  await road.decide({ kind: 'withdraw', submission: await id(road, 'alpha/second') })
  road.deliver('alpha/anew', [medicalFile('2024-01', encounters('2024-01', 11, 'second'))])
  await road.run()
  expect((await road.statuses())['alpha/anew']).toBe('VALIDATED')
  expect(await rowCount(road, JANUARY)).toBe(11)
})
