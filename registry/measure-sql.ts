/**
 * A submission's rules as one SELECT over its silver rows, and what the result means. Pure.
 *
 * One pass counts every rule but UNIQUE_KEY, which groups once more, and CUSTOM_SQL over all rows,
 * which aggregates once more and is one violation of one. UNIQUE_KEY counts every row of a group of
 * two or more, and empty keys are equal. TRAILER_COUNT reads the parse report only; CROSS_FILE and
 * TREND, which read other submissions too, are cross-file-sql.ts and trend.ts. `since` limits
 * a rule, and what its share is of, to rows of that month and later; rows without a month count.
 * Which rows were counted is told by a second pass, of rules with violations only.
 */
import { assert, quoteName, quoteText } from '../engine/index.ts'
import type { ColumnSpec } from '../engine/index.ts'
import type { CodeSetSlice } from './code-set.ts'
import type { MeasuredRule } from './rule-set.ts'
import { testSql } from './rule-set.ts'
import type { RuleScope } from './rule-sql.ts'
import { violationSql } from './rule-sql.ts'

export interface MeasureQuery {
  readonly rules: readonly MeasuredRule[]
  /** the columns of the layout: their types decide how values compare */
  readonly columns: readonly ColumnSpec[]
  /** the view of all silver rows of the submission; `silver` by default */
  readonly view?: string
  /** those that the rules name; their tables are there (codeTables) */
  readonly codeSets?: ReadonlyMap<string, CodeSetSlice>
}

/** What the parse counted. */
export interface ParseCounts {
  readonly accepted: number
  readonly rejected: number
  /** one for each file: its data records, and every number a control record of it declares */
  readonly files: readonly {
    readonly records: number
    /** null: what is declared is no number */
    readonly declared: readonly (number | null)[]
  }[]
}

export interface RuleMeasure {
  readonly violations: number
  /** the rows (TRAILER_COUNT: records) that the rule looked at */
  readonly denominator: number
}

/** By rule id. */
export interface Measures {
  readonly totalRows: number
  readonly rules: Readonly<Record<string, RuleMeasure>>
}

/** One row: `total_rows`, `violations__{rule}`, and `rows__{rule}` of rules with `since`. BIGINTs. */
export function measureSql(query: MeasureQuery): string {
  const scope = scopeOf(query)
  const counts = query.rules.flatMap((rule) => {
    if (!isCounted(rule)) return []
    const rows = sinceSql(rule)
    const seen =
      rows === undefined ? [] : [`${countSql([rows])} AS ${quoteName(rowsName(rule.id))}`]
    return [`${violationsSql(rule, rows, scope)} AS ${quoteName(violationsName(rule.id))}`, ...seen]
  })
  const cells = ['count(*) AS "total_rows"', ...counts].join(',\n  ')
  return `SELECT\n  ${cells}\nFROM ${quoteName(scope.view)}`
}

/** Whether a rule is counted over the submission's own rows. */
const isCounted = ({ kind }: MeasuredRule): boolean =>
  kind !== 'TRAILER_COUNT' && kind !== 'CROSS_FILE' && kind !== 'TREND'

const scopeOf = ({ columns, view = 'silver', codeSets = new Map() }: MeasureQuery): RuleScope => ({
  view,
  types: new Map(columns.map(({ name, type }) => [name, type])),
  codeSets,
})

function violationsSql(rule: MeasuredRule, rows: string | undefined, scope: RuleScope): string {
  const broken = violationSql(rule, scope)
  if (broken !== undefined) return countSql([broken, rows])
  const from = `${quoteName(scope.view)}${rows === undefined ? '' : ` WHERE ${rows}`}`
  if (rule.kind === 'UNIQUE_KEY') {
    const groups = `SELECT count(*) AS "n" FROM ${from} ${duplicatesSql(rule.params.columns)}`
    return `(SELECT CAST(coalesce(sum("n"), 0) AS BIGINT) FROM (${groups}))`
  }
  assert(rule.kind === 'CUSTOM_SQL', `${rule.kind} is counted`)
  const test = testSql(rule.params.overall ?? '', 'rows')
  return `(SELECT CAST(coalesce(NOT ${test}, false) AS BIGINT) FROM ${from})`
}

const duplicatesSql = (columns: readonly string[]): string =>
  `GROUP BY ${columns.map(quoteName).join(', ')} HAVING count(*) > 1`

/** Line numbers kept of each rule. */
export const SAMPLES_MAX = 10

/** By rule id: the first line numbers (record numbers in the submission) that break it, ascending. */
export type RuleSamples = Readonly<Record<string, readonly number[]>>

/**
 * One row of texts `lines__{rule}`: the first line numbers that break each rule, joined by commas;
 * of a UNIQUE_KEY the first line of each group. undefined: no rule with violations has any.
 */
export function samplesSql(query: MeasureQuery, measures: Measures): string | undefined {
  const scope = scopeOf(query)
  const cells = query.rules.flatMap((rule) => {
    if ((measures.rules[rule.id]?.violations ?? 0) === 0) return []
    const lines = linesSql(rule, scope)
    if (lines === undefined) return []
    return [`array_to_string(${lines}, ',') AS ${quoteName(linesName(rule.id))}`]
  })
  if (cells.length === 0) return undefined
  return `SELECT\n  ${['count(*) AS "total_rows"', ...cells].join(',\n  ')}\nFROM ${quoteName(scope.view)}`
}

function linesSql(rule: MeasuredRule, scope: RuleScope): string | undefined {
  const rows = sinceSql(rule)
  const broken = violationSql(rule, scope)
  if (broken !== undefined) {
    return `min("line_number", ${SAMPLES_MAX}) FILTER (WHERE ${joined([broken, rows])})`
  }
  if (rule.kind !== 'UNIQUE_KEY') return undefined
  const from = `${quoteName(scope.view)}${rows === undefined ? '' : ` WHERE ${rows}`}`
  const firsts = `SELECT min("line_number") AS "line" FROM ${from} ${duplicatesSql(rule.params.columns)}`
  return `(SELECT min("line", ${SAMPLES_MAX}) FROM (${firsts}))`
}

/** The line numbers of the row that samplesSql gave. */
export const readSamples = (row: Readonly<Record<string, unknown>>): RuleSamples =>
  Object.fromEntries(
    Object.entries(row).flatMap(([name, text]) =>
      typeof text === 'string' && text !== ''
        ? [[name.slice(linesName('').length), text.split(',').map(Number)]]
        : [],
    ),
  )

const violationsName = (id: string): string => `violations__${id}`
const rowsName = (id: string): string => `rows__${id}`
const linesName = (id: string): string => `lines__${id}`

const sinceSql = ({ since }: MeasuredRule): string | undefined =>
  since === undefined ? undefined : `"atomic_month" >= ${quoteText(since)}`

const joined = (conditions: readonly (string | undefined)[]): string =>
  conditions.filter((one) => one !== undefined).join(' AND ')

const countSql = (conditions: readonly (string | undefined)[]): string =>
  `count(*) FILTER (WHERE ${joined(conditions)})`

/**
 * The measures of a submission: the row that measureSql gave, and what the parse counted.
 *
 * `row` is undefined when there are no silver rows at all.
 */
export function readMeasures(found: {
  readonly rules: readonly MeasuredRule[]
  readonly row: Readonly<Record<string, unknown>> | undefined
  readonly parse: ParseCounts
}): Measures {
  const { rules, row, parse } = found
  const count = (name: string): number => {
    if (row === undefined) return 0
    const value = Number(row[name])
    assert(Number.isSafeInteger(value) && value >= 0, `a measure has no count ${name}`)
    return value
  }
  const totalRows = count('total_rows')
  const counted = (rule: MeasuredRule): RuleMeasure => {
    const isOverall = rule.kind === 'CUSTOM_SQL' && rule.params.overall !== undefined
    const rows = rule.since === undefined ? totalRows : count(rowsName(rule.id))
    return {
      violations: count(violationsName(rule.id)),
      denominator: isOverall ? 1 : rows,
    }
  }
  const measures = rules.flatMap((rule) => {
    if (rule.kind === 'TRAILER_COUNT') return [[rule.id, trailerMeasure(parse)] as const]
    return isCounted(rule) ? [[rule.id, counted(rule)] as const] : []
  })
  return { totalRows, rules: Object.fromEntries(measures) }
}

/**
 * Records missing or too many against the control record that is furthest off; a file that
 * declares no number, or one that cannot be read, counts one.
 */
function trailerMeasure({ files }: ParseCounts): RuleMeasure {
  const off = files.map(({ records, declared }) =>
    declared.length === 0
      ? 1
      : Math.max(...declared.map((one) => (one === null ? 1 : Math.abs(one - records)))),
  )
  return {
    violations: off.reduce((sum, one) => sum + one, 0),
    denominator: files.reduce((sum, { records }) => sum + records, 0),
  }
}
