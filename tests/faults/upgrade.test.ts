/** F27: a newer program migrates the catalog while an older one works on it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Kysely } from 'kysely'
import { sql } from 'kysely'
import { afterEach, expect, test } from 'vitest'
import type { Catalog } from '../../engine/index.ts'
import { openCatalog } from '../../engine/index.ts'
import { MIGRATIONS } from '../../migrations/index.ts'
import { DATABASES } from '../support/engine-project.ts'
import { rejectedCode } from '../support/error-code.ts'
import { freshDatabase } from '../support/postgres.ts'
import { runNode } from './support/child.ts'
import { countFault } from './support/count.ts'

/** What an expanding release adds: nothing that an older program would have to know. */
const NEWER = {
  ...MIGRATIONS,
  '9999-later': async (db: Kysely<unknown>) => {
    await sql`alter table seen_file add column later text`.execute(db)
    await sql`create table later (id integer primary key)`.execute(db)
  },
}
const WRITES = 300

const closing: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

/** An older program: writes rows of the audit, without pause, in a process of its own. */
const OLDER = fileURLToPath(new URL('../support/catalog-child.ts', import.meta.url))
const older = async (url: string): Promise<void> => {
  expect((await runNode([OLDER, url, String(WRITES)])).stderr).toBe('')
}

const rowCount = async ({ db }: Catalog): Promise<number> =>
  (await db.selectFrom('audit').select('at_ms').execute()).length

test.each(DATABASES)(
  'on %s the older one goes on, and is refused once it starts anew',
  async (kind) => {
    const folder = mkdtempSync(join(tmpdir(), 'tributary-upgrade-'))
    closing.push(() => rmSync(folder, { recursive: true, force: true }))
    const server = kind === 'postgres' ? await freshDatabase() : undefined
    if (server !== undefined) closing.push(server.close)
    const url = server?.url ?? join(folder, 'catalog.db')
    const before = await openCatalog({ url, migrations: MIGRATIONS })
    closing.push(before.close)
    const writing = older(url)
    while ((await rowCount(before)) === 0) await setTimeout(5)
    const newer = await openCatalog({ url, migrations: NEWER })
    closing.push(newer.close)
    countFault('F27')
    await writing
    expect(await rowCount(newer)).toBe(WRITES)
    expect(await rejectedCode(openCatalog({ url, migrations: MIGRATIONS }))).toBe('CATALOG_NEWER')
  },
)
