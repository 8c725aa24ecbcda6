/** Samples of Parquet files whose first row group is larger than what may be read. */
import {
  Compression,
  readParquet,
  WriterPropertiesBuilder,
  WriterVersion,
  writeParquet,
} from 'parquet-wasm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RangedFile, Sample, SampleRequest } from '../../../engine/table/sample/contract.ts'
import { sampleParquet } from '../../../engine/table/sample/sample-parquet.ts'
import { fileOf, reasonOf, requestOf, sparseFile } from './packed-files.ts'
import { groupsRepeated, stretchedParquet } from './stretched-parquet.ts'
import { parquetBench } from './parquet-rows.ts'

let bench: Awaited<ReturnType<typeof parquetBench>>
beforeAll(async () => {
  bench = await parquetBench()
})
afterAll(() => bench[Symbol.asyncDispose]())

const rowsOf = (count: number): string => `SELECT i AS id, lpad(i::VARCHAR, 9, '0') AS code,
  (hash(i) % 100000000 / 100)::DECIMAL(12,2) AS paid, (i / 7)::DECIMAL(30,4) AS big,
  DATE '2020-01-01' + (i % 3000)::INTEGER AS day, if(i % 5 = 0, NULL, 'text ' || hash(i)) AS note,
  'kind ' || i % 11 AS kind, NULL::INTEGER AS nothing, hash(i) % 2 = 0 AS yes,
  if(hash(i) % 3 = 0, NULL, [i, NULL, hash(i) % 100]) AS list,
  {'a': i, 'b': ['x' || hash(i), 'y']} AS parts, TIMESTAMP '2020-01-01' + to_seconds(i) AS at
  FROM range(${count}) r(i)`
const LIMIT_BYTES = 1_000_000

interface Taken {
  readonly sample: Sample
  readonly readBytes: number
}

async function taken(bytes: Buffer, how: Partial<SampleRequest> = {}): Promise<Taken> {
  const { file, readBytes } = sparseFile(bytes.length, [[0, bytes]])
  const sample = await sampleParquet(requestOf(file, how))
  expect(sample.readBytes).toBe(readBytes())
  return { sample, readBytes: readBytes() }
}

const wholeOf = (file: RangedFile): Promise<Buffer> => file.read(0, file.sizeBytes)

/** The rows of a sample are the first of the file. */
async function expectFirst(bytes: Buffer, { sample, readBytes }: Taken): Promise<void> {
  expect(reasonOf(sample)).toBe(undefined)
  const all = `SELECT * FROM sample LIMIT ${sample.records}`
  const types = 'DESCRIBE SELECT * FROM sample'
  expect(await bench.ask(sample.bytes, all)).toEqual(await bench.ask(bytes, all))
  expect(await bench.ask(sample.bytes, types)).toEqual(await bench.ask(bytes, types))
  expect(readBytes).toBeLessThanOrEqual(LIMIT_BYTES)
}

test.for(['uncompressed', 'snappy', 'gzip', 'zstd', 'lz4_raw'])(
  'of a row group whose columns are a page each, %s, the first rows are read',
  async (codec) => {
    const file = await bench.file(rowsOf(30_000), `, COMPRESSION ${codec}`)
    const bytes = await wholeOf(file)
    const found = await taken(bytes)
    await expectFirst(bytes, found)
    expect([found.sample.records, found.sample.isCut, found.sample.isWhole]).toEqual([
      100,
      false,
      false,
    ])
  },
)

test.for([
  ['V1', true, 'SNAPPY'],
  ['V1', false, 'BROTLI'],
  ['V2', true, 'ZSTD'],
] as const)(
  'pages of version %s, with dictionaries: %s, are read as far as needed',
  async ([version, has, codec]) => {
    const file = await bench.file(rowsOf(16_000), ', COMPRESSION uncompressed')
    const properties = new WriterPropertiesBuilder()
      .setWriterVersion(WriterVersion[version])
      .setDictionaryEnabled(has)
      .setDataPageSizeLimit(100_000)
      .setCompression(Compression[codec])
      .build()
    const bytes = Buffer.from(writeParquet(readParquet(await wholeOf(file)), properties))
    for (const records of [1, 2000]) {
      const found = await taken(bytes, { records })
      await expectFirst(bytes, found)
      expect([records, found.sample.records > records * 0.9]).toEqual([records, true])
    }
  },
)

test('of 500 columns all have the rows that the limit holds', async () => {
  const columns = Array.from({ length: 500 }, (_, at) => `hash(i + ${at}) AS c${at}`)
  const file = await bench.file(`SELECT ${columns.join(', ')} FROM range(512) r(i)`)
  const bytes = await wholeOf(file)
  const found = await taken(bytes)
  await expectFirst(bytes, found)
  expect([found.sample.records, found.sample.isCut]).toEqual([100, false])
  const few = await taken(bytes, { readBytesMax: 450_000 })
  expect([few.sample.records > 0, few.sample.records < 100, few.sample.isCut]).toEqual([
    true,
    true,
    true,
  ])
})

test('rows are drawn from those that the limit holds', async () => {
  const file = await bench.file(rowsOf(60_000), ', COMPRESSION snappy')
  const { sample, readBytes } = await taken(await wholeOf(file), { strategy: 'reservoir' })
  const ids = (await bench.ask(sample.bytes, 'SELECT id FROM sample')).map(([id]) => Number(id))
  expect([ids.length, new Set(ids).size, sample.isCut]).toEqual([100, 100, true])
  expect([Math.max(...ids) > 1000, readBytes <= LIMIT_BYTES]).toEqual([true, true])
})

test('a file of 1 TB with a row group of 400 MB costs less than a tenth of the limit', async () => {
  const fileBytes = 2 ** 40
  const parts = stretchedParquet({ fileBytes, columnBytes: 200e6, filled: 100 })
  const { file, readBytes } = sparseFile(fileBytes, parts)
  const sample = await sampleParquet(requestOf(file))
  const sums = 'SELECT count(*), sum(a), sum(b), max(a) FROM sample'
  expect(await bench.ask(sample.bytes, sums)).toEqual([['100', '4950', '4950', '99']])
  expect(readBytes()).toBeLessThan(100_000)
})

test('of a footer that is larger than the limit the start is read, for all but the last rows', async () => {
  const file = await bench.file(rowsOf(5000), ', ROW_GROUP_SIZE 2048')
  const whole = await wholeOf(file)
  const bytes = groupsRepeated(whole, 3000)
  expect(bytes.length - whole.length).toBeGreaterThan(5 * LIMIT_BYTES)
  const found = await taken(bytes)
  await expectFirst(whole, found)
  expect([found.sample.records, found.sample.isWhole]).toEqual([100, false])
  const { sample } = await taken(bytes, { strategy: 'reservoir' })
  expect([sample.records, sample.isCut]).toEqual([100, true])
  expect(reasonOf((await taken(bytes, { strategy: 'tail' })).sample)).toBe('too-large')
})

test('a byte that was changed in it gives a sample or a description, and no error', async () => {
  const file = await bench.file(rowsOf(5000), ', COMPRESSION snappy')
  const bytes = await wholeOf(file)
  const formats = new Set<string>()
  for (let at = 3; at < bytes.length; at += Math.floor(bytes.length / 60)) {
    const changed = Buffer.from(bytes)
    changed[at] = (changed[at] ?? 0) ^ 0x55
    formats.add((await sampleParquet(requestOf(fileOf(changed), { readBytesMax: 150_000 }))).format)
  }
  expect([...formats].toSorted()).toEqual(['described', 'parquet'])
})
