/**
 * `query`: SQL over what is committed.
 *
 * Tables are views over the exact part list of the catalog, never a glob: half a version cannot be
 * read. The statement is handed to DuckDB's `query()` as a value, which takes one SELECT and
 * nothing else, in a locked child process.
 */
import { EngineError, isEngineError } from '../core/errors.ts'
import { quoteName, quoteText } from '../table/quote.ts'
import type { CommandCall, OpenProject } from './command.ts'
import { flagOption, textOption } from './command.ts'
import { EXIT } from './fault.ts'
import { FORMAT_VERSION } from './plan-json.ts'
import type { AsOf, QueryTable } from './query-tables.ts'
import { asOfOption, createView, findTables, requireKept, tableName } from './query-tables.ts'
import { rowsText } from './rows-text.ts'
import type { RowFormat } from './rows-text.ts'
import { alignColumns, countText } from './text.ts'

/** Runs `query`. */
export async function runQuery(call: CommandCall): Promise<number> {
  const { terminal, json } = call
  const opened = await call.open({ sync: false })
  const asOf = await asOfOption(call, opened.project.catalog.db)
  const tables = await findTables(opened, asOf)
  if (flagOption(call, 'tables')) {
    listTables(call, tables)
    return EXIT.done
  }
  const statement = call.words[0]?.trim().replace(/;\s*$/, '')
  if (statement === undefined || statement === '') {
    throw new EngineError('USAGE', { command: 'query', reason: 'a SELECT is missing' })
  }
  const format = json ? 'json' : ((textOption(call, 'format') ?? 'table') as RowFormat)
  const rows = await select(opened, { tables, statement, asOf })
  const text = rowsText(rows, { format, dim: terminal.out.dim })
  if (format === 'csv' && text !== '') terminal.printVerbatim(text)
  else if (text !== '') terminal.print(text)
  if (format === 'table')
    terminal.note(`${countText(rows.length)} row${rows.length === 1 ? '' : 's'}`)
  return EXIT.done
}

function listTables({ terminal, json }: CommandCall, tables: readonly QueryTable[]): void {
  if (json) {
    const rows = tables.map((table) => ({
      table: tableName(table),
      partitions: table.partitions,
      rows: table.rows,
      parts: table.parts.length,
    }))
    terminal.printJson({ format_version: FORMAT_VERSION, tables: rows })
    return
  }
  const cells = tables.map((table) => [
    tableName(table),
    countText(table.partitions),
    countText(table.rows),
    countText(table.parts.length),
  ])
  const right = (title: string) => ({ title, align: 'right' }) as const
  const columns = ['table', right('partitions'), right('rows'), right('parts')]
  terminal.print(alignColumns(columns, cells, terminal.out.dim).join('\n'))
}

async function select(
  { query }: OpenProject,
  {
    tables,
    statement,
    asOf,
  }: {
    readonly tables: readonly QueryTable[]
    readonly statement: string
    readonly asOf: AsOf | undefined
  },
): Promise<readonly { readonly [name: string]: unknown }[]> {
  const text = statement.toLowerCase()
  // A view costs a look at every part: only tables that are named, schema and all, are made.
  const isNamed = (table: QueryTable): boolean =>
    [table.schema, table.name].every((word) => text.includes(word.toLowerCase()))
  const wanted = tables.filter(isNamed)
  requireKept(wanted, asOf)
  const views: string[] = []
  const folders = new Set<string>()
  for (const table of wanted) {
    const local = await query.files(table.parts)
    for (const folder of local.folders) folders.add(folder)
    views.push(createView(table, local.paths))
  }
  const schemas = new Set(wanted.map(({ schema }) => schema))
  const before = [...schemas].map((schema) => `CREATE SCHEMA ${quoteName(schema)}`)
  try {
    return await query.run({
      statements: [...before, ...views, `FROM query(${quoteText(statement)})`],
      folders: [...folders],
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
  return new EngineError(
    'QUERY_REFUSED',
    { reason, tables: tables.map(tableName) },
    { cause: error },
  )
}
