/** A selection builds exactly what it names, never from stale input. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encounters, medicalFile } from '../support/deliveries.ts'
import type { RoadProject } from '../support/project.ts'
import { changedNames, partIdentities, standingRoad } from './standing-road.ts'

let standing: RoadProject
beforeAll(async () => {
  standing = await standingRoad()
})
afterAll(async () => standing[Symbol.asyncDispose]())

/** An edit that makes every canonical month of medical dirty. */
const editSchema = (road: RoadProject): void =>
  road.edit('schemas/medical/v1.json', (document) => {
    const { columns } = document as unknown as { columns: unknown[] }
    columns.push({ name: 'reason', type: 'VARCHAR' })
  })

test('a selected month is built, and every other byte stays', async () => {
  await using road = await standing.clone()
  const before = partIdentities(road)
  editSchema(road)
  const { log, report } = await road.run('gold_canonical[atomic_month=2024-02]')
  expect(log).toEqual(['gold_canonical MA/medical/2024-02 built'])
  expect(report.status).toBe('succeeded')
  expect(changedNames(before, partIdentities(road))).toEqual([
    'MA/medical/2024-02/part-alpha.parquet',
    'MA/medical/2024-02/part-beta.parquet',
  ])
  // The rest is still to be done.
  expect(await road.steps()).toEqual([
    'gold_canonical MA/medical/2024-01 build',
    'gold_canonical MA/medical/2024-03 build',
  ])
})

test('over a dirty parent a selected month waits, and says what to add', async () => {
  await using road = await standing.clone()
  const before = partIdentities(road)
  road.deliver('alpha/fix', [medicalFile('2024-02', encounters('2024-02', 5, 'fix'))])
  const month = 'gold_canonical[state=MA,file_type=medical,atomic_month=2024-02]'
  const { steps, waiting } = await road.plan(month)
  expect(steps).toEqual([])
  const [wait] = waiting
  expect(waiting).toHaveLength(1)
  expect(wait).toMatchObject({
    asset: 'gold_canonical',
    key: 'MA/medical/2024-02',
    kind: 'upstream',
    on: { asset: 'gold_submitter', key: 'MA/medical/alpha/2024-02' },
  })
  expect(wait?.why).toBe(
    'gold_submitter[MA/medical/alpha/2024-02] has to be built first: ' +
      'select +gold_canonical/MA/medical/2024-02',
  )
  expect((await road.run(month)).log).toEqual([])
  expect(changedNames(before, partIdentities(road))).toEqual([])
  const { canonical, brokenPromises } = await road.run('+gold_canonical/MA/medical/2024-02')
  expect(brokenPromises).toEqual([])
  expect(canonical).toEqual(['MA/medical/2024-02 built'])
  expect(await road.canonicalRows('MA/medical/2024-02')).toHaveLength(5 + 3)
})

test('forced, a selection is built again and the rest is not', async () => {
  await using road = await standing.clone()
  const before = partIdentities(road)
  const month = 'gold_canonical[state=CO,atomic_month=2024-01]'
  const { log, plan } = await road.run(month, { force: true })
  expect(log).toEqual(['gold_canonical CO/medical_claim/2024-01 cutoff'])
  expect(plan.steps[0]?.causes[0]).toEqual({ kind: 'forced', reason: 'a test' })
  expect(changedNames(before, partIdentities(road))).toEqual([])
})
