/** Parquet files that DuckDB writes and reads, for samples of them. */
import { DuckDBInstance } from '@duckdb/node-api'
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileOf } from './packed-files.ts'

/** A folder of Parquet files and a database to look at them with. */
export async function parquetBench() {
  const folder = await mkdtempDisposable(join(tmpdir(), 'parquet-sample-'))
  const database = await DuckDBInstance.create()
  const connection = await database.connect()
  const query = async (sql: string): Promise<readonly unknown[][]> =>
    (await connection.runAndReadAll(sql)).getRowsJson()
  const quoted = (path: string): string => `'${path.replaceAll("'", "''")}'`

  return {
    /** the rows of a query as a file */
    async file(sql: string, options = '') {
      const path = join(folder.path, 'made.parquet')
      await query(`COPY (${sql}) TO ${quoted(path)} (FORMAT parquet${options})`)
      return fileOf(readFileSync(path), 'made.parquet')
    },
    /** a query over bytes, which are called `sample` in it */
    async ask(bytes: Buffer, sql: string) {
      const path = join(folder.path, 'asked.parquet')
      writeFileSync(path, bytes)
      return query(sql.replaceAll('sample', `read_parquet(${quoted(path)})`))
    },
    /** the rows of a file as JSON, in order; `null`: it is not read */
    async rows(path: string, count: number): Promise<readonly unknown[][] | null> {
      const rows = `SELECT to_json(t)::VARCHAR FROM read_parquet(${quoted(path)}) t LIMIT ${count}`
      return query(rows).catch(() => null)
    },
    async [Symbol.asyncDispose]() {
      connection.closeSync()
      database.closeSync()
      await folder[Symbol.asyncDispose]()
    },
  }
}
