/**
 * How Parquet files are written, and what is otherwise with layouts of many columns. Pure.
 *
 * All of it follows from the number of columns alone, so that the same content has the same bytes on
 * every machine; and all of it is part of the parse's recipe.
 */
import { CHUNK_RECORDS_MAX } from './record-index.ts'

/** Rows per row group of every Parquet file (data-plane §4: 332 MB, 900 MB RSS for 5M × 60). */
const ROW_GROUP_SIZE = 122_880

const parquetOptions = (rows: number): string =>
  `FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${rows}`

/** Options that every Parquet file of the product is written with, but for parts of wide layouts. */
export const PARQUET_OPTIONS = parquetOptions(ROW_GROUP_SIZE)

/** Layouts of more columns have smaller row groups: what a writer buffers grows with both. */
const WIDE_COLUMNS = 65
/** Fields of a row group of a wide layout: 20,480 rows of 165 columns. */
const WIDE_FIELDS = 3_400_000
/** Row groups end at multiples of a DuckDB vector. */
const VECTOR_ROWS = 2048

/** Bytes that the dictionaries of all columns of a wide layout may have; 1 MiB each without a limit. */
const DICTIONARIES_BYTES = 64 * 1024 * 1024

/** Options of a chunk's Parquet files. */
export function chunkOptions(columnCount: number): string {
  if (columnCount <= WIDE_COLUMNS) return PARQUET_OPTIONS
  const rows = Math.max(1, Math.floor(WIDE_FIELDS / columnCount / VECTOR_ROWS)) * VECTOR_ROWS
  const dictionaryBytes = Math.floor(DICTIONARIES_BYTES / columnCount)
  return `${parquetOptions(rows)}, STRING_DICTIONARY_PAGE_SIZE_LIMIT ${dictionaryBytes}`
}

/** Fields of a chunk of a wide layout: a COPY may hold them all, 16 bytes each. */
const CHUNK_FIELDS_MAX = 20_000_000

/** Records that a chunk may have. A chunk ends there at the latest. */
export const chunkRecordsMax = (columnCount: number): number =>
  columnCount <= WIDE_COLUMNS
    ? CHUNK_RECORDS_MAX
    : Math.min(CHUNK_RECORDS_MAX, Math.floor(CHUNK_FIELDS_MAX / columnCount))

/** What a partitioned COPY has at hand for each month and column is 32 KiB: 125 MB of such. */
const MONTH_COLUMNS_MAX = 4000

/** Months that one COPY of so many columns may write. */
export const monthsAtOnce = (columnCount: number): number =>
  Math.max(1, Math.floor(MONTH_COLUMNS_MAX / columnCount))

/** DuckDB's own buffer is 16 lines: 134 MB. Where it ends moves row groups, so only of wide layouts. */
export const bufferOption = (columnCount: number, lineBytesMax: number): string =>
  columnCount <= WIDE_COLUMNS ? '' : `, buffer_size=${2 * lineBytesMax}`
