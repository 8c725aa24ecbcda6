/**
 * A submission's rules as one SELECT over its silver rows, and what the result means. Pure.
 *
 * One pass counts every rule but UNIQUE_KEY, which groups once more. Empty values (NULL), as in
 * seed 003 §P3: RANGE, ALLOWED_VALUES, REGEX and CROSS_FIELD ignore them, and RANGE ignores text
 * that is no number; UNIQUE_KEY counts every row of a group of two or more, and empty keys are
 * equal. TRAILER_COUNT reads the parse report only. `since` limits a rule, and what its share is
 * of, to rows of that month and later; rows without a month count.
 */
import { assert, quoteName, quoteText } from '../engine/index.ts'
import type { ColumnSpec, ColumnType } from '../engine/index.ts'
import type { Scalar } from './fields.ts'
import type { MeasuredRule } from './rule-set.ts'

export interface MeasureQuery {
  readonly rules: readonly MeasuredRule[]
  /** the columns of the layout: their types decide how values compare */
  readonly columns: readonly ColumnSpec[]
  /** the view of all silver rows of the submission; `silver` by default */
  readonly view?: string
}

/** What the parse counted. */
export interface ParseCounts {
  readonly accepted: number
  readonly rejected: number
  /** one for each file: its data records, and the number its control record declares, if any */
  readonly files: readonly { readonly records: number; readonly declared: number | null }[]
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
export function measureSql({ rules, columns, view = 'silver' }: MeasureQuery): string {
  const types = new Map(columns.map(({ name, type }) => [name, type]))
  const counts = rules.flatMap((rule) => {
    if (rule.kind === 'TRAILER_COUNT') return []
    const rows = sinceSql(rule)
    const seen =
      rows === undefined ? [] : [`${countSql([rows])} AS ${quoteName(rowsName(rule.id))}`]
    const violations =
      rule.kind === 'UNIQUE_KEY'
        ? duplicatesSql({ names: rule.params.columns, view, rows })
        : countSql([violationSql(rule, types), rows])
    return [`${violations} AS ${quoteName(violationsName(rule.id))}`, ...seen]
  })
  return `SELECT\n  ${['count(*) AS "total_rows"', ...counts].join(',\n  ')}\nFROM ${quoteName(view)}`
}

const violationsName = (id: string): string => `violations__${id}`
const rowsName = (id: string): string => `rows__${id}`

const sinceSql = ({ since }: MeasuredRule): string | undefined =>
  since === undefined ? undefined : `"atomic_month" >= ${quoteText(since)}`

const countSql = (conditions: readonly (string | undefined)[]): string =>
  `count(*) FILTER (WHERE ${conditions.filter((one) => one !== undefined).join(' AND ')})`

function duplicatesSql(key: {
  readonly names: readonly string[]
  readonly view: string
  readonly rows: string | undefined
}): string {
  const where = key.rows === undefined ? '' : ` WHERE ${key.rows}`
  const groups = `SELECT count(*) AS "n" FROM ${quoteName(key.view)}${where} GROUP BY ${key.names
    .map(quoteName)
    .join(', ')} HAVING count(*) > 1`
  return `(SELECT CAST(coalesce(sum("n"), 0) AS BIGINT) FROM (${groups}))`
}

type RowRule = Exclude<MeasuredRule, { kind: 'UNIQUE_KEY' } | { kind: 'TRAILER_COUNT' }>

/** True for a row that breaks the rule; NULL and false otherwise. */
function violationSql(rule: RowRule, types: ReadonlyMap<string, ColumnType>): string {
  switch (rule.kind) {
    case 'NOT_NULL':
      return `${quoteName(rule.params.column)} IS NULL`
    case 'RANGE':
      return rangeSql(rule.params, types)
    case 'ALLOWED_VALUES':
      return `${textSql(rule.params.column)} NOT IN (${valuesSql(rule.params.values)})`
    case 'REGEX':
      return `NOT regexp_matches(${textSql(rule.params.column)}, ${quoteText(rule.params.pattern)})`
    case 'REQUIRED_UNLESS': {
      const { column, unless } = rule.params
      const excused = `coalesce(${textSql(unless.column)} IN (${valuesSql(unless.values)}), false)`
      return `(${quoteName(column)} IS NULL AND NOT ${excused})`
    }
    case 'CROSS_FIELD': {
      const { left, op, right } = rule.params
      return `NOT (${quoteName(left)} ${op === '!=' ? '<>' : op} ${quoteName(right)})`
    }
  }
}

/** Values compare as text, as people write them in a rule. */
const textSql = (name: string): string => `CAST(${quoteName(name)} AS VARCHAR)`
const valuesSql = (values: readonly Scalar[]): string =>
  values.map((value) => quoteText(String(value))).join(', ')

function rangeSql(
  { column, min, max }: Extract<MeasuredRule, { kind: 'RANGE' }>['params'],
  types: ReadonlyMap<string, ColumnType>,
): string {
  const type = types.get(column)
  const isDate = type === 'date' || type === 'datetime'
  const name = quoteName(column)
  // Whole days at both ends, so a datetime late on the last day is inside; NaN is no number.
  const number = `nullif(TRY_CAST(${name} AS DOUBLE), CAST('nan' AS DOUBLE))`
  const value = isDate ? `CAST(${name} AS DATE)` : type === 'string' ? number : name
  const bound = (limit: number | string): string =>
    isDate ? `CAST(${quoteText(String(limit))} AS DATE)` : numberSql(limit)
  const tests = [
    ...(min === undefined ? [] : [`${value} < ${bound(min)}`]),
    ...(max === undefined ? [] : [`${value} > ${bound(max)}`]),
  ]
  return `(${tests.join(' OR ')})`
}

function numberSql(limit: number | string): string {
  assert(typeof limit === 'number' && Number.isFinite(limit), 'a range bound is no number')
  return String(limit)
}

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
  const measures = rules.map((rule) => {
    if (rule.kind === 'TRAILER_COUNT') return [rule.id, trailerMeasure(parse)] as const
    const denominator = rule.since === undefined ? totalRows : count(rowsName(rule.id))
    return [rule.id, { violations: count(violationsName(rule.id)), denominator }] as const
  })
  return { totalRows, rules: Object.fromEntries(measures) }
}

/** Records missing or too many against the control records; a file that declares none counts one. */
function trailerMeasure({ files }: ParseCounts): RuleMeasure {
  const off = files.map(({ records, declared }) =>
    declared === null ? 1 : Math.abs(declared - records),
  )
  return {
    violations: off.reduce((sum, one) => sum + one, 0),
    denominator: files.reduce((sum, { records }) => sum + records, 0),
  }
}
