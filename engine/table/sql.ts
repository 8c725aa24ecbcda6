/**
 * A ParseSpec as DuckDB SQL: strict shapes, casts, the month, one COPY per chunk. Pure.
 *
 * Part of the parse's recipe: any change to the text below that changes bytes needs a new recipe
 * version of the assets that use it.
 */
import { ESCAPED_LINE_FACTOR, sentinels } from './chunk-syntax.ts'
import {
  FIELD_TYPES,
  MONTH_MAX,
  MONTH_MIN,
  MONTH_PARTS,
  monthRole,
  RECORD_BYTES_MAX,
} from './grammar.ts'
import type { MonthRole } from './grammar.ts'
import { quoteName, quoteText } from './quote.ts'
import type { ColumnSpec, ParseSpec } from './spec.ts'
import { UNKNOWN_MONTH } from './spec.ts'
import { bufferOption, chunkOptions } from './wide.ts'

/** The value of one column, NULL for an empty and for a refused text. `raw` is trusted SQL. */
export function valueSql(column: ColumnSpec, raw: string): string {
  const type = FIELD_TYPES[column.type]
  if (column.type === 'string') {
    const tests = stringTests(column, raw)
    return tests.length === 0 ? raw : `CASE WHEN ${tests.join(' AND ')} THEN ${raw} END`
  }
  const values = type
    .shapes(column)
    .map(
      ({ pattern, sql }) =>
        `CASE WHEN regexp_full_match(${raw}, ${quoteText(pattern)}) THEN ${sql(raw)} END`,
    )
  return values.length === 1 ? (values[0] as string) : `coalesce(${values.join(', ')})`
}

function stringTests(column: ColumnSpec, raw: string): string[] {
  const tests: string[] = []
  if (column.maxLength !== undefined) tests.push(`length(${raw}) <= ${column.maxLength}`)
  if (column.pattern !== undefined) {
    tests.push(`regexp_full_match(${raw}, ${quoteText(column.pattern)})`)
  }
  if (column.enum !== undefined) {
    const texts = column.enum.map(quoteText).join(', ')
    tests.push(texts === '' ? 'false' : `${raw} IN (${texts})`)
  }
  return tests
}

/** The text of a field, without the blanks that are no part of it. `text` is trusted SQL. */
export function rawSql(column: ColumnSpec | null, text: string): string {
  return column?.trim === true ? `nullif(trim(${text}, ' '), '')` : text
}

/** True for a row whose field is accepted. `raw` and `value` are trusted SQL names. */
export function acceptSql(column: ColumnSpec, sql: { raw: string; value: string }): string | null {
  const { raw, value } = sql
  if (column.required) return `${value} IS NOT NULL`
  if (column.type === 'string' && stringTests(column, raw).length === 0) return null
  // A value comes from its text alone, so «refused» is exactly this; as an OR it is twelve times as slow.
  return `((${value} IS NULL) = (${raw} IS NULL))`
}

function monthRangeSql(role: MonthRole, value: string): string {
  if (role !== 'date') {
    const [least, most] = MONTH_PARTS[role]
    return `(${value} IS NULL OR ${value} BETWEEN ${least} AND ${most})`
  }
  const from = `DATE '${MONTH_MIN}-01'`
  const until = `DATE '${MONTH_MAX}-31'`
  return `(${value} IS NULL OR ${value}::DATE BETWEEN ${from} AND ${until})`
}

/** How the columns of a chunk file lie: one entry a field, in file order. */
export interface ChunkShape {
  /** layout column of each field; null: an unnamed field of the header that must be empty */
  readonly fields: readonly (ColumnSpec | null)[]
  readonly delimiter: string
  /** some records have escape sequences */
  readonly hasEscapes: boolean
}

export interface ChunkQuery {
  readonly spec: ParseSpec
  readonly shape: ChunkShape
  readonly chunkPath: string
  readonly declaredMonth: string
  readonly monthColumn: string
  readonly constants: readonly { readonly name: string; readonly value: string }[]
}

/** The accepted rows of one chunk file, in the order of the file: SELECT text. */
function chunkSelect(query: ChunkQuery): string {
  const { spec, shape } = query
  const fieldOf = (column: ColumnSpec): number =>
    shape.fields.findIndex((field) => field?.name === column.name)
  const values = spec.columns.map((column, index) => {
    const at = fieldOf(column)
    const type = FIELD_TYPES[column.type].sqlType(column)
    return `${at < 0 ? `NULL::${type}` : valueSql(column, `r${at}`)} AS v${index}`
  })
  const raws = shape.fields.map((field, at) => `${rawSql(field, decodedSql(shape, at))} AS r${at}`)
  const tests = spec.columns.flatMap((column, index) => {
    const at = fieldOf(column)
    if (at < 0) return []
    const accept = acceptSql(column, { raw: `r${at}`, value: `v${index}` })
    const role = monthRole(spec, column)
    const month = role === undefined ? [] : [monthRangeSql(role, `v${index}`)]
    return [...(accept === null ? [] : [accept]), ...month]
  })
  const fillers = shape.fields.flatMap((field, at) => (field === null ? [`r${at} IS NULL`] : []))
  const { plain, escaped } = sentinels(shape.delimiter)
  const where = [`e IN ('${plain}', '${escaped}')`, ...tests, ...fillers].join('\n  AND ')
  // The limit cannot cut: line_number counts no further. It keeps the filter from being pushed
  // below the casts, which would then run twice (20 % of a chunk's CPU with 60 columns).
  const names = raws.map((_, at) => `r${at}`)
  return `SELECT ${outputColumns(query).join(', ')}
FROM (SELECT n, e, ${[...names, ...values].join(', ')}
  FROM (SELECT n, e, ${raws.join(', ')} FROM ${readChunkSql(query)})
  LIMIT 4294967295)
WHERE ${where}`
}

function outputColumns({ spec, constants, ...query }: ChunkQuery): string[] {
  const columns = spec.columns.map((column, index) => `v${index} AS ${quoteName(column.name)}`)
  const lineage = constants.map(({ name, value }) => `${quoteText(value)} AS ${quoteName(name)}`)
  const month = `${monthSql(spec, query.declaredMonth)} AS ${quoteName(query.monthColumn)}`
  return [...columns, 'n AS line_number', ...lineage, month]
}

/** The month of a row whose fields are accepted; its column of the layout may be missing. */
function monthSql(spec: ParseSpec, declaredMonth: string): string {
  const value = (name: string): string =>
    `v${spec.columns.findIndex((column) => column.name === name)}`
  if ('declared' in spec.month) return quoteText(declaredMonth)
  const text =
    'column' in spec.month
      ? `strftime(${value(spec.month.column)}, '%Y-%m')`
      : `${value(spec.month.year)} || '-' || lpad(${value(spec.month.month)}::VARCHAR, 2, '0')`
  return `coalesce(${text}, '${UNKNOWN_MONTH}')`
}

function readChunkSql({ spec, shape, chunkPath }: ChunkQuery): string {
  const columns = ["'n': 'UINTEGER'", ...shape.fields.map((_, at) => `'f${at}': 'VARCHAR'`)]
  columns.push("'e': 'VARCHAR'")
  const lineMax = ESCAPED_LINE_FACTOR * RECORD_BYTES_MAX + shape.fields.length + 64
  const buffer = bufferOption(spec.columns.length, lineMax)
  return `read_csv(${quoteText(chunkPath)}, columns={${columns.join(', ')}},
    delim=${quoteText(shape.delimiter)}, header=false, quote='', escape='', comment='',
    new_line='\\n', auto_detect=false, ignore_errors=true, max_line_size=${lineMax}${buffer})`
}

/** Undoes ESCAPE sequences. Their second byte is never ESCAPE, so the order below is exact. */
function decodedSql(shape: ChunkShape, at: number): string {
  if (!shape.hasEscapes) return `f${at}`
  const undo = (text: string, code: number, meaning: string): string =>
    `replace(${text}, chr(27) || '${code}', ${meaning})`
  const delimiter = undo(`f${at}`, 1, quoteText(shape.delimiter))
  const text = undo(undo(undo(delimiter, 2, 'chr(10)'), 3, 'chr(13)'), 0, 'chr(27)')
  return `CASE WHEN e = '${sentinels(shape.delimiter).escaped}' THEN ${text} ELSE f${at} END`
}

/**
 * COPY of one chunk into `folder`: `part-0.parquet`, or `{month}=…/part-0.parquet` when the month
 * comes from a column. Returns one row a file (RETURN_STATS). With one thread the rows of each
 * file stand in the order of the chunk, so the bytes are the same every time; and they are the same
 * whether all months are written at once or some (`months`).
 */
export function chunkCopy(query: ChunkQuery, folder: string, months?: readonly string[]): string {
  const options = chunkOptions(query.spec.columns.length)
  if ('declared' in query.spec.month) {
    const path = quoteText(`${folder}/part-0.parquet`)
    return `COPY (${chunkSelect(query)}) TO ${path} (${options}, RETURN_STATS true)`
  }
  const select =
    months === undefined
      ? chunkSelect(query)
      : `SELECT * FROM (${chunkSelect(query)})
WHERE ${quoteName(query.monthColumn)} IN (${months.map(quoteText).join(', ')})`
  return `COPY (${select}) TO ${quoteText(folder)} (${options},
    PARTITION_BY (${quoteName(query.monthColumn)}), WRITE_PARTITION_COLUMNS true,
    FILENAME_PATTERN 'part-{i}', RETURN_STATS true)`
}

/** The months of a chunk's accepted rows, ascending: rows {month}. */
export const chunkMonths = (query: ChunkQuery): string =>
  `SELECT DISTINCT ${quoteName(query.monthColumn)} AS month FROM (${chunkSelect(query)}) ORDER BY 1`

/** Ranges of numbers in first..last that no part has: rows {first, last}, ascending. */
export function missingNumbers(parts: readonly string[], first: number, last: number): string {
  const paths = parts.map(quoteText).join(', ')
  return `SELECT min(n) AS first, max(n) AS last
FROM (SELECT n, n - row_number() OVER (ORDER BY n) AS island
  FROM (SELECT unnest(range(${first}, ${last + 1})) AS n)
  ANTI JOIN (SELECT line_number AS n FROM read_parquet([${paths}], hive_partitioning=false))
  USING (n))
GROUP BY island ORDER BY 1`
}

/** Rows of one file by position, from 0. */
export interface AuditedRows {
  readonly path: string
  readonly positions: readonly number[]
}

/** Audited rows as text, one select a file: `n`, `v0`… in layout order, `month`. */
export function auditSelects(audit: {
  readonly spec: ParseSpec
  readonly monthColumn: string
  readonly files: readonly AuditedRows[]
}): readonly string[] {
  const values = audit.spec.columns.map(({ name }, at) => `${quoteName(name)}::VARCHAR AS v${at}`)
  const columns = `line_number AS n, ${values.join(', ')}, ${quoteName(audit.monthColumn)} AS month`
  return audit.files.map(
    ({ path, positions }) => `SELECT ${columns}
FROM read_parquet(${quoteText(path)}, hive_partitioning=false, file_row_number=true)
WHERE file_row_number IN (${positions.join(', ')})`,
  )
}
