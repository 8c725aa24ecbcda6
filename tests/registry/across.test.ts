/** Rules across files and months as SQL and arithmetic: what is judged, and what breaks them. */
import { describe, expect, test } from 'vitest'
import type { ColumnSpec } from '../../engine/index.ts'
import type { CrossFileRule } from '../../registry/cross-file-sql.ts'
import { crossFileSql, readCrossFile } from '../../registry/cross-file-sql.ts'
import { crossNeeds, readAcross } from '../../registry/cross-reads.ts'
import { readRegistry } from '../../registry/read.ts'
import type { TrendRule } from '../../registry/trend.ts'
import { figuresSql, judgeTrend, readFigures } from '../../registry/trend.ts'
import { LAYOUT, RULES, sampleFiles, sampleText } from './sample-registry.ts'
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

  test('of earlier months than since are not judged', async () => {
    const { rules } = await found({ ...crossFile({ whenAbsent: 'fail' }), since: '2024-02' })
    expect(rules).toEqual({ enrolled: { violations: 2, denominator: 2 } })
  })
})

test('figures of fewer than 11 rows are not kept, except how many rows there are', async () => {
  const rows = [
    ...Array.from({ length: 11 }, (_, at) => ({
      id: `p${at % 2}`,
      paid: '1.50',
      atomic_month: '2024-01',
    })),
    { id: 'q', paid: '9.75', atomic_month: '2024-02' },
    { id: 'q', paid: '9.75', atomic_month: '__unknown__' },
  ]
  const rules = [sum, rowsRule]
  const found = await selectSilver(figuresSql(rules, 'silver'), columns, rows)
  expect(readFigures(rules, found)).toEqual({
    paid: { '2024-01': 8.25 },
    rows: { '2024-01': 11, '2024-02': 1 },
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

  test('of a declared month without rows is 0 rows, and no figure of anything else', () => {
    expect(judge({ '2024-05': 100 }, before).months).toEqual({ rows: ['2024-04'] })
    expect(judge({ '2024-05': 100 }, before, sum).rules).toEqual({
      paid: { violations: 0, denominator: 1 },
    })
  })
})

describe('a registry with such rules', () => {
  const ROSTERS = 'registry/layouts/rosters/clinic.json'
  const read = (rule: object) =>
    readRegistry(
      sampleFiles({
        [ROSTERS]: sampleText(LAYOUT),
        [RULES]: JSON.stringify({
          rules: [{ severity: 'SOFT', threshold: { count: 0 }, ...rule }],
        }),
      }).filter(({ path }) => !path.includes('variances')),
    )
  const params = { columns: ['visit'], in: { fileType: 'rosters', columns: ['visit'] } }
  const lookUp = { id: 'known', kind: 'CROSS_FILE', params }

  test('says which file types are read across', () => {
    const { registry } = read(lookUp)
    expect(readAcross(registry?.ruleSets ?? [])).toEqual(['rosters'])
    expect(crossNeeds(registry?.ruleSets[0]?.measure ?? [])).toEqual({
      files: { rosters: 0 },
      historyMonths: 0,
    })
    const trend = { id: 't', kind: 'TREND', params: { figure: 'rows', within: 1 } }
    expect(readAcross(read(trend).registry?.ruleSets ?? [])).toEqual(['visits'])
  })

  test.for([
    [
      'an unknown file type',
      { ...params, in: { fileType: 'roster', columns: ['visit'] } },
      'no file type "roster"; did you mean rosters?',
    ],
    [
      'an unknown column there',
      { ...params, in: { fileType: 'rosters', columns: ['visi'] } },
      'no column of rosters "visi"; did you mean visit?',
    ],
    [
      'an unknown column here',
      { ...params, columns: ['visi'] },
      'no column "visi"; did you mean visit?',
    ],
    ['columns of two kinds', { ...params, columns: ['paid'] }, 'not comparable with this column'],
    [
      'more columns than there',
      { ...params, columns: ['visit', 'code'] },
      '2 columns cannot be found in 1',
    ],
    ['a look too far back', { ...params, backMonths: 13 }, '12'],
  ] as const)('%s is refused where it stands', ([, wrong, text]) => {
    const { issues } = read({ ...lookUp, params: wrong })
    const [issue] = issues.filter(({ kind }) => kind !== 'warning')
    expect(issue?.text).toContain(text)
    expect(issue?.file).toBe(RULES)
  })

  test.for([
    [
      'the sum of texts',
      { figure: 'sum', column: 'code', within: 1 },
      'only a column of numbers has a sum',
    ],
    ['rows of a column', { figure: 'rows', column: 'code', within: 1 }, 'rows have no column'],
    ['a sum of nothing', { figure: 'sum', within: 1 }, 'of which column is the sum?'],
    [
      'a share per something',
      { figure: 'filled', column: 'code', per: 'visit', within: 1 },
      'a share is per row already',
    ],
  ] as const)('%s is refused', ([, wrong, text]) => {
    const { issues } = read({ id: 't', kind: 'TREND', params: wrong })
    expect(
      issues
        .filter(({ kind }) => kind !== 'warning')
        .map((issue) => issue.text)
        .join(),
    ).toContain(text)
  })
})
