/** Parquet files as delivered files: every column as text, then read like any other. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { totals } from '../layouts/real-files.ts'
import { zipOf } from '../support/zip.ts'
import { Bench, column, parseSpec, scratchFolder } from './parsing.ts'

let bench: Bench
beforeAll(async () => {
  bench = await Bench.open()
})
afterAll(() => bench.close())

const spec = (names: readonly string[]) =>
  parseSpec(
    { delimiter: ',', quoteChar: '"', header: true },
    {
      format: 'parquet',
      control: [],
      columns: names.map((header, at) => column(`c${at}`, 'string', { header })),
    },
  )

/** A Parquet file of a select. */
async function written(select: string, options = 'FORMAT parquet'): Promise<Buffer> {
  await using folder = await scratchFolder()
  const path = join(folder.path, 'a.parquet')
  const statements = [`COPY (${select}) TO '${path}' (${options})`]
  await bench.duck.run({ statements, folders: [folder.path] })
  // Read before the folder goes.
  const bytes = await readFile(path)
  return bytes
}

async function values(bytes: Buffer, names: readonly string[]) {
  const { outcome, rows } = await bench.parse(bytes, spec(names))
  return { outcome, rows: rows.map((row) => names.map((_, at) => row[`c${at}`])) }
}

test('each type has one text', async () => {
  const types: readonly (readonly [sql: string, text: string | null])[] = [
    ["'0012'", '0012'],
    ["''", null],
    ['NULL::VARCHAR', null],
    ['\'a, "b"\nc\'', 'a, "b"\nc'],
    ['9223372036854775807::BIGINT', '9223372036854775807'],
    ['12.50::DECIMAL(9,2)', '12.50'],
    ['10::DOUBLE', '10'],
    ['0.1::DOUBLE', '0.1'],
    ['0.1::FLOAT', '0.1'],
    ["'nan'::DOUBLE", 'nan'],
    ['true', 'true'],
    ["DATE '2024-03-05'", '2024-03-05'],
    ["TIMESTAMP '2024-03-05 01:02:03.5'", '2024-03-05T01:02:03.5'],
    ["TIMESTAMPTZ '2024-03-05 01:02:03+01'", '2024-03-05T00:02:03Z'],
    ["TIME '01:02:03'", '01:02:03'],
    ["encode('Zoë')", 'Zoë'],
    ["'\\xFF\\x01'::BLOB", 'ff01'],
    ['[1, 2]', '[1,2]'],
    ["{'a': 'x', 'b': NULL}", '{"a":"x","b":null}'],
  ]
  const names = types.map((_, at) => `Column ${at}; "x"`)
  const select = types.map(([sql], at) => `${sql} AS "Column ${at}; ""x"""`)
  const { outcome, rows } = await values(await written(`SELECT ${select.join(', ')}`), names)
  expect(outcome.kind).toBe('parsed')
  expect(rows).toEqual([types.map(([, text]) => text)])
})

test('rows keep their order; those of one empty column, or equal to its name, are rows', async () => {
  const select = `SELECT unnest(['id', NULL, '', 'id', '2']) AS id`
  const { outcome, rows } = await values(await written(select), ['id'])
  expect(rows.flat()).toEqual(['id', null, null, 'id', '2'])
  expect(totals({ outcome })).toEqual({ accepted: 5, header: 1 })
})

test('a Parquet file in a ZIP archive is a logical file like any other', async () => {
  const bytes = await written("SELECT 'x' AS id FROM range(3)")
  const { outcome, rows } = await values(zipOf({ 'a.parquet': bytes }), ['id'])
  expect(rows).toHaveLength(3)
  expect(outcome.report?.files[0]).toMatchObject({ member: 'a.parquet', sizeBytes: bytes.length })
})

test.for<readonly [what: string, change: (bytes: Buffer) => Buffer, code: string]>([
  ['a file cut off', (bytes) => bytes.subarray(0, -20), 'TABLE_CORRUPT'],
  [
    'a file without its start',
    (bytes) => Buffer.concat([Buffer.from('PAR1\x15'), bytes.subarray(60)]),
    'TABLE_CORRUPT',
  ],
  ['text', () => Buffer.from('id\n1\n'), 'FORMAT_DIFFERS'],
])('%s is refused', async ([, change, code]) => {
  const bytes = change(await written('SELECT range AS id FROM range(1000)'))
  expect((await values(bytes, ['id'])).outcome).toMatchObject({ kind: 'failed', code })
})

test('a layout that asks for another column says so', async () => {
  const bytes = await written('SELECT 1 AS id, 2 AS more')
  expect((await values(bytes, ['id'])).outcome).toMatchObject({ code: 'HEADER_COLUMN_UNKNOWN' })
})

test('any byte of the footer changed never gives other rows silently', async () => {
  const bytes = await written("SELECT range AS id, 'x' AS name FROM range(10)")
  const length = bytes.readUInt32LE(bytes.length - 8)
  const start = bytes.length - 8 - length
  for (let at = start; at < bytes.length; at += Math.ceil(length / 12)) {
    const changed = Buffer.from(bytes)
    changed[at] = (changed[at] ?? 0) ^ 0x55
    const { outcome, rows } = await values(changed, ['id', 'name'])
    if (outcome.kind === 'parsed') expect(rows).toHaveLength(10)
  }
})
