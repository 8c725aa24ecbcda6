import type { Kysely } from 'kysely'
import { sql } from 'kysely'

/**
 * What many workers need: claims that belong to a holder and expire, work that is handed out, and
 * why what is dirty is not handed out at once.
 */
export async function createWork(
  db: Kysely<unknown>,
  dialect: 'sqlite' | 'postgres',
): Promise<void> {
  const int = dialect === 'sqlite' ? 'integer' : 'bigint'
  const text = dialect === 'sqlite' ? 'text' : 'text collate "C"'
  const id = dialect === 'sqlite' ? 'integer primary key' : 'bigserial primary key'
  const statements = [
    `alter table intent add column holder ${text} not null default ''`,
    `alter table intent add column expires_ms ${int} not null default 0`,
    // The last revision whose transaction applied what was seen outside: an older look is looked anew.
    `alter table catalog add column observed ${int} not null default 0`,
    `create table job (id ${id}, node ${int} not null unique, task ${text} not null,
       priority ${int} not null, holder ${text}, expires_ms ${int} not null default 0,
       enqueued_ms ${int} not null, taken_ms ${int},
       takings ${int} not null default 0)`,
    `create table obstacle (node ${int} primary key, kind ${text} not null,
       attempts ${int} not null, code ${text} not null, revision ${int} not null,
       at_ms ${int} not null, retry_ms ${int})`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
