import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { formatProblem } from '../../engine/table/date-format.ts'
import { fieldGrammar } from '../../engine/table/grammar.ts'
import { patternProblem } from '../../engine/table/pattern.ts'
import { quoteText } from '../../engine/table/quote.ts'
import type { ColumnSpec } from '../../engine/table/spec.ts'
import { acceptSql, rawSql, valueSql } from '../../engine/table/sql.ts'
import { Bench, column } from './parsing.ts'

let bench: Bench
beforeAll(async () => {
  bench = await Bench.open()
})
afterAll(() => bench.close())

const money = column('money', 'decimal', { precision: 12, scale: 2 })
const count = column('count', 'integer')
const day = column('day', 'date', { formats: ['%Y-%m-%d', '%Y%m%d', '%d-%b-%Y'] })
const month = column('month', 'date', { formats: ['%Y%m'] })
const moment = column('moment', 'datetime', {
  formats: ['%Y-%m-%dT%H:%M:%SZ', '%Y-%m-%d %H:%M:%S.%f', '%m/%d/%y'],
})
const flag = column('flag', 'boolean')
const code = column('code', 'string', { maxLength: 4, pattern: String.raw`[A-Z]\d+|.é?` })
const sex = column('sex', 'string', { enum: ['F', 'M', "it's"], required: true })
const fraction = column('fraction', 'decimal', { precision: 3, scale: 3 })
const implied = column('implied', 'decimal', { precision: 5, scale: 2, implied: true })
const units = column('units', 'decimal', { precision: 20, scale: 0, implied: true })
const bare = column('bare', 'decimal', { precision: 6, scale: 2, bare: true, trim: true })
const padded = column('padded', 'string', { maxLength: 3, trim: true, required: true })
const PLAIN = [money, count, day, month, moment, flag, code, sex, fraction]
const COLUMNS = [...PLAIN, implied, units, bare, padded]

describe('what a text means', () => {
  test.each<[ColumnSpec, string, string | null]>([
    [money, '250.10', '250.10'],
    [money, '-7', '-7.00'],
    [money, '-0', '0.00'],
    [money, '0000000012.5', '12.50'],
    [money, '', null],
    [count, '007', '7'],
    [count, '-9223372036854775808', '-9223372036854775808'],
    [day, '2024-02-29', '2024-02-29'],
    [day, '20240229', '2024-02-29'],
    [day, '01-JAN-2024', '2024-01-01'],
    [month, '202402', '2024-02-01'],
    [moment, '2024-01-31T23:59:59Z', '2024-01-31 23:59:59'],
    [moment, '2024-01-31 23:59:59.50', '2024-01-31 23:59:59.5'],
    [moment, '01/31/68', '2068-01-31 00:00:00'],
    [moment, '01/31/69', '1969-01-31 00:00:00'],
    [flag, 'TRUE', 'true'],
    [flag, '0', 'false'],
    [code, '00123'.slice(1, 2), '0'],
    [implied, '1931', '19.31'],
    [implied, '7', '0.07'],
    [implied, '-5', '-0.05'],
    [implied, '-0', '0.00'],
    [implied, '99999', '999.99'],
    [units, '007', '7'],
    [bare, '.5', '0.50'],
    [bare, ' -.25  ', '-0.25'],
    [bare, '  ', null],
    [padded, ' a b ', 'a b'],
  ])('%o takes %j as %j', (spec, raw, value) => {
    expect(fieldGrammar(spec).reasons(raw)).toEqual([])
    expect(fieldGrammar(spec).value(raw)).toBe(value)
  })

  test.each<[ColumnSpec, string[], string]>([
    [
      money,
      ['1.005', ' 1', '1 ', '+1', '1e3', '0x10', '1_000', '1,000', '.5', '5.', 'NaN'],
      'DECIMAL',
    ],
    [money, ['12345678901', '--1', '-', '１'], 'DECIMAL'],
    [count, ['12.5', ' 1', '+1', '1e3', '0x10', '9223372036854775808', '-'], 'INTEGER'],
    [day, ['2023-02-29', '2024-2-9', '2024-13-01', '0000-01-01', ' 2024-01-01', '2024011'], 'DATE'],
    [day, ['31-Apr-2024', '2024-01-01 ', '99999-01-01'], 'DATE'],
    [moment, ['2024-01-31T24:00:00Z', '2024-01-31T23:59:60Z', '2024-01-31T23:59:59'], 'DATETIME'],
    [flag, ['yes', 'T', '2', 'tRUE'], 'BOOLEAN'],
    [implied, ['19.31', '123456', '-', '1 ', '+1', '.5'], 'DECIMAL'],
    [bare, ['.', '-.', '1.', '.123', '\t.5', '. 5'], 'DECIMAL'],
  ])('%o refuses %j', (spec, raws, type) => {
    for (const raw of raws) expect(fieldGrammar(spec).reasons(raw)).toEqual([`TYPE_${type}`])
  })

  test('every fault of a text is named', () => {
    expect(fieldGrammar(code).reasons('A1234')).toEqual(['MAX_LENGTH'])
    expect(fieldGrammar(code).reasons('abcde')).toEqual(['MAX_LENGTH', 'PATTERN'])
    expect(fieldGrammar(sex).reasons('X')).toEqual(['ENUM'])
    expect(fieldGrammar(sex).reasons('')).toEqual(['REQUIRED'])
    expect(fieldGrammar(padded).reasons('   ')).toEqual(['REQUIRED'])
    expect(fieldGrammar(day, 'date').reasons('1899-12-31')).toEqual(['MONTH_RANGE'])
  })
})

/** Texts near the border of each type, and far from it. */
const digits = (most: number) => fc.stringMatching(new RegExp(`^[0-9]{0,${most}}$`))
const nearly = fc
  .oneof(
    fc.tuple(
      fc.constantFrom('', ' ', '\t', '  '),
      fc.constantFrom('', '-'),
      digits(6),
      fc.constantFrom('', '.', '.5', '.25', '.125'),
      fc.constantFrom('', ' ', '   ', '\u00a0'),
    ),
    fc.tuple(fc.constantFrom('', '-', '+', ' '), digits(20), fc.constantFrom('', '.'), digits(4)),
    fc.tuple(
      digits(4),
      fc.constantFrom('-', '', '/'),
      digits(2),
      fc.constantFrom('-', ''),
      digits(2),
    ),
    fc.tuple(
      fc.constantFrom('2024-02-29', '2023-02-29', '0001-01-01', '9999-12-31', '0000-01-01'),
      fc.constantFrom('T', ' ', ''),
      fc.constantFrom('00:00:00', '23:59:59', '24:00:00', '12:00:60', ''),
      fc.constantFrom('Z', '', '.5', '.123456', '.1234567'),
    ),
    fc.tuple(
      digits(2),
      fc.constant('-'),
      fc.constantFrom('Jan', 'feb', 'MAR', 'Foo', 'maY'),
      fc.constant('-2024'),
    ),
  )
  .map((pieces) => pieces.join(''))
const anyText = fc
  .oneof(
    nearly,
    fc.string({ unit: 'grapheme', maxLength: 8 }),
    fc.string({ unit: 'binary', maxLength: 6 }),
    fc.constantFrom(
      'F',
      'M',
      "it's",
      'A1',
      'é',
      '\né',
      '\r',
      '\u2028',
      'true',
      'FALSE',
      'True ',
      '1',
    ),
  )
  .filter((text) => !text.includes('\0') && text.isWellFormed())

test('SQL accepts a text exactly when the grammar does, with the same value', async () => {
  const texts = fc.sample(fc.array(anyText, { minLength: 1500, maxLength: 1500 }), {
    numRuns: 1,
    seed: 20240229,
  })[0] as string[]
  const accept = COLUMNS.map((spec, at) => acceptSql(spec, { raw: `r${at}`, value: `v${at}` }))
  const select = `SELECT k, ${COLUMNS.map((_, at) => `v${at}::VARCHAR AS v${at}`).join(', ')},
    ${accept.map((sql, at) => `${sql ?? 'true'} AS a${at}`).join(', ')}
    FROM (SELECT *, ${COLUMNS.map((spec, at) => `${valueSql(spec, `r${at}`)} AS v${at}`).join(', ')}
    FROM (SELECT k, ${COLUMNS.map((spec, at) => `${rawSql(spec, `nullif(raw, '')`)} AS r${at}`).join(', ')} FROM (VALUES
    ${texts.map((text, at) => `(${at}, ${quoteText(text)})`).join(', ')}) AS t(k, raw)))
    ORDER BY k`
  const { rows } = await bench.duck.run({ statements: [select], folders: [] })
  let accepted = 0
  for (const [at, spec] of COLUMNS.entries()) {
    const grammar = fieldGrammar(spec)
    for (const [index, raw] of texts.entries()) {
      const isAccepted = grammar.reasons(raw).length === 0
      const row = rows[index] ?? {}
      expect([spec.name, raw, row[`a${at}`]]).toEqual([spec.name, raw, isAccepted])
      if (!isAccepted) continue
      expect([spec.name, raw, row[`v${at}`]]).toEqual([spec.name, raw, grammar.value(raw)])
      if (raw !== '') accepted += 1
    }
  }
  expect(accepted).toBeGreaterThan(500)
})

test('a pattern that RE2 and JavaScript read differently is refused in words', () => {
  for (const pattern of [
    String.raw`(?=a)`,
    String.raw`(a)\1`,
    String.raw`\p{L}`,
    '[[:alpha:]]',
    '[]a]',
    '(?i)a',
    'a{2000}',
    '(a+)+',
    '(a{100}){100}',
    '(a',
    'a)',
    '*a',
    String.raw`\u0041`,
    'a++',
    '[z-a]',
    '{',
    'a\\',
  ]) {
    expect([pattern, patternProblem(pattern)]).toEqual([pattern, expect.any(String)])
  }
  for (const pattern of [
    '',
    'a|b',
    String.raw`\d{3}-\d{2}`,
    '[A-Z][0-9]{2}(?:\\.[0-9]+)?',
    '[^\\s]+',
  ]) {
    expect([pattern, patternProblem(pattern)]).toEqual([pattern, null])
  }
})

test('a date format that cannot be read strictly is refused in words', () => {
  for (const format of ['%d', '%Y-%j', '%Y%Y%m', '%Y%y%m', '%Y-%m-%d%z', 'é%Y%m', '', '%Y-%m-%']) {
    expect([format, formatProblem(format)]).toEqual([format, expect.any(String)])
  }
  for (const format of ['%Y-%m-%d', '%m/%d/%y', '%d-%b-%Y', '%Y%m', '%Y-%m-%dT%H:%M:%S.%fZ']) {
    expect([format, formatProblem(format)]).toEqual([format, null])
  }
})
