/** What a catalog's file holds, read from outside while nobody has it open. */
import { existsSync, statSync } from 'node:fs'
import SqliteDatabase from 'better-sqlite3'

export interface CatalogState {
  readonly revision: number
  /** groups of commits: each has one audit row */
  readonly groups: number
  readonly builds: number
  /** the file, and what of its pages is in use */
  readonly file_bytes: number
  readonly used_bytes: number
  /** of the file's last change, nanoseconds: equal means untouched */
  readonly modified: string
}

/** A catalog whose process ended and wrote its log back. */
export function catalogState(path: string): CatalogState {
  const { mtimeNs, size } = statSync(path, { bigint: true })
  if (existsSync(`${path}-wal`)) throw new Error(`${path} is open or was not closed`)
  const database = new SqliteDatabase(path, { readonly: true })
  try {
    const one = (sql: string): number => database.prepare(sql).pluck().get() as number
    const pragma = (name: string): number => database.pragma(name, { simple: true }) as number
    return {
      revision: one('select revision from catalog'),
      groups: one(`select count(*) from audit where action = 'commit'`),
      builds: one(`select count(*) from build`),
      file_bytes: Number(size),
      used_bytes: (pragma('page_count') - pragma('freelist_count')) * pragma('page_size'),
      modified: String(mtimeNs),
    }
  } finally {
    database.close()
  }
}
