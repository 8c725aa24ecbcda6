/**
 * One PostgreSQL server per test run, started when the first test file asks for it.
 *
 * Test files run in processes of their own, the server belongs to the run: this listens on a
 * loopback port and answers each connection with the server's URL. A run that needs no PostgreSQL
 * starts none.
 */
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { TestProject } from 'vitest/node'
import type { TestPostgres } from './postgres-cluster.ts'
import { openTestPostgres } from './postgres-cluster.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** loopback port that answers with `{ url }` or `{ error }` as JSON */
    postgresPort: number
  }
}

async function openOnce(): Promise<TestPostgres> {
  const postgres = await openTestPostgres()
  process.stderr.write(`PostgreSQL for tests: ${postgres.origin}\n`)
  return postgres
}

/** Called by vitest before the first test file; what it returns, after the last one. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  let postgres: Promise<TestPostgres> | undefined
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    postgres ??= openOnce()
    postgres.then(
      ({ url }) => socket.end(JSON.stringify({ url })),
      (error: unknown) => socket.end(JSON.stringify({ error: String(error) })),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no TCP port')
  project.provide('postgresPort', address.port)
  return async () => {
    server.close()
    // A server that never started was reported to the tests that asked for it.
    const started = await postgres?.catch(() => undefined)
    await started?.close()
  }
}
