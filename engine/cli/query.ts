/**
 * `query`: SQL over what is committed.
 *
 * Tables are views over the exact part list of the catalog, never a glob: half a version cannot be
 * read. The statement is handed to DuckDB's `query()` as a value, which takes one SELECT and
 * nothing else, in a locked child process.
 */
import { sql } from 'kysely'
import { EngineError, isEngineError } from '../core/errors.ts'
import { parseKey } from '../core/key.ts'
import { quoteName, quoteText } from '../table/quote.ts'
import type { CommandCall, OpenProject, QueryTables } from './command.ts'
import { flagOption, textOption } from './command.ts'
import { EXIT } from './fault.ts'
import { FORMAT_VERSION } from './plan-json.ts'
import { rowsText } from './rows-text.ts'
import type { RowFormat } from './rows-text.ts'
import { alignColumns, countText } from './text.ts'

interface QueryTable {
  readonly schema: string
  readonly name: string
  readonly partitions: number
  readonly rows: number
  readonly paths: readonly string[]
}

/** Runs `query`. */
export async function runQuery(call: CommandCall): Promise<number> {
  const { terminal, json } = call
  const opened = await call.open({ sync: false })
  const tables = await findTables(opened)
  if (flagOption(call, 'tables')) {
    listTables(call, tables)
    return EXIT.done
  }
  const statement = call.words[0]?.trim().replace(/;\s*$/, '')
  if (statement === undefined || statement === '') {
    throw new EngineError('USAGE', { command: 'query', reason: 'a SELECT is missing' })
  }
  const format = json ? 'json' : ((textOption(call, 'format') ?? 'table') as RowFormat)
  const rows = await select(opened, tables, statement)
  const text = rowsText(rows, { format, dim: terminal.out.dim })
  if (text !== '') terminal.print(text)
  if (format === 'table')
    terminal.note(`${countText(rows.length)} row${rows.length === 1 ? '' : 's'}`)
  return EXIT.done
}

const nameOf = ({ schema, name }: QueryTable): string => `${schema}.${name}`

function listTables({ terminal, json }: CommandCall, tables: readonly QueryTable[]): void {
  if (json) {
    const rows = tables.map((table) => ({
      table: nameOf(table),
      partitions: table.partitions,
      rows: table.rows,
      parts: table.paths.length,
    }))
    terminal.printJson({ format_version: FORMAT_VERSION, tables: rows })
    return
  }
  const cells = tables.map((table) => [
    nameOf(table),
    countText(table.partitions),
    countText(table.rows),
    countText(table.paths.length),
  ])
  const right = (title: string) => ({ title, align: 'right' }) as const
  const columns = ['table', right('partitions'), right('rows'), right('parts')]
  terminal.print(alignColumns(columns, cells, terminal.out.dim).join('\n'))
}

async function findTables(opened: OpenProject): Promise<readonly QueryTable[]> {
  const found = new Map<
    string,
    { schema: string; name: string; nodes: Set<string>; rows: number; paths: string[] }
  >()
  for (const kind of opened.query.tables) {
    const at = opened.project.graph.assets.get(kind.asset)?.dimensions.indexOf(kind.by) ?? -1
    for (const { key, path, rows } of await partsOf(opened, kind)) {
      const name = parseKey(key)[at] ?? ''
      const table = found.get(`${kind.asset}.${name}`) ?? {
        schema: kind.asset,
        name,
        nodes: new Set<string>(),
        rows: 0,
        paths: [],
      }
      found.set(`${kind.asset}.${name}`, table)
      table.nodes.add(key)
      table.rows += rows ?? 0
      table.paths.push(path)
    }
  }
  return [...found.values()].map(({ nodes, ...table }) => ({ ...table, partitions: nodes.size }))
}

async function partsOf(
  { project }: OpenProject,
  { asset }: QueryTables,
): Promise<
  readonly { readonly key: string; readonly path: string; readonly rows: number | null }[]
> {
  const { rows } = await sql<{ key: string; path: string; rows: number | null }>`
    select n.key, p.path, p.rows from asset a join node n on n.asset = a.id
    join build b on b.id = n.built join part p on p.build = b.parts_build
    where a.name = ${asset} and n.version <> 0 and p.path like '%.parquet'
    order by n.key, p.ordinal`.execute(project.catalog.db)
  return rows
}

async function select(
  { query }: OpenProject,
  tables: readonly QueryTable[],
  statement: string,
): Promise<readonly { readonly [name: string]: unknown }[]> {
  const text = statement.toLowerCase()
  // A view costs a look at every part: only tables whose name appears are made.
  const wanted = tables.filter(({ name }) => text.includes(name.toLowerCase()))
  const schemas = new Set(wanted.map(({ schema }) => schema))
  const views = wanted.map((table) => {
    const files = table.paths.map((path) => quoteText(query.partPath(path)))
    return `CREATE VIEW ${quoteName(table.schema)}.${quoteName(table.name)} AS
      SELECT * FROM read_parquet([${files.join(', ')}], union_by_name=true, hive_partitioning=false)`
  })
  const before = [...schemas].map((schema) => `CREATE SCHEMA ${quoteName(schema)}`)
  try {
    return await query.run({
      statements: [...before, ...views, `FROM query(${quoteText(statement)})`],
      folders: [query.folder],
    })
  } catch (error) {
    throw refusal(error, tables)
  }
}

/** What DuckDB's kinds of error mean to the writer of a SELECT; its messages may quote data. */
const KINDS: Readonly<Record<string, string>> = {
  Binder: 'a column or function it names is not there, or types do not fit',
  Catalog: 'a table or function it names is not there',
  Parser: 'it is not one SELECT that DuckDB can read',
  Conversion: 'a value cannot be cast as it says: try_cast gives NULL instead',
  'Invalid Input': 'an argument has a value its function does not take',
  'Out of Range': 'a number does not fit its type',
  Permission: 'it reads something outside this project’s store',
  IO: 'a part is not in the store: tributary materialize --verify rebuilds it',
  'too many rows': 'more than 1,000,000 rows: aggregate, or add a limit',
}

function refusal(error: unknown, tables: readonly QueryTable[]): unknown {
  if (!isEngineError(error, 'DUCK_TASK_FAILED')) return error
  const reason = KINDS[error.context.kind] ?? `DuckDB says ${error.context.kind}`
  return new EngineError('QUERY_REFUSED', { reason, tables: tables.map(nameOf) }, { cause: error })
}
