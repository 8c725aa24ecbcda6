/**
 * Opens the catalog: SQLite in a file, or PostgreSQL by URL; the same tables, the same queries.
 *
 * Invariants:
 * 1. A write transaction takes the catalog's one row first (`begin immediate` on SQLite, a row
 *    lock on PostgreSQL), so that writers are serial and a revision has one meaning.
 * 2. On SQLite a write is durable when it returns unless it says `volatile`: one fsync of the log.
 *    A volatile write survives a killed process, not a power cut, and is made durable by the next
 *    durable one; claims and intents are volatile, commits are durable.
 * 3. On PostgreSQL a transaction that a restart or a conflict ended is run again, so `work` may be
 *    called more than once and changes nothing but through its connection. A COMMIT without an
 *    answer is neither believed nor repeated: the server is asked what became of it.
 * 4. Migrations run inside a lock of our own: Kysely's migrator looks at the tables before it takes
 *    its lock, which is not safe when several processes start together (measured: on SQLite 2 of 3
 *    failed with «table already exists»; on PostgreSQL, under load, 1 of 3 with 42703).
 */
import SqliteDatabase from 'better-sqlite3'
import type { DatabaseConnection, SqliteDialectConfig } from 'kysely'
import {
  CompiledQuery,
  Kysely,
  PostgresDialect,
  SqliteAdapter,
  SqliteDialect,
  SqliteDriver,
  sql,
} from 'kysely'
import type { Migration } from 'kysely/migration'
import { EngineError, isEngineError } from '../core/errors.ts'
import { CommitMarks } from './commit-mark.ts'
import { openSessions } from './postgres.ts'
import type { Channel } from './signals.ts'
import { LocalSignals, listenOnPostgres } from './signals.ts'
import type { Tables } from './tables.ts'
import type { Opened } from './transaction.ts'
import { transactionsOn } from './transaction.ts'

/** Any number that nobody else takes: the key of an advisory lock. */
const MIGRATION_LOCK = 8_742_316_095

export type DialectName = 'sqlite' | 'postgres'
/** A connection inside a transaction, or outside one for single reads. */
export type Connection = Kysely<Tables>

/** A write transaction: its handle and the revision it makes (bookkeeping: the one it leaves). */
export interface WriteTransaction {
  readonly db: Connection
  readonly dialect: DialectName
  readonly revision: number
}

export interface WriteOptions {
  /** SQLite only: leave the fsync to the next durable write */
  readonly volatile?: boolean
  /** leases, heartbeats, cleared intents: nothing that a plan could depend on, so no new revision */
  readonly bookkeeping?: boolean
}

export interface Catalog {
  /** what a person calls it, without secrets */
  readonly name: string
  readonly dialect: DialectName
  readonly db: Connection
  /**
   * one consistent snapshot; never writes. `work` is called again when the server went away, unless
   * it may run only `once`
   */
  readonly read: <Result>(
    work: (db: Connection) => Promise<Result>,
    options?: { readonly once?: boolean },
  ) => Promise<Result>
  /** one write transaction; rolled back when `work` throws or returns through `rollback` */
  readonly write: <Result>(
    work: (trx: WriteTransaction) => Promise<Result>,
    options?: WriteOptions,
  ) => Promise<Result>
  /** hears of signals, and once after every reconnection; may miss some */
  readonly listen: (channel: Channel, heard: () => void) => Promise<AsyncDisposable>
  readonly close: () => Promise<void>
}

export type MigrationSet = Readonly<
  Record<string, (db: Kysely<unknown>, dialect: DialectName) => Promise<void>>
>

export interface CatalogOptions {
  /** `postgres://…`, or a file path for SQLite */
  readonly url: string
  readonly migrations: MigrationSet
  /** PostgreSQL: a schema of its own; default public */
  readonly poolSize?: number
}

/** Opens and migrates. Throws CATALOG_UNUSABLE, CATALOG_NEWER. */
export async function openCatalog(options: CatalogOptions): Promise<Catalog> {
  const dialect: DialectName = /^postgres(ql)?:/.test(options.url) ? 'postgres' : 'sqlite'
  const name = dialect === 'postgres' ? withoutPassword(options.url) : options.url
  try {
    const opened = dialect === 'postgres' ? await openPostgres(options) : openSqlite(options.url)
    try {
      await migrate(opened.db, { dialect, lockPath: `${options.url}.lock`, options })
    } catch (error) {
      await opened.db.destroy()
      throw error
    }
    return catalogOver(opened, { name, dialect, url: options.url })
  } catch (error) {
    if (isEngineError(error)) throw error
    throw new EngineError(
      'CATALOG_UNUSABLE',
      { catalog: name, reason: reasonOf(error) },
      {
        cause: error,
      },
    )
  }
}

/** SQLite rolls its DDL back; Kysely's own adapter does not ask it to. */
class WholeSqliteAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

/**
 * Migrates in one transaction: a process that died between two tables, or a disk that was full,
 * left a catalog that no later start could open («table already exists»).
 */
class WholeSqliteDialect extends SqliteDialect {
  readonly #config: SqliteDialectConfig

  constructor(config: SqliteDialectConfig) {
    super(config)
    this.#config = config
  }

  override createAdapter(): SqliteAdapter {
    return new WholeSqliteAdapter()
  }

  override createDriver(): SqliteDriver {
    return new ImmediateSqliteDriver(this.#config)
  }
}

/**
 * Takes the lock where a transaction begins. One that reads first and then writes is refused at once,
 * however long it would wait, when another process wrote in between.
 */
class ImmediateSqliteDriver extends SqliteDriver {
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'))
  }
}

function openSqlite(path: string): Opened {
  const database = new SqliteDatabase(path, { timeout: 10_000 })
  database.pragma('journal_mode = wal')
  database.pragma('synchronous = full')
  database.pragma('cache_size = -65536')
  database.pragma('mmap_size = 268435456')
  // A checkpoint costs fsyncs of its own; 16,384 pages (64 MB) keep it out of groups of commits.
  database.pragma('wal_autocheckpoint = 16384')
  const db = new Kysely<Tables>({ dialect: new WholeSqliteDialect({ database }) })
  let durable = true
  const setDurable = (want: boolean): void => {
    if (want === durable) return
    database.pragma(`synchronous = ${want ? 'full' : 'normal'}`)
    durable = want
  }
  return { db, setDurable, repeat: async (work) => work(), marks: undefined }
}

async function openPostgres({ url, poolSize = 4 }: CatalogOptions): Promise<Opened> {
  const { pool, repeat } = await openSessions({ url, name: withoutPassword(url), poolSize })
  return {
    db: new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) }),
    setDurable: undefined,
    repeat,
    marks: new CommitMarks(),
  }
}

function catalogOver(
  opened: Opened,
  {
    name,
    dialect,
    url,
  }: { readonly name: string; readonly dialect: DialectName; readonly url: string },
): Catalog {
  const { db } = opened
  const { read, write } = transactionsOn(opened)
  const signals = new LocalSignals()
  return {
    name,
    dialect,
    db,
    read,
    write: async (work, options = {}) => {
      const result = await write(
        async (on, revision) => work({ db: on, dialect, revision }),
        options,
      )
      if (options.bookkeeping !== true) signals.fire()
      return result
    },
    listen: async (channel, heard) =>
      dialect === 'postgres'
        ? listenOnPostgres(url, channel, heard)
        : signals.listen(channel, heard),
    close: async () => db.destroy(),
  }
}

interface MigrateOptions {
  readonly dialect: DialectName
  readonly lockPath: string
  readonly options: CatalogOptions
}

async function migrate(
  db: Connection,
  { dialect, lockPath, options }: MigrateOptions,
): Promise<void> {
  const known = Object.keys(options.migrations).toSorted()
  if ((await appliedMigrations(db, dialect, known)).length === known.length) return
  const migrations: Record<string, Migration> = {}
  for (const [name, up] of Object.entries(options.migrations)) {
    migrations[name] = { up: async (on: Kysely<unknown>) => up(on, dialect) }
  }
  const { Migrator } = await import('kysely/migration')
  const migrateOn = async (on: Connection): Promise<void> => {
    // A newer program may have migrated while this one waited.
    await appliedMigrations(on, dialect, known)
    const migrator = new Migrator({ db: on, provider: { getMigrations: async () => migrations } })
    const { error } = await migrator.migrateToLatest()
    if (error !== undefined) throw error
  }
  if (dialect === 'sqlite') await insideFileLock(lockPath, async () => migrateOn(db))
  else await insideAdvisoryLock(db, migrateOn)
}

/** The names applied; throws CATALOG_NEWER when there is one this program does not know. */
async function appliedMigrations(
  db: Connection,
  dialect: DialectName,
  known: readonly string[],
): Promise<readonly string[]> {
  const { rows: tables } = await (
    dialect === 'sqlite'
      ? sql`select 1 as one from sqlite_master where name = 'kysely_migration'`
      : sql`select 1 as one from information_schema.tables
            where table_schema = current_schema() and table_name = 'kysely_migration'`
  ).execute(db)
  if (tables.length === 0) return []
  const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(db)
  const foreign = rows.find((row) => !known.includes(row.name))
  if (foreign !== undefined) {
    throw new EngineError('CATALOG_NEWER', { found: foreign.name, known: known.at(-1) ?? 'none' })
  }
  return rows.map((row) => row.name)
}

/** An exclusive lock beside the catalog, released by the operating system if we die. */
async function insideFileLock(path: string, work: () => Promise<void>): Promise<void> {
  const lock = new SqliteDatabase(path, { timeout: 60_000 })
  try {
    lock.exec('begin exclusive')
    await work()
  } finally {
    lock.close()
  }
}

/** The session's lock, released by the server if we die; a waiting statement has a limit of its own. */
async function insideAdvisoryLock(
  db: Connection,
  work: (on: Connection) => Promise<void>,
): Promise<void> {
  await db.connection().execute(async (on) => {
    await sql`select pg_advisory_lock(${MIGRATION_LOCK})`.execute(on)
    try {
      await work(on)
    } finally {
      // A connection that broke has let go of it, and why it broke is what is thrown.
      const unlock = sql`select pg_advisory_unlock(${MIGRATION_LOCK})`.execute(on)
      await unlock.catch(() => undefined)
    }
  })
}

/** A connection URL as it may be shown. */
export function withoutPassword(url: string): string {
  const parsed = new URL(url)
  if (parsed.password !== '') parsed.password = '…'
  return parsed.href
}

/** A driver's error as one line that holds no bound value: its code, else its class. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  return code ?? error.name
}
