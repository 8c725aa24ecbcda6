import type { Kysely } from 'kysely'
import { sql } from 'kysely'

/** Tables whose rows nothing else could give back, and what names a row. */
const KEPT: Readonly<Record<string, readonly string[]>> = {
  audit: ['seq'],
  finding: ['id'],
  inbox_object: ['path'],
  manifest_entry: ['source', 'release'],
  registry_file: ['path'],
  submission: ['submission_id'],
  submission_file: ['submission_id', 'name'],
}
/** Rows that are looked at, but not settled: a file that is still being written. */
const ONLY_WHEN: Readonly<Record<string, string>> = { inbox_object: 'claimed_by is not null' }

/**
 * What the store has not been told yet. Triggers note each change, so no writer can forget to.
 *
 * `taken` is the number of the last journal object given out when a row changed: whoever writes
 * object n removes what was noted before it, and nothing that changed meanwhile.
 */
export async function createJournal(
  db: Kysely<unknown>,
  dialect: 'sqlite' | 'postgres',
): Promise<void> {
  const int = dialect === 'sqlite' ? 'integer' : 'bigint'
  const text = dialect === 'sqlite' ? 'text' : 'text collate "C"'
  const clustered = dialect === 'sqlite' ? ' without rowid' : ''
  const statements = [
    `alter table catalog add column journal ${int} not null default 0`,
    `create table unprojected (entry ${text} not null, key ${text} not null, taken ${int} not null,
       primary key (entry, key))${clustered}`,
    ...(dialect === 'sqlite' ? sqliteTriggers() : postgresTriggers()),
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}

const UPSERT = `on conflict (entry, key) do update set taken = excluded.taken`

function sqliteTriggers(): readonly string[] {
  return Object.entries(KEPT).flatMap(([table, key]) =>
    (['insert', 'update', 'delete'] as const).map((verb) => {
      const row = verb === 'delete' ? 'old' : 'new'
      const only = ONLY_WHEN[table]
      const when = only === undefined ? '' : `when ${row}.${only}`
      const names = key.map((column) => `${row}.${column}`).join(', ')
      return `create trigger ${table}_kept_${verb} after ${verb} on ${table} ${when} begin
        insert into unprojected (entry, key, taken)
        values ('${table}', json_array(${names}), (select journal from catalog)) ${UPSERT}; end`
    }),
  )
}

function postgresTriggers(): readonly string[] {
  return [
    `create function note_unprojected() returns trigger language plpgsql as $$
      declare changed jsonb := case when tg_op = 'DELETE' then to_jsonb(old) else to_jsonb(new) end;
      begin
        insert into unprojected (entry, key, taken)
        select tg_table_name, (select jsonb_agg(changed -> c.name order by c.place)::text
          from unnest(tg_argv) with ordinality as c(name, place)), k.journal from catalog k
        ${UPSERT};
        return null;
      end $$`,
    ...Object.entries(KEPT).flatMap(([table, key]) => {
      const only = ONLY_WHEN[table]
      const columns = key.map((column) => `'${column}'`).join(', ')
      const trigger = (verbs: string, row: string, name: string): string =>
        `create trigger ${table}_kept_${name} after ${verbs} on ${table} for each row
         ${only === undefined ? '' : `when (${row}.${only})`}
         execute function note_unprojected(${columns})`
      return [trigger('insert or update', 'new', 'change'), trigger('delete', 'old', 'delete')]
    }),
  ]
}
