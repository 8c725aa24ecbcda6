import type { Kysely } from 'kysely'
import { sql } from 'kysely'

/**
 * Files that raw landed, until their lines are in a processed manifest and history lets go of them.
 * `noted_file` and `noted_bytes` say where a line that may have been appended would be found.
 */
export async function noteProcessed(
  db: Kysely<unknown>,
  dialect: 'sqlite' | 'postgres',
): Promise<void> {
  const int = dialect === 'sqlite' ? 'integer' : 'bigint'
  const text = dialect === 'sqlite' ? 'text' : 'text collate "C"'
  const statements = [
    `create table processed_file (seq ${int} primary key, vendor ${text} not null,
       dataset ${text} not null, version ${text} not null, raw ${text} not null,
       bronze ${text} not null, mtime_ms ${int} not null, size_bytes ${int} not null,
       sha256 ${text} not null, noted_file ${text}, noted_bytes ${int}, appended_ms ${int})`,
    `create index processed_file_waiting on processed_file (seq) where appended_ms is null`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
