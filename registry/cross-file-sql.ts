/**
 * CROSS_FILE rules as one SELECT over a submission's silver rows, and what it means. Pure.
 *
 * A row is judged when it has every key column, its month is one the submission declares, and a file
 * of the other type stands for its month or the `backMonths` before it; where none does, the rule
 * says whether the row passes. Keys compare as texts; the registry's checks see to it that both
 * layouts type them alike.
 */
import { quoteName, quoteText } from '../engine/index.ts'
import type { RuleMeasure, RuleSamples } from './measure-sql.ts'
import { SAMPLES_MAX } from './measure-sql.ts'
import { monthBefore } from './period.ts'
import type { MeasuredRule } from './rule-set.ts'

export type CrossFileRule = Extract<MeasuredRule, { kind: 'CROSS_FILE' }>

/** The rows of one month of another file, as the submission that stands for it has them. */
export interface OtherMonth {
  readonly month: string
  /** absolute paths of its parts */
  readonly parts: readonly string[]
  readonly layout: string
  /** of its layout */
  readonly columns: readonly string[]
}

export interface CrossFileQuery {
  readonly rules: readonly CrossFileRule[]
  /** the view of the submission's silver rows */
  readonly view: string
  /** those it declares and has rows in */
  readonly months: readonly string[]
  /** by file type */
  readonly others: ReadonlyMap<string, readonly OtherMonth[]>
}

/** Statements that come first, and the SELECT: one row a rule. */
export function crossFileSql(query: CrossFileQuery): {
  readonly before: readonly string[]
  readonly select: string
} {
  const looked = query.rules.map((rule, at) => ({ rule, at, ...lookUp(rule, query) }))
  return {
    before: looked.flatMap(({ rule, at, pairs, known }) =>
      pairs.length === 0 ? [] : [knownTable(rule, { at, pairs, known })],
    ),
    select: looked.map((one) => ruleSelect(one, query)).join('\nUNION ALL\n'),
  }
}

interface LookUp {
  /** a month of the other file, and a month of rows that may be found in it */
  readonly pairs: readonly (readonly [known: string, row: string])[]
  readonly known: readonly OtherMonth[]
}

/** Months whose layout does not have the columns are as if they were not there. */
function lookUp({ params }: CrossFileRule, { months, others }: CrossFileQuery): LookUp {
  const known = (others.get(params.in.fileType) ?? []).filter(({ columns }) =>
    params.in.columns.every((name) => columns.includes(name)),
  )
  const present = new Set(known.map(({ month }) => month))
  const pairs = months.flatMap((row) =>
    Array.from({ length: params.backMonths + 1 }, (_, back) => monthBefore(row, back)).flatMap(
      (month) => (present.has(month) ? [[month, row] as const] : []),
    ),
  )
  return { pairs, known }
}

const tableName = (at: number): string => quoteName(`known__${at}`)
const keyName = (index: number): string => quoteName(`key__${index}`)
const textSql = (name: string): string => `CAST(${quoteName(name)} AS VARCHAR)`

function knownTable(
  { params }: CrossFileRule,
  { at, pairs, known }: LookUp & { readonly at: number },
): string {
  const keys = params.in.columns.map((name, index) => `${textSql(name)} AS ${keyName(index)}`)
  const names = params.in.columns.map((_, index) => `p.${keyName(index)}`)
  const months = pairs.map(([month, row]) => `(${quoteText(month)}, ${quoteText(row)})`)
  // Layout by layout: read as one, a column that two of them type differently gets a third type.
  const byLayout = Map.groupBy(known, ({ layout }) => layout)
  const selects = [...byLayout.values()].map((group) => {
    const paths = group.flatMap(({ parts }) => parts).map(quoteText)
    return `SELECT ${keys.join(', ')}, CAST("atomic_month" AS VARCHAR) AS "known_month"
      FROM read_parquet([${paths.join(', ')}], union_by_name=true, hive_partitioning=false)`
  })
  return `CREATE TEMP TABLE ${tableName(at)} AS
    SELECT DISTINCT ${names.join(', ')}, m."row_month" AS "row_month"
    FROM (${selects.join(' UNION ALL ')}) p
    JOIN (VALUES ${months.join(', ')}) m("known_month", "row_month")
      ON m."known_month" = p."known_month"`
}

function ruleSelect(
  { rule, at, pairs }: LookUp & { readonly rule: CrossFileRule; readonly at: number },
  { view, months }: CrossFileQuery,
): string {
  const { columns, whenAbsent } = rule.params
  const covered = whenAbsent === 'fail' ? months : [...new Set(pairs.map(([, row]) => row))]
  const judged = [
    ...columns.map((name) => `${quoteName(name)} IS NOT NULL`),
    ...(rule.since === undefined ? [] : [`"atomic_month" >= ${quoteText(rule.since)}`]),
    covered.length === 0 ? 'false' : `"atomic_month" IN (${covered.map(quoteText).join(', ')})`,
  ]
  const matches = columns.map(
    (name, index) => `k.${keyName(index)} = CAST(r.${quoteName(name)} AS VARCHAR)`,
  )
  const found = `SELECT 1 FROM ${tableName(at)} k
      WHERE ${matches.join(' AND ')} AND k."row_month" = CAST(r."atomic_month" AS VARCHAR)`
  const broken = pairs.length === 0 ? 'true' : `NOT EXISTS (${found})`
  return `SELECT ${quoteText(rule.id)} AS "rule", count(*) AS "rows",
    count(*) FILTER (WHERE "is_broken") AS "violations",
    array_to_string(min("line_number", ${SAMPLES_MAX}) FILTER (WHERE "is_broken"), ',') AS "lines"
  FROM (SELECT r."line_number", ${broken} AS "is_broken"
    FROM ${quoteName(view)} r WHERE ${judged.join(' AND ')})`
}

/** What was found, by rule id. */
export interface CrossFileMeasures {
  readonly rules: Readonly<Record<string, RuleMeasure>>
  readonly samples: RuleSamples
}

/** The rows that the SELECT gave. */
export function readCrossFile(
  rows: readonly Readonly<Record<string, unknown>>[],
): CrossFileMeasures {
  const rules: Record<string, RuleMeasure> = {}
  const samples: Record<string, readonly number[]> = {}
  for (const row of rows) {
    const id = String(row['rule'])
    rules[id] = { violations: Number(row['violations']), denominator: Number(row['rows']) }
    const lines = row['lines']
    if (typeof lines === 'string' && lines !== '') samples[id] = lines.split(',').map(Number)
  }
  return { rules, samples }
}
