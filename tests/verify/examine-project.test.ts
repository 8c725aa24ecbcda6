import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readConfig } from '../../assets/config.ts'
import type { ProjectExamination } from '../../assets/verify/examine-project.ts'
import { examineProject, fitsNode, redacted } from '../../assets/verify/examine-project.ts'
import { openCatalog } from '../../engine/index.ts'
import { MIGRATIONS } from '../../migrations/index.ts'
import { freshDatabase } from '../support/postgres.ts'

let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tributary-doctor-'))
  writeFileSync(join(root, 'tributary.json'), '{}')
  mkdirSync(join(root, 'inbox'))
})
afterEach(() => {
  chmodSync(root, 0o755)
  rmSync(root, { recursive: true, force: true })
})

const examine = async (
  environment: Readonly<Record<string, string>> = {},
  nowMs = Date.now(),
): Promise<ProjectExamination> =>
  examineProject(readConfig({ root, environment, flags: {}, cores: 2, memoryMb: 4096 }), {
    migrations: MIGRATIONS,
    nodeVersion: process.version,
    askStore: async () => {
      throw new Error('a folder is not asked')
    },
    askInbox: async () => {
      throw new Error('a folder is not asked')
    },
    clock: { nowMs: () => nowMs, elapsedMs: () => 0 },
  })

const of = ({ examined }: ProjectExamination, name: string) =>
  examined.find((one) => one.name === name)

const levels = ({ examined }: ProjectExamination): string =>
  examined.map(({ name, level }) => `${name} ${level}`).join(', ')

const migrated = async (): Promise<string> => {
  const url = join(root, '.tributary/catalog.db')
  mkdirSync(join(root, '.tributary'), { recursive: true })
  await (await openCatalog({ url, migrations: MIGRATIONS })).close()
  return url
}

test('an empty project can be used, and the probes leave nothing behind', async () => {
  const found = await examine()
  expect(levels(found)).toBe(
    'node ok, catalog ok, clock ok, store ok, scratch ok, inbox ok, registry ok',
  )
  expect(found.exitCode).toBe(0)
  expect(readdirSync(join(root, 'data'))).toEqual([])
  expect(readdirSync(join(root, '.tributary'))).toEqual(['scratch'])
})

test('each setting says where it comes from', async () => {
  const { settings } = await examine({ TRIBUTARY_CONCURRENCY: '3' })
  const text = settings.map(({ name, value, origin }) => `${name}=${value} (${origin})`)
  expect(text).toContain('concurrency=3 (environment)')
  expect(text).toContain('retain_versions=3 (default)')
})

test('a damaged catalog is an error with the way out, and nothing is changed', async () => {
  const url = await migrated()
  const bytes = readFileSync(url)
  bytes.fill(0x5a, 4096, 12_288)
  writeFileSync(url, bytes)
  const found = await examine()
  expect(of(found, 'catalog')).toMatchObject({ level: 'error' })
  expect(of(found, 'catalog')?.fix).toBeDefined()
  expect(found.exitCode).toBe(5)
  expect(readFileSync(url).equals(bytes)).toBe(true)
})

test('a catalog that is no database is an error', async () => {
  mkdirSync(join(root, '.tributary'))
  writeFileSync(join(root, '.tributary/catalog.db'), 'this is a text')
  const found = await examine()
  expect(of(found, 'catalog')?.words).toMatch(/cannot be used: SQLITE_NOTADB/)
  expect(found.exitCode).toBe(5)
})

test('pending and foreign migrations are told apart, and none is applied', async () => {
  const url = join(root, 'catalog.db')
  const [first = ''] = Object.keys(MIGRATIONS)
  const run = MIGRATIONS[first]
  if (run === undefined) throw new Error('there is a first migration')
  await (await openCatalog({ url, migrations: { [first]: run } })).close()
  const pending = await examine({ TRIBUTARY_CATALOG: url })
  expect(of(pending, 'catalog')?.words).toMatch(/has to be migrated: 0002-registry/)
  expect(pending.exitCode).toBe(0)
  const future = { ...MIGRATIONS, '9999-future': async () => undefined }
  await (await openCatalog({ url, migrations: future })).close()
  const newer = await examine({ TRIBUTARY_CATALOG: url })
  expect(of(newer, 'catalog')?.words).toMatch(/newer version: it has 9999-future/)
  expect(newer.exitCode).toBe(5)
})

test('a server is examined as a file is, and its password is not shown', async () => {
  const database = await freshDatabase()
  try {
    const fresh = await examine({ TRIBUTARY_CATALOG: database.url })
    expect([of(fresh, 'catalog')?.words, fresh.exitCode]).toEqual([
      expect.stringMatching(/is made by the first command/),
      0,
    ])
    await (await openCatalog({ url: database.url, migrations: MIGRATIONS })).close()
    const found = await examine({ TRIBUTARY_CATALOG: database.url })
    expect(of(found, 'catalog')?.words).toMatch(/PostgreSQL \d+/)
  } finally {
    await database.close()
  }
})

test('a server that does not answer is an error', async () => {
  const url = 'postgres://someone:hidden@127.0.0.1:1/none'
  const found = await examine({ TRIBUTARY_CATALOG: url })
  expect(found.exitCode).toBe(5)
  expect(JSON.stringify(found)).not.toContain('hidden')
})

test('a clock behind the last receipt is a warning', async () => {
  const url = await migrated()
  const catalog = await openCatalog({ url, migrations: MIGRATIONS })
  await catalog.write(async ({ db }) =>
    db.updateTable('catalog').set({ received_ms: 2_000_000_000_000 }).execute(),
  )
  await catalog.close()
  const found = await examine({}, 1_700_000_000_000)
  expect(of(found, 'clock')).toMatchObject({ level: 'warning' })
  expect(found.exitCode).toBe(0)
})

test('a store that is a file is an error', async () => {
  writeFileSync(join(root, 'data'), '')
  const found = await examine()
  expect(of(found, 'store')?.words).toMatch(/could not make a folder \(E[A-Z]+\)/)
  expect(found.exitCode).toBe(5)
})

test('an absent inbox and a broken registry are warnings', async () => {
  rmSync(join(root, 'inbox'), { recursive: true })
  mkdirSync(join(root, 'registry'), { recursive: true })
  writeFileSync(join(root, 'registry/submitters.json'), '{"submitters":')
  const found = await examine()
  expect(levels(found)).toMatch(/inbox warning, registry warning/)
  expect(found.exitCode).toBe(0)
})

test('secrets in URLs are redacted', () => {
  expect(redacted('postgres://me:hunter2@host/db?sslpassword=x')).toBe(
    'postgres://me:***@host/db?sslpassword=***',
  )
  expect(redacted('/a/path')).toBe('/a/path')
})

test('the Node versions are those of package.json', () => {
  const url = new URL('../../package.json', import.meta.url)
  const { engines } = JSON.parse(readFileSync(url, 'utf8')) as { engines: { node: string } }
  expect(engines.node).toBe('^22.22.2 || ^24.15.0 || >=26.0.0')
  const good = ['v22.22.2', 'v22.30.0', 'v24.15.0', 'v26.0.0', 'v27.1.0']
  const bad = ['v20.19.0', 'v22.22.1', 'v23.5.0', 'v24.14.9', 'v25.0.0']
  expect(good.map(fitsNode)).toEqual(good.map(() => true))
  expect(bad.map(fitsNode)).toEqual(bad.map(() => false))
})

test('of the secrets of submitters it is told which are set, and none of them', async () => {
  const refs = ['NORTH_2027', 'NORTH_2026', 'NORTH_2025']
  const submitters = [{ id: 'north', state: 'CO', secret_refs: refs }]
  mkdirSync(join(root, 'registry'))
  writeFileSync(join(root, 'registry/submitters.json'), JSON.stringify({ submitters }))
  writeFileSync(join(root, 'secret'), 'planted-2\n')
  const environment = {
    TRIBUTARY_SECRET_NORTH_2027: 'planted-1',
    TRIBUTARY_SECRET_NORTH_2026_FILE: join(root, 'secret'),
    TRIBUTARY_SECRET_NORTH_2025_FILE: join(root, 'no-such-file'),
  }
  const found = await examine(environment)
  expect(of(found, 'secrets')).toMatchObject({
    level: 'warning',
    words:
      'packages of north: TRIBUTARY_SECRET_NORTH_2027 is set, TRIBUTARY_SECRET_NORTH_2026 is set, TRIBUTARY_SECRET_NORTH_2025 is not set',
  })
  expect(found.exitCode).toBe(0)
  expect(JSON.stringify(found)).not.toContain('planted')
})
