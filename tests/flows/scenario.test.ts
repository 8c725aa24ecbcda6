/**
 * Real generator output, three waves, and a truth computed from the CSV rows alone by a program
 * that knows nothing of this one: winners, rows, digests, and exactly the months to be rebuilt.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RoadProject } from '../support/project.ts'
import type { Scenario, Wave } from '../support/scenario.ts'
import { canonicalDigests, deliverWave, readScenario } from '../support/scenario.ts'

const scenario = readScenario()
const WAVE_MS = 240_000

/** The truth's outcome → our state. SNOMED codes are out of the rule's range: all medical warns. */
function statusOf({ outcome, file_type: fileType }: Scenario['submissions'][number]): string {
  if (outcome !== 'accepted' && outcome !== 'held') return outcome.toUpperCase()
  return fileType === 'medical' ? 'VALIDATED_WITH_WARNINGS' : 'VALIDATED'
}

/** `MA/medical/2021-01` for each month of each file type. */
const monthsOf = (state: string, byType: Readonly<Record<string, readonly string[]>>): string[] =>
  Object.entries(byType)
    .flatMap(([fileType, months]) => months.map((month) => `${state}/${fileType}/${month}`))
    .toSorted()

const expectedMonths = (state: string, { canonical }: Wave): readonly string[] =>
  monthsOf(
    state,
    Object.fromEntries(
      Object.entries(canonical).map(([type, months]) => [type, Object.keys(months)]),
    ),
  )

/** month → rows and digest, as the truth has them. */
const truth = (state: string, { canonical }: Wave): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(canonical).flatMap(([fileType, months]) =>
      Object.entries(months).map(([month, { rows, sha256 }]) => [
        `${state}/${fileType}/${month}`,
        `${rows} ${sha256}`,
      ]),
    ),
  )

/** Every submitter month that has rows: `medical/2021-01/anthem` → drop and rows. */
async function winners(road: RoadProject): Promise<Readonly<Record<string, string>>> {
  const rows = await road.project.catalog.db
    .selectFrom('node')
    .innerJoin('asset', 'asset.id', 'node.asset')
    .innerJoin('version', 'version.id', 'node.version')
    .select(['node.key', 'version.value'])
    .where('asset.name', '=', 'gold_submitter')
    .execute()
  const drops = new Map((await road.submissions()).map((row) => [row.submission_id, row.drop_path]))
  return Object.fromEntries(
    rows.map(({ key, value }) => {
      const [, fileType, submitter, month] = key.split('/')
      const won = JSON.parse(value ?? '{}') as { submission: string; rows: number }
      return [`${fileType}/${month}/${submitter}`, `${drops.get(won.submission)} ${won.rows}`]
    }),
  )
}

const trueWinners = ({ canonical }: Wave): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(canonical).flatMap(([fileType, months]) =>
      Object.entries(months).flatMap(([month, truthOf]) =>
        Object.entries(truthOf.winners).map(([submitter, { submission, rows }]) => [
          `${fileType}/${month}/${submitter}`,
          `${submission} ${rows}`,
        ]),
      ),
    ),
  )

describe.runIf(scenario)('the Massachusetts scenario', () => {
  if (scenario === undefined) return
  const { state, waves, submissions, actions } = scenario
  let road: RoadProject
  beforeAll(async () => {
    const submitters = Object.fromEntries(scenario.submitters.map((id) => [id, state]))
    road = await RoadProject.create({ submitters })
  })
  afterAll(async () => road[Symbol.asyncDispose]())

  /** Runs what lies there and tells what came of it. */
  const outcome = async (wave: Wave) => {
    const { report, canonical, brokenPromises } = await road.run()
    return {
      failures: report.failures,
      brokenPromises,
      monthsBuilt: canonical.map((line) => line.slice(0, line.indexOf(' '))),
      winners: await winners(road),
      digests: await canonicalDigests(road, expectedMonths(state, wave)),
      stepsAfter: (await road.plan()).steps,
    }
  }
  const expected = (wave: Wave) => ({
    failures: [],
    brokenPromises: [],
    monthsBuilt: monthsOf(state, wave.canonical_months_changed),
    winners: trueWinners(wave),
    digests: truth(state, wave),
    stepsAfter: [],
  })
  const [first, second, third] = waves as [Wave, Wave, Wave]
  const slowly = { timeout: WAVE_MS }

  test('wave 1: the first deliveries become the statewide months', slowly, async () => {
    deliverWave(scenario, 1, { road })
    expect(await outcome(first)).toEqual(expected(first))
  })

  test('wave 2: corrections rebuild their months, and no others', slowly, async () => {
    deliverWave(scenario, 2, { road })
    expect(await outcome(second)).toEqual(expected(second))
    const [short] = (await road.plan()).waiting
    expect(short).toMatchObject({ kind: 'hold', key: 'MA/medical/anthem/2021-12' })
  })

  test('wave 3: a withdrawal and a confirmation move their months', slowly, async () => {
    for (const { withdraw, confirm } of actions) {
      const { submission_id: submission } = await road.submission(withdraw ?? confirm ?? '')
      if (withdraw !== undefined) await road.decide({ kind: 'withdraw', submission })
      if (confirm !== undefined) await road.decide({ kind: 'confirm', submission, months: 'all' })
    }
    expect(await outcome(third)).toEqual(expected(third))
    expect((await road.plan()).waiting).toEqual([])
  })

  test('every submission has the outcome, the rows and the rejects of the truth', async () => {
    const runs = await road.tables.selectFrom('parse_run').selectAll().execute()
    const parsed = new Map(runs.map((run) => [run.submission_id, run]))
    const found = (await road.submissions()).map((row) => {
      const run = parsed.get(row.submission_id)
      return [row.drop_path, [row.status, run?.rows_written, run?.rows_rejected]]
    })
    const withdrawn = new Set(actions.flatMap((action) => action.withdraw ?? []))
    const wanted = submissions.map((one) => {
      const status = withdrawn.has(one.submission) ? 'WITHDRAWN' : statusOf(one)
      return [one.submission, [status, one.rows, one.rejects]]
    })
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(wanted))
  })
})
