/**
 * What a state would say of a file, for whoever is about to send it. Holds counts, names of columns
 * and line numbers, never a value of the file: the report may be mailed.
 */
import type { ParseFinding, ParseOutcome, ParseReport } from '../engine/index.ts'
import { alignColumns, countText } from '../engine/index.ts'
import type { Finding } from '../registry/judge.ts'

/** Lines named for each reason. */
export const LINES_MAX = 5

/** Why records would be refused: how many, and the first lines. */
interface PrecheckReason {
  readonly code: string
  /** null: the record as a whole */
  readonly column: string | null
  readonly records: number
  readonly lines: readonly number[]
}

export interface Precheck {
  readonly format: 'precheck/1'
  readonly layout: string
  /** as it was named, without folders */
  readonly file: string
  readonly verdict: string
  readonly isAccepted: boolean
  /** why it could not be read to its end */
  readonly failed: { readonly code: string; readonly detail: string } | null
  /** by kind: accepted, rejected, header, control, blank, … */
  readonly records: Readonly<Record<string, number>>
  readonly reasons: readonly PrecheckReason[]
  readonly months: readonly { readonly month: string; readonly rows: number }[]
  readonly control: readonly {
    readonly record: string
    readonly declared: number | null
    readonly counted: number
    readonly agrees: boolean
  }[]
  /** about the file as a whole: its encoding, its declared months */
  readonly fileFindings: readonly ParseFinding[]
  readonly rules: readonly Finding[]
  /** what to do, in words */
  readonly next: string
}

export interface Prechecked {
  readonly layout: string
  readonly file: string
  readonly verdict: string
  readonly outcome: ParseOutcome
  readonly findings: readonly Finding[]
  /** by `code column`: the first lines */
  readonly lines: ReadonlyMap<string, readonly number[]>
}

/** The key of a reason's lines. */
export const reasonKey = (code: string, column: string | null): string => `${code} ${column ?? ''}`

/** Composes the report of one file. Pure. */
export function precheck({ outcome, lines, findings, ...named }: Prechecked): Precheck {
  const { report } = outcome
  const isAccepted = named.verdict.startsWith('VALIDATED')
  const failed = outcome.kind === 'failed' ? { code: outcome.code, detail: outcome.detail } : null
  return {
    format: 'precheck/1',
    ...named,
    isAccepted,
    failed,
    records: recordsOf(report),
    reasons: (report?.reasons ?? []).map(({ code, column, count }) => ({
      code,
      column,
      records: count,
      lines: lines.get(reasonKey(code, column)) ?? [],
    })),
    months: report?.months ?? [],
    control: (report?.files ?? []).flatMap(({ reconciliation }) =>
      reconciliation.map(({ role, declared, counted, agrees }) => ({
        record: role,
        declared,
        counted,
        agrees,
      })),
    ),
    fileFindings: report?.findings ?? [],
    rules: findings,
    next: nextStep(isAccepted, failed !== null, findings),
  }
}

function recordsOf(report: ParseReport | undefined): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { totals } of report?.files ?? []) {
    for (const [kind, { records }] of Object.entries(totals)) {
      if (records > 0) counts[kind] = (counts[kind] ?? 0) + records
    }
  }
  return counts
}

function nextStep(isAccepted: boolean, isBroken: boolean, findings: readonly Finding[]): string {
  if (isBroken) return 'Correct the file as a whole; it could not be read to its end.'
  const failed = findings.filter(({ passed }) => !passed)
  if (!isAccepted) {
    const hard = failed.filter(({ severity }) => severity === 'HARD').map(({ rule }) => rule)
    return `It would be refused. Correct what ${hard.join(', ')} says, and check again.`
  }
  return failed.length === 0
    ? 'It would be accepted.'
    : 'It would be accepted with warnings; look at the rules that did not pass.'
}

/** `12 of 100, at most 1 %`: what a finding counted and what it may. */
export function findingWords({ violations, denominator, threshold }: Finding): string {
  const { count, share = 0 } = threshold
  const most = count === undefined ? `${Number((share * 100).toPrecision(3))} %` : countText(count)
  return `${countText(violations)} of ${countText(denominator)}, at most ${most}`
}

export const linesWords = ({ lines, records }: PrecheckReason): string =>
  lines.length === 0 ? '' : lines.join(', ') + (records > lines.length ? ', …' : '')

/** A finding in a line; the file is known. */
export const fileFindingWords = ({ code, line, words }: ParseFinding): string =>
  `${code}: ${line === null ? '' : `line ${line}: `}${words}`

/** The report as text, one line each, without colours. */
export function precheckLines(report: Precheck): readonly string[] {
  const { records, reasons, months, control, fileFindings, rules, failed } = report
  const table = (titles: readonly string[], rows: readonly (readonly string[])[]): string[] =>
    rows.length === 0 ? [] : ['', ...alignColumns(titles, rows).map((line) => `  ${line}`)]
  const counts = Object.entries(records).map(([kind, count]) => `${countText(count)} ${kind}`)
  return [
    `${report.layout}  ${report.file}  ${report.verdict}`,
    ...(failed === null ? [] : [`  ${failed.code}: ${failed.detail}`]),
    ...(counts.length === 0 ? [] : [`  records: ${counts.join(', ')}`]),
    ...fileFindings.map((one) => `  ${fileFindingWords(one)}`),
    ...table(
      ['refused for', 'column', 'records', 'lines'],
      reasons.map((one) => [one.code, one.column ?? '', countText(one.records), linesWords(one)]),
    ),
    ...table(
      ['control record', 'declares', 'counted'],
      control.map((one) => [
        one.record,
        one.declared === null ? 'no number' : countText(one.declared),
        `${countText(one.counted)}${one.agrees ? '' : '  differs'}`,
      ]),
    ),
    ...table(
      ['month', 'rows'],
      months.map(({ month, rows }) => [month, countText(rows)]),
    ),
    ...table(
      ['rule', 'severity', 'result', 'rows'],
      rules.map((one) => [
        one.rule,
        one.severity,
        one.passed ? 'passed' : 'failed',
        findingWords(one),
      ]),
    ),
    '',
    `  ${report.next}`,
  ]
}
