/** Writes rows of kept tables as they were, ids included: for a catalog that is made again. */
import { sql } from 'kysely'
import type { Connection, DialectName } from './open.ts'
import type { KeptTable, Row } from './unprojected.ts'
import type { Cell } from './rows.ts'

/** Columns of each table, as the database at hand has them. */
export type Columns = ReadonlyMap<string, ReadonlySet<string>>

/** The tables and columns there are. */
export async function catalogColumns(db: Connection): Promise<Columns> {
  const tables = await db.introspection.getTables()
  return new Map(
    tables.map(({ name, columns }) => [name, new Set(columns.map((column) => column.name))]),
  )
}

/** Rows of one insert: a statement has a limit of parameters. */
const ROWS_AT_ONCE = 200

/**
 * Inserts rows; one that is there already takes the new cells. Columns that the table does not have
 * are left out: another version of the program wrote the row.
 */
export async function putRows(
  db: Connection,
  { table, key }: KeptTable,
  { rows, columns }: { readonly rows: readonly Row[]; readonly columns: Columns },
): Promise<void> {
  const known = columns.get(table) ?? new Set()
  for (let at = 0; at < rows.length; at += ROWS_AT_ONCE) {
    const some = rows.slice(at, at + ROWS_AT_ONCE)
    const names = Object.keys(some[0] ?? {}).filter((name) => known.has(name))
    const values = some.map((row) => sql`(${sql.join(names.map((name) => row[name] ?? null))})`)
    const rest = names.filter((name) => !key.includes(name))
    const sets = rest.map((name) => sql`${sql.ref(name)} = excluded.${sql.ref(name)}`)
    // An audit row is never changed: one that is there is the same.
    const then =
      sets.length === 0 || table === 'audit' ? sql`nothing` : sql`update set ${sql.join(sets)}`
    await sql`insert into ${sql.table(table)} (${sql.join(names.map((name) => sql.ref(name)))})
      values ${sql.join(values)}
      on conflict (${sql.join(key.map((name) => sql.ref(name)))}) do ${then}`.execute(db)
  }
}

/** Removes one row by its key. */
export async function dropRow(
  db: Connection,
  { table, key }: KeptTable,
  cells: readonly Cell[],
): Promise<void> {
  const where = key.map((name, at) => sql`${sql.ref(name)} = ${cells[at] ?? null}`)
  await sql`delete from ${sql.table(table)} where ${sql.join(where, sql` and `)}`.execute(db)
}

/** PostgreSQL gives ids from sequences: they go on above the rows that were put in with theirs. */
export async function raiseSequences(db: Connection, dialect: DialectName): Promise<void> {
  if (dialect === 'sqlite') return
  const { rows } = await sql<{ table: string; column: string; sequence: string }>`
    select table_name as "table", column_name as "column",
      pg_get_serial_sequence(quote_ident(table_name), column_name) as sequence
    from information_schema.columns
    where table_schema = current_schema() and column_default like 'nextval(%'`.execute(db)
  for (const { table, column, sequence } of rows) {
    await sql`select setval(${sequence}::regclass, greatest(1, coalesce(max(${sql.ref(column)}), 1)),
      max(${sql.ref(column)}) is not null) from ${sql.table(table)}`.execute(db)
  }
}
