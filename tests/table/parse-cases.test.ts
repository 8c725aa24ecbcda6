import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PACKAGE_LIMITS } from '../../engine/table/package-limits.ts'
import type { ParseSpec } from '../../engine/table/spec.ts'
import { Bench, codes, column, parseSpec } from './parsing.ts'

let bench: Bench
beforeAll(async () => {
  bench = await Bench.open()
})
afterAll(() => bench.close())

const DIAGNOSES = parseSpec({}, { columns: [column('id'), column('text')] })
const WITH_HEADER = parseSpec({ header: true })
const GOOD = '1|a|1.00|2024-01-01'

interface Case {
  readonly text: string | Buffer
  readonly spec?: ParseSpec
  /** values of the second column by line_number */
  readonly rows?: Record<number, string | null>
  /** reasons by record number */
  readonly rejects?: Record<number, string>
  readonly blank?: number
  readonly control?: number
}

const CASES: Record<string, Case> = {
  'an empty file': { text: '' },
  'a header alone': { text: 'id|name|amount|day\n', spec: WITH_HEADER },
  'header and trailer records alone': { text: 'HD|s|202401\nTR|0\n', control: 2 },
  'no final newline': { text: `${GOOD}\n2|b||`, rows: { 1: 'a', 2: 'b' } },
  CRLF: { text: `${GOOD}\r\n2|b||\r\n`, rows: { 1: 'a', 2: 'b' } },
  'mixed line ends': { text: `${GOOD}\r\n2|b||\n3|c||\r\n`, rows: { 1: 'a', 2: 'b', 3: 'c' } },
  'line ends of CR alone': { text: `${GOOD}\r2|b||\r`, rows: { 1: 'a', 2: 'b' } },
  'a byte order mark': {
    text: `\ufeffid|name|amount|day\n${GOOD}\n`,
    spec: WITH_HEADER,
    rows: { 2: 'a' },
  },
  'a byte order mark alone': { text: '\ufeff', blank: 1 },
  'blank lines': { text: `\n${GOOD}\n\r\n\n2|b||\n\n`, rows: { 2: 'a', 5: 'b' }, blank: 4 },
  'a lone CR in a field': {
    text: `1|a\rb||\n2|b||\n`,
    rows: { 2: 'b' },
    rejects: { 1: 'CONTROL_CHARACTER' },
  },
  'a NUL': { text: `1|a\0b||\n2|b||\n`, rows: { 2: 'b' }, rejects: { 1: 'NUL_BYTE' } },
  'stray quotes where quotes are data': {
    text: '1|"a\n2|"d"\n3|"\n4|b"c\n5|\'\n6|\\\n',
    spec: DIAGNOSES,
    rows: { 1: '"a', 2: '"d"', 3: '"', 4: 'b"c', 5: "'", 6: '\\' },
  },
  'words for nothing are text; only empty is NULL': {
    text: '1|NULL\n2|NA\n3|\\N\n4| \n5|\n6|nan\n',
    spec: DIAGNOSES,
    rows: { 1: 'NULL', 2: 'NA', 3: '\\N', 4: ' ', 5: null, 6: 'nan' },
  },
  'leading zeros, trailing zeros and codes': {
    text: '00123|250.10\nA9901|00.0\n',
    spec: DIAGNOSES,
    rows: { 1: '250.10', 2: '00.0' },
  },
  'trailing extra delimiters': {
    text: `${GOOD}|\n${GOOD}||\n2|b||\n`,
    rows: { 3: 'b' },
    rejects: { 1: 'FIELD_COUNT', 2: 'FIELD_COUNT' },
  },
  'too few fields': {
    text: `1|a\n2|b||\n3\n`,
    rows: { 2: 'b' },
    rejects: { 1: 'FIELD_COUNT', 3: 'FIELD_COUNT' },
  },
  'a line that starts with # is data': { text: '#1|a||\n', rows: { 1: 'a' } },
  'Ctrl-Z at the end': { text: `${GOOD}\n\u001a`, rows: { 1: 'a' }, rejects: { 2: 'FIELD_COUNT' } },
  'the header again in the middle': {
    text: `id|name|amount|day\n${GOOD}\nid|name|amount|day\n2|b||\n`,
    spec: WITH_HEADER,
    rows: { 2: 'a', 4: 'b' },
    rejects: { 3: 'REPEATED_HEADER' },
  },
  'spaces and line breaks of other alphabets': {
    text: '1|a\u2028b\u0085c\u000bd\u000ce\u00a0\n2|\u001b1\u001b\n',
    spec: DIAGNOSES,
    rows: { 1: 'a\u2028b\u0085c\u000bd\u000ce\u00a0', 2: '\u001b1\u001b' },
  },
  'overlong UTF-8, surrogates and Latin-1': {
    text: Buffer.concat([
      Buffer.from('1|'),
      Buffer.from([0xc0, 0xaf]),
      Buffer.from('\n2|'),
      Buffer.from([0xed, 0xa0, 0x80]),
      Buffer.from('\n3|'),
      Buffer.from([0xe9]),
      Buffer.from('\n4|é😀漢\n'),
    ]),
    spec: DIAGNOSES,
    rows: { 4: 'é😀漢' },
    rejects: { 1: 'ENCODING', 2: 'ENCODING', 3: 'ENCODING' },
  },
  'days that are and days that are not': {
    text: '1|a||2024-02-29\n2|b||2023-02-29\n3|c||2024-1-1\n4|d|1.005|2024-01-01\n|e|x|y\n',
    rows: { 1: 'a' },
    rejects: {
      2: 'TYPE_DATE:day',
      3: 'TYPE_DATE:day',
      4: 'TYPE_DECIMAL:amount',
      5: 'REQUIRED:id TYPE_DECIMAL:amount TYPE_DATE:day',
    },
  },
  'numbers that no BIGINT holds': {
    text: '1|9223372036854775807\n2|9223372036854775808\n3|-9223372036854775809\n',
    spec: parseSpec({}, { columns: [column('id'), column('count', 'integer')] }),
    rows: { 1: '9223372036854775807' },
    rejects: { 2: 'TYPE_INTEGER:count', 3: 'TYPE_INTEGER:count' },
  },
  'a record of 5 MiB': {
    text: `1|a||\n2|${'x'.repeat(5 * 1024 * 1024)}||\n3|c||\n`,
    rows: { 1: 'a', 3: 'c' },
    rejects: { 2: 'TOO_LONG' },
  },
  'a record of 9 MiB that never ends': {
    text: `1|a||\n${'x'.repeat(9 * 1024 * 1024)}`,
    rows: { 1: 'a' },
    rejects: { 2: 'TOO_LONG' },
  },
  'a record of almost 4 MiB': {
    text: `1|${'x'.repeat(4_190_000)}||\n`,
    rows: { 1: 'x'.repeat(4_190_000) },
  },
  'the delimiter at the end of every line, header too': {
    text: `id|name|amount|day|\n${GOOD}|\n2|b||\n3|c|||x\n`,
    spec: WITH_HEADER,
    rows: { 2: 'a' },
    rejects: { 3: 'FIELD_COUNT', 4: 'FIELD_COUNT' },
  },
  'a delimiter that is the sentinel': {
    text: '1~a\n2~b~\n3~c\n',
    spec: parseSpec({ delimiter: '~' }, { columns: [column('id'), column('text')] }),
    rows: { 1: 'a', 3: 'c' },
    rejects: { 2: 'FIELD_COUNT' },
  },
  'gzip of several members': {
    text: Buffer.concat([gzipSync(`${GOOD}\n2|`), gzipSync('b||\n')]),
    rows: { 1: 'a', 2: 'b' },
  },
}

describe('a file with', () => {
  test.each(Object.entries(CASES))('%s', async (_, wanted) => {
    const { text, spec = parseSpec(), rows = {}, rejects = {}, blank = 0, control = 0 } = wanted
    const name = spec.columns[1]?.name ?? ''
    const parsed = await bench.parse(text, spec)
    expect(Object.fromEntries(parsed.rows.map((row) => [row['line_number'], row[name]]))).toEqual(
      rows,
    )
    const found = parsed.rejects.map((reject) => [reject.record, codes([reject])[0]])
    expect(Object.fromEntries(found)).toEqual(rejects)
    expect(parsed.outcome.report?.files[0]?.totals).toMatchObject({
      blank: { records: blank },
      control: { records: control },
    })
  })

  test.each<[string, string | Buffer, ParseSpec, string, string]>([
    ['no header', '', WITH_HEADER, 'HEADER_MISSING', 'it has no header record'],
    [
      'a column twice',
      'id|name|id|day|amount\n',
      WITH_HEADER,
      'HEADER_COLUMN_TWICE',
      'line 1: twice in the header: id',
    ],
    [
      'an unknown column',
      'id|SMITH|amount|day\n',
      WITH_HEADER,
      'HEADER_COLUMN_UNKNOWN',
      'line 1: no column of the layout: field 2',
    ],
    [
      'a required column missing',
      'name|amount\n',
      WITH_HEADER,
      'HEADER_COLUMN_MISSING',
      'line 1: not in the header: id',
    ],
    [
      'data where the header should be',
      'Ann|Smith|1|2\n',
      WITH_HEADER,
      'HEADER_UNREADABLE',
      'line 1: none of its names is a column of the layout',
    ],
    [
      'a header that is not text',
      'id|na\0me\n',
      WITH_HEADER,
      'HEADER_UNREADABLE',
      'line 1: the header record is not clean text',
    ],
    [
      'UTF-16',
      Buffer.from('\ufeff1|a\n', 'utf16le'),
      parseSpec(),
      'ENCODING_UNSUPPORTED',
      'it is UTF-16, not UTF-8',
    ],
    [
      'gzip cut short',
      gzipSync('1|a||\n'.repeat(9999)).subarray(0, -9),
      parseSpec(),
      'GZIP_TRUNCATED',
      'the gzip stream ends early: send the whole file again',
    ],
    [
      'gzip with garbage behind',
      Buffer.concat([gzipSync('1|a||\n'), Buffer.from('garbage')]),
      parseSpec(),
      'GZIP_CORRUPT',
      'the gzip stream is damaged: send it again',
    ],
    [
      'another layout',
      'a,b\nc,d\n',
      parseSpec(),
      'NOTHING_ACCEPTED',
      'none of its 2 data records fits the layout: FIELD_COUNT 2',
    ],
  ])('%s fails with a reason and no value', async (...row) => {
    const [, text, spec, code, detail] = row
    const { outcome } = await bench.parse(text, spec)
    expect(outcome).toMatchObject({ kind: 'failed', code, detail, file: 'a' })
  })

  test('a reject that is not text keeps its bytes', async () => {
    const bytes = Buffer.concat([Buffer.from('1|'), Buffer.from([0xc0, 0xaf]), Buffer.from('\r\n')])
    const { rejects } = await bench.parse(Buffer.concat([bytes, Buffer.from('2|b\n')]), DIAGNOSES)
    expect(rejects).toMatchObject([{ byteStart: 0, byteEnd: 6, raw_base64: 'MXzArw==' }])
    expect(rejects[0]?.raw).toBeUndefined()
  })

  test('more content than the cap fails, however small it was packed', async () => {
    const { outcome } = await bench.parse(gzipSync(Buffer.alloc(9_000_000, 'x')), parseSpec(), {
      limits: { ...PACKAGE_LIMITS, contentBytes: 1_000_000 },
    })
    expect(outcome).toMatchObject({ kind: 'failed', code: 'TOO_LARGE' })
  })
})
