import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, describe, expect, test } from 'vitest'
import type { Catalog } from '../../engine/index.ts'
import { Rollback, openCatalog } from '../../engine/index.ts'
import { MIGRATIONS } from '../../migrations/index.ts'
import type { Database } from '../support/engine-project.ts'
import { DATABASES } from '../support/engine-project.ts'
import { rejectedCode } from '../support/error-code.ts'
import { freshDatabase } from '../support/postgres.ts'

const run = promisify(execFile)
const CHILD = fileURLToPath(new URL('../support/catalog-child.ts', import.meta.url))

const closing: (() => Promise<unknown> | void)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

async function freshUrl(database: Database): Promise<string> {
  if (database === 'postgres') {
    const server = await freshDatabase()
    closing.push(server.close)
    return server.url
  }
  const folder = mkdtempSync(join(tmpdir(), 'tributary-catalog-'))
  closing.push(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'catalog.db')
}

async function open(url: string, migrations = MIGRATIONS): Promise<Catalog> {
  const catalog = await openCatalog({ url, migrations })
  closing.push(catalog.close)
  return catalog
}

describe.each(DATABASES)('a catalog on %s', (database) => {
  test('three processes that start together all find it migrated, and no write of theirs is lost', async () => {
    const url = await freshUrl(database)
    await Promise.all([1, 2, 3].map(async () => run(process.execPath, [CHILD, url, '20'])))
    const catalog = await open(url)
    const rows = await catalog.db.selectFrom('audit').select('at_ms').execute()
    expect(rows.map((row) => row.at_ms).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 60 }, (_, at) => at + 1),
    )
  })

  test('one that a newer version wrote is refused and left alone', async () => {
    const url = await freshUrl(database)
    const newer = { ...MIGRATIONS, '9999-later': async () => undefined }
    await (await openCatalog({ url, migrations: newer })).close()
    expect(await rejectedCode(openCatalog({ url, migrations: MIGRATIONS }))).toBe('CATALOG_NEWER')
  })

  test('a failed migration leaves nothing behind, and the next start tries again', async () => {
    const url = await freshUrl(database)
    const broken = {
      ...MIGRATIONS,
      '9999-broken': async () => {
        throw new Error('no')
      },
    }
    expect(await rejectedCode(openCatalog({ url, migrations: broken }))).toBe('CATALOG_UNUSABLE')
    const catalog = await open(url)
    expect(await catalog.db.selectFrom('catalog').selectAll().execute()).toHaveLength(1)
  })

  test('a write raises the revision, bookkeeping and a rolled-back write do not', async () => {
    const catalog = await open(await freshUrl(database))
    const revision = async (): Promise<number> =>
      (await catalog.db.selectFrom('catalog').select('revision').executeTakeFirstOrThrow()).revision
    const first = await revision()
    expect(await catalog.write(async (trx) => trx.revision)).toBe(first + 1)
    expect(await revision()).toBe(first + 1)
    expect(await catalog.write(async (trx) => trx.revision, { bookkeeping: true })).toBe(first + 1)
    const rolledBack = catalog.write(async () => {
      throw new Rollback('its result')
    })
    expect(await rolledBack).toBe('its result')
    await expect(catalog.write(async () => Promise.reject(new Error('failed')))).rejects.toThrow(
      'failed',
    )
    expect(await revision()).toBe(first + 1)
  })

  test('writers of one process wait for one another', async () => {
    const catalog = await open(await freshUrl(database))
    const add = async (): Promise<number> =>
      catalog.write(async ({ db, revision }) => {
        await db
          .updateTable('catalog')
          .set((eb) => ({ received_ms: eb('received_ms', '+', 1) }))
          .execute()
        return revision
      })
    const revisions = await Promise.all(Array.from({ length: 20 }, add))
    expect(new Set(revisions).size).toBe(20)
    const row = await catalog.db
      .selectFrom('catalog')
      .select('received_ms')
      .executeTakeFirstOrThrow()
    expect(row.received_ms).toBe(20)
  })

  test('a read sees one state, whatever is written meanwhile', async () => {
    const url = await freshUrl(database)
    const [reader, writer] = [await open(url), await open(url)]
    const seen = await reader.read(async (db) => {
      const look = async (): Promise<number> =>
        (await db.selectFrom('catalog').select('revision').executeTakeFirstOrThrow()).revision
      const before = await look()
      await writer.write(async () => undefined)
      return (await look()) - before
    })
    expect(seen).toBe(0)
  })
})

test('a file that is no database is CATALOG_UNUSABLE, and stays as it was', async () => {
  const url = await freshUrl('sqlite')
  writeFileSync(
    url,
    'no database at all, but a text of some length that a person left here '.repeat(20),
  )
  expect(await rejectedCode(openCatalog({ url, migrations: MIGRATIONS }))).toBe('CATALOG_UNUSABLE')
})

test('a folder that is not there, and a server that does not answer, are CATALOG_UNUSABLE', async () => {
  expect(
    await rejectedCode(openCatalog({ url: '/nowhere/at/all.db', migrations: MIGRATIONS })),
  ).toBe('CATALOG_UNUSABLE')
  const url = 'postgres://someone:secret@127.0.0.1:1/none'
  const failed = openCatalog({ url, migrations: MIGRATIONS })
  await expect(failed).rejects.toThrow(/127\.0\.0\.1/)
  await expect(failed).rejects.not.toThrow(/secret/)
})
