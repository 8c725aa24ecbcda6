/** Samples of what was delivered, before anything has landed: the inbox, and `raw` of manifests. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { takeInbox } from '../../../assets/samples/local-files.ts'
import type { PassReport } from '../../../assets/samples/pass.ts'
import { SampledFolder, TABLE, filesBelow, onePool } from '../../support/sampled-folder.ts'

const pool = onePool()
let staging: SampledFolder
beforeEach(async () => {
  staging = await SampledFolder.create({ pool, samples: { from: 'raw' } })
})
afterEach(async () => staging[Symbol.asyncDispose]())
afterAll(async () => pool[Symbol.asyncDispose]())

const inInbox = (path: string): string => join(staging.root, 'inbox', path)

function lay(path: string, content = TABLE): void {
  mkdirSync(dirname(inInbox(path)), { recursive: true })
  writeFileSync(inInbox(path), content)
}

async function look(): Promise<PassReport> {
  await takeInbox(staging.platform, staging.ledger)
  return staging.pass()
}

/** Every sample below the staging folder, by place and path. */
const made = (): readonly string[] =>
  filesBelow(join(staging.root, 'staging')).filter((name) =>
    /_sample[^/]*(?<!\.profile\.json)$/.test(name),
  )

test('what lies in the inbox is sampled at once, by submitter, and again when it changes', async () => {
  lay('alpha/first/a.csv')
  lay('alpha/first/_SUCCESS', '')
  lay('beta/b.csv')
  lay('Odd Folder/c.csv')
  expect(await look()).toMatchObject({ made: 3, failed: 0, missing: 0 })
  expect(made()).toEqual([
    '@local/unrouted/files/samples/Odd Folder/c_sample.csv',
    'alpha/unrouted/inbox/samples/first/a_sample.csv',
    'beta/unrouted/inbox/samples/b_sample.csv',
  ])
  const sample = staging.sample('first/a_sample.csv', 'alpha/unrouted/inbox')
  expect(sample).toMatch(/^ssn,amount\n/)
  expect(sample).not.toContain('123-45-6789')
  expect(await look()).toMatchObject({ made: 0 })
  lay('alpha/first/a.csv', `${TABLE}555-55-5555,3.00\n`)
  expect(await look()).toMatchObject({ made: 1 })
})

test('a file that is being written waits for its name, and one that left the inbox stops nobody', async () => {
  lay('alpha/temp_a.csv')
  expect(await look()).toMatchObject({ made: 0, skipped: 1 })
  renameSync(inInbox('alpha/temp_a.csv'), inInbox('alpha/a.csv'))
  lay('alpha/gone.csv')
  await takeInbox(staging.platform, staging.ledger)
  rmSync(inInbox('alpha/gone.csv'))
  expect(await staging.pass()).toMatchObject({ made: 1, missing: 1, failed: 0 })
})

test('a link in the inbox shows nothing from outside', async () => {
  const outside = mkdtempSync(join(tmpdir(), 'tributary-outside-'))
  writeFileSync(join(outside, 'secret.csv'), TABLE)
  lay('alpha/a.csv')
  symlinkSync(join(outside, 'secret.csv'), inInbox('alpha/link.csv'))
  symlinkSync(outside, inInbox('alpha/linked'))
  symlinkSync(outside, inInbox('linked'))
  const { made: count } = await look()
  expect([count, made()]).toEqual([1, ['alpha/unrouted/inbox/samples/a_sample.csv']])
  rmSync(outside, { recursive: true })
})

test('of a manifest’s lines it is the raw file that is read, and a bronze one need not be there', async () => {
  staging.put('raw/env0/a.csv', TABLE)
  staging.put('bronze/b.csv', TABLE)
  staging.tell([
    { raw: 'raw/env0/a.csv', bronze: 'bronze/not-yet.csv', mtime: 2 },
    { raw: 'raw/env0/b.csv', bronze: 'bronze/b.csv', mtime: 1 },
  ])
  expect(await look()).toMatchObject({ made: 1, missing: 1 })
  expect(staging.samples()).toEqual(['env0/a_sample.csv'])
})
