/**
 * `export`: the tables as one DuckDB file, or as Parquet files in a folder.
 *
 * Written beside its place and renamed when it is whole: a reader never opens half of it.
 */
import { copyFile, mkdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { EngineError } from '../core/errors.ts'
import { parseKey } from '../core/key.ts'
import { quoteName, quoteText } from '../table/quote.ts'
import type { CommandCall, OpenProject } from './command.ts'
import { flagOption, textOption } from './command.ts'
import { EXIT } from './fault.ts'
import { FORMAT_VERSION } from './plan-json.ts'
import type { QueryTable } from './query-tables.ts'
import { asOfOption, chosenTables, findTables, requireKept, tableName } from './query-tables.ts'
import { countText, counted } from './text.ts'

const COPY_TIMEOUT_MS = 6 * 60 * 60 * 1000

/** Runs `export`. */
export async function runExport(call: CommandCall): Promise<number> {
  const { terminal, json } = call
  const duckdb = textOption(call, 'duckdb')
  const parquet = textOption(call, 'parquet')
  const place = duckdb ?? parquet
  if (place === undefined || (duckdb !== undefined && parquet !== undefined)) {
    throw usage('export needs --duckdb FILE or --parquet FOLDER')
  }
  const opened = await call.open({ sync: false })
  const asOf = await asOfOption(call, opened.project.catalog.db)
  const tables = wantedTables(opened, await findTables(opened, asOf), call.words)
  requireKept(tables, asOf)
  const target = resolve(place)
  const isThere = (await stat(target).catch(() => undefined)) !== undefined
  if (isThere && !flagOption(call, 'overwrite')) {
    throw usage(`${target} is there already: name another, or add --overwrite`)
  }
  await mkdir(dirname(target), { recursive: true })
  const beside = `${target}.${process.pid}.part`
  try {
    if (duckdb === undefined) await writeParquet(opened, tables, beside)
    else await writeDuckdb(opened, tables, { file: beside, copies: flagOption(call, 'copy') })
    if (isThere) await rm(target, { recursive: true, force: true })
    await rename(beside, target)
  } finally {
    await rm(beside, { recursive: true, force: true })
  }
  if (json) {
    const rows = tables.map((table) => ({ table: tableName(table), rows: table.rows }))
    terminal.printJson({ format_version: FORMAT_VERSION, written: target, tables: rows })
    return EXIT.done
  }
  const sum = tables.reduce((total, table) => total + table.rows, 0)
  terminal.print(`${target}: ${counted(tables.length, 'table')}, ${countText(sum)} rows`)
  if (duckdb !== undefined && !flagOption(call, 'copy')) {
    terminal.print('Its views read the parts where they lie, while these versions are kept')
  }
  return EXIT.done
}

const usage = (reason: string): EngineError =>
  new EngineError('USAGE', { command: 'export', reason })

/** Tables named, or all that a build makes for itself: silver is what a parse leaves. */
function wantedTables(
  { project }: OpenProject,
  tables: readonly QueryTable[],
  names: readonly string[],
): readonly QueryTable[] {
  if (names.length > 0) return chosenTables(tables, names)
  return tables.filter(({ schema }) => project.graph.assets.get(schema)?.kind === 'stored')
}

async function writeDuckdb(
  { query, readers }: OpenProject,
  tables: readonly QueryTable[],
  { file, copies }: { readonly file: string; readonly copies: boolean },
): Promise<void> {
  if (!copies && readers.location.startsWith('s3://')) {
    throw usage('views over S3 need keys of their own: add --copy, or see tributary connect duckdb')
  }
  const folders = new Set([dirname(file)])
  const made: string[] = []
  for (const table of tables) {
    const local = await query.files(table.parts)
    for (const folder of local.folders) folders.add(folder)
    const name = `target.${quoteName(table.schema)}.${quoteName(table.name)}`
    const kind = copies ? 'TABLE' : 'VIEW'
    made.push(`CREATE ${kind} ${name} AS SELECT * FROM read_parquet([${local.paths.map(quoteText).join(', ')}],
      union_by_name=true, hive_partitioning=false)`)
  }
  const schemas = [...new Set(tables.map(({ schema }) => schema))]
  const statements = [
    `ATTACH ${quoteText(file)} AS target`,
    ...schemas.map((schema) => `CREATE SCHEMA target.${quoteName(schema)}`),
    ...made,
    'DETACH target',
    'SELECT 1',
  ]
  await query.run({ statements, folders: [...folders], timeoutMs: COPY_TIMEOUT_MS })
}

const COPIES_AT_ONCE = 8

/** `{schema}/{dimension}={value}/…/{part}`: what readers of Hive partitions expect. */
async function writeParquet(
  { project, query }: OpenProject,
  tables: readonly QueryTable[],
  folder: string,
): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const { schema, parts } of tables) {
    const dimensions = project.graph.assets.get(schema)?.dimensions ?? []
    for (let at = 0; at < parts.length; at += COPIES_AT_ONCE) {
      const some = parts.slice(at, at + COPIES_AT_ONCE)
      const { paths } = await query.files(some)
      const copy = async (from: string, part: QueryTable['parts'][number]): Promise<void> => {
        const values = parseKey(part.key).map((value) => encodeURIComponent(value))
        const names = dimensions.map((name, place) => `${name}=${values[place] ?? ''}`)
        const to = join(folder, schema, ...names, part.name)
        await mkdir(dirname(to), { recursive: true })
        await copyFile(from, to)
      }
      await Promise.all(some.map(async (part, place) => copy(paths[place] ?? '', part)))
    }
  }
}
