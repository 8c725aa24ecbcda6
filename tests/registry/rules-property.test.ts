/** For random rows, what DuckDB counts of each kind of rule is what a plain loop counts. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ColumnSpec } from '../../engine/index.ts'
import { measureSql, readMeasures } from '../../registry/measure-sql.ts'
import { codeTables } from '../../registry/rule-sql.ts'
import type { MeasuredRule } from '../../registry/rule-set.ts'
import { selectSilver } from './select-silver.ts'

interface Cells {
  readonly code: string | null
  readonly paid: number | null
  readonly charge: number | null
  readonly atomic_month: string
}

const columns: readonly ColumnSpec[] = [
  { name: 'code', type: 'string', required: false },
  { name: 'paid', type: 'integer', required: false },
  { name: 'charge', type: 'integer', required: false },
]
const codeSets = new Map([
  ['kinds', [{ codes: ['A'] }, { from: '2024-02', to: '2024-02', codes: ["O'B"] }]],
])
const since = '2024-02'
const rules: readonly MeasuredRule[] = [
  { id: 'null', kind: 'NOT_NULL', params: { column: 'code' } },
  { id: 'late', kind: 'NOT_NULL', params: { column: 'code' }, since },
  { id: 'range', kind: 'RANGE', params: { column: 'paid', min: 0, max: 2 } },
  { id: 'text', kind: 'RANGE', params: { column: 'code', min: 2 } },
  { id: 'list', kind: 'ALLOWED_VALUES', params: { column: 'paid', values: [1, '2'] } },
  { id: 'codes', kind: 'ALLOWED_VALUES', params: { column: 'code', codeSet: 'kinds' } },
  { id: 'form', kind: 'REGEX', params: { column: 'code', pattern: "[A-Z']" } },
  { id: 'key', kind: 'UNIQUE_KEY', params: { columns: ['code', 'paid'] } },
  {
    id: 'unless',
    kind: 'REQUIRED_UNLESS',
    params: { column: 'paid', unless: { column: 'code', values: ['A'] } },
  },
  { id: 'cross', kind: 'CROSS_FIELD', params: { left: 'paid', op: '<=', right: 'charge' } },
  { id: 'each', kind: 'CUSTOM_SQL', params: { each: 'paid + charge > 0' } },
  { id: 'overall', kind: 'CUSTOM_SQL', params: { overall: 'sum(paid) <= sum(charge)' } },
]

function expected(rows: readonly Cells[]): Readonly<Record<string, number>> {
  const number = (isBroken: (row: Cells) => boolean): number => rows.filter(isBroken).length
  const sum = (column: 'paid' | 'charge'): number | null => {
    const there = rows.map((row) => row[column]).filter((value) => value !== null)
    return there.length === 0 ? null : there.reduce((all, one) => all + one, 0)
  }
  const [paid, charge] = [sum('paid'), sum('charge')]
  const groups = Map.groupBy(rows, (row) => JSON.stringify([row.code, row.paid]))
  return {
    null: number(({ code }) => code === null),
    late: number((row) => row.code === null && row.atomic_month >= since),
    range: number((row) => row.paid !== null && (row.paid < 0 || row.paid > 2)),
    text: number(({ code }) => code !== null && /^\d+$/.test(code) && Number(code) < 2),
    list: number((row) => row.paid !== null && row.paid !== 1 && row.paid !== 2),
    codes: number(({ code, atomic_month: month }) => {
      const isOpen = month === '2024-02' || month === '__unknown__'
      return code !== null && code !== 'A' && !(code === "O'B" && isOpen)
    }),
    form: number(({ code }) => code !== null && !/[A-Z']/.test(code)),
    key: [...groups.values()].reduce((all, { length }) => all + (length > 1 ? length : 0), 0),
    unless: number((row) => row.paid === null && row.code !== 'A'),
    cross: number((row) => row.paid !== null && row.charge !== null && row.paid > row.charge),
    each: number((row) => row.paid !== null && row.charge !== null && row.paid + row.charge <= 0),
    overall: paid !== null && charge !== null && paid > charge ? 1 : 0,
  }
}

const cells: fc.Arbitrary<Cells> = fc.record({
  code: fc.constantFrom(null, 'A', "O'B", '1', '3', '', '%', '; --', 'é'),
  paid: fc.option(fc.integer({ min: -1, max: 3 })),
  charge: fc.option(fc.integer({ min: -2, max: 3 })),
  atomic_month: fc.constantFrom('2024-01', '2024-02', '2024-03', '__unknown__'),
})

test('each kind of rule counts what a plain loop counts', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(cells, { maxLength: 25 }), async (rows) => {
      const select = measureSql({ rules, columns, codeSets })
      const given = rows.map((row) => ({ ...row }))
      const [row] = await selectSilver([...codeTables(codeSets), select], columns, given)
      const parse = { accepted: rows.length, rejected: 0, files: [] }
      const found = readMeasures({ rules, row, parse }).rules
      const counts = Object.entries(found).map(([id, { violations }]) => [id, violations])
      expect(Object.fromEntries(counts)).toEqual(expected(rows))
    }),
    { numRuns: 30 },
  )
})
