import { Client } from 'pg'
import { afterAll, expect, test } from 'vitest'
import { freshDatabase } from './postgres.ts'

const first = await freshDatabase()
const second = await freshDatabase()
afterAll(async () => {
  await first.close()
  await second.close()
})

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query({ text: sql, rowMode: 'array' })
    return rows.flat()
  } finally {
    await client.end()
  }
}

test('each fresh database is empty, in UTF8, and nobody else can see into it', async () => {
  const tables = "select count(*)::int from pg_tables where schemaname = 'public'"
  await query(first.url, 'create table mine (id int)')
  expect(await query(first.url, tables)).toEqual([1])
  expect(await query(second.url, tables)).toEqual([0])
  expect(await query(second.url, 'show server_encoding')).toEqual(['UTF8'])
})
