import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectConservation } from './conservation.ts'
import { Bench, codes, column, parseSpec } from './parsing.ts'

let bench: Bench
beforeAll(async () => {
  bench = await Bench.open()
})
afterAll(() => bench.close())

const SPEC = parseSpec({ delimiter: ',', quoteChar: '"' }, { columns: [column('a'), column('b')] })
const seed = 20240229

test('quotes anywhere, closed or not, lose no record', async () => {
  const piece = fc.constantFrom(
    '"',
    '"',
    '""',
    ',',
    ',',
    '\n',
    '\n',
    '\r\n',
    '\r',
    'x',
    'é',
    'HD',
    '\u001b1',
  )
  expect.hasAssertions()
  await fc.assert(
    fc.asyncProperty(
      fc.array(piece, { maxLength: 60 }),
      fc.integer({ min: 1, max: 90 }),
      async (pieces, chunkBytes) => {
        const text = pieces.join('')
        expectConservation(text, await bench.parse(text, SPEC, { chunkBytes }))
      },
    ),
    { numRuns: 60, seed },
  )
})

test('whatever a field holds comes back as it was', async () => {
  const field = fc
    .array(
      fc.constantFrom('"', ',', '\n', '\r', '\r\n', '\u001b', '\u001b1', '~', '^', 'é', '0', ' '),
      { maxLength: 6 },
    )
    .map((pieces) => pieces.join(''))
  const record = fc.tuple(field, field, fc.boolean())
  await fc.assert(
    fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 30 }), async (records) => {
      const written = (text: string, always: boolean): string =>
        always || /^"|[,\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
      const text = records
        .map(([a, b, always]) => `${written(a, always)},${written(b, always)}\n`)
        .join('')
      const { rows, rejects } = await bench.parse(text, SPEC)
      expect(rejects).toEqual([])
      const value = (raw: string): string | null => (raw === '' ? null : raw)
      expect(rows.map((row) => [row['a'], row['b']])).toEqual(
        records.map(([a, b]) => [value(a), value(b)]),
      )
    }),
    { numRuns: 40, seed },
  )
})

test('a quote that never closes costs its own line and no other', async () => {
  const lines = Array.from({ length: 1000 }, (_, n) => (n === 500 ? `${n},"x` : `${n},x`))
  const { rows, rejects } = await bench.parse(lines.join('\n'), SPEC)
  expect(rows.length).toBe(999)
  expect(rejects).toMatchObject([
    { record: 501, line: 501, raw: '500,"x', reasons: [{ code: 'QUOTE' }] },
  ])
})

test('a quoted field may span 20 lines and 64 KiB, and no more', async () => {
  const spanning = (lines: number): string => `"${'x\n'.repeat(lines - 1)}",b\n`
  const wide = (bytes: number): string => `"${'x'.repeat(bytes)}",b\n`
  const text = [spanning(20), spanning(21), wide(65_536), wide(65_537)].join('')
  const { rows, rejects } = await bench.parse(text, SPEC)
  // what is left of the second is 19 lines of one field and its last line, a lone quote
  expect(rows.map((row) => row['line_number'])).toEqual([1, 23])
  expect(codes(rejects)).toEqual(['QUOTE', ...Array(19).fill('FIELD_COUNT'), 'QUOTE', 'QUOTE'])
  expect(rejects[0]).toMatchObject({ record: 2, line: 21, raw: '"x' })
})

test('text after a closing quote rejects the first line alone', async () => {
  const { rows, rejects } = await bench.parse('"a"b,c\n"d\ne"f,g\nh,"i"\n', SPEC)
  expect(rows.map((row) => [row['a'], row['b']])).toEqual([
    ['e"f', 'g'],
    ['h', 'i'],
  ])
  expect(rejects.map(({ record, raw }) => [record, raw])).toEqual([
    [1, '"a"b,c'],
    [2, '"d'],
  ])
})
