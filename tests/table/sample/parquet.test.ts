/** Samples of Parquet files: rows of one row group, exactly; what is damaged is described. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sampleParquet } from '../../../engine/table/sample/sample-parquet.ts'
import { dataFolder } from '../../support/scenario.ts'
import { fileAt, fileOf, reasonOf, requestOf, sparseFile } from './packed-files.ts'
import { parquetBench } from './parquet-rows.ts'

let bench: Awaited<ReturnType<typeof parquetBench>>
beforeAll(async () => {
  bench = await parquetBench()
})
afterAll(() => bench[Symbol.asyncDispose]())

const ROWS = `SELECT i::BIGINT AS id, lpad(i::VARCHAR, 6, '0') AS code, (i / 7)::DECIMAL(12,2) AS paid,
  DATE '2020-01-01' + i::INTEGER AS day, if(i % 5 = 0, NULL, 'text ' || i) AS note,
  {'city': 'Town ' || i, 'zips': [i % 3, NULL]} AS address FROM range(5000) r(i)`
const IDS = 'SELECT id FROM sample'
const idsOf = async (bytes: Buffer): Promise<readonly number[]> =>
  (await bench.ask(bytes, IDS)).map(([id]) => Number(id))
const upTo = (from: number, to: number): readonly number[] =>
  Array.from({ length: to - from }, (_, at) => from + at)

test('the sample is the first rows of the first row group, with their types', async () => {
  const file = await bench.file(ROWS, ', ROW_GROUP_SIZE 2048')
  const sample = await sampleParquet(requestOf(file))
  const types = 'SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM sample)'
  const whole = await file.read(0, file.sizeBytes)
  expect(await bench.ask(sample.bytes, types)).toEqual(await bench.ask(whole, types))
  const all = 'SELECT * FROM sample LIMIT 100'
  expect(await bench.ask(sample.bytes, all)).toEqual(await bench.ask(whole, all))
  expect([sample.extension, sample.records, sample.isWhole]).toEqual(['.parquet', 100, false])
})

test('its columns are told by path, each value of a list on its own', async () => {
  const { columns } = await sampleParquet(requestOf(await bench.file(ROWS), { records: 2 }))
  expect(columns).toEqual([
    { name: 'id', type: 'number', texts: ['0', '1'] },
    { name: 'code', type: 'text', texts: ['000000', '000001'] },
    { name: 'paid', type: 'number', texts: ['0.00', '0.14'] },
    { name: 'day', type: 'date', texts: ['2020-01-01', '2020-01-02'] },
    { name: 'note', type: 'text', texts: [null, 'text 1'] },
    { name: 'address.city', type: 'text', texts: ['Town 0', 'Town 1'] },
    { name: 'address.zips', type: 'number', texts: ['0', null, '1', null] },
  ])
})

test('the same file and seed give the same bytes, another seed other rows', async () => {
  const file = await bench.file(ROWS)
  for (const strategy of ['head', 'tail', 'reservoir', 'rejects'] as const) {
    const first = await sampleParquet(requestOf(file, { strategy }))
    const again = await sampleParquet(requestOf(file, { strategy }))
    expect([strategy, again.bytes.equals(first.bytes)]).toEqual([strategy, true])
  }
  const drawn: (readonly number[])[] = []
  for (const seed of ['a', 'b']) {
    const { bytes } = await sampleParquet(requestOf(file, { strategy: 'reservoir', seed }))
    drawn.push(await idsOf(bytes))
  }
  expect(drawn[0]).not.toEqual(drawn[1])
  expect(drawn.map((ids) => [ids.length, ids.every((id, at) => id > (ids[at - 1] ?? -1))])).toEqual(
    [
      [100, true],
      [100, true],
    ],
  )
})

test('tail is the last rows of the last row group, rejects are those that are refused', async () => {
  const file = await bench.file(ROWS, ', ROW_GROUP_SIZE 2048')
  const tail = await sampleParquet(requestOf(file, { strategy: 'tail' }))
  expect(await idsOf(tail.bytes)).toEqual(upTo(4900, 5000))
  const isReject = ([id]: readonly string[]): boolean => Number(id) % 800 === 7
  const rejects = await sampleParquet(requestOf(file, { strategy: 'rejects', isReject }))
  expect(await idsOf(rejects.bytes)).toEqual([7, 807, 1607])
  expect([rejects.records, rejects.isCut]).toEqual([3, true])
  const none = await sampleParquet(requestOf(file, { strategy: 'rejects' }))
  expect(await idsOf(none.bytes)).toEqual([])
})

test('a file without rows has a sample without rows, a small one is in it whole', async () => {
  const empty = await sampleParquet(requestOf(await bench.file(`${ROWS} LIMIT 0`)))
  expect([await idsOf(empty.bytes), empty.records, empty.isWhole]).toEqual([[], 0, true])
  const small = await sampleParquet(requestOf(await bench.file(`${ROWS} LIMIT 3`)))
  expect([await idsOf(small.bytes), small.isWhole]).toEqual([[0, 1, 2], true])
})

test('a file of 1 TB with its footer at the end costs less than a megabyte', async () => {
  const small = await bench.file(ROWS, ', ROW_GROUP_SIZE 2048')
  const bytes = await small.read(0, small.sizeBytes)
  const footerBytes = bytes.readUInt32LE(bytes.length - 8) + 8
  const size = 2 ** 40
  const { file, readBytes } = sparseFile(size, [
    [0, bytes.subarray(0, -footerBytes)],
    [size - footerBytes, bytes.subarray(-footerBytes)],
  ])
  const sample = await sampleParquet(requestOf(file))
  expect(await idsOf(sample.bytes)).toEqual(upTo(0, 100))
  expect([readBytes() < 1e6, sample.readBytes]).toEqual([true, readBytes()])
})

test('a byte that was changed gives a sample or a description, and no error', async () => {
  const file = await bench.file(`${ROWS} LIMIT 50`)
  const bytes = await file.read(0, file.sizeBytes)
  const formats = new Set<string>()
  for (let at = 0; at < bytes.length; at += 29) {
    const changed = Buffer.from(bytes)
    changed[at] = (changed[at] ?? 0) ^ 0x55
    formats.add((await sampleParquet(requestOf(fileOf(changed)))).format)
    formats.add((await sampleParquet(requestOf(fileOf(bytes.subarray(0, at))))).format)
  }
  expect([...formats].toSorted()).toEqual(['described', 'parquet'])
})

test('the last rows of a row group over the limit of bytes are described by its size', async () => {
  const file = await bench.file('SELECT hash(i) AS h FROM range(100000) r(i)')
  const sample = await sampleParquet(requestOf(file, { readBytesMax: 100_000, strategy: 'tail' }))
  expect([reasonOf(sample), sample.readBytes < 100_000]).toEqual(['over-limit', true])
})

const DESCRIBED = {
  'datapage_v1-corrupt-checksum.parquet': 'corrupt',
  'dict-page-offset-zero.parquet': 'corrupt', // a list of the footer has another type
  'large_string_map.brotli.parquet': 'too-large', // a page of over 2 GB
  'nation.dict-malformed.parquet': 'corrupt', // a page reaches beyond its column
  'rle-dict-uncompressed-corrupt-checksum.parquet': 'corrupt',
}

test('of other people’s files the first rows are those that DuckDB reads', async (context) => {
  const suite = dataFolder('suites/parquet-testing/data')
  if (suite === undefined) return context.skip()
  const described: Record<string, string> = {}
  const unread: string[] = []
  const differing: string[] = []
  for (const name of readdirSync(suite).filter((one) => /[.]parquet([.]encrypted)?$/.test(one))) {
    const sample = await sampleParquet(requestOf(fileAt(join(suite, name)), { records: 50 }))
    const reason = reasonOf(sample)
    if (reason !== undefined) {
      if (reason !== 'encrypted') described[name] = reason
      continue
    }
    const wanted = await bench.rows(join(suite, name), sample.records)
    const found = await bench.ask(sample.bytes, 'SELECT to_json(t)::VARCHAR FROM sample t')
    if (wanted === null) unread.push(name)
    else if (JSON.stringify(found) !== JSON.stringify(wanted)) differing.push(name)
  }
  expect(described).toEqual(DESCRIBED)
  expect({ unread, differing }).toEqual({
    unread: [
      'byte_stream_split_extended.gzip.parquet',
      'hadoop_lz4_compressed.parquet',
      'hadoop_lz4_compressed_larger.parquet',
      'map_no_value.parquet',
      'non_hadoop_lz4_compressed.parquet',
    ],
    differing: [
      'int96_from_spark.parquet', // the year 290000, which DuckDB takes for one before Christ
      'nested_structs.rust.parquet', // timestamps of UTC, which DuckDB takes for local ones
    ],
  })
})
