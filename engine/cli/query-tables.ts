/**
 * The tables of `query`, `export` and `connect`: what is committed, by exact part list, now or as of
 * a run or an instant, while those versions are kept.
 */
import { sql } from 'kysely'
import type { RawBuilder } from 'kysely'
import type { Connection } from '../catalog/open.ts'
import { EngineError } from '../core/errors.ts'
import { nodeText, parseKey } from '../core/key.ts'
import { quoteName, quoteText } from '../table/quote.ts'
import type { CommandCall, OpenProject, QueryTables, StoredFile } from './command.ts'
import { textOption } from './command.ts'
import { isoText } from './text.ts'

export interface TablePart extends StoredFile {
  /** of its partition */
  readonly key: string
  readonly name: string
}

export interface QueryTable {
  readonly schema: string
  readonly name: string
  readonly partitions: number
  readonly rows: number
  readonly parts: readonly TablePart[]
  /** partitions whose parts of then are not kept, as `asset[key]` */
  readonly gone: readonly string[]
}

/** A moment of the past: after a run, or at an instant. */
export type AsOf =
  | { readonly run: number; readonly text: string }
  | { readonly atMs: number; readonly text: string }

/** As SQL writes it: `gold_canonical.medical`. */
export const tableName = ({ schema, name }: Pick<QueryTable, 'schema' | 'name'>): string =>
  `${schema}.${name}`

/** A view over exact files, in a schema that is there. */
export function createView(
  { schema, name }: Pick<QueryTable, 'schema' | 'name'>,
  files: readonly string[],
): string {
  return `CREATE VIEW ${quoteName(schema)}.${quoteName(name)} AS
    SELECT * FROM read_parquet([${files.map(quoteText).join(', ')}], union_by_name=true, hive_partitioning=false)`
}

const INSTANT = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)?)?$/

/** `--as-of`: a run's number, a day, or an instant; without a zone it is this machine's. */
export async function asOfOption(call: CommandCall, db: Connection): Promise<AsOf | undefined> {
  const text = textOption(call, 'asOf')
  if (text === undefined) return undefined
  if (/^\d{1,15}$/.test(text)) {
    const run = Number(text)
    const found = await db.selectFrom('run').select('id').where('id', '=', run).executeTakeFirst()
    if (found === undefined) throw new EngineError('RUN_UNKNOWN', { run: text })
    return { run, text: `as of run ${run}` }
  }
  const atMs = INSTANT.test(text) ? Date.parse(text.includes('T') ? text : `${text}T00:00`) : NaN
  if (Number.isNaN(atMs)) {
    const reason = '--as-of needs a run’s number, or an instant as in 2026-11-25T10:00Z'
    throw new EngineError('USAGE', { command: 'query', reason })
  }
  return { atMs, text: `as of ${isoText(atMs)}` }
}

interface PartRow {
  readonly key: string
  readonly part: string
  /** null: its parts are not kept */
  readonly path: string | null
  readonly sizeBytes: number
  readonly sha256: string
  readonly rows: number | null
}

/** Every table there is, by name. A fixed number of queries. */
export async function findTables(
  {
    project,
    query,
  }: Pick<OpenProject, 'project'> & { readonly query: Pick<OpenProject['query'], 'tables'> },
  asOf?: AsOf,
): Promise<readonly QueryTable[]> {
  const found = new Map<
    string,
    Omit<QueryTable, 'partitions'> & {
      rows: number
      readonly nodes: Set<string>
      readonly parts: TablePart[]
      readonly gone: string[]
    }
  >()
  for (const kind of query.tables) {
    const at = project.graph.assets.get(kind.asset)?.dimensions.indexOf(kind.by) ?? -1
    for (const { key, path, rows, part, sizeBytes, sha256 } of await partsOf(
      project.catalog.db,
      kind,
      asOf,
    )) {
      const name = parseKey(key)[at] ?? ''
      const id = tableName({ schema: kind.asset, name })
      const empty = { schema: kind.asset, name, nodes: new Set<string>(), parts: [], gone: [] }
      const table = found.get(id) ?? { ...empty, rows: 0 }
      found.set(id, table)
      table.nodes.add(key)
      table.rows += rows ?? 0
      if (path === null) table.gone.push(nodeText({ asset: kind.asset, key }))
      else table.parts.push({ key, name: part, path, sizeBytes, sha256 })
    }
  }
  return [...found.values()].map(({ nodes, ...table }) => ({ ...table, partitions: nodes.size }))
}

async function partsOf(
  db: Connection,
  { asset }: QueryTables,
  asOf: AsOf | undefined,
): Promise<readonly PartRow[]> {
  const { rows } = await sql<PartRow>`
    select n.key, p.name as part, p.path, p.size_bytes as "sizeBytes", p.sha256, p.rows
    from asset a join node n on n.asset = a.id left join build b on b.id = ${headOf(asOf)}
    left join part p on p.build = b.parts_build
    where a.name = ${asset} and ((b.version <> 0 and b.parts_build <> 0
      and (p.path is null or p.path like '%.parquet')) or (b.id is null and ${isRestored}))
    order by n.key, p.ordinal`.execute(db)
  return rows
}

/** What came before a catalog was restored is known to nobody. */
const isRestored = sql`exists (select 1 from build r
  where r.node = n.id and r.outcome = 'restored')`

/** The build that a node showed. */
function headOf(asOf: AsOf | undefined): RawBuilder<unknown> {
  if (asOf === undefined) return sql`n.built`
  const until = 'run' in asOf ? sql`x.run <= ${asOf.run}` : sql`x.at_ms <= ${asOf.atMs}`
  return sql`(select max(x.id) from build x
    where x.node = n.id and x.outcome <> 'failed' and ${until})`
}

/** The tables with these names. Throws USAGE. */
export function chosenTables(
  tables: readonly QueryTable[],
  names: readonly string[],
): readonly QueryTable[] {
  const unknown = names.find((name) => tables.every((table) => tableName(table) !== name))
  if (unknown !== undefined) {
    const known = tables.map(tableName).join(', ') || 'none yet'
    throw new EngineError('USAGE', {
      command: 'query',
      reason: `there is no table ${unknown}; there are: ${known}`,
    })
  }
  return tables.filter((table) => names.includes(tableName(table)))
}

const GONE_SHOWN_MAX = 20

/** Throws AS_OF_GONE when a table is not whole any more as of then. */
export function requireKept(tables: readonly QueryTable[], asOf: AsOf | undefined): void {
  const gone = tables.flatMap((table) => table.gone)
  if (gone.length === 0) return
  const partitions = gone.slice(0, GONE_SHOWN_MAX)
  throw new EngineError('AS_OF_GONE', { asOf: asOf?.text ?? 'now', partitions, count: gone.length })
}
