/**
 * One layout's silver rows as canonical rows: a mapping of one month compiled to DuckDB SQL. Pure.
 *
 * Row-local: one canonical row for each silver row. Values are CAST, never TRY_CAST: one that does
 * not become its column's type stops the build, it does not vanish. The text below belongs to the
 * recipe of the canonical asset: a change that changes bytes needs a new recipe version.
 */
import { assert, quoteName, quoteText } from '../engine/index.ts'
import { LINEAGE_COLUMNS, typeSql } from './canonical-schema.ts'
import type { CanonicalColumn } from './canonical-schema.ts'
import { readExpression } from './expression.ts'
import type { Scalar } from './fields.ts'
import type { MappingRule, MonthMapping } from './mapping.ts'

/** What a canonical row says of its origin; constant within one part. */
export interface Lineage {
  readonly state: string
  readonly fileType: string
  /** `YYYY-MM` */
  readonly atomicMonth: string
  readonly submitterId: string
  readonly submissionId: string
  /** `medical/synthea/v1` */
  readonly layoutId: string
  /** `v1` */
  readonly schemaVersion: string
  /** ISO 8601 in UTC; see first_wanted */
  readonly builtAt: string
}

export interface MappingQuery {
  readonly mapping: MonthMapping
  readonly columns: readonly CanonicalColumn[]
  readonly lineage: Lineage
  /** the view of the winner's silver rows; `silver` by default */
  readonly view?: string
}

/** A SELECT of the canonical columns in schema order, then the lineage columns; without an order. */
export function mappingSelect(query: MappingQuery): string {
  const { mapping, columns, lineage, view = 'silver' } = query
  const known = new Set(columns.map(({ name }) => name))
  assert(
    Object.keys(mapping.columns).every((target) => known.has(target)),
    'a mapping names a column its schema has not',
  )
  const values = columns.map(
    (column) => `${valueSql(mapping.columns[column.name], column)} AS ${quoteName(column.name)}`,
  )
  const origin = LINEAGE_COLUMNS.map((name) => `${lineageSql(name, lineage)} AS ${quoteName(name)}`)
  return [`SELECT\n  ${[...values, ...origin].join(',\n  ')}`, `FROM ${quoteName(view)}`].join('\n')
}

function valueSql(
  rule: MappingRule | undefined,
  { name, type, required }: CanonicalColumn,
): string {
  const to = (sql: string): string => `CAST(${sql} AS ${typeSql(type)})`
  if (rule === undefined) {
    assert(!required, `the required column ${name} has no rule in this month`)
    return to('NULL')
  }
  const { cast } = rule
  const through = (sql: string): string =>
    to(cast === undefined ? sql : `CAST(${sql} AS ${typeSql(cast)})`)
  if ('const' in rule) return through(scalarSql(rule.const))
  if ('coalesce' in rule) {
    return `coalesce(${rule.coalesce.map((source) => through(quoteName(source))).join(', ')})`
  }
  if ('expr' in rule) return through(expressionSql(rule.expr))
  if ('month' in rule) return `strftime(CAST(${quoteName(rule.month.source)} AS DATE), '%Y-%m')`
  if ('map' in rule) return through(mapSql(rule.map))
  return through(quoteName(rule.source))
}

/** Written anew here too: what enters SQL is what the parser made, whatever a slice holds. */
function expressionSql(text: string): string {
  const read = readExpression(text)
  assert(!('problem' in read), 'a mapping expression outside the language reached SQL')
  return read.sql
}

function mapSql({ source, values, default: other }: Extract<MappingRule, { map: unknown }>['map']) {
  // In order of the values, so that the text does not depend on the order of a file's keys.
  const cases = Object.entries(values)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([from, to]) => `WHEN ${quoteText(from)} THEN ${scalarSql(to)}`)
  const rest = other === undefined ? [] : [`ELSE ${scalarSql(other)}`]
  const value = `CAST(${quoteName(source)} AS VARCHAR)`
  // An empty value stays empty: the default is for values that are there.
  return `CASE WHEN ${value} IS NULL THEN NULL ELSE CASE ${[value, ...cases, ...rest].join(' ')} END END`
}

const scalarSql = (scalar: Scalar): string => quoteText(String(scalar))

function lineageSql(name: (typeof LINEAGE_COLUMNS)[number], lineage: Lineage): string {
  switch (name) {
    case 'state':
      return quoteText(lineage.state)
    case 'file_type':
      return quoteText(lineage.fileType)
    case 'atomic_month':
      return quoteText(lineage.atomicMonth)
    case 'submitter_id':
      return quoteText(lineage.submitterId)
    case 'source_submission_id':
      return quoteText(lineage.submissionId)
    case 'source_layout_id':
      return quoteText(lineage.layoutId)
    case 'canonical_schema_version':
      return quoteText(lineage.schemaVersion)
    case 'canonical_built_at':
      return `CAST(${quoteText(lineage.builtAt.replace('T', ' ').replace('Z', ''))} AS TIMESTAMP)`
  }
}
