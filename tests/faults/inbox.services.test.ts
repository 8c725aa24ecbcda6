/** F25 and what belongs to it: a bucket's inbox under a second writer, and a sweep that is cut off. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { verifyProject } from '../../assets/verify/verify-project.ts'
import { encounters, medicalFile, medications, pharmacyFile } from '../support/deliveries.ts'
import { ServiceRoad } from '../support/service-road.ts'
import { countFault } from './support/count.ts'
import { installFaults } from './support/fault-plan.ts'

const JANUARY = 'MA/medical/2024-01'
const january = (count: number, tag: string) =>
  medicalFile('2024-01', encounters('2024-01', count, tag))
const VERSIONS = 25
const RUNS_MAX = 100

let at: ServiceRoad
beforeEach(async () => {
  at = await ServiceRoad.create({ quiescenceMinutes: 10, versioned: true })
})
afterEach(async () => {
  installFaults('').remove()
  await at[Symbol.asyncDispose]()
})

async function expectSound(): Promise<void> {
  expect(await at.lying()).toEqual([])
  expect(await at.road.tables.selectFrom('inbox_object').select('path').execute()).toEqual([])
  const results = await verifyProject(at.road.platform)
  expect(results.filter(({ holds }) => !holds)).toEqual([])
}

test('F25: an object that changes at any moment is read as one version or not at all', async () => {
  const { road } = at
  const writer = { isDone: false }
  const writing = (async () => {
    for (let version = 1; version < VERSIONS; version++) {
      await at.deliver('alpha/moving', [january(10 + version, `v${version}`)])
      await sleep((version % 5) * 60)
    }
    writer.isDone = true
  })()
  let runs = 0
  while (!writer.isDone && runs++ < RUNS_MAX) {
    const { report } = await road.run()
    for (const { code } of report.failures) expect(code).toBe('INPUT_CHANGED')
  }
  await writing
  // The last in quiet: a marker that comes after its files were taken lies there until the next.
  await at.deliver('alpha/moving', [january(10 + VERSIONS, `v${VERSIONS}`)])
  const last = await road.run()
  const { report } = await road.run()
  expect([report.failures, last.report.failures, await road.steps()]).toEqual([[], [], []])
  expect(await road.canonicalRows(JANUARY)).toHaveLength(10 + VERSIONS)
  // Each was taken in once, or overwritten before it was; what changed before it was landed says so.
  const rows = await road.submissions()
  expect(rows.length).toBeLessThanOrEqual(VERSIONS)
  const changed = rows.filter((row) => row.status === 'WITHDRAWN')
  expect(changed.map((row) => row.status_code)).toEqual(changed.map(() => 'INPUT_CHANGED'))
  countFault('F25', VERSIONS)
  await expectSound()
})

test.each(['inbox.file.removed', 'inbox.files.swept'])(
  'a sweep that is cut off at %s goes on with the next',
  async (name) => {
    const { road } = at
    for (const drop of ['alpha/one', 'beta/two']) {
      await at.deliver(drop, [january(3, drop), pharmacyFile('2024-01', medications('2024-01', 2))])
    }
    const { injected, remove } = installFaults(`${name}=lose_ack@1`)
    await expect(road.run()).rejects.toThrow('injected')
    remove()
    expect(injected).toEqual({ [name]: 1 })
    // What was built is built: only the inbox has something left.
    expect((await road.run()).log).toEqual([])
    await expectSound()
  },
)
