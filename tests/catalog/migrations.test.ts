/**
 * Expand, then contract: a migration only adds, so that a program of the schema before it, which is
 * still running, goes on working while another has migrated.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { TableMetadata } from 'kysely'
import { sql } from 'kysely'
import { afterEach, describe, expect, test } from 'vitest'
import type { Catalog, MigrationSet } from '../../engine/index.ts'
import { Rollback, openCatalog } from '../../engine/index.ts'
import { MIGRATIONS } from '../../migrations/index.ts'
import type { Database } from '../support/engine-project.ts'
import { DATABASES } from '../support/engine-project.ts'
import { freshDatabase } from '../support/postgres.ts'

const run = promisify(execFile)
const CHILD = fileURLToPath(new URL('../support/catalog-child.ts', import.meta.url))

/** Tables that a migration made anew, and why that breaks nobody. */
const MADE_ANEW: Readonly<Record<string, string>> = {
  audit: '0006-audit chains it; no version before that was released',
}
/** The first schema anybody could have. */
const BASE = '0002-registry'

const NAMES = Object.keys(MIGRATIONS).toSorted()
const upTo = (last: string): MigrationSet =>
  Object.fromEntries(Object.entries(MIGRATIONS).filter(([name]) => name <= last))
/** each schema, and the one before it */
const STEPS = NAMES.filter((name) => name > BASE).map((name) => ({
  name,
  before: NAMES[NAMES.indexOf(name) - 1] ?? BASE,
}))

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
  const folder = mkdtempSync(join(tmpdir(), 'tributary-migrations-'))
  closing.push(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'catalog.db')
}

async function open(url: string, migrations: MigrationSet): Promise<Catalog> {
  const catalog = await openCatalog({ url, migrations })
  closing.push(catalog.close)
  return catalog
}

const tablesOf = async ({ db }: Catalog): Promise<readonly TableMetadata[]> =>
  (await db.introspection.getTables()).filter(
    ({ name, isView }) => !isView && MADE_ANEW[name] === undefined,
  )

/** What the later schema takes away from the earlier one, in words. */
function takenAway(
  before: readonly TableMetadata[],
  after: readonly TableMetadata[],
): readonly string[] {
  const later = new Map(after.map((table) => [table.name, table]))
  return before.flatMap(({ name, columns }) => {
    const table = later.get(name)
    if (table === undefined) return [`${name} is gone`]
    const was = new Set(columns.map((column) => column.name))
    const added = table.columns.filter((column) => !was.has(column.name))
    const demanding = added.filter((column) => !column.isNullable && !column.hasDefaultValue)
    const changed = columns.filter((column) => {
      const now = table.columns.find((one) => one.name === column.name)
      return now?.dataType !== column.dataType || (column.isNullable && !now.isNullable)
    })
    return [
      ...demanding.map((column) => `${name}.${column.name} is demanded of who does not know it`),
      ...changed.map((column) => `${name}.${column.name} is gone or another`),
    ]
  })
}

describe.each(DATABASES)('on %s', (database) => {
  test.each(STEPS)('$name only adds to $before', async ({ name, before }) => {
    const earlier = await tablesOf(await open(await freshUrl(database), upTo(before)))
    const later = await tablesOf(await open(await freshUrl(database), upTo(name)))
    expect(takenAway(earlier, later)).toEqual([])
  })

  test('a program of the first schema goes on writing into the last', async () => {
    const earlier = await tablesOf(await open(await freshUrl(database), upTo(BASE)))
    const catalog = await open(await freshUrl(database), MIGRATIONS)
    const refused: string[] = []
    // The catalog's one row is there already: no program adds to it.
    for (const table of earlier.filter(({ name }) => !/^(kysely|catalog$)/.test(name))) {
      const written = await catalog
        .write(async ({ db }) => {
          await sql`insert into ${sql.table(table.name)} (${sql.join(
            table.columns.map((column) => sql.ref(column.name)),
          )}) values (${sql.join(table.columns.map((column) => (/int/i.test(column.dataType) ? 7 : 'x')))})`.execute(
            db,
          )
          throw new Rollback('written')
        })
        .catch((error: unknown) => String(error))
      if (written !== 'written') refused.push(`${table.name}: ${written}`)
    }
    expect(refused).toEqual([])
  })

  test('an old program that is open while another migrates reads and writes on', async () => {
    const url = await freshUrl(database)
    const old = await open(url, upTo('0006-audit'))
    await open(url, MIGRATIONS)
    await old.write(async ({ db }) => {
      await db
        .insertInto('run')
        .values({
          actor: 'old',
          command: 'materialize',
          reason: null,
          plan: null,
          started_ms: 1,
          heartbeat_ms: 1,
          ended_ms: null,
          status: 'running',
          counts: '{}',
        })
        .execute()
    })
    expect(await old.db.selectFrom('run').select('actor').execute()).toEqual([{ actor: 'old' }])
  })

  test('three processes that upgrade the first schema at once all find the last', async () => {
    const url = await freshUrl(database)
    await (await openCatalog({ url, migrations: upTo(BASE) })).close()
    await Promise.all([1, 2, 3].map(async () => run(process.execPath, [CHILD, url, '10'])))
    const catalog = await open(url, MIGRATIONS)
    const { rows } = await sql<{ name: string }>`
      select name from kysely_migration order by name`.execute(catalog.db)
    expect(rows.map(({ name }) => name)).toEqual(NAMES)
    expect(await catalog.db.selectFrom('audit').selectAll().execute()).toHaveLength(30)
  })
})

test('the rule sees what breaks it', () => {
  const column = { dataType: 'integer', isAutoIncrementing: false, isNullable: true } as const
  const table = (columns: TableMetadata['columns']): TableMetadata => ({
    name: 't',
    isView: false,
    isForeign: false,
    columns,
  })
  const one = { ...column, name: 'one', hasDefaultValue: false }
  const demanded = { ...one, name: 'two', isNullable: false }
  expect(takenAway([table([one])], [])).toEqual(['t is gone'])
  expect(takenAway([table([one])], [table([demanded])])).toEqual([
    't.two is demanded of who does not know it',
    't.one is gone or another',
  ])
  expect(takenAway([table([one])], [table([one, { ...demanded, hasDefaultValue: true }])])).toEqual(
    [],
  )
})
