/** F9: few connections, locks held by others, conflicts. Bounded, and nothing deadlocks. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setTimeout } from 'node:timers/promises'
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Catalog } from '../../engine/index.ts'
import { openCatalog } from '../../engine/index.ts'
import { MIGRATIONS } from '../../migrations/index.ts'
import type { LocalCluster } from '../support/postgres-cluster.ts'
import { openLocalCluster } from '../support/postgres-cluster.ts'
import { openMonths } from './months-job.ts'
import { countFault } from './support/count.ts'
import { installFaults } from './support/fault-plan.ts'

const CONNECTIONS = 8
let cluster: LocalCluster
let catalog: Catalog
let root: string
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'tributary-limits-'))
  cluster = await openLocalCluster({ connectionsMax: CONNECTIONS })
  catalog = await openCatalog({ url: cluster.url, migrations: MIGRATIONS, poolSize: 1 })
})
afterEach(() => installFaults('').remove())
afterAll(async () => {
  await catalog.close()
  await cluster.close()
  rmSync(root, { recursive: true, force: true })
})

const revision = async (): Promise<number> =>
  (await catalog.db.selectFrom('catalog').select('revision').executeTakeFirstOrThrow()).revision

async function foreign<Result>(work: (client: Client) => Promise<Result>): Promise<Result> {
  const client = new Client({ connectionString: cluster.url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

test.each([1, 2, 5])('a pool of %i carries a whole run', async (poolSize) => {
  const folder = join(root, String(poolSize))
  const job = await openMonths(folder, { url: cluster.url, poolSize })
  const { status } = await job.run('*', { facts: { 'edition/x': poolSize } })
  expect([status, (await job.plan()).steps]).toEqual(['succeeded', []])
  await job.close()
})

test.each(['40001', '40P01', 'ECONNRESET', '57P01'])(
  'a transaction that %s ended is run again, three times over',
  async (code) => {
    const before = await revision()
    let calls = 0
    installFaults([1, 2, 3].map((hit) => `catalog.committing=error:${code}@${hit}`).join(';'))
    await catalog.write(async () => void calls++)
    countFault('F9', 3)
    expect([calls, await revision()]).toEqual([4, before + 1])
  },
)

test('an error that does not pass is told at once', async () => {
  let calls = 0
  installFaults('catalog.committing=error:57014@1')
  await expect(catalog.write(async () => void calls++)).rejects.toMatchObject({ code: '57014' })
  expect(calls).toBe(1)
})

test('a transaction that swallowed a failed statement does not count as committed', async () => {
  const before = await revision()
  const writing = catalog.write(async ({ db }) => {
    await db
      .insertInto('lease')
      .values({ name: 'x', holder: 'y', fence: 'no number' as unknown as number, expires_ms: 0 })
      .execute()
      .catch(() => undefined)
  })
  await expect(writing).rejects.toMatchObject({ code: 'ASSERTION' })
  expect(await revision()).toBe(before)
})

test('a deadlock with another session is resolved by running again', async () => {
  await foreign(async (client) => {
    await catalog.write(async ({ db }) => {
      await db
        .insertInto('lease')
        .values({ name: 'test', holder: 'x', fence: 1, expires_ms: 0 })
        .execute()
    })
    await client.query('begin')
    await client.query(`update lease set fence = fence + 1 where name = 'test'`)
    const waiting = Promise.withResolvers<undefined>()
    const ours = catalog.write(async ({ db }) => {
      waiting.resolve(undefined)
      await db.updateTable('lease').set({ expires_ms: 7 }).where('name', '=', 'test').execute()
    })
    await waiting.promise
    await setTimeout(50)
    const theirs = client.query('update catalog set revision = revision').then(
      async () => client.query('commit'),
      async () => client.query('rollback'),
    )
    await Promise.all([ours, theirs])
    countFault('F9')
  })
  const leases = catalog.db.selectFrom('lease').selectAll().where('name', '=', 'test')
  const row = await leases.executeTakeFirst()
  expect(row?.expires_ms).toBe(7)
})

test('a server without a free connection is waited for', async () => {
  const others = await Promise.all(
    Array.from({ length: CONNECTIONS - 1 }, async () => {
      const client = new Client({ connectionString: cluster.url })
      await client.connect()
      return client
    }),
  )
  const before = await revision()
  const writing = catalog.write(async () => undefined)
  await Promise.all(others.map(async (client) => client.end()))
  await writing
  countFault('F9')
  expect(await revision()).toBe(before + 1)
})

test('a process frozen inside a transaction does not hold the catalog for ever', async () => {
  const script = fileURLToPath(new URL('frozen-child.ts', import.meta.url))
  const child = fork(script, [cluster.url])
  await once(child, 'message')
  const before = await revision()
  child.kill('SIGSTOP')
  await catalog.write(async () => undefined)
  countFault('F6')
  expect(await revision()).toBe(before + 1)
  child.kill('SIGCONT')
  const [code] = (await once(child, 'exit')) as [number | null]
  // Awake again it finds its transaction ended, and does it anew.
  expect([code, await revision()]).toEqual([0, before + 2])
})
