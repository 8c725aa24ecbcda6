/** Submissions as commands show them: the row, its counts, its months. */
import { sql } from 'kysely'
import type { Connection } from '../../engine/index.ts'
import { EngineError, formatKey, parseKey } from '../../engine/index.ts'
import { monthsOf } from '../../registry/period.ts'
import type { RegistryTables } from '../../registry/tables.ts'
import { platformTables } from '../../registry/tables.ts'
import type { WinnerValue } from '../winner.ts'

export type SubmissionRow = RegistryTables['submission']

/** The submission with this id. Throws SUBMISSION_UNKNOWN. */
export async function submissionRow(db: Connection, submission: string): Promise<SubmissionRow> {
  const row = await platformTables(db)
    .selectFrom('submission')
    .selectAll()
    .where('submission_id', '=', submission)
    .executeTakeFirst()
  if (row === undefined) throw new EngineError('SUBMISSION_UNKNOWN', { submission })
  return row
}

/** The key of a submission's nodes. */
export const submissionKey = (row: SubmissionRow): string =>
  formatKey([row.submitter_id, row.file_type, row.submission_id])

export interface SubmissionCounts {
  readonly accepted: number
  readonly rejected: number
  /** rows in silver whose month the submission may not win */
  readonly outOfPeriod: number
  readonly heldMonths: readonly string[]
  /** months whose winner it is */
  readonly wonMonths: readonly string[]
}

const NO_COUNTS: SubmissionCounts = {
  accepted: 0,
  rejected: 0,
  outOfPeriod: 0,
  heldMonths: [],
  wonMonths: [],
}

/** What was made of the given submissions, by id. A fixed number of queries. */
export async function submissionCounts(
  db: Connection,
  rows: readonly SubmissionRow[],
): Promise<(submission: string) => SubmissionCounts> {
  const parsed = await lastParses(db)
  const months = await silverRows(db)
  const { held, won } = await winnerMonths(db)
  const counts = new Map(
    rows.map((row) => {
      const id = row.submission_id
      const period = monthsOf({ first: row.first_month ?? '', last: row.last_month ?? '' })
      const own = months.get(id) ?? []
      const outside = own.filter(({ month }) => !period.includes(month))
      const value: SubmissionCounts = {
        accepted: parsed.get(id)?.written ?? 0,
        rejected: parsed.get(id)?.rejected ?? 0,
        outOfPeriod: outside.reduce((sum, one) => sum + one.rows, 0),
        heldMonths: held.get(id) ?? [],
        wonMonths: won.get(id) ?? [],
      }
      return [id, value] as const
    }),
  )
  return (submission) => counts.get(submission) ?? NO_COUNTS
}

async function lastParses(
  db: Connection,
): Promise<ReadonlyMap<string, { readonly written: number; readonly rejected: number }>> {
  const { rows } = await sql<{ submission_id: string; written: number; rejected: number }>`
    select p.submission_id, p.rows_written as written, p.rows_rejected as rejected
    from parse_run p where p.parse_run_id = (
      select max(l.parse_run_id) from parse_run l where l.submission_id = p.submission_id)
  `.execute(db)
  return new Map(rows.map((row) => [row.submission_id, row]))
}

async function silverRows(
  db: Connection,
): Promise<ReadonlyMap<string, readonly { readonly month: string; readonly rows: number }[]>> {
  const found = new Map<string, { month: string; rows: number }[]>()
  for (const { key, value } of await valuesOf(db, 'silver')) {
    const [, , submission = '', month = ''] = parseKey(key)
    const months = found.get(submission) ?? []
    found.set(submission, months)
    months.push({ month, rows: (value as { readonly rows: number }).rows })
  }
  return found
}

async function winnerMonths(
  db: Connection,
): Promise<{ readonly held: Map<string, string[]>; readonly won: Map<string, string[]> }> {
  const [held, won] = [new Map<string, string[]>(), new Map<string, string[]>()]
  const add = (to: Map<string, string[]>, submission: string, month: string): void => {
    to.set(submission, [...(to.get(submission) ?? []), month])
  }
  for (const { key, value } of await valuesOf(db, 'winner')) {
    const month = parseKey(key)[3] ?? ''
    const winner = value as WinnerValue
    if (winner.submission !== null) add(won, winner.submission, month)
    for (const one of winner.held) add(held, one.submission, month)
  }
  return { held, won }
}

/** The values of an asset's live nodes, in key order. */
async function valuesOf(
  db: Connection,
  asset: string,
): Promise<readonly { readonly key: string; readonly value: unknown }[]> {
  const rows = await db
    .selectFrom('node')
    .innerJoin('asset', 'asset.id', 'node.asset')
    .innerJoin('version', 'version.id', 'node.version')
    .select(['node.key', 'version.value'])
    .where('asset.name', '=', asset)
    .orderBy('node.key')
    .execute()
  return rows.flatMap(({ key, value }) =>
    value === null ? [] : [{ key, value: JSON.parse(value) as unknown }],
  )
}
