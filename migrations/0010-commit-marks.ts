import type { Kysely } from 'kysely'
import { sql } from 'kysely'

/**
 * What a process asks after a COMMIT without an answer: each write transaction leaves its number in
 * a row of its own. Only a server can lose an answer, so SQLite has no such table.
 */
export async function markCommits(
  db: Kysely<unknown>,
  dialect: 'sqlite' | 'postgres',
): Promise<void> {
  if (dialect === 'sqlite') return
  await sql`create table commit_mark (writer text collate "C" primary key, number bigint not null,
    at timestamptz not null default clock_timestamp())`.execute(db)
}
