/**
 * Real generator output, three waves, and a truth computed from the CSV rows alone by a program
 * that knows nothing of this one: winners, rows, digests, and exactly the months to be rebuilt.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { known } from '../support/known-state.ts'
import { rebuiltFromStore } from '../support/lost-catalog.ts'
import { RoadProject } from '../support/project.ts'
import type { Wave } from '../support/scenario.ts'
import { deliverWave, readScenario } from '../support/scenario.ts'
import {
  expectedOutcome,
  expectedSubmissions,
  submissionOutcomes,
  takeActions,
  waveOutcome,
} from '../support/scenario-waves.ts'

const scenario = readScenario()
const WAVE_MS = 240_000

describe.runIf(scenario)('the Massachusetts scenario', () => {
  if (scenario === undefined) return
  const [first, second, third] = scenario.waves as [Wave, Wave, Wave]
  let road: RoadProject
  beforeAll(async () => {
    const submitters = Object.fromEntries(scenario.submitters.map((id) => [id, scenario.state]))
    road = await RoadProject.create({ submitters })
  })
  afterAll(async () => road[Symbol.asyncDispose]())

  /** Runs what lies there and holds what came of it against the truth. */
  const expectWave = async (wave: Wave): Promise<void> => {
    const { report, canonical, brokenPromises } = await road.run()
    expect([report.failures, brokenPromises]).toEqual([[], []])
    const monthsBuilt = canonical.map((line) => line.slice(0, line.indexOf(' ')))
    expect(await waveOutcome(road, scenario, { wave, monthsBuilt })).toEqual(
      expectedOutcome(scenario, wave),
    )
  }
  const slowly = { timeout: WAVE_MS }

  test('wave 1: the first deliveries become the statewide months', slowly, async () => {
    deliverWave(scenario, 1, { road })
    await expectWave(first)
  })

  test('wave 2: corrections rebuild their months, and no others', slowly, async () => {
    deliverWave(scenario, 2, { road })
    await expectWave(second)
    const [short] = (await road.plan()).waiting
    expect(short).toMatchObject({ kind: 'hold', key: 'MA/medical/anthem/2021-12' })
  })

  test('wave 3: a withdrawal and a confirmation move their months', slowly, async () => {
    await takeActions(road, scenario)
    await expectWave(third)
    expect((await road.plan()).waiting).toEqual([])
  })

  test('every submission has the outcome, the rows and the rejects of the truth', async () => {
    expect(await submissionOutcomes(road)).toEqual(expectedSubmissions(scenario))
  })

  test('from the store alone a lost catalog is what it was, and nothing is computed', async () => {
    const { project, catalog, ...rebuilt } = await rebuiltFromStore(road, road.path('other.db'))
    expect([rebuilt.failures, Object.keys(rebuilt.outcomes), rebuilt.children]).toEqual([
      0,
      ['cutoff'],
      0,
    ])
    expect(await known(project)).toEqual(await known(road.project))
    console.log(`rebuilt: ${JSON.stringify(rebuilt)}`)
    await catalog.close()
  })
})
