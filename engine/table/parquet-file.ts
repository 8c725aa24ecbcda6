/**
 * A Parquet file as text: its footer is checked by one reader, its pages by their checksums, and its
 * rows are decoded by another reader, DuckDB, each in a child process.
 */
import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isEngineError } from '../core/errors.ts'
import type { DuckPool } from './duck-pool.ts'
import type { DuckRow, DuckTask } from './duck-protocol.ts'
import type { ContentBudget } from './package-limits.ts'
import { describeParquet, hasText, parquetToText } from './parquet-text.ts'
import { failTable } from './table-failure.ts'
import { askTwice } from './table-process.ts'
import type { TableFault } from './table-protocol.ts'

export interface ParquetRequest {
  readonly path: string
  /** in the folder of `path` */
  readonly out: string
  readonly duck: DuckPool
  readonly budget: ContentBudget
  readonly signal: AbortSignal
}

const WATCH_MS = 200
/** A text that has grown so far is held against the file's size: few values repeat so often. */
const RATIO_FROM_BYTES = 1024 ** 3

/** Writes the text of a file, its names left out, and gives these. Throws PARSE_FAILED, DISK_FULL. */
export async function writeParquetText(
  file: string,
  request: ParquetRequest,
): Promise<readonly string[]> {
  const { path, out, signal } = request
  const footer = await askTwice({ task: 'footer', path, pages: true }, signal)
  if ('fault' in footer) failTable(file, footer)
  const refuse = (what: string): never => failTable(file, { fault: 'CORRUPT', what })
  const described = await task(file, request, describeParquet(path))
  const types = described.map(({ column_type: type }) => (typeof type === 'string' ? type : ''))
  if (types.length !== footer.columns.length) refuse('its readers see other columns')
  const odd = types.findIndex((type) => !hasText(type))
  if (odd >= 0) refuse(`its column ${odd + 1} is a VARIANT, whose values have types of their own`)
  const [copied] = await task(file, request, parquetToText({ path, out }, types))
  if (Number(copied?.['Count']) !== footer.rows) refuse('it has other rows than its footer says')
  return footer.columns
}

/** A DuckDB task on the file, ended when the text grows past its limits. */
async function task(
  file: string,
  { duck, path, out, budget, signal }: ParquetRequest,
  sql: string,
): Promise<readonly DuckRow[]> {
  const { size } = await stat(path)
  const tooLarge = new AbortController()
  const { leftBytes, limits } = budget
  const most = Math.min(leftBytes, Math.max(RATIO_FROM_BYTES, limits.ratio * size))
  const watch = setInterval(() => {
    void stat(out).then(
      (text) => text.size > most && tooLarge.abort(),
      () => undefined,
    )
  }, WATCH_MS)
  const asked: DuckTask = { statements: [sql], folders: [dirname(path)] }
  const within = AbortSignal.any([signal, tooLarge.signal])
  try {
    return await runTwice(duck, asked, within)
  } catch (error) {
    signal.throwIfAborted()
    const fault = tooLarge.signal.aborted
      ? { fault: 'TOO_LARGE' as const, what: `it has more than ${most} bytes of text` }
      : faultOf(error)
    if (fault === undefined) throw error
    return failTable(file, fault)
  } finally {
    clearInterval(watch)
  }
}

/** A child that was lost is lost once. */
async function runTwice(
  duck: DuckPool,
  asked: DuckTask,
  signal: AbortSignal,
): Promise<readonly DuckRow[]> {
  try {
    return (await duck.run(asked, signal)).rows
  } catch (error) {
    if (!isEngineError(error, 'DUCK_CHILD_LOST')) throw error
    return (await duck.run(asked, signal)).rows
  }
}

function faultOf(error: unknown): TableFault | undefined {
  if (isEngineError(error, 'DUCK_MEMORY')) {
    const what = `it needs more than ${error.context.limitMb} MB; write smaller row groups`
    return { fault: 'TOO_LARGE', what }
  }
  if (isEngineError(error, 'DUCK_CHILD_LOST')) {
    return { fault: 'LOST', what: 'its reader ended twice before it was done' }
  }
  if (!isEngineError(error, 'DUCK_TASK_FAILED')) return undefined
  return { fault: 'CORRUPT', what: 'it is damaged, or written in a way that is not read' }
}
