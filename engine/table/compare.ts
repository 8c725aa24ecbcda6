/**
 * Two versions of a table, row by row: added, removed, changed, unchanged, and by column how often
 * they agree.
 *
 * Rows are told apart by key columns; rows of one key are numbered, so that a key that is no key
 * pairs its first rows, its second rows, and so on. Without a key whole rows are, as multisets.
 * Memory: rows are compared in buckets by a hash of the key, each a task of its own.
 */
import { assert } from '../core/errors.ts'
import { quoteName, quoteText } from './quote.ts'

/** Rows of both sides in one bucket: a row of 165 columns is about 1 KB in DuckDB. */
const BUCKET_ROWS = 2_000_000
const BUCKETS_MAX = 1_000
const OCCURRENCE = '_occurrence_'

export interface Side {
  /** absolute paths of Parquet files; columns are matched by name */
  readonly files: readonly string[]
  readonly rows: number
}

export interface CompareRequest {
  readonly before: Side
  readonly after: Side
  /** undefined: whole rows */
  readonly key: readonly string[] | undefined
  /** columns that are compared, and do not make a row a changed one */
  readonly apart: readonly string[]
  /** differing rows to show */
  readonly sample: number
  /** rows of both sides compared at once. Default 2,000,000 */
  readonly bucketRows?: number
  /** runs statements in a child process; returns the rows of the last */
  readonly run: (
    statements: readonly string[],
  ) => Promise<readonly Readonly<Record<string, unknown>>[]>
}

export interface ColumnMatch {
  readonly name: string
  /** rows in which both sides agree, of those that are on both sides */
  readonly equal: number
  readonly isApart: boolean
}

export interface DifferingRow {
  readonly kind: 'added' | 'removed' | 'changed'
  readonly key: Readonly<Record<string, string | null>>
  /** of a changed row: what differs */
  readonly columns: readonly {
    readonly column: string
    readonly from: string | null
    readonly to: string | null
  }[]
}

export interface Comparison {
  readonly added: number
  readonly removed: number
  readonly changed: number
  readonly unchanged: number
  /** columns of both sides that are no key, in order */
  readonly columns: readonly ColumnMatch[]
  readonly columnsAdded: readonly string[]
  readonly columnsRemoved: readonly string[]
  readonly sample: readonly DifferingRow[]
}

interface Columns {
  readonly key: readonly string[]
  /** on both sides and no key, in order */
  readonly compared: readonly string[]
  /** of these, what decides whether a row has changed */
  readonly deciding: readonly string[]
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

/** A key names columns that are not on both sides: these. */
export class KeyNotThere extends Error {
  readonly columns: readonly string[]

  constructor(columns: readonly string[]) {
    super('the key names columns that are not in both versions')
    this.columns = columns
  }
}

/** Compares. Cost: each side is read once a bucket. Throws KeyNotThere, DUCK_TASK_FAILED, … */
export async function compareTables(request: CompareRequest): Promise<Comparison> {
  const columns = await columnsOf(request)
  const rows = request.before.rows + request.after.rows
  const buckets = Math.min(
    BUCKETS_MAX,
    Math.max(1, Math.ceil(rows / (request.bucketRows ?? BUCKET_ROWS))),
  )
  const totals = { added: 0, removed: 0, changed: 0, unchanged: 0 }
  const equal = columns.compared.map(() => 0)
  const sample: DifferingRow[] = []
  for (let bucket = 0; bucket < buckets; bucket++) {
    const isUnique = await isKeyUnique(request, columns, { bucket, buckets })
    const joined = joinOf(request, columns, { bucket, buckets, isUnique })
    const [row] = await request.run([...joined, countsOf(columns)])
    assert(row !== undefined, 'counts have a row')
    const count = (name: string): number => Number(row[name] ?? 0)
    const own = { added: count('added'), removed: count('removed'), changed: count('changed') }
    totals.added += own.added
    totals.removed += own.removed
    totals.changed += own.changed
    totals.unchanged += count('both') - own.changed
    for (const at of equal.keys()) equal[at] = (equal[at] ?? 0) + count(`equal_${at}`)
    const wanted = request.sample - sample.length
    if (wanted <= 0 || own.added + own.removed + own.changed === 0) continue
    const shown = await request.run([...joined, sampleOf(columns, wanted)])
    sample.push(...shown.map(differingRow))
  }
  return {
    ...totals,
    columns: columns.compared.map((name, at) => ({
      name,
      equal: equal[at] ?? 0,
      isApart: request.apart.includes(name),
    })),
    columnsAdded: columns.added,
    columnsRemoved: columns.removed,
    sample,
  }
}

const differingRow = (row: Readonly<Record<string, unknown>>): DifferingRow => ({
  kind: row['kind'] as DifferingRow['kind'],
  key: row['key'] as DifferingRow['key'],
  columns: row['columns'] as DifferingRow['columns'],
})

/** The views of both sides; one without files has the other's columns and no row. */
function sidesOf({ before, after }: CompareRequest): readonly string[] {
  const view = (name: string, { files }: Side, or: string): string =>
    files.length === 0
      ? `CREATE TEMP VIEW ${name} AS SELECT * FROM ${or} WHERE false`
      : `CREATE TEMP VIEW ${name} AS SELECT * FROM read_parquet([${files.map(quoteText).join(', ')}],
          union_by_name=true, hive_partitioning=false)`
  const views = [view('before', before, 'after'), view('after', after, 'before')]
  return before.files.length === 0 ? views.toReversed() : views
}

async function columnsOf(request: CompareRequest): Promise<Columns> {
  const rows = await request.run([
    ...sidesOf(request),
    `SELECT table_name AS side, column_name AS name FROM duckdb_columns()
     WHERE table_name IN ('before', 'after') ORDER BY table_name, column_index`,
  ])
  const namesOf = (side: string): readonly string[] =>
    rows.flatMap((row) => (row['side'] === side ? [String(row['name'])] : []))
  const [before, after] = [namesOf('before'), namesOf('after')]
  const shared = after.filter((name) => before.includes(name))
  const key = request.key ?? shared.filter((name) => !request.apart.includes(name))
  const missing = key.filter((name) => !shared.includes(name))
  if (missing.length > 0) throw new KeyNotThere(missing)
  const compared = shared.filter((name) => !key.includes(name))
  return {
    key,
    compared,
    deciding: compared.filter((name) => !request.apart.includes(name)),
    added: after.filter((name) => !before.includes(name)),
    removed: before.filter((name) => !after.includes(name)),
  }
}

const text = (name: string): string => `CAST(${quoteName(name)} AS VARCHAR)`

interface Bucket {
  readonly bucket: number
  readonly buckets: number
}

/** The rows of one bucket, as a clause. */
const rowsOf = (key: readonly string[], { bucket, buckets }: Bucket): string =>
  buckets === 1 ? '' : `WHERE hash(${key.map(text).join(', ')}) % ${buckets} = ${bucket}`

/** Numbering rows sorts all columns: it is done where a key is there twice. */
async function isKeyUnique(
  request: CompareRequest,
  { key }: Columns,
  bucket: Bucket,
): Promise<boolean> {
  const keys = key.map(text).join(', ')
  const [row] = await request.run([
    ...sidesOf(request),
    `SELECT count(*) AS rows FROM (
       SELECT *, count(*) AS often FROM (
         SELECT 'b' AS side, ${keys} FROM before ${rowsOf(key, bucket)}
         UNION ALL SELECT 'a', ${keys} FROM after ${rowsOf(key, bucket)})
       GROUP BY ALL HAVING often > 1 LIMIT 1)`,
  ])
  return Number(row?.['rows'] ?? 1) === 0
}

/** Every value as text, so that a column of another type compares; rows of one key numbered. */
function joinOf(
  request: CompareRequest,
  { key, compared, deciding }: Columns,
  { bucket, buckets, isUnique }: Bucket & { readonly isUnique: boolean },
): readonly string[] {
  const keys = key.map(text)
  // Equal rows get equal numbers whatever the order of the files: lineage alone decides last.
  const order = [...deciding, ...compared.filter((name) => !deciding.includes(name))].map(text)
  const place = isUnique
    ? '1'
    : `row_number() OVER (PARTITION BY ${keys.join(', ')}
        ${order.length === 0 ? '' : `ORDER BY ${order.join(', ')}`})`
  const numbered = (side: string): string => `CREATE TEMP VIEW numbered_${side} AS
    SELECT ${[...key, ...compared].map((name) => `${text(name)} AS ${quoteName(name)}`).join(', ')},
      ${place} AS ${OCCURRENCE}
    FROM ${side} ${rowsOf(key, { bucket, buckets })}`
  const same = [...key, OCCURRENCE].map(
    (name) => `b.${quoteName(name)} IS NOT DISTINCT FROM a.${quoteName(name)}`,
  )
  const differs = deciding.map(
    (name) => `b.${quoteName(name)} IS DISTINCT FROM a.${quoteName(name)}`,
  )
  return [
    ...sidesOf(request),
    numbered('before'),
    numbered('after'),
    `CREATE TEMP VIEW joined AS SELECT b, a,
      b.${OCCURRENCE} IS NULL AS is_added, a.${OCCURRENCE} IS NULL AS is_removed,
      b.${OCCURRENCE} IS NOT NULL AND a.${OCCURRENCE} IS NOT NULL
        AND (${differs.length === 0 ? 'false' : differs.join(' OR ')}) AS is_changed
    FROM numbered_before b FULL JOIN numbered_after a ON ${same.join(' AND ')}`,
  ]
}

const field = (side: 'a' | 'b', name: string): string => `${side}.${quoteName(name)}`

const countsOf = ({ compared }: Columns): string =>
  `SELECT ${[
    'count(*) FILTER (is_added) AS added',
    'count(*) FILTER (is_removed) AS removed',
    'count(*) FILTER (is_changed) AS changed',
    'count(*) FILTER (NOT is_added AND NOT is_removed) AS both',
    ...compared.map(
      (name, at) => `count(*) FILTER (NOT is_added AND NOT is_removed
        AND ${field('b', name)} IS NOT DISTINCT FROM ${field('a', name)}) AS equal_${at}`,
    ),
  ].join(', ')} FROM joined`

/** Differing rows by key: what a person looks at, so few. */
function sampleOf({ key, deciding }: Columns, limit: number): string {
  const names = key.map(
    (name) => `${quoteText(name)}: coalesce(${field('b', name)}, ${field('a', name)})`,
  )
  const pairs = deciding.map(
    (name) => `CASE WHEN is_changed AND ${field('b', name)} IS DISTINCT FROM ${field('a', name)}
      THEN {'column': ${quoteText(name)}, 'from': ${field('b', name)}, 'to': ${field('a', name)}} END`,
  )
  const columns =
    pairs.length === 0 ? '[]' : `list_filter([${pairs.join(', ')}], one -> one IS NOT NULL)`
  return `SELECT CASE WHEN is_added THEN 'added' WHEN is_removed THEN 'removed' ELSE 'changed' END AS kind,
      {${names.join(', ')}} AS key, ${columns} AS columns
    FROM joined WHERE is_added OR is_removed OR is_changed ORDER BY key, kind LIMIT ${limit}`
}
