/** `connect`: what another program needs to read the tables, ready to paste. */
import { EngineError } from '../core/errors.ts'
import { formatKey, parseKey } from '../core/key.ts'
import { quoteText } from '../table/quote.ts'
import type { CommandCall, OpenProject } from './command.ts'
import { flagOption, textOption } from './command.ts'
import { ddlOf } from './connect-ddl.ts'
import type { Reader, ReaderPlace, ReaderTable } from './connect-snippets.ts'
import { READERS, environmentOf, isS3, snippetOf } from './connect-snippets.ts'
import { EXIT } from './fault.ts'
import { FORMAT_VERSION } from './plan-json.ts'
import type { QueryTable } from './query-tables.ts'
import { chosenTables, findTables, tableName } from './query-tables.ts'
import { alignColumns } from './text.ts'

/** Runs `connect`. */
export async function runConnect(call: CommandCall): Promise<number> {
  const { terminal, json } = call
  const list = textOption(call, 'parts')
  const [reader] = call.words
  if (flagOption(call, 'list') || (reader === undefined && list === undefined)) {
    listReaders(call)
    return EXIT.done
  }
  const opened = await call.open({ sync: false })
  const place = placeOf(call, opened)
  if (list !== undefined) {
    printParts(call, place, chosenTables(await findTables(opened), [list]))
    return EXIT.done
  }
  const known = requireReader(reader ?? '')
  if ((known === 'athena' || known === 'trino') && !isS3(place)) {
    throw usage(`${known} reads S3, and this store is a folder: name where it is with --location`)
  }
  const tables = wantedTables(opened, await findTables(opened), call.words.slice(1))
  const shown = await Promise.all(tables.map(async (table) => describe(opened, known, table)))
  const text =
    known === 'athena' || known === 'trino'
      ? ddlOf(known, place, shown)
      : snippetOf(known, place, shown)
  if (!json) terminal.print(text)
  else
    terminal.printJson({
      format_version: FORMAT_VERSION,
      reader: known,
      store: place.location,
      tables: tables.map(tableName),
      environment: environmentOf(place),
      text,
    })
  return EXIT.done
}

const usage = (reason: string): EngineError =>
  new EngineError('USAGE', { command: 'connect', reason })

function listReaders({ terminal, json }: CommandCall): void {
  const rows = Object.entries(READERS)
  if (json) {
    const readers = rows.map(([name, what]) => ({ name, what }))
    terminal.printJson({ format_version: FORMAT_VERSION, readers })
  } else terminal.print(alignColumns(['reader', ''], rows, terminal.out.dim).join('\n'))
}

function requireReader(word: string): Reader {
  const found = Object.keys(READERS).find((name): name is Reader => name === word)
  if (found !== undefined) return found
  throw usage(`no reader is named ${word}; there are: ${Object.keys(READERS).join(', ')}`)
}

function placeOf(call: CommandCall, { readers }: OpenProject): ReaderPlace {
  const location = textOption(call, 'location')?.replace(/\/+$/, '')
  if (location === undefined) return readers
  const manifests = location.startsWith('s3://') ? '' : readers.manifests
  return { ...readers, location, manifests }
}

/** Tables named, or those that nothing else is made of: what is published in the end. */
function wantedTables(
  { project }: OpenProject,
  tables: readonly QueryTable[],
  names: readonly string[],
): readonly QueryTable[] {
  if (names.length > 0) return chosenTables(tables, names)
  return tables.filter(({ schema }) => project.graph.childrenOf(schema).length === 0)
}

async function describe(
  opened: OpenProject,
  reader: Reader,
  table: QueryTable,
): Promise<ReaderTable> {
  const { project, query } = opened
  const { schema, name } = table
  const by = query.tables.find((one) => one.asset === schema)?.by ?? ''
  const needsColumns = reader === 'athena' || reader === 'trino'
  return {
    schema,
    name,
    keyPlace: project.graph.assets.get(schema)?.dimensions.indexOf(by) ?? 0,
    keyValue: formatKey([name]),
    folder: publishedFolder(opened, table),
    columns: needsColumns ? await columnsOf(opened, table) : [],
  }
}

function publishedFolder({ project }: OpenProject, { schema, parts }: QueryTable): string {
  const asset = project.graph.assets.get(schema)
  const [first] = parts
  if (first === undefined || (asset?.kind !== 'stored' && asset?.kind !== 'output')) return schema
  const [folder = schema] = asset.publish?.(parseKey(first.key)).path.split('/') ?? []
  return folder
}

/** The columns of a table's newest partition: one file is looked at. */
async function columnsOf(
  { query }: OpenProject,
  { parts }: QueryTable,
): Promise<ReaderTable['columns']> {
  const { paths, folders } = await query.files(parts.slice(-1))
  const from = `read_parquet([${paths.map(quoteText).join(', ')}], hive_partitioning=false)`
  const rows = await query.run({ statements: [`DESCRIBE SELECT * FROM ${from}`], folders })
  return rows.map((row) => ({
    name: String(row['column_name']),
    type: String(row['column_type']).replace(' ', ''),
  }))
}

/** Where the parts of tables lie now, one a line. */
function printParts(
  { terminal, json }: CommandCall,
  { location }: ReaderPlace,
  tables: readonly QueryTable[],
): void {
  const paths = tables.flatMap(({ parts }) => parts.map(({ path }) => `${location}/${path}`))
  if (json) terminal.printJson({ format_version: FORMAT_VERSION, parts: paths })
  else terminal.print(paths.join('\n'))
}
