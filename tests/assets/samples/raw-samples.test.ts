/** Values as they are: for how long they lie there, and what ends them before. */
import { existsSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { chosen } from '../../../assets/samples/chosen.ts'
import { makeAgain } from '../../../assets/samples/again.ts'
import { ledgerTables } from '../../../assets/samples/ledger-tables.ts'
import { rejectedCode } from '../../support/error-code.ts'
import { SampledFolder, TABLE, onePool } from '../../support/sampled-folder.ts'

const DAY_MS = 24 * 60 * 60_000
const SAMPLE = 'a_sample.csv'

const pool = onePool()
let staging: SampledFolder
beforeEach(async () => {
  staging = await SampledFolder.create({ pool })
  staging.deliver('a.csv')
  await staging.pass()
})
afterEach(async () => staging[Symbol.asyncDispose]())
afterAll(async () => pool[Symbol.asyncDispose]())

async function asIs(days = 7): Promise<void> {
  const ids = Object.values(await staging.rows()).map(({ id }) => id)
  await makeAgain(staging.ledger, { ids, rawUntilMs: staging.nowMs + days * DAY_MS })
  expect(await staging.pass()).toMatchObject({ made: 1 })
  expect(staging.sample(SAMPLE)).toBe(TABLE)
}
const mode = (): number => statSync(staging.path(`samples/${SAMPLE}`)).mode & 0o777

test('a sample with values as they are is its owner’s alone, and is masked again after its days', async () => {
  const masked = staging.sample(SAMPLE)
  expect(mode()).toBe(0o640)
  await asIs(7)
  expect(mode()).toBe(0o600)
  staging.nowMs += 7 * DAY_MS - 1
  expect(await staging.pass()).toMatchObject({ made: 0 })
  staging.nowMs += 1
  expect(await staging.pass()).toMatchObject({ made: 1 })
  expect([staging.sample(SAMPLE), mode()]).toEqual([masked, 0o640])
  expect((await staging.rows())['raw/a.csv']).toMatchObject({ is_raw: 0, raw_until_ms: null })
})

test('after its days it leaves, also where its file is there no more', async () => {
  await asIs(1)
  rmSync(staging.path('bronze/a.csv'))
  staging.nowMs += DAY_MS
  expect(await staging.pass()).toMatchObject({ missing: 1 })
  expect(staging.samples()).toEqual([])
})

test.each([
  ['a content that follows it', { mtime: 9 }, TABLE],
  ['a content that cannot be found', { mtime: 9, bronze: 'bronze/nowhere.csv' }, undefined],
  ['a content that is refused', { mtime: 9, bronze: '../../../x' }, undefined],
])('a reason was given for what was there, not for %s', async (_what, line, content) => {
  await asIs()
  staging.tell([{ raw: 'raw/a.csv', bronze: 'bronze/a.csv', ...line }])
  await staging.pass()
  if (content === undefined) expect(staging.samples()).toEqual([])
  else expect(staging.sample(SAMPLE)).not.toContain('123-45-6789')
  expect((await staging.rows())['raw/a.csv']?.is_raw).toBe(0)
})

test('asked for masked again while its file is away, it leaves', async () => {
  await asIs()
  renameSync(staging.path('bronze/a.csv'), staging.path('bronze/away.csv'))
  const { 'raw/a.csv': row } = await staging.rows()
  await makeAgain(staging.ledger, { ids: [row?.id ?? 0], rawUntilMs: undefined })
  expect(await staging.pass()).toMatchObject({ missing: 1 })
  expect(staging.samples()).toEqual([])
})

test('who claimed it before its time was over, and comes in late, leaves no value behind', async () => {
  await asIs(1)
  const { 'raw/a.csv': row } = await staging.rows()
  const id = row?.id ?? 0
  // Made anew as it is, by a sampler that stands still between its claim and its rename.
  await makeAgain(staging.ledger, { ids: [id], rawUntilMs: staging.nowMs + DAY_MS })
  const { promise: isHeld, resolve: go } = Promise.withResolvers<void>()
  const late = staging.pass({
    holder: 'other:1:late',
    token: 'late',
    rootsOf: (place) => ({
      ...staging.options.rootsOf(place),
      versionFolder: staging.path(''),
    }),
    pool: {
      size: 1,
      run: async (asked) => {
        const made = await pool.run(asked)
        await isHeld
        return made
      },
    },
  })
  while ((await staging.rows())['raw/a.csv']?.holder !== 'other:1:late') {
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  staging.nowMs += DAY_MS
  expect(await staging.pass()).toMatchObject({ made: 1 })
  go()
  await late
  expect(existsSync(staging.path(`samples/${SAMPLE}`)) && staging.sample(SAMPLE)).not.toContain(
    '123-45-6789',
  )
  await staging.pass()
  expect(staging.sample(SAMPLE)).not.toContain('123-45-6789')
  expect(staging.sample(SAMPLE)).toMatch(/^ssn,amount\n\d/)
})

test('folders of samples that somebody removed under a sampler are made again', async () => {
  rmSync(staging.path('samples'), { recursive: true })
  staging.deliver('b.csv')
  expect(await staging.pass()).toMatchObject({ made: 1, failed: 0, missing: 0 })
})

test('the profile beside values as they are names no column that nobody vouches for', async () => {
  staging.put('bronze/a.csv', 'Quack Zebulon,Elm Road\nDoe Jane,Oak Road\n')
  const ids = Object.values(await staging.rows()).map(({ id }) => id)
  await makeAgain(staging.ledger, { ids, rawUntilMs: staging.nowMs + DAY_MS })
  await staging.pass()
  expect(staging.sample(SAMPLE)).toContain('Zebulon')
  expect(staging.sample(`${SAMPLE}.profile.json`)).not.toMatch(/Zebulon|Elm/)
})

test('what a killed sampler left half made leaves with the next pass, whoever works beside it', async () => {
  const [{ id, place } = { id: 0, place: '' }] = Object.values(await staging.rows())
  const draft = (of: number) => staging.path(`samples/.drafts/${of}-deadbeef0000`)
  writeFileSync(draft(id), 'values')
  staging.deliver('b.csv')
  await staging.pass()
  expect([place, existsSync(draft(id))]).toEqual(['sp/pipe/1.0', false])
  await ledgerTables(staging.ledger.db)
    .updateTable('sample')
    .set({ holder: 'somewhere/else:1:x', expires_ms: staging.nowMs + DAY_MS })
    .where('id', '=', id)
    .execute()
  writeFileSync(draft(id), 'at work')
  await staging.pass()
  expect(existsSync(draft(id))).toBe(true)
})

test('values that a kill left where a sample goes are found by who purges', async () => {
  const { 'raw/a.csv': row } = await staging.rows()
  await makeAgain(staging.ledger, { ids: [row?.id ?? 0], rawUntilMs: staging.nowMs + DAY_MS })
  // Renamed into place, and never noted: the first sample this file had.
  const own = ledgerTables(staging.ledger.db).updateTable('sample').set({ made_ms: null })
  await own.execute()
  const { prefix } = staging.options
  const found = await chosen(staging.ledger, { prefix, isRaw: true, isThere: true }, 10)
  expect(found.map(({ raw }) => raw)).toEqual(['raw/a.csv'])
})

test('a thousand samples by their paths are one question to the ledger', async () => {
  const { prefix } = staging.options
  const of = (at: number): string => `${prefix}/sp/pipe/1.0/samples/${at}_sample.csv`
  const names = Array.from({ length: 1000 }, (_, at) => [of(at), `raw/${at}.csv`, `/x/${at}.csv`])
  expect(await rejectedCode(chosen(staging.ledger, { prefix, names }, 10))).toBe('SAMPLE_UNKNOWN')
})
