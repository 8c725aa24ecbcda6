/**
 * The delivery scenario with nobody at the keyboard: dropped into the bucket's inbox, taken in by a
 * daemon that only dispatches, built by two worker processes. The third wave's two decisions are the
 * only commands given.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { verifyProject } from '../../assets/verify/verify-project.ts'
import { LongProcess } from '../support/long-process.ts'
import { RoadDaemon } from '../support/road-daemon.ts'
import type { Wave } from '../support/scenario.ts'
import { readScenario } from '../support/scenario.ts'
import {
  builtSince,
  expectedOutcome,
  expectedSubmissions,
  submissionOutcomes,
  takeActions,
  waveOutcome,
} from '../support/scenario-waves.ts'
import { ServiceRoad, changedFolders } from '../support/service-road.ts'

const scenario = readScenario()
const WAVE = { timeout: 1_500_000 } as const

describe.runIf(scenario)('a daemon and two workers on PostgreSQL and MinIO', () => {
  if (scenario === undefined) return
  let at: ServiceRoad
  let daemon: RoadDaemon
  const workers: LongProcess[] = []
  beforeAll(async () => {
    const submitters = Object.fromEntries(scenario.submitters.map((id) => [id, scenario.state]))
    at = await ServiceRoad.create({ submitters })
    daemon = await RoadDaemon.start(at.road, { slots: 0, lookMs: 1000 })
    for (let count = 0; count < 2; count++) {
      workers.push(await LongProcess.start(['worker', '--workers', '1'], at.road))
    }
  })
  afterAll(async () => {
    for (const worker of workers) await worker[Symbol.asyncDispose]()
    await daemon[Symbol.asyncDispose]()
    await at[Symbol.asyncDispose]()
  })

  let last = 0
  const expectWave = async (wave: Wave): Promise<void> => {
    const wanted = expectedOutcome(scenario, wave)
    await daemon.until('the wave’s months are built', async () => {
      const { months } = await builtSince(at.road, last)
      return new Set(months).size >= wanted.monthsBuilt.length
    })
    await daemon.quiet()
    const built = await builtSince(at.road, last)
    last = built.last
    expect(await waveOutcome(at.road, scenario, { wave, monthsBuilt: built.months })).toEqual(
      wanted,
    )
  }

  // The first wave is 1,200 builds, each with its objects and commits.
  test.each(scenario.waves)('wave $wave ends as its truth says', WAVE, async (wave) => {
    if (wave.wave < 3) await at.deliverFolder(`${scenario.folder}/wave${wave.wave}/inbox`)
    else await takeActions(at.road, scenario)
    await expectWave(wave)
  })

  test('both workers built, and no partition was committed twice', async () => {
    expect(await submissionOutcomes(at.road)).toEqual(expectedSubmissions(scenario))
    const built = workers.map(({ said }) => said.filter(({ event }) => event === 'finished').length)
    console.log(`builds of the two workers: ${built.join(' and ')}`)
    expect(Math.min(...built)).toBeGreaterThan(0)
    const { db } = at.road.project.catalog
    const twice = await db
      .selectFrom('build')
      .select(['node', 'commit_number'])
      .where('outcome', 'in', ['built', 'reused', 'retired'])
      .groupBy(['node', 'commit_number'])
      .having(({ fn }) => fn.countAll(), '>', 1)
      .execute()
    expect(twice).toEqual([])
  })

  test('one mapping edit builds the months that use it; every other object stays as it is', async () => {
    const before = await at.stored()
    at.road.edit('mappings/pharmacy/synthea/v1.json', (document) => {
      const { columns } = document as unknown as { columns: Record<string, unknown> }
      columns['description'] = { source: 'CODE' }
    })
    const months = Object.keys(scenario.waves.at(-1)?.canonical['pharmacy'] ?? {}).toSorted()
    await daemon.until('the months that use it are built', async () => {
      const built = await builtSince(at.road, last)
      return new Set(built.months).size >= months.length
    })
    await daemon.quiet()
    const named = (prefix: string): readonly string[] => months.map((month) => `${prefix}${month}`)
    expect((await builtSince(at.road, last)).months).toEqual(named(`${scenario.state}/pharmacy/`))
    const folders = named(`gold_canonical/${scenario.state}/pharmacy/atomic_month=`)
    expect(changedFolders(before, await at.stored())).toEqual(folders)
    expect(months.length).toBeGreaterThan(10)
  })

  test('every invariant holds', async () => {
    const results = await verifyProject(at.road.platform)
    expect(results.filter(({ holds }) => !holds)).toEqual([])
  })

  test('workers that are told to stop leave nothing behind', async () => {
    for (const worker of workers) expect(await worker.end()).toMatchObject({ code: 0 })
    const { db } = at.road.project.catalog
    expect(await db.selectFrom('intent').selectAll().execute()).toEqual([])
  })
})
