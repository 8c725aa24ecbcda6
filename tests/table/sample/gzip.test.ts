/** Samples of gzip files: packed again, of the beginning alone. */
import { truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { tarOf } from '../../support/zip.ts'
import { scratchFolder } from '../parsing.ts'
import { READ_BYTES_MAX, sampleBytes, samplePath } from './sampling.ts'

const seed = 20240229
const reasonOf = ({ bytes }: { readonly bytes: Buffer }): unknown =>
  (JSON.parse(bytes.toString()) as { reason?: unknown }).reason
const rows = (count: number): string =>
  Array.from({ length: count }, (_, n) => `${n},${(n * 7919) % 1009},"a\nb"\n`).join('')

test('the content is that of the file, however its members are cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: 1, maxLength: 4 }),
      fc.constantFrom(0, 1, 9),
      async (counts, level) => {
        const texts = counts.map(rows)
        const packed = Buffer.concat(texts.map((text) => gzipSync(text, { level })))
        const sample = await sampleBytes('x.csv.gz', packed, { records: 10_000, strategy: 'tail' })
        const records = Math.max(0, texts.join('').split('b"\n').length - 2)
        expect(sample.records).toBe(Math.min(10_000, records))
        expect(sample.extension).toBe('.csv.gz')
        if (records <= 10_000) expect(gunzipSync(sample.bytes).toString()).toBe(texts.join(''))
      },
    ),
    { numRuns: 25, seed },
  )
})

test('the same records give the same bytes, with no time in them', async () => {
  const sample = await sampleBytes('x.csv.gz', gzipSync(rows(500)), { records: 3 })
  expect(gunzipSync(sample.bytes).toString()).toBe(rows(4))
  expect([...sample.bytes.subarray(0, 10)]).toEqual([31, 139, 8, 0, 0, 0, 0, 0, 0, 255])
})

test('JSON inside is read as JSON, by the name inside or by its first character', async () => {
  const packed = gzipSync('[{"a":1},{"a":2}]')
  for (const name of ['x.json.gz', 'x.gz', 'x']) {
    const sample = await sampleBytes(name, packed, { records: 1 })
    expect([sample.format, gunzipSync(sample.bytes).toString()]).toEqual([
      'json',
      '[\n{"a":1}\n]\n',
    ])
  }
})

test('of a tar archive inside a list is made', async () => {
  const sample = await sampleBytes('x.tar.gz', gzipSync(tarOf({ 'a.csv': '1|a\n' })))
  expect([sample.format, sample.extension]).toEqual(['tar', '.txt'])
  expect(sample.bytes.toString()).toContain('a.csv\t4\t')
})

test('a file of 1 TB costs at most the limit', async () => {
  await using folder = await scratchFolder()
  const path = join(folder.path, 'x.csv.gz')
  await writeFile(path, gzipSync(rows(400_000)))
  await truncate(path, 1024 ** 4)
  const head = await samplePath(path)
  expect(head.counted).toBe(65_536)
  expect(gunzipSync(head.bytes).toString()).toBe(rows(101))
  const tail = await samplePath(path, { strategy: 'tail' })
  expect(tail.counted).toBeLessThanOrEqual(READ_BYTES_MAX)
  expect([tail.records, tail.isCut]).toEqual([100, true])
})

test('what lies before damage is shown to its last record', async () => {
  const packed = gzipSync(rows(3000))
  for (const share of [0.3, 0.6, 0.9]) {
    const at = Math.floor(packed.length * share)
    const cut = packed.subarray(0, at)
    const wrong = Buffer.from(packed).fill(0xff, at, at + 40)
    for (const bytes of [cut, wrong]) {
      const sample = await sampleBytes('x.csv.gz', bytes, { records: 3000 })
      const shown = gunzipSync(sample.bytes).toString()
      expect(rows(3000).startsWith(shown)).toBe(true)
      expect(sample.records).toBeGreaterThan(3000 * (share - 0.15))
      expect(sample.isCut).toBe(true)
    }
  }
})

test('a checksum that is wrong takes no record away', async () => {
  const packed = gzipSync(rows(50))
  packed.writeUInt32LE(1, packed.length - 8)
  const sample = await sampleBytes('x.csv.gz', packed)
  expect(gunzipSync(sample.bytes).toString()).toBe(rows(50))
})

test('zeros behind the content are no part of it', async () => {
  const sample = await sampleBytes('x.csv.gz', Buffer.concat([gzipSync(rows(5)), Buffer.alloc(99)]))
  expect([sample.records, sample.isWhole]).toEqual([4, true])
})

test('a bomb is unpacked to its limit', async () => {
  const sample = await sampleBytes('x.csv.gz', gzipSync(Buffer.alloc(200_000_000, 'x')))
  expect([sample.records, sample.isCut, sample.format]).toEqual([0, true, 'text'])
})

test.for([
  ['gzip in gzip', gzipSync(gzipSync('a')), 'gzip-nested'],
  ['Parquet in gzip', gzipSync('PAR1\x15'), 'gzip-of-parquet'],
  ['a picture in gzip', gzipSync(Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\0\0\0', 'latin1')), 'binary'],
  [
    'gzip that is none behind its first bytes',
    Buffer.from('\x1f\x8bno gzip', 'latin1'),
    'gzip-damaged',
  ],
  ['gzip cut before a record', gzipSync(rows(5)).subarray(0, 12), 'gzip-damaged'],
] as const)('%s: only described', async ([, bytes, reason]) => {
  const sample = await sampleBytes('x.csv.gz', bytes)
  expect([sample.format, reasonOf(sample)]).toEqual(['described', reason])
})
