/** A pass of the sampler over manifests of outsiders: what is taken in, made, looked for again. */
import { rmSync, truncateSync } from 'node:fs'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import type { PassOptions } from '../../../assets/samples/pass.ts'
import { EngineError } from '../../../engine/index.ts'
import { rejectedCode } from '../../support/error-code.ts'
import { SampledFolder, TABLE, onePool } from '../../support/sampled-folder.ts'

const MINUTE_MS = 60_000
const NOTHING = { made: 0, missing: 0, failed: 0, skipped: 0, lines: 0, faults: 0, pending: 0 }
const line = (name: string, mtime = 1) => ({
  raw: `raw/${name}`,
  bronze: `bronze/${name}`,
  mtime,
})

const pool = onePool()
let staging: SampledFolder
beforeEach(async () => {
  staging = await SampledFolder.create({ pool })
})
afterEach(async () => staging[Symbol.asyncDispose]())
afterAll(async () => pool[Symbol.asyncDispose]())

test('what a manifest names is sampled once, masked; what changed is sampled again, alone', async () => {
  staging.deliver('a.csv')
  staging.deliver('deep/b.csv')
  expect(await staging.pass()).toMatchObject({ ...NOTHING, made: 2, lines: 2, manifests: 1 })
  expect(staging.samples()).toEqual(['a_sample.csv', 'deep/b_sample.csv'])
  const masked = staging.sample('a_sample.csv')
  expect(masked).toMatch(/^ssn,amount\n\d{3}-\d{2}-\d{4},1\.50\n\d{3}-\d{2}-\d{4},2\.25\n$/)
  expect(masked).not.toContain('123-45-6789')
  expect(await staging.pass()).toMatchObject(NOTHING)

  staging.deliver('a.csv', `${TABLE}555-55-5555,3.00\n`, 1_737_200_001)
  expect(await staging.pass()).toMatchObject({ ...NOTHING, made: 1, lines: 1 })
  expect(staging.sample('a_sample.csv').split('\n')).toHaveLength(5)
  // The same line once more, by a producer that repeats itself.
  staging.tell([{ ...line('a.csv', 1_737_200_001), size: TABLE.length + 17 }])
  expect(await staging.pass()).toMatchObject({ ...NOTHING, lines: 1 })
})

test('a torn last line is not read until it is whole, and a broken one is counted and passed over', async () => {
  staging.deliver('a.csv')
  staging.put('bronze/torn.csv', TABLE)
  const torn = JSON.stringify(line('torn.csv'))
  staging.tell(['{"raw":"half\n', 'no JSON\n', '[]\n', torn.slice(0, 20)])
  expect(await staging.pass()).toMatchObject({ ...NOTHING, made: 1, lines: 1, faults: 3 })
  expect(await staging.pass()).toMatchObject(NOTHING)
  staging.tell([torn.slice(20)])
  expect(await staging.pass()).toMatchObject(NOTHING)
  staging.tell(['\n'])
  expect(await staging.pass()).toMatchObject({ ...NOTHING, made: 1, lines: 1 })
  expect(staging.samples()).toEqual(['a_sample.csv', 'torn_sample.csv'])
})

test('a file that is not there is looked for after 1, 2, 4 … minutes, ten times, and stops nobody', async () => {
  staging.tell([line('late.csv'), line('never.csv')])
  staging.deliver('there.csv')
  expect(await staging.pass()).toMatchObject({ ...NOTHING, made: 1, missing: 2, lines: 3 })
  staging.put('bronze/late.csv', TABLE)
  staging.nowMs += MINUTE_MS - 1
  expect(await staging.pass()).toMatchObject(NOTHING)
  staging.nowMs += 1
  expect(await staging.pass()).toMatchObject({ ...NOTHING, made: 1, missing: 1 })
  const looks: number[] = []
  for (let minutes = 0; minutes < 2000; minutes += 1) {
    staging.nowMs += MINUTE_MS
    const row = (await staging.rows())['raw/never.csv']
    if (row === undefined || row.retry_ms === 0) break
    if (row.retry_ms > staging.nowMs) continue
    expect(await staging.pass()).toMatchObject({ ...NOTHING, missing: 1 })
    looks.push(minutes + 1)
  }
  expect(looks).toEqual([2, 6, 14, 30, 62, 126, 254, 510])
  expect((await staging.told())['raw/never.csv']).toBe(
    'MISSING: it is not there, and is not looked for again',
  )
  // A new line of it is a new hope.
  staging.put('bronze/never.csv', TABLE)
  staging.tell([line('never.csv', 2)])
  expect(await staging.pass()).toMatchObject({ ...NOTHING, made: 1, lines: 1 })
})

test('lines of an older day do not undo what a newer one says of a file', async () => {
  staging.put('bronze/old.csv', TABLE)
  staging.put('bronze/new.csv', `${TABLE}555-55-5555,3.00\n`)
  const raw = 'raw/one.csv'
  const told = (day: string, bronze: string, mtime: number): void =>
    staging.tell([{ raw, bronze, mtime }], { file: `processed_2026-01-${day}.jsonl` })
  told('17', 'bronze/old.csv', 1)
  told('18', 'bronze/new.csv', 2)
  staging.tell([{ raw, bronze: 'bronze/older.csv', mtime: 0 }], { file: 'processed.jsonl' })
  expect(await staging.pass()).toMatchObject({ ...NOTHING, made: 1, lines: 3 })
  expect(staging.sample('one_sample.csv').split('\n')).toHaveLength(5)
})

test('a manifest that became shorter is read anew; one that is gone is forgotten by nobody', async () => {
  staging.deliver('a.csv')
  staging.deliver('b.csv')
  await staging.pass()
  const manifest = staging.path('manifests/processed_2026-01-18.jsonl')
  truncateSync(manifest, 0)
  staging.deliver('c.csv')
  expect(await staging.pass()).toMatchObject({ ...NOTHING, made: 1, lines: 1 })
  rmSync(manifest)
  expect(await staging.pass()).toMatchObject({ ...NOTHING, manifests: 0 })
  expect(staging.samples()).toHaveLength(3)
})

test('names that begin with temp_ wait for their own', async () => {
  staging.deliver('temp_a.csv')
  expect(await staging.pass()).toMatchObject({ ...NOTHING, skipped: 1, lines: 1 })
  expect(await staging.pass()).toMatchObject(NOTHING)
  staging.deliver('a.csv')
  expect(await staging.pass()).toMatchObject({ ...NOTHING, made: 1, lines: 1 })
  expect(staging.samples()).toEqual(['a_sample.csv'])
})

test('a store that is away stops a pass and fails no file; a part that is gone is looked for again', async () => {
  staging.tell([{ raw: 'raw/a.csv', bronze: 'store:raw/sp/x/y/data/a.csv', mtime: 1 }])
  const reads: string[] = []
  let answer: () => Buffer = () => {
    throw new EngineError('STORE_UNUSABLE', { store: 's3://bucket', reason: 'it does not answer' })
  }
  const rootsOf: PassOptions['rootsOf'] = (place) => ({
    ...staging.options.rootsOf(place),
    inStore: async () => {
      const read = async (from: number, to: number) => {
        reads.push(`${from} ${to}`)
        return answer().subarray(from, to)
      }
      return { kind: 'ranges', file: { name: 'a.csv', sizeBytes: TABLE.length, read } }
    },
  })
  expect(await rejectedCode(staging.pass({ rootsOf }))).toBe('STORE_UNUSABLE')
  expect(await staging.told()).toEqual({ 'raw/a.csv': 'PENDING' })
  answer = () => {
    throw new EngineError('PART_MISSING', { path: 'raw/sp/x/y/data/a.csv' })
  }
  expect(await staging.pass({ rootsOf })).toMatchObject({ missing: 1, failed: 0 })
  answer = () => Buffer.from(TABLE)
  staging.nowMs += MINUTE_MS
  expect(await staging.pass({ rootsOf })).toMatchObject({ made: 1 })
  expect(staging.sample('a_sample.csv')).toMatch(/^ssn,amount\n/)
  expect(reads.length).toBeGreaterThan(2)
})
