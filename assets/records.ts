/**
 * What the platform keeps beside the engine's state, written in the engine's own transactions:
 * states of submissions, files that were landed, parses, validations, winners, month builds and the rebuild queue.
 */
import type { Committed, Hooks, Json, ParseReport, WriteTransaction } from '../engine/index.ts'
import { PARSE_FINDINGS, parseKey } from '../engine/index.ts'
import type { SubmissionEvent, SubmissionState } from '../registry/submission-state.ts'
import { TRANSITIONS } from '../registry/submission-state.ts'
import { platformTables } from '../registry/tables.ts'
import {
  answerRequests,
  claimRequests,
  requestDirty,
  requestMonths,
  skipUnneeded,
} from './rebuild-queue.ts'
import { pruneRecords } from './old-records.ts'
import type { LandedFrom } from './processed-files.ts'
import { noteLanded } from './processed-files.ts'
import type { ParseValue } from './silver.ts'
import type { VerdictValue } from './validation.ts'
import type { WinnerValue } from './winner.ts'

interface Access {
  readonly trx: WriteTransaction
  readonly nowMs: number
  readonly run: number
}

type Record = (access: Access, one: Committed) => Promise<void>

/** Which committed nodes are recorded, by asset. */
const RECORDS: Readonly<Partial<{ [asset: string]: Record }>> = {
  parse: recordParse,
  verdict: recordVerdict,
  winner: recordWinner,
  gold_canonical: recordMonth,
}

/** What the platform adds to the engine's transactions. */
export const platformHooks = (from: LandedFrom): Hooks => ({
  onClaimed: claimRequests,
  onCommit: async (access, committed) => {
    for (const one of committed) await RECORDS[one.asset]?.(access, one)
    await noteLanded(access.trx, committed, from)
    await requestMonths(access, committed)
  },
  onPlanned: requestDirty,
  onRunEnd: skipUnneeded,
  onCollect: pruneRecords,
})

async function stateOf({ trx }: Access, submission: string): Promise<SubmissionState | undefined> {
  const row = await platformTables(trx.db)
    .selectFrom('submission')
    .select('status')
    .where('submission_id', '=', submission)
    .executeTakeFirst()
  return row?.status
}

/** Moves a submission on; an event that is not possible in its state changes nothing. */
async function move(
  access: Access,
  submission: string,
  {
    event,
    code,
    words,
  }: {
    readonly event: SubmissionEvent
    readonly code: string | null
    readonly words: string | null
  },
): Promise<void> {
  const before = await stateOf(access, submission)
  const after = before === undefined ? null : TRANSITIONS[before][event]
  if (after === null) return
  await platformTables(access.trx.db)
    .updateTable('submission')
    .set({ status: after, status_code: code, status_words: words })
    .where('submission_id', '=', submission)
    .execute()
}

const NO_REASON = { code: null, words: null } as const

async function recordParse(access: Access, one: Committed): Promise<void> {
  const submission = parseKey(one.key)[2] ?? ''
  const value = one.value as ParseValue | undefined
  if (one.outcome === 'failed' || value === undefined) return
  const event = value.failed === undefined ? 'parsed' : 'parse_failed'
  const because =
    value.failed === undefined ? NO_REASON : { code: value.failed.code, words: value.failed.detail }
  // A parse that came out as before leaves the judgement standing, unless it was asked for anew.
  if (one.changed || (await stateOf(access, submission)) === 'READY_FOR_PARSE') {
    await move(access, submission, { event, ...because })
  }
  const report = (one.record as { readonly report?: ParseReport } | undefined)?.report
  const tables = platformTables(access.trx.db)
  const { parse_run_id: id } = await tables
    .insertInto('parse_run')
    .values({
      submission_id: submission,
      build: one.build,
      status: value.failed === undefined ? 'SUCCEEDED' : 'FAILED',
      at_ms: access.nowMs,
      ms: one.ms,
      rows_read: value.accepted + value.rejected,
      rows_written: value.accepted,
      rows_rejected: value.rejected,
      error_code: value.failed?.code ?? null,
    })
    .returning('parse_run_id')
    .executeTakeFirstOrThrow()
  if (report === undefined) return
  await recordMetrics(access, id, report)
  if (one.changed) await noteFindings(access, submission, report)
}

/** What the parse found about files as a whole, in place of what the one before it did. */
async function noteFindings(
  { trx, nowMs }: Access,
  submission: string,
  { findings = [] }: ParseReport,
): Promise<void> {
  const tables = platformTables(trx.db)
  await tables
    .updateTable('finding')
    .set({ closed_ms: nowMs })
    .where('subject', '=', submission)
    .where('code', 'in', PARSE_FINDINGS)
    .where('closed_ms', 'is', null)
    .execute()
  if (findings.length === 0) return
  const rows = findings.map(({ code, file, line, words }) => ({
    at_ms: nowMs,
    severity: 'warning' as const,
    code,
    subject: submission,
    words: `${line === null ? file : `${file}:${line}`}: ${words}`,
    closed_ms: null,
  }))
  await tables.insertInto('finding').values(rows).execute()
}

async function recordMetrics({ trx }: Access, id: number, report: ParseReport): Promise<void> {
  const tables = platformTables(trx.db)
  const files = report.files.map((file) => ({
    parse_run_id: id,
    file: file.name,
    rows_read: file.totals.accepted.records + file.totals.rejected.records,
    rows_written: file.totals.accepted.records,
    rows_rejected: file.totals.rejected.records,
    bytes_read: file.contentBytes,
  }))
  if (files.length > 0) await tables.insertInto('parse_file_metrics').values(files).execute()
  const columns = report.columns.map((column) => ({
    parse_run_id: id,
    column_name: column.name,
    null_count: column.nulls,
    invalid_count: column.invalid,
  }))
  if (columns.length > 0) await tables.insertInto('parse_column_metrics').values(columns).execute()
}

const VERDICT_EVENTS: Readonly<{ [Status in VerdictValue['status']]: SubmissionEvent }> = {
  VALIDATED: 'validated',
  VALIDATED_WITH_WARNINGS: 'validated_with_warnings',
  VALIDATION_FAILED: 'validation_failed',
  PARSE_FAILED: 'parse_failed',
}

async function recordVerdict(access: Access, one: Committed): Promise<void> {
  const value = one.value as VerdictValue | undefined
  if (value === undefined) return
  const submission = parseKey(one.key)[2] ?? ''
  const failed = value.findings.filter((finding) => !finding.passed).map((finding) => finding.rule)
  await move(access, submission, {
    event: VERDICT_EVENTS[value.status],
    code: value.failed?.code ?? null,
    words: value.failed?.detail ?? (failed.length === 0 ? null : `failed: ${failed.join(', ')}`),
  })
  // The same verdict on another parse moves the submission on, and is no new validation.
  if (!one.changed) return
  const tables = platformTables(access.trx.db)
  const total = value.findings.reduce((most, finding) => Math.max(most, finding.denominator), 0)
  const { validation_run_id: id } = await tables
    .insertInto('validation_run')
    .values({
      submission_id: submission,
      at_ms: access.nowMs,
      outcome: value.status,
      total_rows: total,
    })
    .returning('validation_run_id')
    .executeTakeFirstOrThrow()
  const rows = value.findings.map((finding) => ({
    validation_run_id: id,
    rule: finding.rule,
    severity: finding.severity,
    violations: finding.violations,
    denominator: finding.denominator,
    threshold: JSON.stringify(finding.threshold),
    passed: finding.passed ? 1 : 0,
  }))
  if (rows.length > 0) await tables.insertInto('validation_finding').values(rows).execute()
}

async function recordWinner({ trx, nowMs, run }: Access, one: Committed): Promise<void> {
  if (!one.changed) return
  const [state = '', fileType = '', submitter = '', month = ''] = parseKey(one.key)
  const value = one.value as WinnerValue | undefined
  await platformTables(trx.db)
    .insertInto('winner_history')
    .values({
      state,
      file_type: fileType,
      submitter_id: submitter,
      atomic_month: month,
      submission_id: value?.submission ?? null,
      rows: value?.rows ?? 0,
      reason: value?.reason ?? 'no_candidate',
      at_ms: nowMs,
      run,
    })
    .execute()
}

const BUILD_STATUS = {
  built: 'SUCCEEDED',
  reused: 'SUCCEEDED',
  evaluated: 'SUCCEEDED',
  cutoff: 'SKIPPED',
  retired: 'RETIRED',
  failed: 'FAILED',
} as const

async function recordMonth({ trx, nowMs }: Access, one: Committed): Promise<void> {
  const [state = '', fileType = '', month = ''] = parseKey(one.key)
  const tables = platformTables(trx.db)
  const status = BUILD_STATUS[one.outcome]
  await tables
    .insertInto('canonical_month_build')
    .values({
      state,
      file_type: fileType,
      atomic_month: month,
      status,
      fingerprint: one.fingerprint,
      rows: rowsOf(one.value),
      build: one.build,
      at_ms: nowMs,
      ms: one.ms,
      error_code: one.error ?? null,
    })
    .execute()
  await answerRequests(trx, one, nowMs)
}

const rowsOf = (value: Json | undefined): number | null =>
  typeof value === 'object' && value !== null && 'rows' in value ? Number(value.rows) : null
