/** Workbooks as delivered files: one sheet is read like delimited text, or the file is refused. */
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeXlsx } from 'hucre/xlsx'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { BookParts } from '../support/workbook.ts'
import { bookParts, textRows, workbookOf } from '../support/workbook.ts'
import { tarOf, zipOf } from '../support/zip.ts'
import { Bench, codes, column, parseSpec, scratchFolder } from './parsing.ts'
import { totals } from '../layouts/real-files.ts'

let bench: Bench
beforeAll(async () => {
  bench = await Bench.open()
})
afterAll(() => bench.close())

const XLSX = { delimiter: ',', quoteChar: '"', header: true } as const
const COLUMNS = [column('id', 'string', { required: true }), column('name')]
const spec = (rest: Parameters<typeof parseSpec>[1] = {}) =>
  parseSpec(XLSX, { format: 'xlsx', control: [], columns: COLUMNS, ...rest })

const PLAIN = [
  ['id', 'name'],
  ['1', 'Ann'],
  ['2', 'a, &quot;b&quot; &amp; c'],
]
const book = (sheet: string, parts: Omit<BookParts, 'sheets'> = {}): Buffer =>
  workbookOf({ sheets: { Data: sheet }, ...parts })

async function named(bytes: Buffer, rest: Parameters<typeof parseSpec>[1] = {}) {
  const { outcome, rows, rejects } = await bench.parse(bytes, spec(rest))
  return { outcome, rejects, rows: rows.map(({ id, name }) => [id, name]) }
}

async function failure(bytes: Buffer, rest: Parameters<typeof parseSpec>[1] = {}) {
  const outcome = await bench.run(bytes, spec(rest))
  return outcome.kind === 'failed' ? outcome.code : outcome.kind
}

test('a sheet is read like a CSV; size and digest are those of the workbook', async () => {
  const bytes = book(textRows(PLAIN))
  const { outcome, rows } = await named(bytes)
  expect(rows).toEqual([
    ['1', 'Ann'],
    ['2', 'a, "b" & c'],
  ])
  expect(totals({ outcome })).toEqual({ accepted: 2, header: 1 })
  expect(outcome.report?.files[0]).toMatchObject({ sizeBytes: bytes.length, isGzip: false })
})

test('a blank row is a blank line: a reject names the row of the sheet', async () => {
  const cell = (text: string) => `<c t="inlineStr"><is><t>${text}</t></is></c>`
  const sheet = [
    `<row r="2">${cell('id')}${cell('name')}</row>`,
    `<row r="3"><c r="A3"/><c r="B3" s="0"/></row>`,
    `<row r="4">${cell('1')}${cell('two\nlines')}</row>`,
    `<row r="9"><c r="B9" t="inlineStr"><is><t>no id</t></is></c></row>`,
    `<row r="99"><c r="A99"/></row>`,
  ].join('')
  const { outcome, rows, rejects } = await named(book(sheet))
  expect(rows).toEqual([['1', 'two\nlines']])
  expect(rejects.map(({ line }) => line)).toEqual([9])
  expect(codes(rejects)).toEqual(['REQUIRED:id'])
  expect(totals({ outcome })).toEqual({ accepted: 1, rejected: 1, header: 1, blank: 6 })
})

test('a layout names its sheet by name or number; the others are told', async () => {
  const bytes = workbookOf({
    sheets: { Notes: textRows([['id'], ['note']]), Data: textRows(PLAIN) },
  })
  for (const sheet of [{ name: 'Data' }, { number: 2 }] as const) {
    const { outcome, rows } = await named(bytes, { sheet })
    expect(rows).toHaveLength(2)
    expect(outcome.report?.left).toEqual([{ file: 'a', count: 1, names: ['Notes'] }])
  }
  expect((await named(bytes)).rows).toEqual([['note', null]])
  expect(await failure(bytes, { sheet: { name: 'data' } })).toBe('SHEET_MISSING')
  expect(await failure(bytes, { sheet: { number: 3 } })).toBe('SHEET_MISSING')
})

test('a workbook in gzip, tar or ZIP is a logical file like any other', async () => {
  const bytes = book(textRows(PLAIN))
  for (const packed of [zipOf({ 'a.xlsx': bytes }), tarOf({ 'a.xlsx': bytes })]) {
    const { outcome, rows } = await named(packed)
    expect(rows).toHaveLength(2)
    expect(outcome.report?.files[0]).toMatchObject({ member: 'a.xlsx', sizeBytes: bytes.length })
  }
})

test('what a text cannot tell is a finding of its column', async () => {
  const row = (line: number, ...cells: string[]) => `<row r="${line}">${cells.join('')}</row>`
  const sheet =
    textRows([['id', 'name']]) +
    row(2, '<c><v>7</v></c>', '<c t="e"><v>#N/A</v></c>') +
    row(3, '<c s="1"><v>123</v></c>', '<c><f>A1</f></c>') +
    row(4, '<c><v>1234567890123456789</v></c>', '<c t="b"><v>1</v></c>')
  const { outcome, rows } = await named(book(sheet, { formats: ['General', '00000'] }))
  expect(rows).toEqual([
    ['7', '#N/A'],
    ['00123', null],
    ['1234567890123456789', 'true'],
  ])
  const found = outcome.report?.findings?.map(({ code, line, words }) => [
    code,
    line,
    words.slice(0, 26),
  ])
  expect(found).toEqual([
    ['CELL_ERRORS', 2, '1 cells of column name are'],
    ['CELL_FORMULAS_EMPTY', 3, '1 cells of column name are'],
    ['CELL_NUMBERS_CUT', 4, '1 cells of column id are n'],
    ['CELL_NUMBERS_UNFORMATTED', 2, '1 cells of column id are n'],
  ])
})

test('shared texts may be rich; readings of them are left out', async () => {
  const strings = [
    '<t>id</t>',
    '<t>name</t>',
    '<r><t>An</t></r><r><t xml:space="preserve">n </t></r><rPh><t>x</t></rPh>',
    '<t>_x0041_<!-- --><![CDATA[<]]>&#x42;</t>',
  ]
  const sheet = [
    [0, 1],
    [3, 2],
  ]
    .map((row) => `<row>${row.map((at) => `<c t="s"><v>${at}</v></c>`).join('')}</row>`)
    .join('')
  expect((await named(book(sheet, { strings }))).rows).toEqual([['A<B', 'Ann ']])
})

const damaged = (from: number): Buffer => {
  const bytes = book(textRows(PLAIN))
  bytes[from] = (bytes[from] ?? 0) ^ 1
  return bytes
}
const ENTITY =
  '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "&b;&b;"><!ENTITY b SYSTEM "file:///etc/passwd">]>'
const row = (inner: string) => book(`<row r="1">${inner}</row>`)

test.for<readonly [what: string, bytes: () => Buffer, code: string]>([
  ['a changed byte', () => damaged(book(textRows(PLAIN)).indexOf('Ann')), 'TABLE_CORRUPT'],
  ['a file cut off', () => book(textRows(PLAIN)).subarray(0, 900), 'TABLE_CORRUPT'],
  [
    'a document type',
    () => book('', { parts: { 'xl/sharedStrings.xml': `${ENTITY}<sst/>` } }),
    'TABLE_CORRUPT',
  ],
  ['an entity', () => row('<c t="inlineStr"><is><t>&a;</t></is></c>'), 'TABLE_CORRUPT'],
  ['a text that is not there', () => row('<c t="s"><v>1</v></c>'), 'TABLE_CORRUPT'],
  ['a number that is none', () => row('<c><v>0x10</v></c>'), 'TABLE_CORRUPT'],
  [
    'cells that go back',
    () => row('<c r="B1"><v>1</v></c><c r="A1"><v>1</v></c>'),
    'TABLE_CORRUPT',
  ],
  ['rows that go back', () => book('<row r="2"/><row r="1"/>'), 'TABLE_CORRUPT'],
  ['a cell past the last column', () => row('<c r="XFE1"><v>1</v></c>'), 'TABLE_CORRUPT'],
  ['tags that do not match', () => row('<c></d>'), 'TABLE_CORRUPT'],
  ['a row past the last', () => book('<row r="1048577"><c><v>1</v></c></row>'), 'TOO_LARGE'],
  ['text', () => Buffer.from('id,name\n1,Ann\n'), 'FORMAT_DIFFERS'],
  ['an archive of no workbook', () => zipOf({ '[Content_Types].xml': '' }), 'TABLE_CORRUPT'],
  [
    'a sheet that is not in it',
    () => zipOf({ ...bookParts({ sheets: { A: '' } }), 'xl/worksheets/sheet1.xml': '' }),
    'TABLE_CORRUPT',
  ],
])('%s is refused', async ([, bytes, code]) => {
  expect(await failure(bytes())).toBe(code)
})

test('the last row and column of a sheet are read', async () => {
  const last = '<c r="A1048576" t="inlineStr"><is><t>1</t></is></c>'
  const { outcome } = await named(
    book(`${textRows([['id', 'name']])}<row r="1048576">${last}</row>`),
  )
  expect(totals({ outcome })).toEqual({ accepted: 1, header: 1, blank: 1_048_574 })
})

test('a text layout reads no workbook', async () => {
  const outcome = await bench.run(book(textRows(PLAIN)), parseSpec(XLSX))
  expect(outcome).toMatchObject({ kind: 'failed', code: 'FORMAT_DIFFERS' })
})

test('a part that unpacks to more than the ratio is refused, unless the layout allows it', async () => {
  const rows = Array.from({ length: 100 }, (_, at) => [String(at), `${at}${'x'.repeat(32_000)}`])
  const bytes = Buffer.from(
    await writeXlsx({
      sheets: [{ name: 'A', rows: [['id', 'name'], ...rows] }],
    }),
  )
  expect(await failure(bytes)).toBe('TOO_LARGE')
  const allowed = await named(bytes, { package: { limits: { ratio: 2000 } } })
  expect(allowed.rows).toHaveLength(100)
})

test('the text of a sheet counts as content', async () => {
  const bytes = book(textRows(PLAIN))
  const within = (contentBytes: number) => failure(bytes, { package: { limits: { contentBytes } } })
  const text = 'id,name\n1,Ann\n2,"a, ""b"" & c"\n'
  expect(await within(bytes.length + text.length)).toBe('parsed')
  expect(await within(bytes.length + text.length - 1)).toBe('TOO_LARGE')
})

test('a parse that was cut off while it made the text is made anew, to the same bytes', async () => {
  await using folder = await scratchFolder()
  const scratch = join(folder.path, 'scratch')
  const bytes = book(textRows(PLAIN))
  const whole = await bench.run(bytes, spec())
  const cut = new AbortController()
  const dying = bench.run(bytes, spec(), { scratch, signal: cut.signal })
  cut.abort(new Error('cut off'))
  await expect(dying).rejects.toThrow('cut off')
  await mkdir(join(scratch, 'table'), { recursive: true })
  await writeFile(join(scratch, 'table', 'text'), 'id,na')
  const again = await bench.run(bytes, spec(), { scratch })
  expect(again.report).toEqual(whole.report)
  expect(existsSync(join(scratch, 'table'))).toBe(false)
})
