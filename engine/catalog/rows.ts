/**
 * Many rows as one bound parameter, on both databases.
 *
 * A group of commits writes hundreds of rows a table. One JSON text that the database unpacks
 * keeps that one prepared statement with one parameter: SQLite's 32,766 parameter limit does not
 * matter and Kysely compiles three nodes instead of thousands.
 */
import type { RawBuilder } from 'kysely'
import { sql } from 'kysely'
import type { DialectName } from './open.ts'

export type ColumnKind = 'int' | 'text' | 'real'
export type Cell = number | string | null

/** Text is what PostgreSQL unpacks. */
const CASTS: Readonly<Record<ColumnKind, string | undefined>> = {
  int: 'bigint',
  real: 'double precision',
  text: undefined,
}

/**
 * `(select … )` over `rows`, to be used as a table; columns in the order declared.
 *
 * One column travels as a flat list: unpacking `[1,2]` costs a quarter of unpacking `[[1],[2]]`.
 *
 * @param columns  name → kind; names are ours, never from outside
 */
export function rowsTable(
  dialect: DialectName,
  columns: Readonly<Record<string, ColumnKind>>,
  rows: readonly (readonly Cell[])[],
): RawBuilder<unknown> {
  const names = Object.entries(columns)
  const isFlat = names.length === 1
  const json = JSON.stringify(isFlat ? rows.map((row) => row[0]) : rows)
  const whole = dialect === 'sqlite' ? `value` : `value #>> '{}'`
  const list = names.map(([name, kind], at) => {
    const cell = sql.raw(isFlat ? whole : `value ->> ${at}`)
    const cast = dialect === 'postgres' ? CASTS[kind] : undefined
    const typed = cast === undefined ? cell : sql`(${cell})::${sql.raw(cast)}`
    return sql`${typed} as ${sql.raw(name)}`
  })
  return dialect === 'sqlite'
    ? sql`(select ${sql.join(list)} from json_each(${json}))`
    : sql`(select ${sql.join(list)} from jsonb_array_elements(${json}::text::jsonb))`
}
