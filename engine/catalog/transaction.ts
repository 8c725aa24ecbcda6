/**
 * Transactions of the catalog: begun, committed, taken back, run again, asked about.
 *
 * A transaction that a restart or a conflict ended is run again, so its work may be called more than
 * once and changes nothing but through its connection. A COMMIT without an answer is neither believed
 * nor repeated: the server is asked what became of it.
 */
import type { Kysely } from 'kysely'
import { CompiledQuery, sql } from 'kysely'
import { assert } from '../core/errors.ts'
import { failpoint } from '../core/failpoint.ts'
import type { CommitMark, CommitMarks } from './commit-mark.ts'
import { wasCommitted } from './commit-mark.ts'
import type { Sessions } from './postgres.ts'
import { isLostConnection } from './postgres.ts'
import type { Tables } from './tables.ts'

type Connection = Kysely<Tables>

/** An open database, and what is particular to its kind. */
export interface Opened {
  readonly db: Connection
  /** SQLite: switches between one fsync a commit and none */
  readonly setDurable: ((durable: boolean) => void) | undefined
  /** runs what may be run again while the server is away */
  readonly repeat: Sessions['repeat']
  /** undefined: a commit's answer is never lost */
  readonly marks: CommitMarks | undefined
}

/** Ends a write transaction without keeping anything, and gives its result all the same. */
export class Rollback<Result> extends Error {
  readonly result: Result
  constructor(result: Result) {
    super('rolled back on purpose')
    this.result = result
  }
}

/** The server went away while it committed: whether it did is not known yet. */
class CommitUnknown extends Error {
  readonly result: unknown
  constructor(result: unknown, cause: unknown) {
    super('a commit was sent and no answer came', { cause })
    this.result = result
  }
}

interface Kind {
  readonly isWrite: boolean
  /** SQLite: one fsync at its end */
  readonly isDurable: boolean
}

interface WriteKind {
  readonly volatile?: boolean
  readonly bookkeeping?: boolean
}

interface Transactions {
  readonly read: <Result>(
    work: (on: Connection) => Promise<Result>,
    options?: { readonly once?: boolean },
  ) => Promise<Result>
  readonly write: <Result>(
    work: (on: Connection, revision: number) => Promise<Result>,
    kind: WriteKind,
  ) => Promise<Result>
}

/** Transactions on a database. */
export function transactionsOn({ db, setDurable, repeat, marks }: Opened): Transactions {
  const within = async <Result>(
    kind: Kind,
    work: (on: Connection) => Promise<Result>,
  ): Promise<Result> =>
    db.connection().execute(async (on) => {
      // Only outside a transaction may the level change; the connection is ours alone here.
      setDurable?.(kind.isDurable)
      await run(on, beginning(kind, marks === undefined))
      return end(on, kind, work)
    })
  return {
    read: async (work, { once = false } = {}) => {
      const snapshot = async () => within({ isWrite: false, isDurable: true }, work)
      return once ? snapshot() : repeat(snapshot)
    },
    write: async <Result>(
      work: (on: Connection, revision: number) => Promise<Result>,
      { volatile = false, bookkeeping = false }: WriteKind,
    ): Promise<Result> => {
      const kind = { isWrite: true, isDurable: !volatile }
      return repeat(async () =>
        settle({ db, repeat, marks }, async (mark) =>
          within(kind, async (on) => work(on, await takeRevision(on, { mark, bookkeeping }))),
        ),
      )
    },
  }
}

const beginning = ({ isWrite }: Kind, isSqlite: boolean): string =>
  isSqlite
    ? `begin${isWrite ? ' immediate' : ''}`
    : `begin${isWrite ? '' : ' isolation level repeatable read read only'}`

/** Does the work of a transaction that was begun, and ends it. */
async function end<Result>(
  on: Connection,
  { isWrite }: Kind,
  work: (on: Connection) => Promise<Result>,
): Promise<Result> {
  let result: Result | undefined
  let isSent = false
  try {
    result = await work(on)
    if (isWrite) failpoint('catalog.committing')
    isSent = isWrite
    await commit(on)
    if (isWrite) failpoint('catalog.committed')
    return result
  } catch (error) {
    if (isSent && isLostConnection(error)) throw new CommitUnknown(result, error)
    // A full disk or a lost server has ended the transaction already: that is the error to tell.
    await run(on, 'rollback').catch(() => undefined)
    throw error
  }
}

/** Runs a write transaction once and knows what became of it. */
async function settle<Result>(
  { db, repeat, marks }: Pick<Opened, 'db' | 'repeat' | 'marks'>,
  once: (mark: CommitMark | undefined) => Promise<Result>,
): Promise<Result> {
  const mark = await marks?.take(db)
  try {
    return await once(mark)
  } catch (error) {
    if (error instanceof Rollback) return error.result as Result
    if (!(error instanceof CommitUnknown)) throw error
    if (mark !== undefined && (await repeat(async () => wasCommitted(db, mark)))) {
      return error.result as Result
    }
    throw error.cause
  } finally {
    if (mark !== undefined) marks?.give(mark)
  }
}

/** PostgreSQL answers a COMMIT of a transaction that had failed with ROLLBACK, and no error. */
async function commit(connection: Connection): Promise<void> {
  const { rows } = await connection.executeQuery<{ command?: string }>(CompiledQuery.raw('commit'))
  assert(rows[0]?.command !== 'ROLLBACK', 'no statement of a committed transaction has failed')
}

/** Takes the catalog's row as every writer does; bookkeeping leaves it as it is. */
async function takeRevision(
  connection: Connection,
  { mark, bookkeeping }: { readonly mark: CommitMark | undefined; readonly bookkeeping: boolean },
): Promise<number> {
  const marked =
    mark === undefined
      ? sql``
      : sql`with mark as (insert into commit_mark (writer, number)
          values (${mark.writer}, ${mark.number}) on conflict (writer)
          do update set number = excluded.number, at = clock_timestamp())`
  const lock = mark === undefined ? sql`` : sql`for update`
  const { rows } = await (
    bookkeeping
      ? sql<{ revision: number }>`${marked} select revision from catalog where one = 1 ${lock}`
      : sql<{ revision: number }>`${marked} update catalog set revision = revision + 1
          where one = 1 returning revision`
  ).execute(connection)
  const [row] = rows
  assert(row !== undefined, 'the catalog has its one row')
  return row.revision
}

const run = async (db: Connection, statement: string): Promise<void> => {
  await db.executeQuery(CompiledQuery.raw(statement))
}
