/** Rules across files and months as SQL and arithmetic: what is judged, and what breaks them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { ColumnSpec } from '../../engine/index.ts'
import type { CrossFileRule } from '../../registry/cross-file-sql.ts'
import { crossFileSql, readCrossFile } from '../../registry/cross-file-sql.ts'
import type { TrendRule } from '../../registry/trend.ts'
import { figuresSql, judgeTrend, readFigures } from '../../registry/trend.ts'
import type { Row } from './select-silver.ts'
import { selectSilver } from './select-silver.ts'

const columns: readonly ColumnSpec[] = [
  { name: 'id', type: 'string', required: false },
  { name: 'paid', type: 'decimal', precision: 18, scale: 2, required: false },
]
const crossFile = (params: Partial<CrossFileRule['params']> = {}): CrossFileRule => ({
  id: 'enrolled',
  kind: 'CROSS_FILE',
  params: {
    columns: ['id'],
    in: { fileType: 'rosters', columns: ['id'] },
    backMonths: 0,
    whenAbsent: 'pass',
    ...params,
  },
})
const sum: TrendRule = {
  id: 'paid',
  kind: 'TREND',
  params: { figure: 'sum', column: 'paid', per: 'id', within: 0.5 },
}
const rowsRule: TrendRule = { id: 'rows', kind: 'TREND', params: { figure: 'rows', within: 0.5 } }

describe('rows looked up in other files', () => {
  const rows = [
    { id: 'a', atomic_month: '2024-01' },
    { id: null, atomic_month: '2024-01' },
    { id: 'b', atomic_month: '2024-02' },
    { id: 'c', atomic_month: '2024-03' },
    { id: 'd', atomic_month: '__unknown__' },
  ]
  const found = async (rule: CrossFileRule) => {
    const months = ['2024-01', '2024-02', '2024-03']
    const { before, select } = crossFileSql({
      rules: [rule],
      view: 'silver',
      months,
      others: new Map(),
    })
    return readCrossFile(await selectSilver([...before, select], columns, rows))
  }

  test('pass where no such file is there, and are not counted', async () => {
    expect(await found(crossFile())).toEqual({
      rules: { enrolled: { violations: 0, denominator: 0 } },
      samples: {},
    })
  })

  test('fail where the rule says so; an empty key and an unknown month are never judged', async () => {
    expect(await found(crossFile({ whenAbsent: 'fail' }))).toEqual({
      rules: { enrolled: { violations: 3, denominator: 3 } },
      samples: { enrolled: [1, 3, 4] },
    })
  })

  test('are found by any column name, in files that type it in their own way', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tributary-'))
    const part = (month: string, value: string) => {
      const path = join(folder, `${month}.parquet`)
      return {
        path,
        make: `COPY (SELECT ${value} AS "row_month", '${month}' AS atomic_month) TO '${path}'`,
      }
    }
    const parts = [
      part('2024-01', "DATE '2024-02-01'"),
      part('2024-02', 'CAST(5 AS BIGINT)'),
    ] as const
    const { before, select } = crossFileSql({
      rules: [crossFile({ in: { fileType: 'rosters', columns: ['row_month'] } })],
      view: 'silver',
      months: ['2024-01', '2024-02', '2024-03'],
      others: new Map([
        [
          'rosters',
          parts.map(({ path }, at) => ({
            month: `2024-0${at + 1}`,
            layout: `rosters/clinic/v${at}`,
            parts: [path],
            columns: ['row_month'],
          })),
        ],
      ]),
    })
    const made = parts.map(({ make }) => make)
    const own = [
      { id: '2024-02-01', atomic_month: '2024-01' },
      { id: 'b', atomic_month: '2024-02' },
      { id: '5', atomic_month: '2024-02' },
    ]
    const read = readCrossFile(await selectSilver([...made, ...before, select], columns, own))
    rmSync(folder, { recursive: true })
    expect(read).toEqual({
      rules: { enrolled: { violations: 1, denominator: 3 } },
      samples: { enrolled: [2] },
    })
  })

  test('of earlier months than since are not judged', async () => {
    const { rules } = await found({ ...crossFile({ whenAbsent: 'fail' }), since: '2024-02' })
    expect(rules).toEqual({ enrolled: { violations: 2, denominator: 2 } })
  })
})

describe('figures', () => {
  const PERIOD = { first: '2024-01', last: '2024-02' }
  const elevenRows = (row: (at: number) => object, month = '2024-01') =>
    Array.from({ length: 11 }, (_, at) => ({ atomic_month: month, ...row(at) }))
  const figuresOf = async (rules: readonly TrendRule[], rows: readonly object[]) => {
    const select = figuresSql(rules, { view: 'silver', period: PERIOD })
    return readFigures(rules, await selectSilver(select, columns, rows as readonly Row[]))
  }

  test('of fewer than 11 rows are not kept, except how many rows there are', async () => {
    const rows = [
      ...elevenRows((at) => ({ id: `p${at}`, paid: '1.50' })),
      { id: 'q', paid: '9.75', atomic_month: '2024-02' },
    ]
    expect(await figuresOf([sum, rowsRule], rows)).toEqual({
      paid: { '2024-01': 1.5 },
      rows: { '2024-01': 11, '2024-02': 1 },
    })
  })

  test('of 11 rows are not kept where one of them has the whole sum, or one member all of them', async () => {
    const whole: TrendRule = { ...sum, params: { figure: 'sum', column: 'paid', within: 0.5 } }
    const oneCell = elevenRows((at) => ({ id: `p${at}`, paid: at === 0 ? '1234.56' : null }))
    expect(await figuresOf([whole], oneCell)).toEqual({ paid: {} })
    const oneMember = elevenRows(() => ({ id: 'p', paid: '1.50' }))
    expect(await figuresOf([sum], oneMember)).toEqual({ paid: {} })
  })

  test('are counted of declared months alone: a file may have a row of any month', async () => {
    const rows = ['2023-12', '2024-02', '2024-03', '__unknown__'].map((month) => ({
      id: 'p',
      atomic_month: month,
    }))
    expect(await figuresOf([rowsRule], rows)).toEqual({ rows: { '2024-02': 1 } })
  })
})

describe('a month beside the median of the twelve before it', () => {
  const judge = (own: Record<string, number>, history: Record<string, number>, rule = rowsRule) =>
    judgeTrend({
      rules: [rule],
      period: ['2024-04', '2024-05'],
      own: { [rule.id]: own },
      history: new Map(
        Object.entries(history).map(([month, figure]) => [
          month,
          { [rule.id]: { [month]: figure } },
        ]),
      ),
    })
  const before = { '2024-01': 90, '2024-02': 100, '2024-03': 400 }

  test('is off past the share on either side, and right on the share is not', () => {
    expect(judge({ '2024-04': 150, '2024-05': 49 }, before)).toEqual({
      rules: { rows: { violations: 1, denominator: 2 } },
      months: { rows: ['2024-05'] },
    })
  })

  test('is not judged by fewer than three, nor by months further back', () => {
    const two = { '2023-03': 100, '2023-04': 100, '2024-03': 100 }
    expect(judge({ '2024-04': 999 }, two).rules).toEqual({
      rows: { violations: 0, denominator: 0 },
    })
    const three = { ...two, '2023-05': 100 }
    expect(judge({ '2024-04': 999, '2024-05': 100 }, three)).toEqual({
      rules: { rows: { violations: 1, denominator: 2 } },
      months: { rows: ['2024-04'] },
    })
    const { rules } = judge({}, { '2024-03': 100, '2024-02': 100 }, sum)
    expect(rules).toEqual({ paid: { violations: 0, denominator: 0 } })
  })

  test('is not judged by months of a layout that has no such rule', () => {
    const { rules } = judgeTrend({
      rules: [rowsRule],
      period: ['2024-04'],
      own: { rows: { '2024-04': 100 } },
      history: new Map(['2024-01', '2024-02', '2024-03'].map((month) => [month, {}])),
    })
    expect(rules).toEqual({ rows: { violations: 0, denominator: 0 } })
  })

  test('of a declared month without rows is 0 rows, and no figure of anything else', () => {
    expect(judge({ '2024-05': 100 }, before).months).toEqual({ rows: ['2024-04'] })
    expect(judge({ '2024-05': 100 }, before, sum).rules).toEqual({
      paid: { violations: 0, denominator: 1 },
    })
  })
})
