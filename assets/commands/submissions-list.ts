/** `submissions list`. With `--json` an array of rows. */
import type { CommandCall } from '../../engine/index.ts'
import {
  EXIT,
  alignColumns,
  countText,
  textOption,
  timeText,
  wholeNumber,
} from '../../engine/index.ts'
import type { SubmissionState } from '../../registry/submission-state.ts'
import { platformTables } from '../../registry/tables.ts'
import type { OpenedPlatform } from './opened.ts'
import type { SubmissionCounts, SubmissionRow } from './submission-rows.ts'
import { submissionCounts } from './submission-rows.ts'

/** Runs `submissions list`. */
export async function runList(call: CommandCall<OpenedPlatform>): Promise<number> {
  const { terminal } = call
  const { db } = (await call.open({ sync: false })).project.catalog
  const [status, submitter, type] = ['status', 'submitter', 'type'].map((name) =>
    textOption(call, name),
  )
  const limit = textOption(call, 'limit')
  let query = platformTables(db)
    .selectFrom('submission')
    .selectAll()
    .orderBy('received_ms', 'desc')
    .orderBy('submission_id', 'desc')
  if (status !== undefined)
    query = query.where('status', 'in', status.split(',') as SubmissionState[])
  if (submitter !== undefined) query = query.where('submitter_id', '=', submitter)
  if (type !== undefined) query = query.where('file_type', '=', type)
  if (limit !== undefined) query = query.limit(wholeNumber('--limit', limit, 1_000_000))
  const rows = await query.execute()
  const countsOf = await submissionCounts(db, rows)
  if (call.json) {
    terminal.printJson(rows.map((row) => submissionJson(row, countsOf(row.submission_id))))
    return EXIT.done
  }
  if (rows.length === 0) terminal.print('No submission')
  else {
    const cells = rows.map((row) => submissionCells(row, countsOf(row.submission_id)))
    const right = (title: string) => ({ title, align: 'right' }) as const
    const columns = [
      'submission',
      'submitter',
      'type',
      'status',
      'months',
      right('rows'),
      right('rejected'),
      'received',
      'drop',
    ]
    terminal.print(alignColumns(columns, cells, terminal.out.dim).join('\n'))
  }
  return EXIT.done
}

function submissionCells(row: SubmissionRow, counts: SubmissionCounts): readonly string[] {
  const held = counts.heldMonths.length > 0 ? ` HELD ${counts.heldMonths.join(' ')}` : ''
  const first = row.first_month ?? ''
  const last = row.last_month ?? ''
  return [
    row.submission_id,
    row.submitter_id,
    row.file_type,
    `${row.status}${held}`,
    first === last ? first : `${first} – ${last}`,
    countText(counts.accepted),
    counts.rejected === 0 ? '' : countText(counts.rejected),
    timeText(row.received_ms),
    row.drop_path,
  ]
}

/** A submission for programs. */
export const submissionJson = (row: SubmissionRow, counts: SubmissionCounts): object => ({
  submission_id: row.submission_id,
  submitter_id: row.submitter_id,
  state: row.state,
  file_type: row.file_type,
  layout_id: row.layout_id,
  status: row.status,
  status_code: row.status_code,
  status_words: row.status_words,
  received_at: row.received_at,
  inbox_prefix: row.drop_path,
  coverage_start_month: row.first_month,
  coverage_end_month: row.last_month,
  rows_accepted: counts.accepted,
  rows_rejected: counts.rejected,
  rows_out_of_period: counts.outOfPeriod,
  held_months: counts.heldMonths,
  won_months: counts.wonMonths,
  duplicate_of: row.duplicate_of,
  is_test: row.is_test === 1,
})
