/** A mapping as SQL text, and what DuckDB makes of it. */
import { describe, expect, test } from 'vitest'
import type { ColumnSpec } from '../../engine/index.ts'
import { runMappingTests } from '../../assets/commands/mapping-tests.ts'
import { DuckPool } from '../../engine/index.ts'
import { openRegistry } from '../../registry/folder.ts'
import type { Lineage } from '../../registry/mapping-sql.ts'
import { mappingSelect } from '../../registry/mapping-sql.ts'
import { scratchFolder } from '../table/parsing.ts'
import { selectSilver } from './select-silver.ts'

const lineage: Lineage = {
  state: 'MA',
  fileType: 'medical',
  atomicMonth: '2024-03',
  submitterId: "o’brien_'s",
  submissionId: '20240401T000000000Z-0123456789ab',
  layoutId: 'medical/synthea/v1',
  schemaVersion: 'v1',
  builtAt: '2024-04-02T10:20:30.456Z',
}

describe('a mapping as SQL', () => {
  test('casts every column and names its origin', () => {
    const sql = mappingSelect({
      mapping: {
        schema: 'visits/v1',
        columns: {
          id: { source: 'Id' },
          day: { source: 'START', cast: 'TIMESTAMP' },
          who: { coalesce: ['a', 'b'] },
          kind: { map: { source: 'k', values: { "it's": 'x', A: 'y' }, default: 'z' } },
          month: { month: { source: 'START' } },
          flag: { const: true },
          sum: { expr: 'round(paid * 2, 1)', cast: 'DECIMAL(20,4)' },
          first: { coalesce: ['x', 'y'], cast: 'DATE' },
        },
      },
      columns: [
        { name: 'id', type: 'VARCHAR', required: true },
        { name: 'day', type: 'DATE', required: false },
        { name: 'who', type: 'VARCHAR', required: false },
        { name: 'kind', type: 'VARCHAR', required: false },
        { name: 'month', type: 'VARCHAR', required: false },
        { name: 'flag', type: 'BOOLEAN', required: false },
        { name: 'amount', type: 'DECIMAL(18,2)', required: false },
        { name: 'sum', type: 'VARCHAR', required: false },
        { name: 'first', type: 'VARCHAR', required: false },
      ],
      lineage,
    })
    expect(sql).toMatchInlineSnapshot(`
      "SELECT
        CAST("Id" AS VARCHAR) AS "id",
        CAST(CAST("START" AS TIMESTAMP) AS DATE) AS "day",
        coalesce(CAST("a" AS VARCHAR), CAST("b" AS VARCHAR)) AS "who",
        CAST(CASE WHEN CAST("k" AS VARCHAR) IS NULL THEN NULL ELSE CASE CAST("k" AS VARCHAR) WHEN 'A' THEN 'y' WHEN 'it''s' THEN 'x' ELSE 'z' END END AS VARCHAR) AS "kind",
        strftime(CAST("START" AS DATE), '%Y-%m') AS "month",
        CAST('true' AS BOOLEAN) AS "flag",
        CAST(NULL AS DECIMAL(18,2)) AS "amount",
        CAST(CAST(round(("paid" * 2), 1) AS DECIMAL(20,4)) AS VARCHAR) AS "sum",
        coalesce(CAST(CAST("x" AS DATE) AS VARCHAR), CAST(CAST("y" AS DATE) AS VARCHAR)) AS "first",
        'MA' AS "state",
        'medical' AS "file_type",
        '2024-03' AS "atomic_month",
        'o’brien_''s' AS "submitter_id",
        '20240401T000000000Z-0123456789ab' AS "source_submission_id",
        'medical/synthea/v1' AS "source_layout_id",
        'v1' AS "canonical_schema_version",
        CAST('2024-04-02 10:20:30.456' AS TIMESTAMP) AS "canonical_built_at"
      FROM "silver""
    `)
  })

  test('refuses a required column without a rule, and a target its schema has not', () => {
    const columns = [{ name: 'id', type: 'VARCHAR', required: true }]
    const mapping = (targets: readonly string[]) => ({
      schema: 'visits/v1',
      columns: Object.fromEntries(targets.map((name) => [name, { source: 'Id' }])),
    })
    const sql = (targets: readonly string[]) => () =>
      mappingSelect({ mapping: mapping(targets), columns, lineage })
    expect(sql([])).toThrow('required column id')
    const hostile = { schema: 'visits/v1', columns: { id: { expr: "getenv('HOME')" } } }
    expect(() => mappingSelect({ mapping: hostile, columns, lineage })).toThrow('reached SQL')
    expect(sql(['id', 'other'])).toThrow('a column its schema has not')
    expect(() =>
      mappingSelect({ mapping: mapping(['id']), columns, lineage, view: 'a"b' }),
    ).toThrow('reached SQL')
  })

  test('every shipped mapping gives the rows its test expects', async () => {
    const { registry } = await openRegistry(new URL('../../', import.meta.url).pathname)
    await using folder = await scratchFolder()
    await using duck = new DuckPool({ size: 1, folder: folder.path })
    const results = await runMappingTests({ duck }, registry, () => true)
    expect(results.map(({ mapping }) => mapping)).toEqual(
      registry.mappings.filter(({ tests }) => tests !== undefined).map(({ id }) => id),
    )
    expect(results.length).toBeGreaterThanOrEqual(11)
    for (const { mapping, fault, differences } of results) {
      expect({ mapping, fault, differences }).toEqual({ mapping, differences: [] })
    }
  })

  test('a value that does not fit stops the query, it does not vanish', async () => {
    const sql = mappingSelect({
      mapping: { schema: 'v/v1', columns: { n: { source: 't', cast: 'INTEGER' } } },
      columns: [{ name: 'n', type: 'INTEGER', required: true }],
      lineage,
    })
    const columns: readonly ColumnSpec[] = [{ name: 't', type: 'string', required: false }]
    await expect(selectSilver(sql, columns, [{ t: '1' }, { t: 'x' }])).rejects.toThrow(
      'Conversion Error',
    )
  })
})
