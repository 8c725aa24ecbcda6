/**
 * What the waves of the delivery scenario come to, beside what their truth says. For any project
 * that plays them: by runs or by a daemon, in folders or on servers.
 */
import type { Step } from '../../engine/index.ts'
import type { RoadProject } from './project.ts'
import type { Scenario, Wave } from './scenario.ts'
import { canonicalDigests } from './scenario.ts'

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

/** What stands after a wave. */
export interface WaveOutcome {
  /** `MA/medical/2021-01`, sorted */
  readonly monthsBuilt: readonly string[]
  /** `medical/2021-01/anthem` → drop and rows */
  readonly winners: Readonly<Record<string, string>>
  /** month → rows and digest */
  readonly digests: Readonly<Record<string, string>>
  readonly stepsAfter: readonly Step[]
}

/** What the truth says of a wave. */
export const expectedOutcome = ({ state }: Scenario, wave: Wave): WaveOutcome => ({
  monthsBuilt: monthsOf(state, wave.canonical_months_changed),
  winners: trueWinners(wave),
  digests: truth(state, wave),
  stepsAfter: [],
})

/** What a project has after a wave; the caller tells which months were built. */
export const waveOutcome = async (
  road: RoadProject,
  { state }: Scenario,
  { wave, monthsBuilt }: { readonly wave: Wave; readonly monthsBuilt: readonly string[] },
): Promise<WaveOutcome> => ({
  monthsBuilt,
  winners: await winners(road),
  digests: await canonicalDigests(road, expectedMonths(state, wave)),
  stepsAfter: (await road.plan()).steps,
})

/** The last row of the months' builds, and the months that were built after one. */
export async function builtSince(
  { tables }: RoadProject,
  after: number,
): Promise<{ readonly last: number; readonly months: readonly string[] }> {
  const rows = await tables
    .selectFrom('canonical_month_build')
    .select(['id', 'state', 'file_type', 'atomic_month'])
    .where('id', '>', after)
    .orderBy('id')
    .execute()
  const months = rows.map((row) => `${row.state}/${row.file_type}/${row.atomic_month}`)
  return { last: rows.at(-1)?.id ?? after, months: months.toSorted() }
}

/** Takes the third wave's two decisions. */
export async function takeActions(road: RoadProject, { actions }: Scenario): Promise<void> {
  for (const { withdraw, confirm } of actions) {
    const { submission_id: submission } = await road.submission(withdraw ?? confirm ?? '')
    if (withdraw !== undefined) await road.decide({ kind: 'withdraw', submission })
    if (confirm !== undefined) await road.decide({ kind: 'confirm', submission, months: 'all' })
  }
}

type Outcomes = Readonly<Record<string, readonly unknown[]>>

/** drop → state, rows and rejects of its submission. */
export async function submissionOutcomes(road: RoadProject): Promise<Outcomes> {
  const runs = await road.tables.selectFrom('parse_run').selectAll().execute()
  const parsed = new Map(runs.map((run) => [run.submission_id, run]))
  return Object.fromEntries(
    (await road.submissions()).map((row) => {
      const run = parsed.get(row.submission_id)
      return [row.drop_path, [row.status, run?.rows_written, run?.rows_rejected]]
    }),
  )
}

/** The same as the truth has it, all waves played. */
export function expectedSubmissions({ submissions, actions }: Scenario): Outcomes {
  const withdrawn = new Set(actions.flatMap((action) => action.withdraw ?? []))
  return Object.fromEntries(
    submissions.map((one) => {
      const status = withdrawn.has(one.submission) ? 'WITHDRAWN' : statusOf(one)
      return [one.submission, [status, one.rows, one.rejects]]
    }),
  )
}
