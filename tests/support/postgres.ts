/**
 * A PostgreSQL database of its own for each test file that asks.
 *
 *     const database = await freshDatabase()
 *     afterAll(() => database.close())
 */
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { Client } from 'pg'
import { inject } from 'vitest'

/** An empty database, made from template0. */
export interface FreshDatabase {
  readonly url: string
  /** Drops the database, and every connection to it. */
  readonly close: () => Promise<void>
}

/** The URL of this run's server, started if this is the first call. Throws when none can start. */
async function serverUrl(): Promise<string> {
  const answer = await text(connect(inject('postgresPort'), '127.0.0.1'))
  const { url, error } = JSON.parse(answer) as { url?: string; error?: string }
  if (url === undefined) throw new Error(error ?? 'no answer about PostgreSQL')
  return url
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

/** Makes a database with a name nobody else has. Cost: about 0.1 s. */
export async function freshDatabase(): Promise<FreshDatabase> {
  return databaseFrom('template0')
}

/** A copy of a fresh database that nobody is connected to. Cost: as a fresh one. */
export async function copyDatabase(url: string): Promise<FreshDatabase> {
  return databaseFrom(new URL(url).pathname.slice(1))
}

async function databaseFrom(template: string): Promise<FreshDatabase> {
  const server = await serverUrl()
  const name = `tributary_test_${randomBytes(6).toString('hex')}`
  await execute(server, `create database ${name} template ${template}`)
  const url = new URL(server)
  url.pathname = `/${name}`
  const close = (): Promise<void> => execute(server, `drop database if exists ${name} with (force)`)
  return { url: url.href, close }
}
