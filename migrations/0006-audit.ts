import { createHash } from 'node:crypto'
import type { Kysely } from 'kysely'
import { sql } from 'kysely'

interface AuditRow {
  readonly id: number
  readonly at_ms: number
  readonly actor: string
  readonly action: string
  readonly subject: string
  readonly reason: string
  readonly run: number | null
}

const PAGE_ROWS = 1_000

/**
 * The audit as a chain: each row has its place, its predecessor's hash and its own, and can be
 * added but neither changed nor removed. Rows that are there already are chained in their order.
 *
 * `audit_anchor` is what the store's anchors were asked to say: one row a day.
 */
export async function chainAudit(
  db: Kysely<unknown>,
  dialect: 'sqlite' | 'postgres',
): Promise<void> {
  const int = dialect === 'sqlite' ? 'integer' : 'bigint'
  const text = dialect === 'sqlite' ? 'text' : 'text collate "C"'
  const statements = [
    `alter table audit rename to audit_unchained`,
    `create table audit (seq ${int} primary key, at_ms ${int} not null, actor ${text} not null,
       action ${text} not null, subject ${text} not null, reason ${text} not null, run ${int},
       prev_hash ${text} not null, hash ${text} not null)`,
    `create table audit_anchor (day ${int} primary key, at_ms ${int} not null,
       seq ${int} not null, hash ${text} not null, written ${int} not null default 0)`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
  await chainRows(db)
  await sql.raw(`drop table audit_unchained`).execute(db)
  for (const statement of GUARDS[dialect]) await sql.raw(statement).execute(db)
}

async function chainRows(db: Kysely<unknown>): Promise<void> {
  let after = -1
  let seq = 0
  let previous = '0'.repeat(64)
  for (;;) {
    const { rows } = await sql<AuditRow>`select id, at_ms, actor, action, subject, reason, run
      from audit_unchained where id > ${after} order by id limit ${PAGE_ROWS}`.execute(db)
    if (rows.length === 0) return
    for (const row of rows) {
      seq += 1
      const hash = linkHash(previous, seq, row)
      await sql`insert into audit
        (seq, at_ms, actor, action, subject, reason, run, prev_hash, hash)
        values (${seq}, ${row.at_ms}, ${row.actor}, ${row.action}, ${row.subject},
          ${row.reason}, ${row.run}, ${previous}, ${hash})`.execute(db)
      previous = hash
      after = row.id
    }
  }
}

/** As engine/catalog/audit-chain.ts has it at this version; a migration keeps its own copy. */
function linkHash(previous: string, seq: number, row: AuditRow): string {
  const { action, actor, at_ms, reason, run, subject } = row
  const json = JSON.stringify({ action, actor, at_ms, reason, run, seq, subject })
  return createHash('sha256').update(`${previous}${json}`).digest('hex')
}

const GUARDS = {
  sqlite: ['update', 'delete'].map(
    (verb) => `create trigger audit_no_${verb} before ${verb} on audit
      begin select raise(abort, 'audit rows are never changed or removed'); end`,
  ),
  postgres: [
    `create function audit_refuse() returns trigger language plpgsql as
      $$ begin raise exception 'audit rows are never changed or removed'; end $$`,
    `create trigger audit_no_change before update or delete on audit
      for each row execute function audit_refuse()`,
    `create trigger audit_no_truncate before truncate on audit
      for each statement execute function audit_refuse()`,
  ],
} as const
