/** Code sets and tests written in SQL: as files, as what is measured, and what DuckDB counts. */
import { describe, expect, test } from 'vitest'
import type { ColumnSpec } from '../../engine/index.ts'
import { codeSetSlices } from '../../registry/code-set.ts'
import { facts } from '../../registry/facts.ts'
import { measureSql, readMeasures, readSamples, samplesSql } from '../../registry/measure-sql.ts'
import { readRegistry } from '../../registry/read.ts'
import { codeTables } from '../../registry/rule-sql.ts'
import type { MeasuredRule } from '../../registry/rule-set.ts'
import { HOSTILE } from './hostile-expressions.ts'
import { edited, RULES, sampleFiles } from './sample-registry.ts'
import { selectSilver } from './select-silver.ts'

const SET = 'registry/code-sets/kinds'
const issues = (changed: Readonly<Record<string, string>>): readonly string[] =>
  readRegistry(sampleFiles(changed)).issues.map(
    ({ file, line, column, text }) => `${file}:${line}:${column} ${text}`,
  )
const codeFact = (changed: Readonly<Record<string, string>>): unknown => {
  const { registry, issues: found } = readRegistry(sampleFiles(changed))
  if (registry === undefined) throw new Error(JSON.stringify(found))
  return facts(registry).find(({ kind }) => kind === 'code_set')?.slice
}
const custom = (params: string): Record<string, string> =>
  edited(
    RULES,
    '"kind": "REGEX",\n      "params": {\n        "column": "code",\n        "pattern": "^[A-Z]{2}$"\n      }',
    `"kind": "CUSTOM_SQL", "params": ${params}`,
  )

describe('a code set', () => {
  test('is its codes by their months: versions that meet are one, and descriptions are none of it', () => {
    const versions = {
      [`${SET}.2023.json`]: '{"effective":{"to":"2023-12"},"codes":["A","B"]}',
      [`${SET}.2024.json`]:
        '{"effective":{"from":"2024-01"},"codes":["A",{"code":"C","description":"x"}]}',
    }
    expect(codeFact(versions)).toEqual([
      { to: '2023-12', codes: ['B'] },
      { codes: ['A'] },
      { from: '2024-01', codes: ['C'] },
    ])
  })

  test('is the same as CSV', () => {
    const csv = {
      [`${SET}.csv`]: '\ufeffcode,from,description\r\n"A",,"x, ""y"""\r\nB,2024-01,\r\n',
    }
    expect(codeFact(csv)).toEqual([{ codes: ['A'] }, { from: '2024-01', codes: ['B'] }])
  })

  test.each([
    ['an unknown column', 'code,form\nA,', '1:6 unknown column "form"; did you mean from?'],
    ['no codes column', 'kode\nA', '1:1 the header has no column code'],
    ['a field too many', 'code\nA,B', '2:1 this record has 2 fields, the header 1'],
    ['a stray quote', 'code\nA"B', '2:1 a field with a comma or a quote stands in quotes'],
    ['a month that is none', 'code,from\nA,2024', '2:3 a month is YYYY-MM'],
    ['a code twice', 'code\nA\nB\nA', '4:1 this code is there twice for the same months'],
    [
      'a window that ends first',
      'code,from,to\nA,2024-02,2024-01',
      '2:1 this code is effective in no month',
    ],
  ])('%s in a CSV has its place', (_, text, words) => {
    expect(issues({ [`${SET}.csv`]: text })).toContainEqual(
      expect.stringContaining(`${SET}.csv:${words}`),
    )
  })

  test('that a rule names must be there', () => {
    const rule = edited(RULES, '"REGEX"', '"ALLOWED_VALUES"')
    const text = rule[RULES]?.replace('"pattern": "^[A-Z]{2}$"', '"codeSet": "knds"') ?? ''
    const set = { [`${SET}.json`]: '{"codes":["A"]}' }
    expect(issues({ ...set, [RULES]: text }).join()).toContain('did you mean kinds?')
  })

  test('whose versions overlap is refused', () => {
    const twins = { [`${SET}.json`]: '{"codes":["A"]}', [`${SET}.v2.json`]: '{"codes":["B"]}' }
    expect(issues(twins).join()).toContain('the effective window overlaps that of kinds/v1')
  })
})

const columns: readonly ColumnSpec[] = [
  { name: 'code', type: 'string', required: false },
  { name: 'paid', type: 'integer', required: false },
]
const count = async (
  rules: readonly MeasuredRule[],
  rows: Parameters<typeof selectSilver>[2],
  slices: ReturnType<typeof codeSetSlices> = new Map(),
): Promise<Record<string, string>> => {
  const query = { rules, columns, codeSets: slices }
  const parse = { accepted: rows.length, rejected: 0, files: [] }
  const run = async (select: string) =>
    (await selectSilver([...codeTables(slices), select], columns, rows))[0]
  const measures = readMeasures({ rules, row: await run(measureSql(query)), parse })
  const select = samplesSql(query, measures)
  const samples = select === undefined ? {} : readSamples((await run(select)) ?? {})
  return Object.fromEntries(
    Object.entries(measures.rules).map(([id, { violations, denominator }]) => [
      id,
      `${violations}/${denominator} ${samples[id]?.join() ?? '-'}`,
    ]),
  )
}

describe('what is counted', () => {
  test('a code is judged in its row’s month; hostile codes and values are only texts', async () => {
    const code = `'; DROP TABLE silver; --`
    const { registry } = readRegistry(
      sampleFiles({
        [`${SET}.json`]: JSON.stringify({ codes: ['A', { code: 'B', from: '2024-02' }] }),
        'registry/code-sets/odd.json': JSON.stringify({ codes: [code, "O'B"] }),
      }),
    )
    const slices = codeSetSlices(registry?.codeSets ?? [], ['kinds', 'odd'])
    const rules: readonly MeasuredRule[] = ['kinds', 'odd'].map((codeSet) => ({
      id: codeSet,
      kind: 'ALLOWED_VALUES',
      params: { column: 'code', codeSet },
    }))
    const rows = [
      { code: 'A', atomic_month: '2024-01' },
      { code: 'B', atomic_month: '2024-01' },
      { code: 'B', atomic_month: '2024-02' },
      { code: 'B', atomic_month: '__unknown__' },
      { code: null },
      { code },
      { code: "O'B" },
    ]
    expect(await count(rules, rows, slices)).toEqual({ kinds: '3/7 2,6,7', odd: '4/7 1,2,3,4' })
  })

  test('a test of each row, and one over all of them; at most ten line numbers a rule', async () => {
    const rules: readonly MeasuredRule[] = [
      { id: 'each', kind: 'CUSTOM_SQL', params: { each: 'paid > 5' } },
      { id: 'more', kind: 'CUSTOM_SQL', params: { overall: 'sum(paid) >= count(*) * 100' } },
      { id: 'fine', kind: 'CUSTOM_SQL', params: { overall: 'count(DISTINCT paid) > 1' } },
      { id: 'late', kind: 'CUSTOM_SQL', params: { overall: 'min(paid) > 0' }, since: '2025-01' },
      { id: 'key', kind: 'UNIQUE_KEY', params: { columns: ['code'] } },
    ]
    const rows = Array.from({ length: 30 }, (_, at) => ({
      code: at < 4 ? `c${at % 2}` : `d${at}`,
      paid: at % 2,
    }))
    expect(await count(rules, rows)).toEqual({
      each: '30/30 1,2,3,4,5,6,7,8,9,10',
      more: '1/1 -',
      fine: '0/1 -',
      late: '0/1 -',
      key: '4/30 1,2',
    })
  })
})

describe('a test in a rule', () => {
  test.each(HOSTILE)('%s is refused', (_, text) => {
    expect(issues(custom(JSON.stringify({ each: text })))).not.toEqual([])
    expect(issues(custom(JSON.stringify({ overall: `count(*) > 0 AND (${text})` })))).not.toEqual(
      [],
    )
  })

  test.each([
    ['a value is no test', { each: 'code' }, 'compare this with a value'],
    ['a row has no sums', { each: 'sum(paid) > 1' }, 'no function "sum"'],
    [
      'all rows have no column',
      { overall: 'paid > sum(paid)' },
      'over all rows a column stands in',
    ],
    ['sums are not nested', { overall: 'sum(max(paid)) > 1' }, 'no function "max"'],
    ['something is summed', { overall: '1 < 2' }, 'over all rows there is one of'],
    ['a column that is not there', { each: 'pid > 1' }, 'no column "pid"; did you mean paid?'],
  ])('%s', (_, params, words) => {
    expect(issues(custom(JSON.stringify(params))).join()).toContain(words)
  })

  test('is the same whatever its white space', () => {
    const slice = (text: string): unknown =>
      readRegistry(sampleFiles(custom(JSON.stringify({ each: text })))).registry?.ruleSets[0]
        ?.measure
    expect(slice('paid>1')).toEqual(slice('( paid  > 1 )'))
  })
})
