/** Manifests are anybody's: what their names may do to a sampler, and what they may make it read. */
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { SampledFolder, TABLE, filesBelow, onePool } from '../../support/sampled-folder.ts'

const CANARY = 'ssn\n111-22-3333\n'

const pool = onePool()
let staging: SampledFolder
let outside: string
beforeEach(async () => {
  staging = await SampledFolder.create({ pool })
  outside = mkdtempSync(join(tmpdir(), 'tributary-outside-'))
  writeFileSync(join(outside, 'secret.csv'), CANARY)
})
afterEach(async () => {
  await staging[Symbol.asyncDispose]()
  rmSync(outside, { recursive: true, force: true })
})
afterAll(async () => pool[Symbol.asyncDispose]())

const entry = (raw: string, bronze = 'bronze/a.csv') => ({ raw, bronze, mtime: 1 })

test('what leads outside, or is no plain file, is refused in words, and nothing is made of it', async () => {
  const evil: readonly (readonly [what: string, bronze: string])[] = [
    ['up and out', '../../../../etc/passwd'],
    ['up and out through a folder that is there', 'bronze/../../../../../etc/passwd'],
    ['absolute, outside the roots', join(outside, 'secret.csv')],
    ['absolute, outside, not there', join(outside, 'nothing.csv')],
    [
      'a neighbour whose name begins alike',
      join(staging.path('evil', 'sp/pipe/1.01'), 'secret.csv'),
    ],
    ['the store, up and out', 'store:../.tributary/catalog.db'],
    ['the store, what was never landed', 'store:silver/alpha/x.parquet'],
    ['the project’s own database', 'project:.tributary/catalog.db'],
    ['the project, up and out', 'project:staging/../../x'],
    ['the inbox, up and out', 'inbox:alpha/../../tributary.json'],
    ['a link out of the folder', 'bronze/link.csv'],
    ['through a linked folder', 'bronze/linked/secret.csv'],
    ['links in a circle', 'bronze/circle'],
    ['a pipe', 'bronze/pipe'],
    ['a folder', 'bronze/folder'],
    ['a device', '/dev/zero'],
    ['a name that is too long', `bronze/${'x'.repeat(300)}.csv`],
  ]
  mkdirSync(staging.path('bronze/folder'), { recursive: true })
  staging.put('evil/secret.csv', CANARY, 'sp/pipe/1.01')
  symlinkSync(join(outside, 'secret.csv'), staging.path('bronze/link.csv'))
  symlinkSync(outside, staging.path('bronze/linked'))
  symlinkSync('circle', staging.path('bronze/circle'))
  execFileSync('mkfifo', [staging.path('bronze/pipe')])
  staging.deliver('good.csv')
  staging.tell(evil.map(([what, bronze]) => entry(`raw/${what}.csv`, bronze)))
  expect(await staging.pass()).toMatchObject({
    made: 1,
    failed: evil.length,
    missing: 0,
    pending: 0,
  })
  const { 'raw/good.csv': good, ...others } = await staging.rows()
  expect(good?.status).toBe('MADE')
  for (const row of Object.values(others)) {
    expect(row).toMatchObject({ status: 'FAILED', code: 'SAMPLE_REFUSED', made_ms: null })
    expect(row.words).toMatch(/^its path /)
  }
  expect(staging.samples()).toEqual(['good_sample.csv'])
})

test('whatever a raw name says, its sample lies below the place’s samples', async () => {
  staging.put('bronze/a.csv', TABLE)
  const names = [
    '../../../../etc/passwd',
    '/etc/passwd',
    'raw/../../x.csv',
    'raw/.drafts/1-x',
    'raw/..',
    '.',
    '/',
    'raw/a\\..\\b.csv',
    `raw/${'ü'.repeat(400)}.csv`,
    `${'d/'.repeat(300)}x.csv`,
    'raw/CON.csv ',
    'raw/-rf.csv',
    'inbox:../../x.csv',
    'raw/$(touch x).csv',
  ]
  staging.tell(names.map((raw) => entry(raw)))
  const before = filesBelow(staging.root).filter((name) => !name.includes('samples'))
  const { made, failed } = await staging.pass()
  expect([made, failed]).toEqual([names.length, 0])
  expect(staging.samples()).toHaveLength(names.length)
  expect(filesBelow(staging.path('samples/.drafts'))).toEqual([])
  expect(filesBelow(staging.root).filter((name) => !name.includes('samples'))).toEqual(before)
  expect(existsSync(join(outside, 'passwd_sample'))).toBe(false)
})

test('files of one name in two folders, and names that are made plain alike, keep a sample each', async () => {
  const names = [
    'raw/x/a.csv',
    'raw/y/a.csv',
    'a.csv',
    'raw/a.csv',
    'raw/ü.csv',
    'raw/ö.csv',
    'sp/a.csv',
  ]
  for (const [at, name] of names.entries()) {
    staging.put(`bronze/${at}.csv`, `ssn,n\n${'1,2\n'.repeat(at)}`)
    staging.tell([entry(name, `bronze/${at}.csv`)])
  }
  expect(await staging.pass()).toMatchObject({ made: names.length, failed: 0 })
  const rows = await staging.rows()
  const held = names.map((name) => staging.sample(rows[name]?.path ?? '').split('\n').length - 2)
  expect(held).toEqual(names.map((_, at) => at))
  expect(staging.samples()).toHaveLength(names.length)
})

test('a folder that is called as another file’s sample, or its profile, is a fault of its own', async () => {
  staging.put('bronze/a.csv', TABLE)
  // The newest is sampled first: either way round somebody finds the name taken.
  const names = [
    'raw/a.csv',
    'raw/a_sample.csv/x.csv',
    'raw/a_sample.csv.profile.json/y.csv',
    'raw/b_sample.csv/x.csv',
    'raw/b.csv',
  ]
  staging.tell(names.map((raw, at) => ({ ...entry(raw), mtime: 100 - at })))
  const { made, failed, pending } = await staging.pass()
  expect([made + failed, pending]).toEqual([names.length, 0])
  expect(staging.sample('a_sample.csv')).toMatch(/^ssn,amount/)
  staging.deliver('c.csv')
  expect(await staging.pass()).toMatchObject({ made: 1 })
})

test('links and pipes in place of manifests are not followed, and a foreign folder is no place', async () => {
  staging.deliver('good.csv')
  const evil = join(outside, 'evil.jsonl')
  writeFileSync(evil, `${JSON.stringify(entry('raw/evil.csv', 'bronze/good.csv'))}\n`)
  symlinkSync(evil, staging.path('manifests/processed_2026-01-17.jsonl'))
  execFileSync('mkfifo', [staging.path('manifests/processed_2026-01-16.jsonl')])
  mkdirSync(staging.path('manifests/processed_2026-01-15.jsonl'))
  symlinkSync(outside, join(staging.root, 'staging/linked'))
  staging.tell([entry('raw/local.csv', join(outside, 'secret.csv'))], {
    place: '@local/unrouted/files',
  })
  expect(await staging.pass()).toMatchObject({ made: 1, lines: 1, manifests: 1, unreadable: [] })
  expect(Object.keys(await staging.rows())).toEqual(['raw/good.csv'])
})

test('values of a hostile file stand in no row of the ledger', async () => {
  staging.deliver('a.parquet', `PAR1${'Canary-Value'.repeat(50)}PAR1`)
  staging.deliver('b.zip', `PK\u0003\u0004${'Canary-Value'.repeat(50)}`)
  staging.deliver('c.gz', `\u001f\u008b\u0008${'Canary-Value'.repeat(50)}`)
  staging.deliver('Canary-Name.csv', 'Canary-Value\n')
  await staging.pass()
  expect(JSON.stringify(await staging.rows())).not.toContain('Canary-Value')
  const profiles = filesBelow(staging.path('samples')).filter((name) => name.endsWith('.json'))
  for (const name of profiles) {
    expect(readFileSync(staging.path(`samples/${name}`), 'utf8')).not.toContain('Canary-Value')
  }
})
