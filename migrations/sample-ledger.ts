import type { Kysely } from 'kysely'
import { sql } from 'kysely'

/**
 * The sampler's own database. Apart from the catalog: a million lines an hour are nothing that a
 * plan should wait behind.
 */
async function createLedger(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  const int = dialect === 'sqlite' ? 'integer' : 'bigint'
  const real = dialect === 'sqlite' ? 'real' : 'double precision'
  const text = dialect === 'sqlite' ? 'text' : 'text collate "C"'
  const id = dialect === 'sqlite' ? 'integer primary key' : 'bigserial primary key'
  const statements = [
    // What every database of the engine has: the row that writers take first.
    `create table catalog (one ${int} primary key, revision ${int} not null)`,
    `insert into catalog (one, revision) values (1, 0)`,
    ...(dialect === 'sqlite'
      ? []
      : [
          `create table commit_mark (writer ${text} primary key, number bigint not null,
             at timestamptz not null default clock_timestamp())`,
        ]),
    `create table manifest (place ${text} not null, file ${text} not null,
       mark ${text}, offset_bytes ${int} not null, lines ${int} not null, faults ${int} not null,
       read_ms ${int} not null, primary key (place, file))`,
    `create table place (place ${text} primary key, policy ${text} not null)`,
    `create table sample (id ${id}, place ${text} not null, raw ${text} not null,
       raw_id ${text} not null,
       bronze ${text} not null, mtime ${real} not null, size ${int}, sha256 ${text}, seq ${int},
       status ${text} not null, code ${text}, words ${text},
       attempts ${int} not null, retry_ms ${int} not null,
       holder ${text}, expires_ms ${int} not null,
       path ${text}, format ${text}, records ${int}, bytes ${int}, read_bytes ${int},
       is_raw ${int} not null, raw_until_ms ${int}, made_ms ${int},
       unique (place, raw_id))`,
    // What is to be done, newest first, whatever else there is.
    `create index sample_pending on sample (mtime, id) where status = 'PENDING' and holder is null`,
    `create index sample_held on sample (holder) where holder is not null`,
    `create index sample_missing on sample (retry_ms) where status = 'MISSING'`,
    `create index sample_raw on sample (raw_until_ms) where is_raw = 1`,
    // Which file came before: with sample_time alone each claim walked through all that wait, 0.3 s of
    // 400,000 (measured), since the newest are made first.
    `create index sample_made on sample (place, format, mtime) where status = 'MADE'`,
    `create index sample_time on sample (place, mtime)`,
    `create unique index sample_path on sample (place, path)`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}

/** The ledger's migrations, in order; forward only. */
export const LEDGER_MIGRATIONS: Readonly<
  Record<string, (db: Kysely<unknown>, dialect: 'sqlite' | 'postgres') => Promise<void>>
> = { '0001-ledger': createLedger }
