/** What a parse says of a file as a whole, and refuses nothing for. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ParseSpec } from '../../engine/table/spec.ts'
import { Bench, column, parseSpec } from './parsing.ts'
import type { Texts } from './parsing.ts'

let bench: Bench
beforeAll(async () => {
  bench = await Bench.open()
})
afterAll(() => bench.close())

/** Findings as `code file:line`, and their words. */
async function findings(texts: Texts, spec: ParseSpec) {
  const { report } = await bench.run(texts, spec)
  const found = report?.findings ?? []
  return {
    codes: found.map(({ code, file, line }) => `${code} ${file}:${line}`),
    words: found.map(({ words }) => words).join('\n'),
  }
}

const row = (id: number, name: string, day = '2024-03-05'): string => `${id}|${name}|1.00|${day}\n`
const PLAIN = row(1, 'plain')
const UTF8 = Buffer.from(PLAIN + row(2, 'Zoë') + row(3, 'Müller'))
const LATIN = Buffer.from(PLAIN + row(2, 'Zoë') + row(3, 'Müller'), 'latin1')
const TYPEWRITTEN = Buffer.from(PLAIN + row(2, 'O\x92Neil'), 'latin1')
const MARK = Buffer.from([0xef, 0xbb, 0xbf])

test.for<[string, Buffer, ParseSpec['encoding'], readonly string[]]>([
  ['UTF-8 as UTF-8', UTF8, undefined, []],
  ['UTF-8 with a mark as UTF-8', Buffer.concat([MARK, UTF8]), undefined, []],
  ['UTF-8 as windows-1252', UTF8, 'windows-1252', ['ENCODING_DIFFERS a:2']],
  ['UTF-8 as Latin-1', UTF8, 'iso-8859-1', ['ENCODING_DIFFERS a:2']],
  [
    'a mark of UTF-8 before ASCII as windows-1252',
    Buffer.concat([MARK, Buffer.from(PLAIN)]),
    'windows-1252',
    ['ENCODING_DIFFERS a:1'],
  ],
  ['ASCII as windows-1252', Buffer.from(PLAIN), 'windows-1252', []],
  ['windows-1252 as itself', TYPEWRITTEN, 'windows-1252', []],
  ['windows-1252 as Latin-1', TYPEWRITTEN, 'iso-8859-1', ['ENCODING_DIFFERS a:2']],
  ['Latin-1 as itself', LATIN, 'iso-8859-1', []],
  ['Latin-1 as UTF-8', LATIN, undefined, ['ENCODING_DIFFERS a:2']],
  [
    'UTF-8 with one character cut as UTF-8',
    Buffer.concat([
      UTF8,
      Buffer.from('4|Zoë '),
      Buffer.from('ë').subarray(0, 1),
      Buffer.from('|\n'),
    ]),
    undefined,
    [],
  ],
])('%s', async ([, bytes, encoding, codes]) => {
  const spec = parseSpec({}, encoding === undefined ? {} : { encoding })
  expect((await findings(bytes, spec)).codes).toEqual(codes)
})

test('the words say what to do, and hold no value', async () => {
  const { words } = await findings(UTF8, parseSpec({}, { encoding: 'windows-1252' }))
  expect(words).toBe(
    "2 records, this the first, look like utf-8, and its layout says windows-1252; ask for windows-1252, or set the layout's encoding to utf-8",
  )
})

/** HD and TR records with both ends of a period, and rows whose day gives their month. */
const DATED = parseSpec(
  {},
  {
    control: (['header', 'trailer'] as const).map((role) => ({
      role,
      prefix: role === 'header' ? 'HD' : 'TR',
      fields: { 1: 'periodBegin' as const, 2: 'periodEnd' as const },
    })),
    columns: [column('id'), column('name'), column('amount'), column('day', 'date')],
    month: { column: 'day' },
  },
)
const dated = (first: string, days: readonly string[], last = first): string =>
  `HD|${first}\n${days.map((day, at) => row(at, 'x', day)).join('')}TR|${last}\n`

test.for<[string, string, readonly string[]]>([
  ['a period that agrees with its rows', dated('202403|202403', ['2024-03-05']), []],
  ['one without rows at all is still read', dated('202403|202403', []), ['PERIOD_MONTH_EMPTY a:1']],
  [
    'header and trailer differ',
    dated('202403|202403', ['2024-03-05'], '202403|202404'),
    ['PERIOD_DIFFERS a:3'],
  ],
  [
    'rows of other months than declared',
    dated('202403|202403', ['2024-03-05', '2024-02-01', '2023-12-31']),
    ['PERIOD_OUTSIDE a:1'],
  ],
  [
    'a declared month without rows',
    dated('202402|202404', ['2024-02-05', '2024-04-05']),
    ['PERIOD_MONTH_EMPTY a:1'],
  ],
  ['rows without a month are of none', dated('202403|202403', ['2024-03-05', '']), []],
  ['a period that is none', dated('202413|202401', ['2024-03-05']), ['PERIOD_UNREADABLE a:1']],
  ['a period the wrong way round', dated('202404|202401', []), ['PERIOD_UNREADABLE a:1']],
  ['one end stands for both', dated('202403', ['2024-03-05']), []],
])('%s', async ([, text, codes]) => {
  expect((await findings(text, DATED)).codes).toEqual(codes)
})

test('months are told with counts, the first five by name', async () => {
  const days = Array.from({ length: 7 }, (_, at) => `2023-0${at + 1}-01`)
  const { words } = await findings(dated('202403|202403', ['2024-03-05', ...days]), DATED)
  expect(words).toBe(
    '7 rows are of 2023-01, 2023-02, 2023-03, 2023-04, 2023-05 and 2 more, outside the declared 2024-03 to 2024-03; correct the period or the rows',
  )
})

test('each file of a submission is held against its own control records', async () => {
  const texts = [dated('202403|202403', ['2024-03-05']), dated('202404|202404', ['2024-03-05'])]
  expect((await findings(texts, DATED)).codes).toEqual([
    'PERIOD_MONTH_EMPTY b:1',
    'PERIOD_OUTSIDE b:1',
  ])
})

test('where a month is declared, rows have no other', async () => {
  const spec = { ...DATED, month: { declared: 'last' as const } }
  expect((await findings(dated('202312|202312', ['2024-03-05']), spec)).codes).toEqual([])
})
