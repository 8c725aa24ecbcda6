import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readFooter } from '../../engine/table/footer.ts'
import type { ParseSpec } from '../../engine/table/spec.ts'
import { Bench, codes, column, parseSpec, scratchFolder } from './parsing.ts'

let bench: Bench
beforeAll(async () => {
  bench = await Bench.open()
})
afterAll(() => bench.close())

const CLAIMS = parseSpec(
  { delimiter: '*', quoteChar: '"', header: true },
  {
    columns: [
      column('claim', 'string', { required: true }),
      column('text'),
      column('paid', 'decimal'),
      column('paid_on', 'datetime', { formats: ['%Y-%m-%dT%H:%M:%SZ'] }),
      column('patient_state', 'string', { header: 'STATE' }),
    ],
    month: { column: 'paid_on' },
  },
)
const TEXT = [
  'HD*SUB1*202401',
  'STATE*paid*paid_on*claim*"text"',
  'MA*1.50*2024-01-31T23:59:59Z*00123*"a*b ""c"""',
  '*-2**"C2"*"two\r\nlines"',
  '*x*2024-13-01T00:00:00Z**plain "quote"',
  '',
  'CO**2024-02-01T00:00:00Z*C4*',
  'TR*5',
  '',
].join('\n')

test('a parse gives typed rows with lineage, months, rejects and a report', async () => {
  const { outcome, rows, rejects } = await bench.parse(TEXT, CLAIMS)
  const lineage = (month: string) => ({ state: "O'R", atomic_month: month })
  expect(rows).toEqual([
    {
      claim: '00123',
      text: 'a*b "c"',
      paid: '1.50',
      paid_on: '2024-01-31 23:59:59',
      patient_state: 'MA',
      line_number: 3,
      ...lineage('2024-01'),
    },
    {
      claim: 'C2',
      text: 'two\r\nlines',
      paid: '-2.00',
      paid_on: null,
      patient_state: null,
      line_number: 4,
      ...lineage('__unknown__'),
    },
    {
      claim: 'C4',
      text: null,
      paid: null,
      paid_on: '2024-02-01 00:00:00',
      patient_state: 'CO',
      line_number: 7,
      ...lineage('2024-02'),
    },
  ])
  expect(rejects).toEqual(
    [
      {
        file: 'a',
        record: 5,
        line: 6,
        byteStart: 149,
        byteEnd: 190,
        reasons: [
          { code: 'TYPE_DECIMAL', column: 'paid' },
          { code: 'TYPE_DATETIME', column: 'paid_on' },
          { code: 'REQUIRED', column: 'claim' },
        ],
        raw: '*x*2024-13-01T00:00:00Z**plain "quote"',
      },
    ].map((reject) => ({
      ...reject,
      byteStart: TEXT.indexOf('*x*'),
      byteEnd: TEXT.indexOf('\n\nCO') + 1,
    })),
  )
  expect(outcome).toMatchObject({
    kind: 'parsed',
    months: [
      { month: '2024-01', rows: 1 },
      { month: '2024-02', rows: 1 },
      { month: '__unknown__', rows: 1 },
    ],
    report: {
      accepted: 3,
      rejected: 1,
      columns: [
        { name: 'claim', nulls: 0, invalid: 1 },
        { name: 'text', nulls: 1, invalid: 0 },
        { name: 'paid', nulls: 1, invalid: 1 },
        { name: 'paid_on', nulls: 1, invalid: 1 },
        { name: 'patient_state', nulls: 1, invalid: 0 },
      ],
      ranges: [
        { kind: 'control', firstRecord: 1, records: 1, byteStart: 0 },
        { kind: 'header', firstRecord: 2 },
        { kind: 'rejected', firstRecord: 5 },
        { kind: 'blank', firstRecord: 6 },
        { kind: 'control', firstRecord: 8, byteEnd: TEXT.length },
      ],
      files: [
        {
          control: [
            {
              role: 'header',
              record: 1,
              line: 1,
              values: { submitter: 'SUB1', periodBegin: '202401' },
            },
            { role: 'trailer', record: 8, line: 9, values: { recordCount: '5' } },
          ],
          reconciliation: [{ role: 'trailer', record: 8, declared: 5, counted: 4, agrees: false }],
        },
      ],
    },
  })
})

test('a part has the columns in the agreed order, and its footer shows it to another reader', async () => {
  const { outcome } = await bench.parse(TEXT, CLAIMS)
  const part = outcome.kind === 'parsed' ? outcome.months[0]?.parts[0] : undefined
  expect(part?.name).toBe('part-00000.parquet')
  expect(part?.path).toMatch(/out\/atomic_month=2024-01\/part-00000\.parquet$/)
  expect(await readFooter(part?.path ?? '')).toEqual({
    rows: 1,
    rowGroups: 1,
    columns: [
      { name: 'claim', type: 'VARCHAR' },
      { name: 'text', type: 'VARCHAR' },
      { name: 'paid', type: 'DECIMAL(18,2)' },
      { name: 'paid_on', type: 'TIMESTAMP' },
      { name: 'patient_state', type: 'VARCHAR' },
      { name: 'line_number', type: 'UINTEGER' },
      { name: 'state', type: 'VARCHAR' },
      { name: 'atomic_month', type: 'VARCHAR' },
    ],
  })
})

test('a column that is not required may be missing: NULL in every row, and told', async () => {
  const { outcome, rows } = await bench.parse('claim*paid_on\nC1*\n', CLAIMS)
  expect(rows).toMatchObject([{ claim: 'C1', text: null, paid: null, line_number: 2 }])
  expect(outcome.report?.files[0]?.missingColumns).toEqual(['text', 'paid', 'patient_state'])
})

test('records are numbered through the files of a submission', async () => {
  const texts = ['claim*paid_on\nC1*\nbad\n', 'text*claim*paid_on\nt*C2*\n**\n']
  const { outcome, rows, rejects } = await bench.parse(texts, CLAIMS)
  expect(rows.map((row) => [row['line_number'], row['claim']])).toEqual([
    [2, 'C1'],
    [5, 'C2'],
  ])
  expect(rejects.map(({ file, record, line }) => [file, record, line])).toEqual([
    ['a', 3, 3],
    ['b', 6, 3],
  ])
  expect(codes(rejects)).toEqual(['FIELD_COUNT', 'REQUIRED:claim'])
  expect(outcome.report?.files.map(({ firstRecord, records }) => [firstRecord, records])).toEqual([
    [1, 3],
    [4, 3],
  ])
})

test('a month outside 1900 to 2199 is a reject, never a partition', async () => {
  const { outcome, rejects } = await bench.parse(
    'claim*paid_on\nC1*2024-01-01T00:00:00Z\nC2*0024-01-01T00:00:00Z\nC3*2200-01-01T00:00:00Z\n',
    CLAIMS,
  )
  expect(outcome).toMatchObject({ kind: 'parsed', months: [{ month: '2024-01', rows: 1 }] })
  expect(codes(rejects)).toEqual(['MONTH_RANGE:paid_on', 'MONTH_RANGE:paid_on'])
})

test('a year and a month of it date a row; a month no year has is a reject', async () => {
  const spec: ParseSpec = {
    ...CLAIMS,
    columns: [column('member'), column('year', 'integer'), column('month', 'integer')],
    month: { year: 'year', month: 'month' },
  }
  const lines = ['A*2024*1', 'B*2024*12', 'C*2024*', 'D**2', 'E*2024*13', 'F*1899*1', 'G*2024*0']
  const { outcome, rows, rejects } = await bench.parse(
    `member*year*month\n${lines.join('\n')}\n`,
    spec,
  )
  expect(rows.map((row) => `${String(row['member'])} ${String(row['atomic_month'])}`)).toEqual([
    'A 2024-01',
    'B 2024-12',
    'C __unknown__',
    'D __unknown__',
  ])
  expect(codes(rejects)).toEqual(['MONTH_RANGE:month', 'MONTH_RANGE:year', 'MONTH_RANGE:month'])
  expect(outcome).toMatchObject({ kind: 'parsed', report: { rejected: 3 } })
})

test('an aborted parse rejects with the reason and leaves no chunk file', async () => {
  const stop = new AbortController()
  const lines = Array.from({ length: 500 }, (_, n) => `${n}|a||\n`).join('')
  await using folder = await scratchFolder()
  const scratch = join(folder.path, 'scratch')
  const run = bench.parse(lines, parseSpec(), {
    chunkBytes: 100,
    scratch,
    signal: stop.signal,
    onProgress: ({ chunks }) => {
      if (chunks === 2) stop.abort(new Error('enough'))
    },
  })
  await expect(run).rejects.toThrow('enough')
  expect((await readdir(scratch)).filter((name) => name.startsWith('chunk-'))).toEqual([])
})
