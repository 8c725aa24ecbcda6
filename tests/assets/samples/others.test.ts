/** What one producer may do to the others: show nothing of theirs, stop nothing, lose nothing. */
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { DAY, SampledFolder, TABLE, onePool } from '../../support/sampled-folder.ts'

const pool = onePool()
let staging: SampledFolder
beforeEach(async () => {
  staging = await SampledFolder.create({ pool })
})
afterEach(async () => staging[Symbol.asyncDispose]())
afterAll(async () => pool[Symbol.asyncDispose]())

/** A file in the inbox of a submitter. */
function deliver(path: string): void {
  const file = join(staging.root, 'inbox', path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, TABLE)
}

test('a place shows what its own submitter delivered, and nobody else’s', async () => {
  for (const who of ['north', 'south']) deliver(`${who}/first/a.csv`)
  const line = (who: string) => ({ raw: who, bronze: `inbox:${who}/first/a.csv`, mtime: 1 })
  staging.tell([line('north'), line('south')], { place: 'south/claims/v1' })
  await staging.pass()
  expect(await staging.told()).toEqual({
    north: 'FAILED: its path is another submitter’s',
    south: 'MADE',
  })
})

test('a link among deliveries leads to nothing that the project keeps for itself', async () => {
  deliver('north/first/a.csv')
  mkdirSync(join(staging.root, '.tributary'), { recursive: true })
  writeFileSync(join(staging.root, '.tributary/sample-key'), 'key')
  symlinkSync(join(staging.root, '.tributary'), join(staging.root, 'inbox/north/t'))
  const bronze = 'inbox:north/t/sample-key'
  staging.tell([{ raw: 'k', bronze, mtime: 1 }], { place: 'north/claims/v1' })
  await staging.pass()
  expect((await staging.told())['k']).toMatch(/^FAILED: its path l/)
})

test('a line with a time that is none, or a name that no database holds, is passed over', async () => {
  const lines = [
    '{"raw":"raw/x.csv","bronze":"bronze/a.csv","mtime":1e300}\n',
    '{"raw":"raw/\\ud800","bronze":"bronze/a.csv","mtime":1}\n',
  ]
  staging.tell(lines)
  staging.deliver('a.csv')
  expect(await staging.pass()).toMatchObject({ lines: 1, faults: 2, made: 1, pending: 0 })
})

test('a reference as long as a line may hold is a name like any other', async () => {
  staging.put('bronze/a.csv', TABLE)
  const raw = `raw/${'x'.repeat(3900)}.csv`
  staging.tell([{ raw, bronze: 'bronze/a.csv', mtime: 1 }])
  expect(await staging.pass()).toMatchObject({ made: 1, failed: 0 })
})

test('a longer manifest under the name of one that was read is read from its beginning', async () => {
  staging.deliver('a.csv')
  await staging.pass()
  for (const name of ['b.csv', 'c.csv', 'd.csv']) {
    staging.put(`bronze/${name}`, TABLE)
    staging.tell([{ raw: `raw/${name}`, bronze: `bronze/${name}`, mtime: 1 }], { file: 'draft' })
  }
  renameSync(staging.path('manifests/draft'), staging.path(`manifests/${DAY}`))
  expect(await staging.pass()).toMatchObject({ lines: 3, made: 3 })
  staging.deliver('e.csv')
  expect(await staging.pass()).toMatchObject({ lines: 1, made: 1 })
})
