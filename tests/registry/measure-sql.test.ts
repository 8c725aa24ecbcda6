/** Rules as SQL text, and what DuckDB counts. */
import { describe, expect, test } from 'vitest'
import type { ColumnSpec } from '../../engine/index.ts'
import { measureSql, readMeasures } from '../../registry/measure-sql.ts'
import type { MeasuredRule } from '../../registry/rule-set.ts'
import { selectSilver } from './select-silver.ts'
import type { Row } from './select-silver.ts'

const columns: readonly ColumnSpec[] = [
  { name: 'id', type: 'string', required: false },
  { name: 'code', type: 'string', required: false },
  { name: 'status', type: 'string', required: false },
  { name: 'paid', type: 'decimal', precision: 18, scale: 2, required: false },
  { name: 'began', type: 'date', required: false },
  { name: 'ended', type: 'datetime', required: false },
]
const rules: readonly MeasuredRule[] = [
  { id: 'not_null', kind: 'NOT_NULL', params: { column: 'id' } },
  { id: 'text_range', kind: 'RANGE', params: { column: 'code', min: 1, max: 99999 } },
  { id: 'paid_range', kind: 'RANGE', params: { column: 'paid', min: 0 } },
  { id: 'day_range', kind: 'RANGE', params: { column: 'ended', max: '2024-03-31' } },
  { id: 'allowed', kind: 'ALLOWED_VALUES', params: { column: 'status', values: ['P', 'D'] } },
  { id: 'form', kind: 'REGEX', params: { column: 'code', pattern: '[0-9]' } },
  { id: 'key', kind: 'UNIQUE_KEY', params: { columns: ['id', 'began'] } },
  {
    id: 'paid_unless',
    kind: 'REQUIRED_UNLESS',
    params: { column: 'paid', unless: { column: 'status', values: ['D'] } },
  },
  { id: 'order', kind: 'CROSS_FIELD', params: { left: 'began', op: '<=', right: 'ended' } },
  { id: 'late_null', kind: 'NOT_NULL', params: { column: 'id' }, since: '2024-02' },
  { id: 'late_key', kind: 'UNIQUE_KEY', params: { columns: ['code'] }, since: '2024-02' },
  { id: 'trailer', kind: 'TRAILER_COUNT' },
]

describe('rules as SQL', () => {
  test('are one SELECT', () => {
    expect(measureSql({ rules, columns })).toMatchInlineSnapshot(`
      "SELECT
        count(*) AS "total_rows",
        count(*) FILTER (WHERE "id" IS NULL) AS "violations__not_null",
        count(*) FILTER (WHERE (nullif(TRY_CAST("code" AS DOUBLE), CAST('nan' AS DOUBLE)) < 1 OR nullif(TRY_CAST("code" AS DOUBLE), CAST('nan' AS DOUBLE)) > 99999)) AS "violations__text_range",
        count(*) FILTER (WHERE ("paid" < 0)) AS "violations__paid_range",
        count(*) FILTER (WHERE (CAST("ended" AS DATE) > CAST('2024-03-31' AS DATE))) AS "violations__day_range",
        count(*) FILTER (WHERE CAST("status" AS VARCHAR) NOT IN ('P', 'D')) AS "violations__allowed",
        count(*) FILTER (WHERE NOT regexp_matches(CAST("code" AS VARCHAR), '[0-9]')) AS "violations__form",
        (SELECT CAST(coalesce(sum("n"), 0) AS BIGINT) FROM (SELECT count(*) AS "n" FROM "silver" GROUP BY "id", "began" HAVING count(*) > 1)) AS "violations__key",
        count(*) FILTER (WHERE ("paid" IS NULL AND NOT coalesce(CAST("status" AS VARCHAR) IN ('D'), false))) AS "violations__paid_unless",
        count(*) FILTER (WHERE NOT ("began" <= "ended")) AS "violations__order",
        count(*) FILTER (WHERE "id" IS NULL AND "atomic_month" >= '2024-02') AS "violations__late_null",
        count(*) FILTER (WHERE "atomic_month" >= '2024-02') AS "rows__late_null",
        (SELECT CAST(coalesce(sum("n"), 0) AS BIGINT) FROM (SELECT count(*) AS "n" FROM "silver" WHERE "atomic_month" >= '2024-02' GROUP BY "code" HAVING count(*) > 1)) AS "violations__late_key",
        count(*) FILTER (WHERE "atomic_month" >= '2024-02') AS "rows__late_key"
      FROM "silver""
    `)
  })

  test('count violations; empty values and text that is no number are ignored', async () => {
    const row = (id: string | null, code: string | null, rest: Row = {}): Row => ({
      id,
      code,
      ...rest,
    })
    const rows = [
      row('a', '1', {
        status: 'P',
        paid: '1.00',
        began: '2024-03-01',
        ended: '2024-03-31 23:59:59',
      }),
      row('a', '99999', { status: 'D', began: '2024-03-01', ended: '2024-02-01 00:00:00' }),
      row('b', '100000', { status: 'X', paid: '-1.00', began: '2024-03-01' }),
      row(null, 'A9901', { atomic_month: '2024-01' }),
      row(null, 'none', { atomic_month: '__unknown__', ended: '2024-04-01 00:00:00' }),
      row('c', 'nan', { status: 'P' }),
      row('d', null, { status: 'P', paid: '2.00' }),
    ]
    const [found] = await selectSilver(measureSql({ rules, columns }), columns, rows)
    const parse = { accepted: 7, rejected: 1, files: [{ records: 8, declared: [10] }] }
    const measures = readMeasures({ rules, row: found, parse })
    expect(measures.totalRows).toBe(7)
    const counts = Object.entries(measures.rules).map(
      ([id, { violations, denominator }]) => `${id} ${violations}/${denominator}`,
    )
    expect(counts).toEqual([
      'not_null 2/7',
      'text_range 1/7',
      'paid_range 1/7',
      'day_range 1/7',
      'allowed 1/7',
      'form 2/7',
      'key 4/7', // two of a, and two with neither id nor day
      'paid_unless 3/7',
      'order 1/7',
      'late_null 1/6',
      'late_key 0/6',
      'trailer 2/8',
    ])
  })

  test('of no rows at all are nought; a missing count is no nought', () => {
    const parse = { accepted: 0, rejected: 0, files: [{ records: 0, declared: [] }] }
    const measures = readMeasures({ rules, row: undefined, parse })
    expect(measures.rules['key']).toEqual({ violations: 0, denominator: 0 })
    expect(measures.rules['trailer']).toEqual({ violations: 1, denominator: 0 })
    expect(() => readMeasures({ rules, row: { total_rows: 1 }, parse })).toThrow('no count')
  })
})
