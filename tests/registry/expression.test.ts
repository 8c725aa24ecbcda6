/** The expression language: what it takes, what DuckDB makes of it, and everything it refuses. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ColumnSpec } from '../../engine/index.ts'
import { readExpression } from '../../registry/expression.ts'
import { HOSTILE } from './hostile-expressions.ts'
import { selectSilver } from './select-silver.ts'

function sqlOf(text: string): string {
  const read = readExpression(text)
  if ('problem' in read) throw new Error(`${text}: ${read.offset} ${read.problem}`)
  return read.sql
}

const COLUMNS: readonly ColumnSpec[] = [
  { name: 'code', type: 'string', required: false },
  { name: 'name', type: 'string', required: false },
  { name: 'n', type: 'integer', required: false },
  { name: 'paid', type: 'decimal', precision: 18, scale: 2, required: false },
  { name: 'seen', type: 'date', required: false },
  { name: 'stamp', type: 'datetime', required: false },
  { name: 'missing', type: 'string', required: false },
]
const ROW = {
  code: ' 00123 ',
  name: "O'Brien",
  n: 7,
  paid: '10.50',
  seen: '2024-02-29',
  stamp: '2024-02-29 13:05:00',
}

/** One expression as text in DuckDB, as it was written and as it was written anew. */
const VALUES: readonly (readonly [expression: string, value: string | null])[] = [
  ['trim(code)', '00123'],
  ["ltrim(code, ' 0')", '123 '],
  ["lpad(CAST(n AS VARCHAR), 3, '0')", '007'],
  ['upper(left(name, 1)) || lower(right(name, 5))', 'Obrien'],
  ["replace(name, '''', '')", 'OBrien'],
  ["concat(name, '/', missing, n)", "O'Brien/7"],
  ['substr(trim(code), 3, 2)', '12'],
  ['length(trim(code)) + 1 * 2', '7'],
  ['(length(trim(code)) + 1) * 2', '12'],
  ['n - 1 - 1', '5'],
  ['n - (1 - 1)', '7'],
  ['- n + 3', '-4'],
  ['- - n', '7'],
  ['n % 4', '3'],
  ["'n' || n + 1", 'n8'],
  ['round(paid * 1.005, 2)', '10.55'],
  ['CAST(paid AS DECIMAL(10, 1))', '10.5'],
  ["'12'::INTEGER + 1", '13'],
  ['coalesce(missing, code)', ' 00123 '],
  ["nullif(name, 'O''Brien')", null],
  ['greatest(n, 3, 9)', '9'],
  ["strftime(seen, '%Y%m')", '202402'],
  ["CAST(strptime('31.01.2024', '%d.%m.%Y') AS DATE)", '2024-01-31'],
  ["CAST(date_trunc('month', stamp) AS DATE)", '2024-02-01'],
  ['EXTRACT(YEAR FROM seen)', '2024'],
  ['make_date(year(seen), month(seen), 1)', '2024-02-01'],
  ["seen < DATE '2024-03-01'", 'true'],
  ["seen BETWEEN DATE '2024-01-01' AND DATE '2024-02-28'", 'false'],
  ['n IN (1, -7, 7)', 'true'],
  ['n NOT IN (1, 2)', 'true'],
  ['missing IS NOT NULL', 'false'],
  ['NOT n = 7 OR n > 6 AND TRUE', 'true'],
  ["CASE WHEN n > 5 THEN 'high' WHEN n > 1 THEN 'low' ELSE 'none' END", 'high'],
  ["CASE n WHEN 1 THEN 'one' WHEN 7 THEN 'seven' END", 'seven'],
  ["regexp_matches(trim(code), '^[0-9]+$')", 'true'],
  ["regexp_replace(code, '[ 0]', '', 'g')", '123'],
  ["regexp_extract(code, '([1-9]+)', 1)", '123'],
  ["starts_with(trim(code), '00') AND contains(name, 'Br')", 'true'],
]

describe('an expression', () => {
  test('has in DuckDB the value that it has as SQL', async () => {
    const cells = VALUES.flatMap(([text], at) => [
      `CAST((${text}) AS VARCHAR) AS "w${at}"`,
      `CAST(${sqlOf(text)} AS VARCHAR) AS "r${at}"`,
    ])
    const [row] = await selectSilver(`SELECT ${cells.join(', ')} FROM silver`, COLUMNS, [ROW])
    const found = VALUES.map(([text], at) => [text, row?.[`w${at}`], row?.[`r${at}`]])
    expect(found).toEqual(VALUES.map(([text, value]) => [text, value, value]))
  })

  test('is the same whatever its white space, case of words and brackets', () => {
    const written = "CASE WHEN (n>5) THEN TRIM( code ) ELSE ('x') END"
    const sql = `CASE WHEN ("n" > 5) THEN trim("code") ELSE 'x' END`
    expect(sqlOf(written)).toBe(sql)
    expect(sqlOf(`case\n\twhen n > 5 then (trim(code)) else 'x' end`)).toBe(sql)
    expect(sqlOf("n != 1::INTEGER and date '2024-01-01' = seen")).toBe(
      `(("n" <> CAST(1 AS INTEGER)) AND (CAST('2024-01-01' AS DATE) = "seen"))`,
    )
  })

  test('names each column it reads, with its place', () => {
    const read = readExpression('coalesce(code, "END") || code')
    expect(read).toMatchObject({
      columns: [
        { name: 'code', offset: 9 },
        { name: 'END', offset: 15 },
        { name: 'code', offset: 25 },
      ],
    })
  })

  test.each(HOSTILE)('%s is refused with its place', (...[, text, offset, words]) => {
    expect(readExpression(text)).toEqual({ offset, problem: expect.stringContaining(words) })
  })

  test('limits hold: length, parts, depth, brackets', () => {
    const refused = (text: string): string => {
      const read = readExpression(text)
      return 'problem' in read ? read.problem : 'no problem'
    }
    expect(refused(`'${'x'.repeat(9000)}'`)).toContain('at most 8192 characters')
    expect(refused(`${'('.repeat(4000)}1${')'.repeat(4000)}`)).toContain('nested too deeply')
    expect(refused('NOT '.repeat(2000))).toContain('nested too deeply')
    expect(refused('- '.repeat(4000))).toContain('nested too deeply')
    expect(refused('1+'.repeat(100))).toContain('64 operations deep')
    expect(refused(`n IN (${'1,'.repeat(600)}1)`)).toContain('at most 500 parts')
    expect(refused(`${'concat('.repeat(60)}n${')'.repeat(60)}`)).toBe('no problem')
    expect(refused(`n = 1${'0'.repeat(38)}`)).toContain('at most 38 digits')
  })
})

const PIECES =
  `n code "END" 'a' '''' 1 2.50 ( ) , + - * / % || = <> != < :: AND OR NOT IS NULL BETWEEN IN
  CASE WHEN THEN ELSE END CAST AS DATE VARCHAR DECIMAL trim concat EXTRACT year FROM SELECT -- ; $$ ?
  \0 é " '`.split(/\s+/)
const sound = fc.letrec<{ part: string }>((tie) => ({
  part: fc.oneof(
    { maxDepth: 5, depthIdentifier: 'part' },
    fc.constantFrom('n', 'paid', '"code"', "'it''s'", '1', '2.50', 'NULL', 'true'),
    fc
      .tuple(tie('part'), fc.constantFrom('+', '-', '*', '||', '=', '<=', 'AND', 'or'), tie('part'))
      .map((parts) => parts.join(' ')),
    fc.tuple(tie('part'), tie('part')).map(([a, b]) => `CASE WHEN (${a}) THEN ${b} END`),
    fc.tuple(tie('part'), tie('part')).map(([a, b]) => `coalesce(${a}, ${b})`),
    tie('part').map((a) => `(${a}) IS NOT NULL`),
    tie('part').map((a) => `NOT (${a})`),
    tie('part').map((a) => `- (${a})`),
    tie('part').map((a) => `(${a})::DECIMAL(10,2)`),
    tie('part').map((a) => `(${a}) not in ('a', -1)`),
    tie('part').map((a) => `(${a}) BETWEEN 1 AND n`),
  ),
})).part

describe('for any text', () => {
  /** Why what was read is not what it says; undefined: nothing is wrong. */
  const fault = (text: string): string | undefined => {
    const read = readExpression(text)
    if ('problem' in read) {
      return read.offset >= 0 && read.offset <= text.length ? undefined : 'a place outside'
    }
    const again = readExpression(read.sql)
    if (!('sql' in again) || again.sql !== read.sql) return `${read.sql} does not read as itself`
    const outsideTexts = read.sql.replaceAll(/'(?:[^']|'')*'/g, '')
    const isPlain = /^(?!.*(?:--|[/][*]))[\x20-\x7e]*$/.test(outsideTexts)
    return isPlain && !/[;$?'.\\](?!\d)/.test(outsideTexts) ? undefined : `${read.sql} is no value`
  }
  const isSound = (text: string): void => {
    expect(fault(text)).toBeUndefined()
  }

  test('reading gives an expression or a place, and what it gives reads as itself', () => {
    expect(fault('n + 1')).toBeUndefined()
    const soup = fc.array(fc.constantFrom(...PIECES), { maxLength: 14 })
    const joined = soup.map((pieces) => pieces.join(' '))
    fc.assert(fc.property(joined, isSound), { numRuns: 3000 })
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 60 }), isSound))
    fc.assert(fc.property(sound, isSound), { numRuns: 1000 })
  })

  test('DuckDB reads it as the same tree as what it was written from', async () => {
    const texts = fc.sample(sound, { numRuns: 60, seed: 7 }).flatMap((text) => {
      const read = readExpression(text)
      return 'problem' in read ? [] : [[text, read.sql] as const]
    })
    expect(texts.length).toBeGreaterThan(30)
    const quoted = (text: string): string => `'SELECT ${text.replaceAll("'", "''")}'`
    const tree = (text: string): string =>
      `regexp_replace(json_serialize_sql(${quoted(text)})::VARCHAR, '"query_location":\\d+', '', 'g')`
    const cells = texts.map(([a, b], at) => `${tree(a)} = ${tree(b)} AS "c${at}"`)
    const [row] = await selectSilver(`SELECT ${cells.join(', ')} FROM silver`, COLUMNS, [ROW])
    expect(texts.filter((_, at) => row?.[`c${at}`] !== true)).toEqual([])
  })
})
