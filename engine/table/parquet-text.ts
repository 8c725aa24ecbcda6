/** The SQL that makes a Parquet file text, every column by its type. Pure. */
import { quoteText } from './quote.ts'

/** A select of the types of a file's columns, in order: `column_type`. */
export const describeParquet = (path: string): string =>
  `SELECT column_type FROM (DESCRIBE SELECT * FROM ${source(path)})`

/**
 * Writes rows in their order, without names; the result is one row, `Count`. Columns go by place:
 * what a stranger calls them is no part of the SQL.
 */
export function parquetToText(
  { path, out }: { readonly path: string; readonly out: string },
  types: readonly string[],
): string {
  const texts = types.map((type, at) => `coalesce(${columnText(`#${at + 1}`, type)}, '')`)
  // A row of one empty field would be a blank line.
  const force = types.length === 1 ? ', FORCE_QUOTE *' : ''
  return `COPY (SELECT ${texts.join(', ')} FROM ${source(path)})
    TO ${quoteText(out)} (FORMAT csv, HEADER false, DELIMITER ',', QUOTE '"', ESCAPE '"', NULLSTR ''${force})`
}

/** Whether a column of this type is text: of one whose values have types of their own it is not. */
export const hasText = (type: string): boolean => !/\bVARIANT\b/.test(type)

const source = (path: string): string =>
  `read_parquet(${quoteText(path)}, hive_partitioning=false, union_by_name=false)`

/** Doubles with no fraction are written without a point, up to the last one that is exact. */
const WHOLE_MAX = 2 ** 53

function columnText(name: string, type: string): string {
  const asText = `CAST(${name} AS VARCHAR)`
  if (/[[(]|\bMAP\b|\bSTRUCT\b/.test(type) && !/^(?:DECIMAL|ENUM|GEOMETRY)\b[^[\]]*$/.test(type)) {
    return `CAST(to_json(${name}) AS VARCHAR)`
  }
  if (type === 'FLOAT' || type === 'DOUBLE') {
    const isWhole = `${name} = trunc(${name}) AND abs(${name}) <= ${WHOLE_MAX}`
    return `CASE WHEN ${isWhole} THEN CAST(CAST(${name} AS BIGINT) AS VARCHAR) ELSE ${asText} END`
  }
  if (type === 'BLOB') return `coalesce(try(decode(${name})), lower(hex(${name})))`
  if (type === 'TIMESTAMP WITH TIME ZONE') {
    return `replace(CAST(make_timestamp(epoch_us(${name})) AS VARCHAR), ' ', 'T') || 'Z'`
  }
  return type.startsWith('TIMESTAMP') ? `replace(${asText}, ' ', 'T')` : asText
}
