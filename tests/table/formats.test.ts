/** Fixed width, encodings, and records that are no data: what becomes of each byte. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ParseSpec } from '../../engine/table/spec.ts'
import { CASES, TWO, utf16 } from './format-cases.ts'
import { Bench, codes, parseSpec } from './parsing.ts'

let bench: Bench
beforeAll(async () => {
  bench = await Bench.open()
})
afterAll(() => bench.close())

describe('a file with', () => {
  test.for(Object.entries(CASES))('%s', async ([, { text, spec, ...wanted }]) => {
    const found = await bench.parse(text, spec)
    const rows = found.rows.map((row) => [
      row['line_number'],
      spec.columns.map(({ name }) => (row[name] == null ? null : String(row[name]))),
    ])
    const numbers = found.rejects.map(({ record }) => record)
    const file = found.outcome.report?.files[0]
    const kinds = Object.entries(file?.totals ?? {}).filter(([, total]) => total.records > 0)
    const others = kinds.filter(([kind]) => kind !== 'accepted' && kind !== 'rejected')
    expect({
      rows: Object.fromEntries(rows),
      rejects: Object.fromEntries(codes(found.rejects).map((code, at) => [numbers[at], code])),
      others: Object.fromEntries(others.map(([kind, total]) => [kind, total.records])),
    }).toEqual({ rows: {}, rejects: {}, others: {}, ...wanted })
    expect(kinds.reduce((sum, [, total]) => sum + total.bytes, 0)).toBe(Buffer.from(text).length)
    expect(kinds.reduce((sum, [, total]) => sum + total.records, 0)).toBe(file?.records)
  })
})

describe('a file fails with a reason and no value', () => {
  test.for<[string, string | Buffer, ParseSpec, string, string]>([
    [
      'UTF-16 without a byte order mark',
      Buffer.from('1|a\n', 'utf16le'),
      parseSpec({}, { encoding: 'utf-16' }),
      'ENCODING_UNSUPPORTED',
      'its layout says UTF-16, and it has no byte order mark',
    ],
    [
      'UTF-16 where the layout says windows-1252',
      utf16('1|a\n'),
      parseSpec({}, { encoding: 'windows-1252' }),
      'ENCODING_UNSUPPORTED',
      'it is UTF-16, not windows-1252',
    ],
    [
      'a preamble without an end',
      'a\nb\n',
      parseSpec({}, { rows: { preamble: { until: 'x' } } }),
      'PREAMBLE_ENDLESS',
      'no record ends its preamble',
    ],
    [
      'a preamble beyond 1,000 records',
      'a\n'.repeat(1001),
      parseSpec({}, { rows: { preamble: { until: 'x' } } }),
      'PREAMBLE_ENDLESS',
      'no end in its first 1000 records',
    ],
    [
      'codes of another number of columns',
      'MC001|MC002\n1|a||\n',
      parseSpec({}, { rows: { columnCodes: true } }),
      'HEADER_UNREADABLE',
      'line 1: 2 column codes for 4 columns',
    ],
    [
      'a name more often than the layout has it',
      'id|name|name\n',
      parseSpec({ header: true }),
      'HEADER_COLUMN_TWICE',
      'line 1: twice in the header: name',
    ],
  ])('%s', async ([, text, spec, code, detail]) => {
    const { outcome } = await bench.parse(text, spec)
    expect(outcome).toMatchObject({ kind: 'failed', code, detail, file: 'a' })
  })
})

test('a reject keeps its place in the file as it lies there, and its text decoded', async () => {
  const spec = parseSpec({}, { columns: TWO, encoding: 'utf-16' })
  const { rejects } = await bench.parse(utf16('1|é\nx|漢\n'), spec)
  expect(rejects).toMatchObject([{ record: 2, line: 2, byteStart: 10, byteEnd: 18, raw: 'x|漢' }])
})
