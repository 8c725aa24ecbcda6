/**
 * The delivery scenario on PostgreSQL and MinIO, its deliveries put into the bucket's inbox: the
 * same truth as in folders; and an edit changes the planned months' objects, and no others.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { verifyProject } from '../../assets/verify/verify-project.ts'
import type { Wave } from '../support/scenario.ts'
import { known } from '../support/known-state.ts'
import { rebuiltFromStore } from '../support/lost-catalog.ts'
import { freshDatabase } from '../support/postgres.ts'
import { readScenario } from '../support/scenario.ts'
import {
  expectedOutcome,
  expectedSubmissions,
  submissionOutcomes,
  takeActions,
  waveOutcome,
} from '../support/scenario-waves.ts'
import { ServiceRoad, changedFolders } from '../support/service-road.ts'

const scenario = readScenario()

describe.runIf(scenario)('the Massachusetts scenario on PostgreSQL and MinIO', () => {
  if (scenario === undefined) return
  let at: ServiceRoad
  beforeAll(async () => {
    const submitters = Object.fromEntries(scenario.submitters.map((id) => [id, scenario.state]))
    at = await ServiceRoad.create({ submitters })
  })
  afterAll(async () => at[Symbol.asyncDispose]())

  const expectWave = async (wave: Wave): Promise<void> => {
    const startMs = performance.now()
    const { report, canonical, brokenPromises } = await at.road.run()
    console.log(`wave ${wave.wave}: ${((performance.now() - startMs) / 1000).toFixed(1)} s`)
    expect([report.failures, brokenPromises]).toEqual([[], []])
    const monthsBuilt = canonical.map((line) => line.slice(0, line.indexOf(' ')))
    expect(await waveOutcome(at.road, scenario, { wave, monthsBuilt })).toEqual(
      expectedOutcome(scenario, wave),
    )
  }

  test.each(scenario.waves)('wave $wave is what its truth says', async (wave) => {
    if (wave.wave < 3) await at.deliverFolder(`${scenario.folder}/wave${wave.wave}/inbox`)
    else await takeActions(at.road, scenario)
    await expectWave(wave)
  })

  test('every submission has the outcome of the truth, and only what could not be landed lies there', async () => {
    expect(await submissionOutcomes(at.road)).toEqual(expectedSubmissions(scenario))
    const aside = (await at.road.submissions())
      .filter(({ status }) => status === 'QUARANTINED' || status === 'NEEDS_REVIEW')
      .map((row) => row.drop_path)
    const lying = await at.lying()
    expect([...new Set(lying.map((path) => path.split('/').slice(0, 2).join('/')))]).toEqual(
      aside.toSorted(),
    )
  })

  test('one mapping edit changes the objects of the planned months, and no others', async () => {
    const before = await at.stored()
    at.road.edit('mappings/pharmacy/synthea/v1.json', (document) => {
      const { columns } = document as unknown as { columns: Record<string, unknown> }
      columns['description'] = { source: 'CODE' }
    })
    const planned = (await at.road.plan()).steps.map(({ asset, key }) => `${asset} ${key}`)
    const { log, report, brokenPromises } = await at.road.run()
    expect([report.failures, brokenPromises]).toEqual([[], []])
    expect(log.map((line) => line.slice(0, line.lastIndexOf(' ')))).toEqual(planned.toSorted())
    expect(changedFolders(before, await at.stored())).toEqual(
      planned
        .map((line) =>
          line.replace(/^gold_canonical (.*)\/(.*)$/, 'gold_canonical/$1/atomic_month=$2'),
        )
        .toSorted(),
    )
    expect(planned.length).toBeGreaterThan(10)
  })

  test('every invariant holds', async () => {
    const results = await verifyProject(at.road.platform)
    expect(results.filter(({ holds }) => !holds)).toEqual([])
    for (const { id, words } of results) console.log(`${id} ${words}`)
  })

  // The last one: the rebuilt catalog goes on with the bucket, its audit too.
  test('from the bucket alone a lost catalog is what it was, and nothing is computed', async () => {
    const server = await freshDatabase()
    const { project, catalog, ...rebuilt } = await rebuiltFromStore(at.road, server.url)
    expect([rebuilt.failures, Object.keys(rebuilt.outcomes), rebuilt.children]).toEqual([
      0,
      ['cutoff'],
      0,
    ])
    expect(await known(project)).toEqual(await known(at.road.project))
    console.log(`rebuilt: ${JSON.stringify(rebuilt)}`)
    await catalog.close()
    await server.close()
  })
})
