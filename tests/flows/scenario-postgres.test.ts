/** The scenario's waves for a few submitters: on PostgreSQL all is as it is on SQLite. */
import { expect, test } from 'vitest'
import type { RoadOptions } from '../support/project.ts'
import { RoadProject } from '../support/project.ts'
import type { Scenario } from '../support/scenario.ts'
import { canonicalDigests, deliverWave, readScenario } from '../support/scenario.ts'

const scenario = readScenario()
/** A hold that is confirmed, and a period that is strayed from. */
const SUBMITTERS = ['anthem', 'humana']
const only = (drop: string): boolean => /^(anthem\/medical-2021|humana\/pharmacy-2022)/.test(drop)

interface Wave {
  readonly canonical: readonly string[]
  readonly digests: Readonly<Record<string, string>>
  readonly waiting: readonly string[]
}

async function play(found: Scenario, database: RoadOptions['database']): Promise<readonly Wave[]> {
  const submitters = Object.fromEntries(SUBMITTERS.map((id) => [id, found.state]))
  await using road = await RoadProject.create({ submitters, ...(database && { database }) })
  const waves: Wave[] = []
  for (const wave of [1, 2, 3]) {
    if (wave < 3) deliverWave(found, wave, { road, only })
    else {
      const { submission_id: submission } = await road.submission('anthem/medical-2021-12-short')
      await road.decide({ kind: 'confirm', submission, months: 'all' })
    }
    const { canonical, report, brokenPromises } = await road.run()
    expect([report.failures, brokenPromises]).toEqual([[], []])
    const { steps, waiting } = await road.plan()
    expect(steps).toEqual([])
    const months = canonical.map((line) => line.slice(0, line.indexOf(' ')))
    const digests = await canonicalDigests(road, months)
    waves.push({ canonical, digests, waiting: waiting.map((one) => `${one.kind} ${one.key}`) })
  }
  return waves
}

test.runIf(scenario)(
  'the waves of a few submitters are the same on PostgreSQL as on SQLite',
  { timeout: 240_000 },
  async () => {
    if (scenario === undefined) return
    const onPostgres = await play(scenario, 'postgres')
    expect(onPostgres.map((wave) => wave.canonical.length)).toEqual([22, 1, 1])
    expect(onPostgres.map((wave) => wave.waiting)).toEqual([
      [],
      ['hold MA/medical/anthem/2021-12'],
      [],
    ])
    expect(onPostgres).toEqual(await play(scenario, 'sqlite'))
  },
)
