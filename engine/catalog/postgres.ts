/**
 * PostgreSQL connections that outlive the server's restarts.
 *
 * Invariants:
 * 1. No connection's end ends the process: each has a listener, idle or not.
 * 2. A statement is repeated by itself only where repeating cannot be told from running once: a read
 *    outside a transaction whose connection broke. Transactions are repeated by their owner.
 * 3. Whoever vanishes holds nothing for long: the server ends a transaction whose client says nothing
 *    for 20 s (a frozen process would hold the catalog's row for ever), and a statement after 2 min.
 * 4. Nothing waits without an end: for a connection 10 s, for an answer a little over a statement's.
 */
import type { PostgresCursor, PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely'
import type { Pool } from 'pg'
import { EngineError, assert } from '../core/errors.ts'

/** A statement may take this long; an audit of a million nodes takes a tenth of it. */
const STATEMENT_MAX_MS = 120_000
const ANSWER_MAX_MS = STATEMENT_MAX_MS + 10_000
const IDLE_IN_TRANSACTION_MAX_MS = 20_000
const CONNECT_MAX_MS = 10_000
/** Repetitions of what a restart or a conflict broke: about 12 s in all, drawn anew each time. */
const REPEATS_MAX = 10
const FIRST_PAUSE_MS = 50
const PAUSE_MAX_MS = 2_000

export interface PostgresOptions {
  readonly url: string
  /** what a person calls it, without secrets */
  readonly name: string
  readonly poolSize: number
}

export interface Sessions {
  /** what Kysely's dialect takes for a pool */
  readonly pool: PostgresPool
  /** runs what may be run again: bounded, with jitter, while the error is a passing one */
  readonly repeat: <Result>(work: () => Promise<Result>) => Promise<Result>
}

/** Opens a pool. The driver is loaded here: it costs 30 ms, which SQLite need not pay. */
export async function openSessions({ url, name, poolSize }: PostgresOptions): Promise<Sessions> {
  const { default: pg } = await import('pg')
  const { ExponentialBackoff, handleWhen, retry } = await import('cockatiel')
  // Counts, ids and milliseconds stay below 2^53; the driver would give them as text.
  const types = new pg.TypeOverrides()
  types.setTypeParser(pg.types.builtins.INT8, Number)
  const pool = new pg.Pool({
    connectionString: url,
    max: poolSize,
    types,
    application_name: 'tributary',
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_MAX_MS,
    statement_timeout: STATEMENT_MAX_MS,
    query_timeout: ANSWER_MAX_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MAX_MS,
  })
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  const policy = retry(handleWhen(isPassing), {
    maxAttempts: REPEATS_MAX,
    backoff: new ExponentialBackoff({ initialDelay: FIRST_PAUSE_MS, maxDelay: PAUSE_MAX_MS }),
  })
  const repeat: Sessions['repeat'] = async (work) => {
    try {
      return await policy.execute(work)
    } catch (error) {
      if (!isLostConnection(error)) throw error
      const reason = codeOf(error) || 'the connection broke'
      throw new EngineError('CATALOG_UNUSABLE', { catalog: name, reason }, { cause: error })
    }
  }
  // A wrong address is told at once; a server that was there is waited for.
  let wasThere = false
  const connect = async (): Promise<PostgresPoolClient> => pool.connect()
  const first = async (): Promise<Session> => {
    const client = await (wasThere ? repeat(connect) : connect())
    wasThere = true
    return new Session(client, { connect, repeat })
  }
  const { options } = pool as Pool & { readonly options: object }
  return { pool: { connect: first, end: async () => pool.end(), options }, repeat }
}

interface Reconnecting {
  readonly connect: () => Promise<PostgresPoolClient>
  readonly repeat: Sessions['repeat']
}

/** A connection as Kysely uses one, which knows whether it is inside a transaction. */
class Session implements PostgresPoolClient {
  /** undefined: it broke, and there is none in its place yet */
  #client: PostgresPoolClient | undefined
  readonly #again: Reconnecting
  #isInTransaction = false

  constructor(client: PostgresPoolClient, again: Reconnecting) {
    this.#client = client
    this.#again = again
  }

  query<Row>(text: string, values: readonly unknown[]): Promise<PostgresQueryResult<Row>>
  query<Row>(cursor: PostgresCursor<Row>): PostgresCursor<Row>
  query<Row>(
    what: string | PostgresCursor<Row>,
    values: readonly unknown[] = [],
  ): Promise<PostgresQueryResult<Row>> | PostgresCursor<Row> {
    if (typeof what === 'string') return this.#ask<Row>(what, values)
    assert(this.#client !== undefined, 'a cursor is opened on a connection')
    return this.#client.query(what)
  }

  async #ask<Row>(text: string, values: readonly unknown[]): Promise<PostgresQueryResult<Row>> {
    if (/^(begin|start transaction)\b/i.test(text)) this.#isInTransaction = true
    const isRead = !this.#isInTransaction && /^\s*select\b/i.test(text)
    const once = async (): Promise<PostgresQueryResult<Row>> => this.#askOnce<Row>(text, values)
    try {
      return await (isRead ? this.#again.repeat(once) : once())
    } finally {
      if (/^(commit|rollback)\b/i.test(text)) this.#isInTransaction = false
    }
  }

  async #askOnce<Row>(text: string, values: readonly unknown[]): Promise<PostgresQueryResult<Row>> {
    this.#client ??= await this.#again.connect()
    try {
      return await this.#client.query<Row>(text, values)
    } catch (error) {
      if (isLostConnection(error)) {
        this.#client.release(true)
        this.#client = undefined
      }
      throw error
    }
  }

  /** A connection that was left inside a transaction is not used again. */
  release(isDone = false): void {
    this.#client?.release(isDone || this.#isInTransaction)
    this.#client = undefined
  }
}

/** The server went away, or its answer did: what was asked may have happened. */
export function isLostConnection(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = codeOf(error)
  if (/^(08...|57P0[1-5]|25P0[34])$/.test(code)) return true
  if (/^(ECONN(RESET|REFUSED|ABORTED)|EPIPE|ETIMEDOUT|EHOSTUNREACH)$/.test(code)) return true
  // The server's socket file is gone while it restarts; any other file that is missing is no matter
  // of the connection.
  if (code === 'ENOENT') return 'syscall' in error && error.syscall === 'connect'
  // The driver's own errors have no code.
  return /^(Connection terminated|Client has encountered a connection error|Query read timeout|timeout exceeded when trying to connect)/.test(
    error.message,
  )
}

/** It may go well next time: the server restarts, or two transactions were in each other's way. */
const isPassing = (error: unknown): boolean =>
  isLostConnection(error) || /^(40001|40P01|53300)$/.test(codeOf(error))

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
