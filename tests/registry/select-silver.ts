/** Runs compiled SQL over a few typed rows in DuckDB. */
import { DuckDBInstance } from '@duckdb/node-api'
import type { ColumnSpec } from '../../engine/index.ts'
import { silverType } from '../../registry/canonical-schema.ts'

export type Row = Readonly<Record<string, string | number | boolean | null>>

/** Runs a SELECT, or statements that end with one, over typed rows in an instance of its own. */
export async function selectSilver(
  sql: string | readonly string[],
  columns: readonly ColumnSpec[],
  rows: readonly Row[],
) {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  try {
    const types = columns.map((spec) => `"${spec.name}" ${silverType(spec)}`)
    await connection.run(
      `CREATE TABLE silver (${types.join(', ')}, line_number UINTEGER, atomic_month VARCHAR)`,
    )
    for (const [at, row] of rows.entries()) {
      const cells = columns.map(({ name }) => literal(row[name]))
      const month = literal(row['atomic_month'] ?? '2024-03')
      await connection.run(
        `INSERT INTO silver VALUES (${[...cells, String(at + 1), month].join(', ')})`,
      )
    }
    const statements = [sql].flat()
    for (const statement of statements.slice(0, -1)) await connection.run(statement)
    return (
      await connection.runAndReadAll(statements.at(-1) ?? '')
    ).getRowObjectsJson() as readonly Row[]
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

const literal = (value: Row[string] | undefined): string =>
  value === null || value === undefined
    ? 'NULL'
    : `'${String(value)
        .replaceAll("'", "''")
        .replace(/(\d)T(.*)Z$/, '$1 $2')}'`
