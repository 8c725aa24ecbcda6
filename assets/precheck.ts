/**
 * What a state says of a file: to whoever is about to send it (`validate`), and to its submitter after
 * each intake (`outbox`). Holds counts, names of columns and files, line numbers, and what to do; never a
 * value of the file: the report may be mailed.
 */
import type { ParseFinding, ParseReport } from '../engine/index.ts'
import { alignColumns, canonicalJson, countText, counted } from '../engine/index.ts'
import type { Finding } from '../registry/judge.ts'
import type { RuleSamples } from '../registry/measure-sql.ts'
import type { Period } from '../registry/period.ts'
import { monthsOf } from '../registry/period.ts'
import { rejectWords } from './reject-words.ts'

/** Places named for each reason. */
export const PLACES_MAX = 5

/** Where a record begins. */
export interface Place {
  readonly file: string
  /** from 1, in the decompressed file */
  readonly line: number
}
/** By `reasonKey`: the first places, in order. */
export type Places = ReadonlyMap<string, readonly Place[]>

/** Why records are refused: how many, the first places, and what to do. */
interface PrecheckReason {
  readonly code: string
  /** null: the record as a whole */
  readonly column: string | null
  readonly records: number
  readonly places: readonly Place[]
  readonly what: string
}

/** A rule as it was judged, and the first records that break it, numbered through all files. */
type PrecheckRule = Finding & { readonly record_numbers: readonly number[] }

export interface Precheck {
  readonly format: 'precheck/1'
  /** null: a file that nobody has sent yet */
  readonly submission: string | null
  /** null: none was chosen */
  readonly layout: string | null
  /** as it was named, without folders; of several, their names in one text */
  readonly file: string
  /** the months that the name or the control record declares; null: none is known */
  readonly period: Period | null
  readonly verdict: string
  readonly isAccepted: boolean
  /** why it goes no further as a whole */
  readonly failed: { readonly code: string; readonly detail: string } | null
  /** by kind: accepted, rejected, header, control, blank, … */
  readonly records: Readonly<Record<string, number>>
  readonly reasons: readonly PrecheckReason[]
  readonly months: readonly {
    readonly month: string
    readonly rows: number
    /** within the period; true while that is not known */
    readonly isDeclared: boolean
  }[]
  readonly control: readonly {
    readonly record: string
    readonly file: string
    /** where it stands */
    readonly line: number | null
    readonly declared: number | null
    readonly counted: number
    readonly agrees: boolean
  }[]
  /** about files as a whole: their encoding, their declared months */
  readonly fileFindings: readonly ParseFinding[]
  /** those that did not pass first */
  readonly rules: readonly PrecheckRule[]
  readonly moreRules: number
  /** what to do, in words */
  readonly next: string
}

/** What a parse found, fresh or as its report is stored. */
export interface ParseFound {
  readonly report?: ParseReport | undefined
  /** set when it was not read to its end */
  readonly stopped?:
    | { readonly records: number; readonly rejected: number; readonly reasons: Reasons }
    | undefined
}
type Reasons = ParseReport['reasons']

export interface Prechecked extends ParseFound {
  readonly submission: string | null
  readonly layout: string | null
  readonly file: string
  readonly period: Period | null
  readonly verdict: string
  readonly failed: Precheck['failed']
  readonly findings: readonly Finding[]
  readonly findingsMore: number
  readonly samples: RuleSamples
  readonly places: Places
}

/** The key of a reason's places. */
export const reasonKey = (code: string, column: string | null): string => `${code} ${column ?? ''}`

/** Why records were refused, whether or not the file was read to its end. */
export const reasonsOf = ({ report, stopped }: ParseFound): Reasons =>
  report?.reasons ?? stopped?.reasons ?? []

/** Composes the report of one file, or of one submission. Pure. */
export function precheck(found: Prechecked): Precheck {
  const { report, stopped, period, places, samples, failed, verdict } = found
  const isAccepted = verdict.startsWith('VALIDATED')
  const known = period === null ? undefined : monthsOf(period)
  const months = (report?.months ?? []).map(({ month, rows }) => ({
    month,
    rows,
    isDeclared: known === undefined || known.includes(month),
  }))
  const rules = found.findings
    .toSorted((a, b) => Number(a.passed) - Number(b.passed))
    .map((finding) => ({ ...finding, record_numbers: samples[finding.rule] ?? [] }))
  const seen = {
    records:
      report === undefined && stopped !== undefined
        ? { 'read before it stopped': stopped.records, rejected: stopped.rejected }
        : recordsOf(report),
    fileFindings: report?.findings ?? [],
  }
  return {
    format: 'precheck/1',
    submission: found.submission,
    layout: found.layout,
    file: found.file,
    period,
    verdict,
    isAccepted,
    failed,
    records: seen.records,
    reasons: reasonsOf(found).map(({ code, column, count }) => ({
      code,
      column,
      records: count,
      places: places.get(reasonKey(code, column)) ?? [],
      what: rejectWords(code),
    })),
    months,
    control: (report?.files ?? []).flatMap(({ name, reconciliation, control }) =>
      reconciliation.map(({ role, record, ...one }) => ({
        record: role,
        file: name,
        line: control.find((reading) => reading.record === record)?.line ?? null,
        declared: one.declared,
        counted: one.counted,
        agrees: one.agrees,
      })),
    ),
    fileFindings: seen.fileFindings,
    rules,
    moreRules: found.findingsMore,
    next: nextStep({ verdict, isAccepted, failed, rules, months, ...seen }),
  }
}

function recordsOf(report: ParseReport | undefined): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { totals } of report?.files ?? []) {
    for (const [kind, { records }] of Object.entries(totals)) {
      if (records > 0) counts[kind] = (counts[kind] ?? 0) + records
    }
  }
  // A stored report has its members in another order than a fresh one.
  return Object.fromEntries(Object.entries(counts).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** What to do about a file that never became rows. */
const STOPPED: Readonly<Record<string, string>> = {
  QUARANTINED: 'It was put aside. Correct it as said above, and send it again.',
  NEEDS_REVIEW:
    'It waits for a person of the receiving side. If its name, header or place is wrong, send it again corrected.',
}

function nextStep({
  verdict,
  isAccepted,
  failed,
  rules,
  months,
  records,
  fileFindings,
}: Pick<
  Precheck,
  'verdict' | 'isAccepted' | 'failed' | 'rules' | 'months' | 'records' | 'fileFindings'
>): string {
  const stopped = STOPPED[verdict]
  if (stopped !== undefined) return stopped
  if (failed !== null) return 'Not accepted. Correct the file as said above, and send it again.'
  const wrong = rules.filter(({ passed }) => !passed)
  if (!isAccepted) {
    const hard = wrong.filter(({ severity }) => severity === 'HARD').map(({ rule }) => rule)
    return `Not accepted. Correct what ${hard.join(', ')} says, and send it again.`
  }
  const { accepted = 0, rejected = 0 } = records
  const outside = months.filter(({ isDeclared }) => !isDeclared).map(({ month }) => month)
  return [
    'Accepted.',
    ...(accepted === 0 ? ['It has no row: its months are empty now.'] : []),
    ...(rejected > 0
      ? [`Refused: ${counted(rejected, 'record')}. Correct what is said above, and send all again.`]
      : []),
    ...(wrong.length > 0 ? ['It has warnings: look at the rules that did not pass.'] : []),
    ...(fileFindings.length > 0 ? ['Look at what is said of files as a whole.'] : []),
    ...(outside.length > 0
      ? [
          `Rows of ${monthsWords(outside)} are outside the months it declares and are not used: ` +
            'name all months in its name, or correct the dates.',
        ]
      : []),
  ].join(' ')
}

const MONTHS_NAMED_MAX = 3
const UNDATED = '__unknown__'
const monthsWords = (months: readonly string[]): string => {
  const named = months.slice(0, MONTHS_NAMED_MAX).map(monthWord)
  const more = months.length - named.length
  return named.join(', ') + (more > 0 ? ` and ${countText(more)} more` : '')
}
const monthWord = (month: string): string => (month === UNDATED ? 'no month' : month)

/** `12 of 100, at most 1 %`: what a finding counted and what it may. */
function findingWords({ violations, denominator, threshold }: Finding): string {
  const { count, share = 0 } = threshold
  const most = count === undefined ? `${Number((share * 100).toPrecision(3))} %` : countText(count)
  return `${countText(violations)} of ${countText(denominator)}, at most ${most}`
}

const placeWords = (one: { file: string; line: number | null }, file: string): string =>
  one.line === null ? '' : one.file === file ? `${one.line}` : `${one.file}:${one.line}`

/** `3, 4, …`; with the file's name where a report is of several. */
const placesWords = ({ places, records }: PrecheckReason, file: string): string =>
  places.length === 0
    ? ''
    : places.map((one) => placeWords(one, file)).join(', ') + (records > places.length ? ', …' : '')

/** A finding in a line; the file is known. */
export const fileFindingWords = ({ code, line, words }: ParseFinding): string =>
  `${code}: ${line === null ? '' : `line ${line}: `}${words}`

/** One table of a report, in text or in a page. */
export interface PrecheckTable {
  readonly title: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** What a report tabulates, in order; a table without rows is not shown. */
export function precheckTables(report: Precheck): readonly PrecheckTable[] {
  const { records, reasons, months, period, control, rules, moreRules, file } = report
  return [
    {
      title: 'Records',
      columns: ['kind', 'records'],
      rows: Object.entries(records).map(([kind, count]) => [kind, countText(count)]),
    },
    {
      title: 'Refused records',
      columns: ['reason', 'column', 'records', 'first lines', 'what to do'],
      rows: reasons.map((one) => [
        one.code,
        one.column ?? '',
        countText(one.records),
        placesWords(one, file),
        one.what,
      ]),
    },
    {
      title: 'Control records',
      columns: ['record', 'line', 'declares', 'counted', 'agrees'],
      rows: control.map((one) => [
        one.record,
        placeWords(one, file),
        one.declared === null ? 'no number' : countText(one.declared),
        countText(one.counted),
        one.agrees ? 'yes' : 'no: it differs',
      ]),
    },
    {
      title: 'Files as a whole',
      columns: ['finding', 'file', 'line', 'what to do'],
      rows: report.fileFindings.map((one) => [
        one.code,
        one.file,
        one.line === null ? '' : `${one.line}`,
        one.words,
      ]),
    },
    {
      title: 'Months',
      columns: ['month', 'rows', 'declared'],
      rows: months.map((one) => [
        monthWord(one.month),
        countText(one.rows),
        period === null ? '' : one.isDeclared ? 'yes' : 'no',
      ]),
    },
    {
      title:
        moreRules === 0
          ? 'Rules'
          : `Rules, the first ${rules.length} of ${rules.length + moreRules}`,
      columns: ['rule', 'severity', 'result', 'rows', 'first records'],
      rows: rules.map((one) => [
        one.rule,
        one.severity,
        one.passed ? 'passed' : 'failed',
        findingWords(one),
        one.record_numbers.join(', '),
      ]),
    },
  ].filter(({ rows }) => rows.length > 0)
}

/** `layout  file  VERDICT` */
const headline = ({ submission, layout, file, verdict }: Precheck): string =>
  [submission, layout ?? 'no layout', file, verdict].filter((one) => one !== null).join('  ')

/** The report as text, one line each, without colours. */
export const precheckLines = (report: Precheck): readonly string[] => [
  headline(report),
  ...(report.failed === null ? [] : [`  ${report.failed.code}: ${report.failed.detail}`]),
  ...precheckTables(report).flatMap(({ title, columns, rows }) => [
    '',
    `  ${title}`,
    ...alignColumns(columns, rows).map((line) => `    ${line}`),
  ]),
  '',
  `  ${report.next}`,
]

/** Reports as one JSON document, for programs. */
export const precheckText = (reports: readonly Precheck[]): string =>
  `${JSON.stringify(JSON.parse(canonicalJson({ format_version: '1.0', files: reports })), null, 2)}\n`
