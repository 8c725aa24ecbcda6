/** DuckDB queries of the later stages: one Parquet file out of parts, or a few rows. */
import { mkdir, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { assert } from '../core/errors.ts'
import type { DuckPool } from './duck-pool.ts'
import type { DuckRow } from './duck-protocol.ts'
import { fileDigest } from './file-digest.ts'
import { quoteName, quoteText } from './quote.ts'
import { PARQUET_OPTIONS } from './sql.ts'

/** What the SQL of a query may call its input: the rows of all parts, in order of the parts. */
export const PARTS = 'parts'

export interface QueryRequest {
  /** a SELECT that reads its input as `parts` */
  readonly select: string
  /** absolute paths of Parquet files; columns are matched by name */
  readonly parts: readonly string[]
  readonly duck: DuckPool
  readonly signal?: AbortSignal
  /** further folders the select reads, absolute */
  readonly folders?: readonly string[]
  /** statements that come first on the same connection, such as views over lookups */
  readonly before?: readonly string[]
  /** DuckDB memory; does not change the bytes. Default 500 */
  readonly memoryMb?: number
  readonly timeoutMs?: number
}

export interface CopyRequest extends QueryRequest {
  /**
   * a total order over the select's columns: no two rows compare equal, else the bytes are not
   * determined; omitted: the select ends with such an order of its own
   */
  readonly orderBy?: string
  /** absolute path of the file to write; its folder is made */
  readonly out: string
}

export interface CopiedPart {
  readonly path: string
  readonly rows: number
  readonly sizeBytes: number
  readonly sha256: string
}

/** Writes one Parquet file (zstd, row groups of 122,880), the same bytes for the same rows. */
export async function copyQuery(request: CopyRequest): Promise<CopiedPart> {
  const { select, orderBy, out } = request
  assert(
    /\border by\b/i.test(orderBy === undefined ? select : `order by ${orderBy}`),
    'a part without an order',
  )
  await mkdir(dirname(out), { recursive: true })
  // an attempt that was cut off; DuckDB would write over it, but not if it is a folder
  await rm(out, { recursive: true, force: true })
  const ordered = orderBy === undefined ? select : `SELECT * FROM (${select}) ORDER BY ${orderBy}`
  const copy = `COPY (${ordered})
TO ${quoteText(out)} (${PARQUET_OPTIONS}, RETURN_STATS true)`
  const rows = await runOver(request, copy, [dirname(out)])
  const count = Number(rows[0]?.['count'])
  assert(rows.length === 1 && Number.isSafeInteger(count), 'COPY returned no row count')
  return { path: out, rows: count, ...(await fileDigest(out)) }
}

/** One of several files made by one task. */
export interface CopyOfMany {
  /** a SELECT over `view` that ends with a total order */
  readonly select: string
  readonly view: string
  readonly parts: readonly string[]
  /** absolute */
  readonly out: string
}

/**
 * Writes several Parquet files in one task, one after another: a fresh DuckDB instance costs 15 ms,
 * more than a small part. A failure names the copy by its statement: two for each.
 */
export async function copyMany(
  copies: readonly CopyOfMany[],
  { duck, signal, memoryMb }: Pick<QueryRequest, 'duck' | 'signal' | 'memoryMb'>,
): Promise<readonly CopiedPart[]> {
  if (copies.length === 0) return []
  for (const { out } of copies) {
    await mkdir(dirname(out), { recursive: true })
    await rm(out, { recursive: true, force: true })
  }
  const outs = copies.map(({ out }) => quoteText(out)).join(', ')
  const task = {
    statements: [
      ...copies.flatMap(({ select, view, parts, out }) => [
        partsView(parts, view),
        `COPY (${select})\nTO ${quoteText(out)} (${PARQUET_OPTIONS})`,
      ]),
      `SELECT file_name, num_rows FROM parquet_file_metadata([${outs}])`,
    ],
    folders: [
      ...new Set(copies.flatMap(({ parts, out }) => [...parts, out].map((path) => dirname(path)))),
    ],
    ...(memoryMb === undefined ? {} : { memoryMb }),
  }
  const { rows } = await duck.run(task, signal)
  const counts = new Map(rows.map((row) => [row['file_name'], Number(row['num_rows'])]))
  return Promise.all(
    copies.map(async ({ out }) => {
      const count = counts.get(out)
      assert(Number.isSafeInteger(count) && count !== undefined, 'a written file has a row count')
      return { path: out, rows: count, ...(await fileDigest(out)) }
    }),
  )
}

/** The rows of a select, at most 1,000,000; for counts and findings, never for data at large. */
export const rowsQuery = (request: QueryRequest): Promise<readonly DuckRow[]> =>
  runOver(request, request.select, [])

async function runOver(
  request: QueryRequest,
  statement: string,
  folders: readonly string[],
): Promise<readonly DuckRow[]> {
  const { parts, duck, signal, before = [], memoryMb, timeoutMs } = request
  const own = [...new Set(parts.map((part) => dirname(part)))]
  const task = {
    statements: [...(parts.length > 0 ? [partsView(parts)] : []), ...before, statement],
    folders: [...new Set([...own, ...(request.folders ?? []), ...folders])],
    ...(memoryMb === undefined ? {} : { memoryMb }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  }
  return (await duck.run(task, signal)).rows
}

const partsView = (parts: readonly string[], view = PARTS): string =>
  `CREATE TEMP VIEW ${quoteName(view)} AS SELECT * FROM read_parquet([${parts.map(quoteText).join(', ')}],
    union_by_name=true, hive_partitioning=false)`
