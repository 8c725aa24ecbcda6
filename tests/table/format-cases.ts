/** Files in every format and encoding, and what becomes of each of their records. */
import type { ParseSpec } from '../../engine/table/spec.ts'
import { column, parseSpec } from './parsing.ts'

const UNITS = { delimiter: '\u001f', quoteChar: null, header: false } as const
/** bytes 1–2 id, 3–8 name, 9–12 amount with two implied decimals; 13 bytes in all */
const FIXED = parseSpec(UNITS, {
  format: 'fixed',
  control: [{ role: 'trailer', prefix: 'TR', fields: { '3-8': 'recordCount' } }],
  rows: { exactBytes: 13 },
  columns: [
    column('id', 'integer', { at: { start: 1, length: 2 }, required: true }),
    column('name', 'string', { at: { start: 3, length: 6 } }),
    column('amount', 'decimal', {
      at: { start: 9, length: 4 },
      precision: 5,
      scale: 2,
      implied: true,
    }),
  ],
})
const without = ({ rows: _, ...spec }: ParseSpec): ParseSpec => spec
export const TWO = [column('id', 'integer'), column('text')]

export interface FormatCase {
  readonly text: string | Buffer
  readonly spec: ParseSpec
  /** columns but lineage, by line_number */
  readonly rows?: Record<number, readonly (string | null)[]>
  readonly rejects?: Record<number, string>
  /** records that are neither, by kind */
  readonly others?: Record<string, number>
}

const bytes = (...pieces: readonly (string | Buffer | readonly number[])[]): Buffer =>
  Buffer.concat(
    pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : Buffer.from(piece))),
  )
export const utf16 = (text: string): Buffer => Buffer.from(`\ufeff${text}`, 'utf16le')

export const CASES: Record<string, FormatCase> = {
  'fixed width': {
    text: '01anne  1931 \r\n 2         7 \r\n03 bob    -5x\r\n',
    spec: FIXED,
    rows: { 1: ['1', 'anne', '19.31'], 2: ['2', null, '0.07'], 3: ['3', ' bob', '-0.05'] },
  },
  'fixed width that is too short, too long, or no number': {
    text: '01anne  1931\n01anne  1931  \n01anne  19.1 \nxxanne  1931 \n\n01anne  1931 \n',
    spec: FIXED,
    rows: { 6: ['1', 'anne', '19.31'] },
    rejects: {
      1: 'LENGTH_SHORT',
      2: 'LENGTH_LONG',
      3: 'TYPE_DECIMAL:amount',
      4: 'TYPE_INTEGER:id',
    },
    others: { blank: 1 },
  },
  'fixed width of no exact length': {
    text: '01\n02anne\n03anne  1931   \n04anne  1931  x\n',
    spec: without(FIXED),
    rows: { 1: ['1', null, null], 2: ['2', 'anne', null], 3: ['3', 'anne', '19.31'] },
    rejects: { 4: 'LENGTH_LONG' },
  },
  'a control record and a Ctrl-Z of a fixed-width file': {
    text: '01anne  1931 \r\nTR     1\r\n\u001a',
    spec: FIXED,
    rows: { 1: ['1', 'anne', '19.31'] },
    others: { control: 1, comment: 1 },
  },
  'a Ctrl-Z that does not end the file, or is not alone': {
    text: '\u001a\n01anne  1931 \u001a',
    spec: FIXED,
    rejects: { 1: 'LENGTH_SHORT', 2: 'LENGTH_LONG' },
  },
  'fixed width with delimiters, escapes and quotes as data': {
    text: '01"\u001f\u001b~^ 0001 \n02|"",x 0002 \n',
    spec: FIXED,
    rows: { 1: ['1', '"\u001f\u001b~^', '0.01'], 2: ['2', '|"",x', '0.02'] },
  },
  'fixed width counts bytes; half a character is no text': {
    text: '01éab  0001 \n02abcdeé002 \n03 漢 x0003 \n',
    spec: FIXED,
    rows: { 1: ['1', 'éab', '0.01'], 3: ['3', ' 漢 x', '0.03'] },
    rejects: { 2: 'ENCODING' },
  },
  'fixed width in windows-1252': {
    text: bytes('01', [0x80, 0xe9, 0x99], 'abc0001 \n02', [0x81], 'bcdef0002 \n'),
    spec: { ...FIXED, encoding: 'windows-1252' },
    rows: { 1: ['1', '€é™abc', '0.01'] },
    rejects: { 2: 'ENCODING' },
  },
  'columns that overlap': {
    text: '20240229\n',
    spec: parseSpec(UNITS, {
      format: 'fixed',
      columns: [
        column('id', 'date', { at: { start: 1, length: 8 }, formats: ['%Y%m%d'] }),
        column('year', 'integer', { at: { start: 1, length: 4 } }),
      ],
    }),
    rows: { 1: ['2024-02-29', '2024'] },
  },
  'windows-1252, quoted and not': {
    text: bytes(
      '1|',
      [0x93],
      'a',
      [0x94],
      '\n2|"',
      [0x85],
      '""|\n',
      [0x9f],
      '"\n3|b',
      [0x8d],
      '\n',
    ),
    spec: parseSpec({ quoteChar: '"' }, { columns: TWO, encoding: 'windows-1252' }),
    rows: { 1: ['1', '“a”'], 2: ['2', '…"|\nŸ'] },
    rejects: { 3: 'ENCODING' },
  },
  'iso-8859-1 has a character for each byte': {
    text: bytes('1|', [0x80, 0xa0, 0xff], '\n'),
    spec: parseSpec({}, { columns: TWO, encoding: 'iso-8859-1' }),
    rows: { 1: ['1', '\u0080\u00a0ÿ'] },
  },
  'UTF-16, little endian': {
    text: utf16('1|é\r\n2|"漢😀\n"\r\n'),
    spec: parseSpec({ quoteChar: '"' }, { columns: TWO, encoding: 'utf-16' }),
    rows: { 1: ['1', 'é'], 2: ['2', '漢😀\n'] },
  },
  'UTF-16, big endian, half a pair and an odd byte': {
    text: bytes(Buffer.from(utf16('1|a\n2|\ud83d\n3|b\n4|')).swap16(), [0x00]),
    spec: parseSpec({}, { columns: TWO, encoding: 'utf-16' }),
    rows: { 1: ['1', 'a'], 3: ['3', 'b'] },
    rejects: { 2: 'ENCODING', 4: 'ENCODING' },
  },
  'a preamble, names in three records, codes, comments and footnotes': {
    text: '\na,title\nA,,\nB,B,\nC C, D,D\n1,2,3\n#,,\n7,x,2\nNote: 2,y\n8,z,\n9,Note: 3,\n',
    spec: parseSpec(
      { delimiter: ',', header: true },
      {
        columns: [
          column('id', 'integer', { header: 'A B C C' }),
          column('first', 'string', { header: 'B D' }),
          column('second', 'string', { header: 'D' }),
        ],
        rows: {
          preamble: { records: 2 },
          headerRows: [1, 2, 3],
          columnCodes: true,
          commentChar: '#',
          footnotes: ['Note: .*'],
        },
      },
    ),
    rows: { 8: ['7', 'x', '2'], 10: ['8', 'z', null], 11: ['9', 'Note: 3', null] },
    others: { preamble: 2, header: 4, comment: 2 },
  },
  'a preamble until a pattern, and names that stand twice': {
    text: 'x\0y\n\nid|NA|NA\n1|a|b\n',
    spec: parseSpec(
      { header: true },
      {
        columns: [
          column('id', 'integer'),
          column('low', 'string', { header: 'NA' }),
          column('high', 'string', { header: 'NA' }),
        ],
        rows: { preamble: { until: 'id[|].*' } },
      },
    ),
    rows: { 4: ['1', 'a', 'b'] },
    others: { preamble: 2, header: 1 },
  },
  'a delimiter at the end of each record': {
    text: 'id|text\n1|a|\n2|b\n3|c|d\n',
    spec: parseSpec({ header: true }, { columns: TWO, rows: { trailingDelimiter: true } }),
    rows: { 2: ['1', 'a'] },
    rejects: { 3: 'FIELD_COUNT', 4: 'FIELD_COUNT' },
    others: { header: 1 },
  },
  'blanks that are no part of a value': {
    text: ' 1 | a b \n2 |\ta\n  |   \n',
    spec: parseSpec(
      {},
      {
        columns: [
          column('id', 'integer', { trim: true, required: true }),
          column('text', 'string', { trim: true }),
        ],
      },
    ),
    rows: { 1: ['1', 'a b'], 2: ['2', '\ta'] },
    rejects: { 3: 'REQUIRED:id' },
  },
  'JSON lines: digits as written, escapes, nothing, and what is no row': {
    text: [
      '{"id": 1, "amount": 0.10, "name": "a\\u001fb\\n\\"c"}',
      '{"name": null, "id": 2}',
      '{"id": 3, "amount": 1e2}',
      '{"id": 4, "more": 1}',
      '{"id": 5, "name": ["a"]}',
      '[6]',
      '7',
      '{"id": 8, "name": "\\ud800"}',
      '{"id": 9, "name": "\\u0000"}',
      '{"id": 10',
      '',
      '{"name": "no id"}',
      '{"id": 12345678901234567, "amount": 12345678.90}',
    ].join('\n'),
    spec: parseSpec(UNITS, {
      format: 'jsonl',
      columns: [
        column('id', 'integer', { required: true }),
        column('text', 'string', { header: 'name' }),
        column('amount', 'decimal', { precision: 10, scale: 2 }),
      ],
    }),
    rows: {
      1: ['1', 'a\u001fb\n"c', '0.10'],
      2: ['2', null, null],
      13: ['12345678901234567', null, '12345678.90'],
    },
    rejects: {
      3: 'TYPE_DECIMAL:amount',
      4: 'JSON',
      5: 'JSON',
      6: 'JSON',
      7: 'JSON',
      8: 'ENCODING',
      9: 'NUL_BYTE',
      10: 'JSON',
      12: 'REQUIRED:id',
    },
    others: { blank: 1 },
  },
}
