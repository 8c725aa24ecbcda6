/**
 * F8: a COMMIT whose answer is lost. The server is asked what became of it: what happened is not
 * done twice, what did not happen is done.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Catalog } from '../../engine/index.ts'
import { openCatalog } from '../../engine/index.ts'
import { MIGRATIONS } from '../../migrations/index.ts'
import type { FreshDatabase } from '../support/postgres.ts'
import { freshDatabase } from '../support/postgres.ts'
import { countFault } from './support/count.ts'
import type { TcpProxy } from './support/tcp-proxy.ts'
import { openTcpProxy, targetOf, through } from './support/tcp-proxy.ts'

const COMMIT = 'commit\0'

let database: FreshDatabase
let proxy: TcpProxy
let catalog: Catalog
beforeAll(async () => {
  database = await freshDatabase()
  proxy = await openTcpProxy(targetOf(database.url))
  const url = through(database.url, proxy)
  catalog = await openCatalog({ url, migrations: MIGRATIONS, poolSize: 2 })
})
afterAll(async () => {
  await catalog.close()
  await proxy.close()
  await database.close()
})

let calls = 0
/** One row that can be counted; returns how often the work was called for it. */
async function writeRow(text: string): Promise<number> {
  const before = calls
  await catalog.write(async ({ db }) => {
    calls += 1
    await db
      .insertInto('seen_file')
      .values({ scope: 'test', path: text, token: '', sha256: '' })
      .execute()
  })
  return calls - before
}

const rows = async (): Promise<readonly string[]> =>
  (await catalog.db.selectFrom('seen_file').select('path').orderBy('path').execute()).map(
    (row) => row.path,
  )
const revision = async (): Promise<number> =>
  (await catalog.db.selectFrom('catalog').select('revision').executeTakeFirstOrThrow()).revision

test('an answer lost after the server committed: it counts, and is not repeated', async () => {
  const before = await revision()
  for (let time = 1; time <= 20; time++) {
    proxy.loseAnswers(COMMIT, 1)
    expect(await writeRow(`lost ${String(time).padStart(2, '0')}`)).toBe(1)
    countFault('F8')
  }
  expect(await rows()).toHaveLength(20)
  expect(await revision()).toBe(before + 20)
})

test('a commit that never arrived is done again, once', async () => {
  const before = await revision()
  for (let time = 1; time <= 5; time++) {
    proxy.cutBefore(COMMIT, 1)
    expect(await writeRow(`not sent ${time}`)).toBe(2)
    countFault('F8')
  }
  expect(await revision()).toBe(before + 5)
})

test('a connection that breaks inside a transaction ends neither the process nor the work', async () => {
  proxy.cutBefore('insert into "seen_file"', 2)
  expect(await writeRow('broken twice')).toBe(3)
  countFault('F9', 2)
})

test('connections cut while nobody uses them are replaced', async () => {
  proxy.cutAll()
  expect(await rows()).toContain('broken twice')
  proxy.cutAll()
  expect(await writeRow('after a cut')).toBeLessThanOrEqual(2)
})

test('a server that is gone for good is said, in bounded time and words without a value', async () => {
  const gone = await openTcpProxy(targetOf(database.url))
  const url = through(database.url, gone)
  const other = await openCatalog({ url, migrations: MIGRATIONS, poolSize: 1 })
  await gone.close()
  await expect(other.write(async () => undefined)).rejects.toMatchObject({
    code: 'CATALOG_UNUSABLE',
    context: { reason: 'ECONNREFUSED' },
  })
  await other.close()
})
