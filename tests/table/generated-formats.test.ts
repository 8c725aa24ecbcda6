/**
 * Layouts drawn by a seed, in every format, and files generated for them: each byte is in one record,
 * and what was planted is what is rejected. The seed is in the test's name; TEST_SEED sets it.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { generateFile } from '../../engine/index.ts'
import { formOf } from '../../engine/table/generate-form.ts'
import type { ColumnSpec, ParseSpec } from '../../engine/table/spec.ts'
import { seedOf, seeded } from '../faults/support/seed.ts'
import { expectConservation } from './conservation.ts'
import { Bench, column, parseSpec } from './parsing.ts'

let bench: Bench
beforeAll(async () => {
  bench = await Bench.open(2)
})
afterAll(() => bench.close())

type Draw = ReturnType<typeof seeded>
const FORMATS = ['delimited', 'fixed', 'jsonl'] as const
type Format = (typeof FORMATS)[number]

function drawColumn(draw: Draw, name: string): ColumnSpec {
  const one = <Value>(values: readonly Value[]): Value => values[draw(values.length)] as Value
  const required = draw(3) === 0
  const kinds: readonly (() => ColumnSpec)[] = [
    () => column(name, 'string', { required }),
    () => column(name, 'string', { required, maxLength: 12 + draw(20) }),
    () => column(name, 'string', { required, enum: ['A', 'BB', 'C c'] }),
    () => column(name, 'string', { required, pattern: one(['[0-9]{5}', '[A-Z][0-9]{2,4}']) }),
    () => column(name, 'integer', { required }),
    () => column(name, 'decimal', { required, precision: 4 + draw(15), scale: draw(4) }),
    () => column(name, 'boolean', { required }),
    () => column(name, 'date', { required, formats: [one(['%Y-%m-%d', '%Y%m%d', '%d.%m.%Y'])] }),
    () => column(name, 'datetime', { required }),
  ]
  return one(kinds)()
}

/** Bytes that every text of a type has room in; fewer for some, which then must be made to fit. */
const WIDTHS = { string: 14, integer: 2, decimal: 9, boolean: 1, date: 10, datetime: 20 } as const

function placed(draw: Draw, columns: readonly ColumnSpec[]): readonly ColumnSpec[] {
  let start = 1
  const own = columns.map((one) => {
    start += draw(3)
    const length = WIDTHS[one.type] + draw(4)
    const isImplied = one.type === 'decimal' && draw(2) === 0
    const at = { start, length }
    start += length
    return isImplied ? { ...one, at, implied: true as const } : { ...one, at }
  })
  // the order of columns is not that of their places
  return draw(2) === 0 ? own : own.toReversed()
}

function drawSpec(draw: Draw, format: Format): ParseSpec {
  const columns = Array.from({ length: 1 + draw(12) }, (_, at) => drawColumn(draw, `c${at}`))
  const dating = columns.find(({ type }) => type === 'date')
  const month = dating === undefined ? {} : { month: { column: dating.name } }
  const hasControl = draw(2) === 0
  const rows = { footnotes: ['Note: .*'], preamble: { records: draw(3) } }
  if (format === 'fixed') {
    const own = placed(draw, columns)
    const end = Math.max(...own.map(({ at }) => (at?.start ?? 1) + (at?.length ?? 0) - 1))
    const exact = draw(2) === 0 ? { exactBytes: end + draw(5) } : {}
    const control = [
      { role: 'header' as const, prefix: '#HD', fields: { '4-9': 'periodBegin' as const } },
      { role: 'trailer' as const, prefix: '#TR', fields: { '8-17': 'recordCount' as const } },
    ]
    return parseSpec(
      {},
      {
        format,
        columns: own,
        control: hasControl ? control : [],
        rows: { ...rows, ...exact },
        ...month,
      },
    )
  }
  if (format === 'jsonl') return parseSpec({}, { format, columns, control: [], ...month })
  const dialect = {
    delimiter: ['|', ',', '\t', '*'][draw(4)] ?? '|',
    quoteChar: draw(2) === 0 ? ('"' as const) : null,
    header: draw(2) === 0,
  }
  return parseSpec(dialect, { columns, rows, ...month, ...(hasControl ? {} : { control: [] }) })
}

const seed = seedOf()
const CASES = FORMATS.flatMap((format) => [1, 2, 3, 4].map((at) => [format, at] as const))

test.each(CASES)(
  `%s %i of seed ${seed}: bytes tile, and planted is rejected`,
  async (format, at) => {
    const draw = seeded(seed + at + FORMATS.indexOf(format) * 1000)
    const spec = drawSpec(draw, format)
    const blocks = [
      ...generateFile({
        spec,
        rows: 300 + draw(200),
        months: ['2024-01', '2024-02'],
        seed: String(draw(1_000_000)),
        defects: 0.2,
        control: { submitter: 'SYN', fileType: 'x', layoutVersion: 'v1', isTest: false },
      }),
    ]
    const bytes = Buffer.concat(blocks.map((block) => block.bytes))
    const planted = blocks.flatMap((block) => block.planted)
    const parsed = await bench.parse(bytes, spec, { chunkBytes: 16 * 1024 })
    expectConservation(bytes, parsed)
    const found = parsed.rejects.map(({ line, reasons }) => ({ line, reasons }))
    expect(found).toEqual(
      planted.map(({ line, kind, column: name }) => ({
        line,
        reasons: [{ code: kind, column: name }],
      })),
    )
    const counted = parsed.outcome.report?.files.flatMap((file) => file.reconciliation) ?? []
    expect(counted.filter(({ agrees }) => !agrees)).toEqual([])
  },
)

test('columns that lie over one another are told, and no file is made', () => {
  const at = (start: number) => ({ start, length: 5 })
  const columns = [column('a', 'string', { at: at(1) }), column('b', 'string', { at: at(5) })]
  expect(() => formOf(parseSpec({}, { format: 'fixed', columns }))).toThrow(/column b lies over/)
})
