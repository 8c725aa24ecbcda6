/** DuckDB queries of the later stages: one Parquet file out of parts, or a few rows. */
import { mkdir, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { assert, isEngineError } from '../core/errors.ts'
import type { DuckPool } from './duck-pool.ts'
import type { DuckRow, DuckTask } from './duck-protocol.ts'
import type { FooterColumn } from './arrow-schema.ts'
import { fileDigest } from './file-digest.ts'
import { checkPart, readFooter } from './footer.ts'
import { quoteName, quoteText } from './quote.ts'
import { PARQUET_OPTIONS } from './wide.ts'

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
  /** DuckDB memory; does not change the bytes. Default 800 */
  readonly memoryMb?: number
  readonly timeoutMs?: number
}

/** One Parquet file to write. */
export interface PartCopy {
  /** a SELECT over `view` without an order of its own, one row for each or fewer */
  readonly select: string
  /**
   * columns of `view` that order the rows, and are a key of them: where two rows compare equal, the
   * bytes are not determined
   */
  readonly order: readonly string[]
  readonly view: string
  /** absolute paths; may be empty when the select reads nothing */
  readonly parts: readonly string[]
  /** absolute; its folder is made */
  readonly out: string
  /** what the file must hold, in order */
  readonly columns?: readonly FooterColumn[]
}

export interface CopiedPart {
  readonly path: string
  readonly rows: number
  readonly sizeBytes: number
  readonly sha256: string
}

/** Statements of each copy in its task: an error's statement tells which copy failed. */
export const STATEMENTS_PER_COPY = 3
/** The one of them that fails where parts are not in order. */
const ORDER_STATEMENT = 1

/**
 * Writes Parquet files (zstd, row groups of 122,880) in one task, the same bytes for the same rows.
 *
 * One task, because a fresh DuckDB instance costs 15 ms, more than a small part. Rows that lie in
 * order already, as silver's do, are looked at (one column) and not sorted: at 165 columns the sort
 * was three quarters of the work. One copy whose rows do not sends all of them through the sort, to
 * the same bytes. Each footer is read by another implementation before the file counts. Throws
 * PART_INVALID, DUCK_TASK_FAILED.
 */
export async function copyParts(
  copies: readonly PartCopy[],
  { duck, signal, memoryMb }: Pick<QueryRequest, 'duck' | 'signal' | 'memoryMb'>,
): Promise<readonly CopiedPart[]> {
  if (copies.length === 0) return []
  for (const { out, order } of copies) {
    assert(order.length > 0, 'a part without an order')
    await mkdir(dirname(out), { recursive: true })
    // an attempt that was cut off; DuckDB would write over it, but not if it is a folder
    await rm(out, { recursive: true, force: true })
  }
  const outs = copies.map(({ out }) => quoteText(out)).join(', ')
  const taskOf = (sorts: boolean): DuckTask => ({
    statements: [
      ...copies.flatMap((copy) => copyStatements(copy, sorts)),
      `SELECT file_name, num_rows FROM parquet_file_metadata([${outs}])`,
    ],
    folders: [
      ...new Set(copies.flatMap(({ parts, out }) => [...parts, out].map((path) => dirname(path)))),
    ],
    ...(memoryMb === undefined ? {} : { memoryMb }),
  })
  const { rows } = await duck.run(taskOf(false), signal).catch(async (error: unknown) => {
    if (!isOutOfOrder(error)) throw error
    return duck.run(taskOf(true), signal)
  })
  const counts = new Map(rows.map((row) => [row['file_name'], Number(row['num_rows'])]))
  return Promise.all(copies.map(async (copy) => checked(copy, counts.get(copy.out))))
}

/** A view, a look at its order, the copy. */
function copyStatements({ select, order, view, parts, out }: PartCopy, sorts: boolean): string[] {
  const isView = parts.length > 0
  const by = order.map((name) =>
    isView ? `${quoteName(view)}.${quoteName(name)}` : quoteName(name),
  )
  const text = sorts || !isView ? `${select}\nORDER BY ${by.join(', ')}` : select
  return [
    isView ? partsView(parts, view) : 'SELECT 0',
    isView && !sorts ? orderCheck(view, order) : 'SELECT 0',
    `COPY (${text})\nTO ${quoteText(out)} (${PARQUET_OPTIONS})`,
  ]
}

/** Fails where a row does not come after the one before it. With one thread a scan has one order. */
function orderCheck(view: string, order: readonly string[]): string {
  const key =
    order.length === 1 ? quoteName(order[0] ?? '') : `row(${order.map(quoteName).join(', ')})`
  return `SELECT CASE WHEN count(*) > 0 THEN error('out of order') END
FROM (SELECT ${key} AS n, lag(${key}) OVER () AS before FROM ${quoteName(view)}) WHERE before >= n`
}

const isOutOfOrder = (error: unknown): boolean =>
  isEngineError(error, 'DUCK_TASK_FAILED') &&
  error.context.kind === 'Invalid Input' &&
  error.context.statement % STATEMENTS_PER_COPY === ORDER_STATEMENT

async function checked({ out, columns }: PartCopy, rows: number | undefined): Promise<CopiedPart> {
  assert(rows !== undefined && Number.isSafeInteger(rows), 'a written file has a row count')
  await checkPart(out, { rows, columns: columns ?? (await readFooter(out)).columns })
  return { path: out, rows, ...(await fileDigest(out)) }
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
