/** Looks at a catalog without opening it for work: nothing is created, migrated or written. */
import { existsSync } from 'node:fs'
import SqliteDatabase from 'better-sqlite3'
import { EngineError } from '../core/errors.ts'
import type { MigrationSet } from './open.ts'
import { reasonOf, withoutPassword } from './open.ts'

export interface CatalogExamination {
  readonly dialect: 'sqlite' | 'postgres'
  /** false: there is none yet; the first command makes it */
  readonly exists: boolean
  /** the database's own word: SQLite's `quick_check`, PostgreSQL's version */
  readonly state: string
  readonly isSound: boolean
  /** SQLite: `wal`; PostgreSQL: its isolation level */
  readonly mode: string
  /** migrations this program knows and the catalog has not had */
  readonly pending: readonly string[]
  /** migrations the catalog had and this program does not know */
  readonly foreign: readonly string[]
  /** milliseconds since 1970 of the last submission received; 0: none */
  readonly receivedMs: number
  readonly revision: number
}

/** Examines a catalog. Throws CATALOG_UNUSABLE when it cannot be read at all. */
export async function examineCatalog({
  url,
  migrations,
}: {
  readonly url: string
  readonly migrations: MigrationSet
}): Promise<CatalogExamination> {
  const known = Object.keys(migrations).toSorted()
  const isServer = /^postgres(ql)?:/.test(url)
  if (!isServer && !existsSync(url)) {
    const empty = { state: 'not made yet', mode: '', foreign: [], receivedMs: 0, revision: 0 }
    return { dialect: 'sqlite', exists: false, isSound: true, pending: known, ...empty }
  }
  try {
    return await (isServer ? examinePostgres(url, known) : examineSqlite(url, known))
  } catch (error) {
    const catalog = isServer ? withoutPassword(url) : url
    throw new EngineError(
      'CATALOG_UNUSABLE',
      { catalog, reason: reasonOf(error) },
      {
        cause: error,
      },
    )
  }
}

function examineSqlite(path: string, known: readonly string[]): CatalogExamination {
  const database = new SqliteDatabase(path, { readonly: true, timeout: 10_000 })
  try {
    const state = String(database.pragma('quick_check(1)', { simple: true }))
    const mode = String(database.pragma('journal_mode', { simple: true }))
    const tables = database.prepare(`select name from sqlite_master where type = 'table'`).pluck()
    const names = new Set(tables.all() as string[])
    const applied = names.has('kysely_migration')
      ? (database.prepare('select name from kysely_migration').pluck().all() as string[])
      : []
    const row = names.has('catalog')
      ? (database.prepare('select received_ms, revision from catalog').get() as Head | undefined)
      : undefined
    return {
      dialect: 'sqlite',
      exists: true,
      state,
      isSound: state === 'ok',
      mode,
      pending: known.filter((name) => !applied.includes(name)),
      foreign: applied.filter((name) => !known.includes(name)),
      receivedMs: row?.received_ms ?? 0,
      revision: row?.revision ?? 0,
    }
  } finally {
    database.close()
  }
}

interface Head {
  readonly received_ms: number
  readonly revision: number
}

/** Looks at a server's catalog over one connection of its own. */
async function examinePostgres(url: string, known: readonly string[]): Promise<CatalogExamination> {
  const { default: pg } = await import('pg')
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 })
  // A connection that ends between two queries is told by the next query.
  client.on('error', () => undefined)
  const one = async (text: string): Promise<Readonly<Record<string, unknown>>> =>
    ((await client.query(text)).rows[0] ?? {}) as Readonly<Record<string, unknown>>
  try {
    await client.connect()
    const server = await one(`select current_setting('server_version') as version,
      current_setting('default_transaction_isolation') as mode,
      to_regclass('kysely_migration') is not null as migrated, to_regclass('catalog') is not null as made`)
    const exists = server['migrated'] === true && server['made'] === true
    const rows = exists ? (await client.query('select name from kysely_migration')).rows : []
    const applied = (rows as readonly { name: string }[]).map((row) => row.name)
    const head = exists ? await one('select received_ms, revision from catalog') : {}
    return {
      dialect: 'postgres',
      exists,
      state: `PostgreSQL ${String(server['version'])}`,
      isSound: true,
      mode: String(server['mode']),
      pending: known.filter((name) => !applied.includes(name)),
      foreign: applied.filter((name) => !known.includes(name)),
      receivedMs: Number(head['received_ms'] ?? 0),
      revision: Number(head['revision'] ?? 0),
    }
  } finally {
    await client.end().catch(() => undefined)
  }
}
