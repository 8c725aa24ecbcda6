/**
 * Single rules as SQL over a submission's silver rows: which rows break them. Pure.
 *
 * Empty values (NULL), as in seed 003 §P3: RANGE, ALLOWED_VALUES, REGEX, CROSS_FIELD and CUSTOM_SQL
 * ignore them, and RANGE ignores text that is no number. Values compare with codes as text.
 */
import { assert, quoteName, quoteText } from '../engine/index.ts'
import type { ColumnType } from '../engine/index.ts'
import type { CodeSetSlice } from './code-set.ts'
import { firstMonth, lastMonth } from './code-set.ts'
import type { Scalar } from './fields.ts'
import type { MeasuredRule } from './rule-set.ts'
import { testSql } from './rule-set.ts'

/** What a rule's SQL stands in. */
export interface RuleScope {
  /** the view of all silver rows of the submission */
  readonly view: string
  /** the columns of the layout: their types decide how values compare */
  readonly types: ReadonlyMap<string, ColumnType>
  /** every code set that the rules name */
  readonly codeSets: ReadonlyMap<string, CodeSetSlice>
}

/** True for a row that breaks the rule; NULL and false otherwise. undefined: it judges no rows. */
export function violationSql(rule: MeasuredRule, scope: RuleScope): string | undefined {
  switch (rule.kind) {
    case 'NOT_NULL':
      return `${quoteName(rule.params.column)} IS NULL`
    case 'RANGE':
      return rangeSql(rule.params, scope.types)
    case 'ALLOWED_VALUES': {
      const { column, values, codeSet } = rule.params
      if (codeSet !== undefined) return codesSql(column, codeSet, scope)
      return `${textSql(column)} NOT IN (${valuesSql(values ?? [])})`
    }
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
    case 'CUSTOM_SQL':
      // Read again: what a catalog holds is data, and only what the reader writes becomes SQL.
      if (rule.params.each === undefined) return undefined
      return `NOT ${testSql(rule.params.each, 'row')}`
    default:
      return undefined
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

/** Nothing a code may hold. */
const SEPARATOR = 'chr(10)'

/**
 * One statement for each code set: a table of its codes and their months, for codesSql.
 *
 * One text a column, split by the engine: a list of 74,000 literals takes seconds to parse, this
 * takes 0.1 s.
 */
export const codeTables = (codeSets: ReadonlyMap<string, CodeSetSlice>): readonly string[] =>
  [...codeSets.values()].map((slice, at) => {
    const rows = slice.flatMap(({ codes, ...window }) =>
      codes.map((code) => [code, firstMonth(window), lastMonth(window)] as const),
    )
    const column = (index: 0 | 1 | 2, name: string): string => {
      const text = rows.map((row) => row[index]).join('\n')
      return `unnest(string_split(${quoteText(text)}, ${SEPARATOR})) AS "${name}"`
    }
    const columns = [column(0, 'code'), column(1, 'first_month'), column(2, 'last_month')]
    return `CREATE TEMP TABLE ${tableName(at)} AS SELECT ${columns.join(', ')}`
  })

const tableName = (at: number): string => quoteName(`codes__${at}`)

function codesSql(column: string, codeSet: string, { view, codeSets }: RuleScope): string {
  const slice = codeSets.get(codeSet)
  assert(slice !== undefined, `a rule has its code set ${codeSet}`)
  const table = tableName([...codeSets.keys()].indexOf(codeSet))
  const isDated = slice.some(({ from, to }) => (from ?? to) !== undefined)
  if (!isDated) return `${textSql(column)} NOT IN (SELECT "code" FROM ${table})`
  // A row whose month is not known may have the code of any month.
  const [value, month] = [column, 'atomic_month'].map(
    (name) => `CAST(${quoteName(view)}.${quoteName(name)} AS VARCHAR)`,
  )
  const inMonth = `${month} = '__unknown__' OR (${table}."first_month" <= ${month} AND ${month} <= ${table}."last_month")`
  const allowed = `SELECT 1 FROM ${table} WHERE ${table}."code" = ${value} AND (${inMonth})`
  return `(${value} IS NOT NULL AND NOT EXISTS (${allowed}))`
}
