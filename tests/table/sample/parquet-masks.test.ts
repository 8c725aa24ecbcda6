/** Masks in samples of Parquet files: types stay, and no value that is masked does. */
import {
  Float16,
  tableFromIPC,
  tableToIPC,
  Table as ArrowTable,
  vectorFromArray,
} from 'apache-arrow'
import { readParquet, Table, writeParquet } from 'parquet-wasm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { columnMask } from '../../../engine/table/sample/mask.ts'
import type { MaskColumns } from '../../../engine/table/sample/contract.ts'
import { sampleParquet } from '../../../engine/table/sample/sample-parquet.ts'
import { fileOf, requestOf } from './packed-files.ts'
import { parquetBench } from './parquet-rows.ts'

let bench: Awaited<ReturnType<typeof parquetBench>>
beforeAll(async () => {
  bench = await parquetBench()
})
afterAll(() => bench[Symbol.asyncDispose]())

const digits = (text: string): string => text.replaceAll(/[1-9]/g, '8')
const ofYear = (text: string): string => text.replace(/^\d{4}/, '1999')
const letters = (text: string): string => digits(text).replaceAll(/[a-z]/g, 'q')

/** Every value, by its type. */
const EVERY: MaskColumns = (columns) =>
  columns.map(({ type }) => {
    if (type === 'date' || type === 'timestamp') return ofYear
    return type === 'text' || type === 'bytes' ? letters : digits
  })

async function masked(sql: string, mask: MaskColumns = EVERY): Promise<readonly unknown[]> {
  const file = await bench.file(sql)
  const { bytes } = await sampleParquet(requestOf(file, { mask, records: 5 }))
  const whole = await file.read(0, file.sizeBytes)
  const types = 'SELECT column_type FROM (DESCRIBE SELECT * FROM sample)'
  expect(await bench.ask(bytes, types)).toEqual(await bench.ask(whole, types))
  const rows = await bench.ask(bytes, 'SELECT to_json(t)::VARCHAR FROM sample t')
  return rows.map(([row]) => JSON.parse(String(row)) as unknown)
}

test.for([
  ["'member 007'", 'qqqqqq 008'],
  ['12345::INTEGER', 88_888],
  ['-77::TINYINT', -88],
  ['1234567890123::BIGINT', 8_888_888_880_888],
  ['1234.50::DECIMAL(12,2)', 8888.8],
  ['1.5::DOUBLE', 8.8],
  ['1.5::FLOAT', Math.fround(8.8)],
  ["DATE '2020-02-03'", '1999-02-03'],
  ["TIMESTAMP '2020-02-03 04:05:06.789'", '1999-02-03 04:05:06.789'],
  ["TIMESTAMPTZ '2020-02-03 04:05:06+00'", '1999-02-03 04:05:06+00'],
  ["TIME '11:22:33'", '16:28:28'],
  ["'secret'::BLOB", 'qqqqqq'],
  ["['anna', NULL, 'bob']", ['qqqq', null, 'qqq']],
  ["{'city': 'york', 'born': DATE '1950-06-07'}", { city: 'qqqq', born: '1999-06-07' }],
  ["MAP {'anna': 'york'}", { qqqq: 'qqqq' }],
  ["[{'codes': ['a1', 'b2']}]", [{ codes: ['q8', 'q8'] }]],
  ['NULL::INTEGER', null],
] as const)('of %s the type is kept, the value is not', async ([sql, shown]) => {
  expect(await masked(`SELECT ${sql} AS v`)).toEqual([{ v: shown }])
})

test('a column whose mask is null stays as it is', async () => {
  const mask: MaskColumns = (columns) => columns.map(({ name }) => (name === 'a' ? null : letters))
  expect(await masked("SELECT 'x1' AS a, 'y2' AS b", mask)).toEqual([{ a: 'x1', b: 'q8' }])
})

test('a text that is no value of the type leaves none', async () => {
  const words: MaskColumns = (columns) => columns.map(() => () => 'ID-TOKEN')
  const sql = "SELECT 5 AS n, 1.25::DECIMAL(4,2) AS d, DATE '2020-01-01' AS at, true AS yes"
  expect(await masked(sql, words)).toEqual([{ n: null, d: null, at: null, yes: null }])
})

test('no byte of a masked sample is of what was there, in dictionaries and statistics too', async () => {
  const file = await bench.file(
    "SELECT 'Sensitive' || i % 3 AS a, ['Sensitive' || i] AS b FROM range(300) r(i)",
  )
  const mask: MaskColumns = (columns) => columns.map(() => () => 'hidden')
  for (const strategy of ['head', 'tail', 'reservoir'] as const) {
    const { bytes, columns } = await sampleParquet(requestOf(file, { mask, strategy }))
    expect(columns[0]?.texts[0]).toMatch(/^Sensitive/) // the profile is made of what was there
    const all = await bench.ask(bytes, 'SELECT DISTINCT a, b[1] FROM sample')
    expect([all, bytes.includes('ensitive')]).toEqual([[['hidden', 'hidden']], false])
  }
})

/** As the sampler masks, dates moved and all else tokens. */
const KEYED: MaskColumns = (columns) =>
  columns.map((column) =>
    columnMask({ kind: 'token', key: Buffer.alloc(32, 7), submitter: 's', scope: 'c', column }),
  )

test('floats of two bytes stay numbers of their size, and no value is its own mask', async () => {
  const values = Array.from({ length: 2000 }, (_, at) => (at % 2 === 0 ? 0.37 : 65_504) - at * 7e-4)
  const table = new ArrowTable({ h: vectorFromArray(values, new Float16()) })
  const bytes = writeParquet(Table.fromIPCStream(tableToIPC(table, 'stream')))
  const sample = await sampleParquet(
    requestOf(fileOf(Buffer.from(bytes)), { mask: KEYED, records: 2000 }),
  )
  const taken = tableFromIPC(readParquet(sample.bytes).intoIPCStream()).getChild('h')
  const before = table.getChild('h')
  const shown = values.map((_, at) => Number(taken?.get(at)))
  expect(shown.filter((value, at) => value === before?.get(at))).toEqual([])
  expect(shown.every((value) => Math.abs(value) <= 65_504)).toBe(true)
  expect(shown.filter((value) => value === 0).length).toBeLessThan(20)
})

test('bytes of signs alone, and days at the ends of all years, do not stay', async () => {
  const sql = "SELECT ')('::BLOB AS b, DATE '9999-12-31' AS e, TIMESTAMP '0001-01-01 00:00:00' AS s"
  const file = await bench.file(sql)
  const { bytes } = await sampleParquet(requestOf(file, { mask: KEYED }))
  const [row] = await bench.ask(bytes, "SELECT b = ')('::BLOB, e::VARCHAR, s::VARCHAR FROM sample")
  expect(row).toEqual([
    false,
    expect.stringMatching(/^999[89]-/),
    expect.stringMatching(/^000[12]-/),
  ])
  expect(row).not.toContain('9999-12-31')
})
