/**
 * Mapping tests: the rows of a `v{n}.test.json` through its mapping, beside what they should become.
 *
 * The mapping runs as it does for a canonical month, on silver columns of the layout's types, in a
 * DuckDB child; expected values are cast to the canonical types there, so `1.50` equals `1.5`.
 */
import type { ColumnSpec, PlanSteps, Problem } from '../../engine/index.ts'
import { quoteName, quoteText } from '../../engine/index.ts'
import type { CanonicalColumn } from '../../registry/canonical-schema.ts'
import { silverType, typeSql } from '../../registry/canonical-schema.ts'
import { mappingForMonth } from '../../registry/mapping-month.ts'
import { mappingSelect } from '../../registry/mapping-sql.ts'
import type { Mapping, MappingTest } from '../../registry/mapping.ts'
import type { Registry } from '../../registry/registry.ts'
import type { Platform } from '../platform.ts'
import { readFolder } from '../registry-sync.ts'

export interface MappingDifference {
  /** from 1 */
  readonly row: number
  readonly column: string
  readonly expected: string | null
  readonly actual: string | null
}

export interface MappingTestResult {
  /** `medical/synthea/v1` */
  readonly mapping: string
  readonly rows: number
  /** why it could not run; undefined: it ran */
  readonly fault?: string
  readonly differences: readonly MappingDifference[]
}

type Runner = Pick<Platform, 'duck'>
type Row = MappingTest['rows'][number]

/** Runs the tests of the given mappings; those without a test are left out. In order of ids. */
export async function runMappingTests(
  { duck }: Runner,
  registry: Registry,
  isWanted: (mapping: Mapping) => boolean,
): Promise<readonly MappingTestResult[]> {
  const results: MappingTestResult[] = []
  for (const mapping of registry.mappings) {
    if (mapping.tests === undefined || !isWanted(mapping)) continue
    results.push(await runOne({ duck }, registry, { mapping, test: mapping.tests }))
  }
  return results
}

const MONTH = '2024-01'
/** What the rows of a test say of their origin. */
const ORIGIN = {
  state: 'MA',
  submitter_id: 'test',
  submission_id: '20240131T120000000Z-000000000000',
} as const

interface TestedMapping {
  readonly mapping: Mapping
  readonly test: MappingTest
}

async function runOne(
  { duck }: Runner,
  registry: Registry,
  { mapping, test }: TestedMapping,
): Promise<MappingTestResult> {
  const name = { mapping: mapping.id, rows: test.rows.length }
  const schema = registry.schemas.find(({ id }) => id === mapping.schema)
  const columns = layoutColumns(registry, mapping)
  if (schema === undefined || columns === undefined) {
    return { ...name, fault: 'its schema or layout is not in the registry', differences: [] }
  }
  const named = [...new Set(test.expect.flatMap((row) => Object.keys(row)))]
  const compared = schema.columns.filter((column) => named.includes(column.name))
  try {
    const { rows } = await duck.run({
      statements: statements({ mapping, test, columns, schema: schema.columns, compared }),
      folders: [],
    })
    return { ...name, differences: differencesOf(test, compared, rows) }
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error
    const fault = 'a value does not become its column’s type, or a rule cannot run on these rows'
    return { ...name, fault, differences: [] }
  }
}

/** The columns of a mapping's layout: of its highest ACTIVE version, else its highest. */
function layoutColumns(registry: Registry, mapping: Mapping): readonly ColumnSpec[] | undefined {
  const versions = registry.layouts.filter(
    (layout) => layout.fileType === mapping.fileType && layout.layout === mapping.layout,
  )
  const active = versions.filter(({ slices }) => slices.route.status === 'ACTIVE')
  return (active.at(-1) ?? versions.at(-1))?.slices.parse.columns
}

function statements({
  mapping,
  test,
  columns,
  schema,
  compared,
}: TestedMapping & {
  readonly columns: readonly ColumnSpec[]
  readonly schema: readonly CanonicalColumn[]
  readonly compared: readonly CanonicalColumn[]
}): readonly string[] {
  const month = test.month ?? MONTH
  const origin = {
    ...ORIGIN,
    file_type: mapping.fileType,
    layout_id: `${mapping.fileType}/${mapping.layout}/v1`,
    atomic_month: month,
  }
  const silver = [
    ...columns.map((column) => `${quoteName(column.name)} ${silverType(column)}`),
    'line_number UINTEGER',
    ...Object.keys(origin).map((name) => `${name} VARCHAR`),
  ]
  const want = compared.map((column) => `${quoteName(column.name)} ${typeSql(column.type)}`)
  const rows = test.rows.map((row, at) => [
    ...columns.map(({ name }) => literal(row[name])),
    String(at + 1),
    ...Object.values(origin).map(quoteText),
  ])
  const expected = test.expect.map((row, at) => [
    String(at + 1),
    ...compared.map(({ name }) => literal(row[name])),
  ])
  const select = mappingSelect({
    mapping: mappingForMonth(mapping, month),
    columns: schema,
    lineage: {
      state: ORIGIN.state,
      fileType: mapping.fileType,
      atomicMonth: month,
      submitterId: ORIGIN.submitter_id,
      submissionId: ORIGIN.submission_id,
      layoutId: origin.layout_id,
      schemaVersion: mapping.schema,
      builtAt: '2024-01-01T00:00:00.000Z',
    },
  })
  const cells = compared.map(({ name }, at) => {
    const column = quoteName(name)
    return `got.${column} IS NOT DISTINCT FROM want.${column} AS same_${at},
      CAST(got.${column} AS VARCHAR) AS got_${at}, CAST(want.${column} AS VARCHAR) AS want_${at}`
  })
  return [
    `CREATE TABLE silver (${silver.join(', ')})`,
    `INSERT INTO silver VALUES ${valuesSql(rows)}`,
    `CREATE TABLE got AS SELECT row_number() OVER () AS test_row, * FROM (${select}
      ORDER BY line_number)`,
    `CREATE TABLE want (${['test_row BIGINT', ...want].join(', ')})`,
    `INSERT INTO want VALUES ${valuesSql(expected)}`,
    `SELECT want.test_row, ${cells.join(', ')} FROM want LEFT JOIN got USING (test_row)
      ORDER BY want.test_row`,
  ]
}

const valuesSql = (rows: readonly (readonly string[])[]): string =>
  rows.map((row) => `(${row.join(', ')})`).join(', ')

/** An ISO instant loses its T and Z: DuckDB's TIMESTAMP has no zone. */
const literal = (value: Row[string] | undefined): string =>
  value === null || value === undefined
    ? 'NULL'
    : quoteText(String(value).replace(/^(\d{4}-\d\d-\d\d)T([\d:.]+)Z$/, '$1 $2'))

/** Only the columns that a row's expectation names are judged. */
function differencesOf(
  test: MappingTest,
  compared: readonly CanonicalColumn[],
  rows: readonly { readonly [name: string]: unknown }[],
): readonly MappingDifference[] {
  const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)
  return rows.flatMap((row, rowAt) =>
    compared.flatMap(({ name }, at) => {
      const isNamed = Object.hasOwn(test.expect[rowAt] ?? {}, name)
      if (!isNamed || row[`same_${at}`] === true) return []
      const [expected, actual] = [text(row[`want_${at}`]), text(row[`got_${at}`])]
      return [{ row: rowAt + 1, column: name, expected, actual }]
    }),
  )
}

const failed = ({ fault, differences }: MappingTestResult): boolean =>
  fault !== undefined || differences.length > 0

/**
 * The failed tests of the mappings that a plan's steps are built for, as warnings: an edit is looked
 * at before its test is brought up to date. No cell's value.
 */
export async function changedMappingTests(
  platform: Platform,
  steps: PlanSteps,
): Promise<readonly Problem[]> {
  const changed = new Set(
    steps.flatMap(({ causes }) =>
      causes.flatMap(({ asset, key = '' }) =>
        asset === 'mapping_month' ? [key.split('/').slice(0, 2).join('/')] : [],
      ),
    ),
  )
  if (changed.size === 0) return []
  const registry = await readFolder(platform.config.root)
  const isChanged = ({ fileType, layout }: Mapping): boolean => changed.has(`${fileType}/${layout}`)
  const results = await runMappingTests(platform, registry, isChanged)
  return results.filter(failed).map(({ mapping, fault, differences }) => ({
    severity: 'warning',
    code: 'MAPPING_TEST_FAILED',
    subject: `mappings/${mapping}.test.json`,
    words: fault ?? differences.map(({ row, column }) => `row ${row} ${column}`).join(', '),
  }))
}
