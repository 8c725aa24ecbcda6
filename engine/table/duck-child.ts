/**
 * A child process of DuckPool: one fresh, locked DuckDB instance per task.
 *
 * Locked means: no file outside the task's folders and the private temporary folder, no network,
 * no extension, no further SET. Whatever DuckDB says about an error stays here, because it quotes
 * data; only its kind and the position of the statement go out.
 */
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'
import {
  DUCK_ERROR_KINDS,
  type ChildReply,
  type ChildRequest,
  type DuckErrorKind,
  type DuckRow,
} from './duck-protocol.ts'
import { duckRows } from './duck-rows.ts'
import { quoteText } from './quote.ts'
import type { Beat } from './watched-child.ts'

const HEARTBEAT_MS = 250

const reply = (message: ChildReply | Beat): void => {
  process.send?.(message)
}

async function openLocked(request: ChildRequest): Promise<DuckDBInstance> {
  const instance = await DuckDBInstance.create(':memory:', {
    threads: '1',
    memory_limit: `${request.memoryMb}MB`,
    temp_directory: request.temporaryFolder,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
  })
  const connection = await instance.connect()
  const folders = request.folders.map((folder) => quoteText(`${folder}/`)).join(', ')
  await connection.run(`SET allowed_directories = [${folders}]`)
  await connection.run(`SET TimeZone = 'UTC'`)
  await connection.run('SET enable_external_access = false')
  await connection.run('SET lock_configuration = true')
  connection.closeSync()
  return instance
}

/** Thrown in place of rows nobody could use. */
class TooManyRows extends Error {}

async function rowsOf(
  connection: DuckDBConnection,
  sql: string,
  rowCountMax: number,
): Promise<DuckRow[]> {
  const reader = await connection.streamAndReadUntil(sql, rowCountMax + 1)
  if (reader.currentRowCount > rowCountMax) throw new TooManyRows()
  return duckRows(reader)
}

async function run(request: ChildRequest): Promise<ChildReply> {
  const { id, statements } = request
  let statement = -1
  let instance: DuckDBInstance | null = null
  try {
    instance = await openLocked(request)
    const connection = await instance.connect()
    const results: DuckRow[][] = []
    for (const [index, sql] of statements.entries()) {
      statement = index
      results.push(await rowsOf(connection, sql, request.rowCountMax))
    }
    connection.closeSync()
    return { kind: 'rows', id, results }
  } catch (error) {
    return { kind: 'error', id, error: kindOf(error), statement }
  } finally {
    instance?.closeSync()
  }
}

function kindOf(error: unknown): DuckErrorKind {
  if (error instanceof TooManyRows) return 'too many rows'
  const text = error instanceof Error ? error.message : ''
  if (/No space left on device|disk quota exceeded/i.test(text)) return 'disk full'
  const name = /^(?:Failed to [a-z ]+: )?([A-Za-z][A-Za-z ]{1,30}) Error:/.exec(text)?.[1]
  return DUCK_ERROR_KINDS.find((kind) => kind === name) ?? 'unknown'
}

process.on('message', (request: ChildRequest) => {
  void run(request).then(reply)
})
// Ctrl-C reaches the whole process group: the parent decides what becomes of a task.
process.on('SIGINT', () => undefined)
// The pool's end went away: nobody waits for an answer.
process.on('disconnect', () => process.exit(0))
setInterval(() => {
  if (process.platform !== 'linux') reply({ kind: 'memory', rssBytes: process.memoryUsage.rss() })
}, HEARTBEAT_MS).unref()
