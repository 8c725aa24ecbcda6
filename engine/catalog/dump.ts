/**
 * A catalog as lines of text, one row a line: from one snapshot of either database, into either.
 *
 *     {"table":"node","columns":["id","asset",…]}
 *     [1,3,"alpha/medical/…",…]
 *
 * What belongs to processes that run (leases, claims, marks, handed-out work) is left out: where the
 * catalog comes back, they are gone. Memory: a page of rows.
 */
import { sql } from 'kysely'
import { EngineError } from '../core/errors.ts'
import type { Catalog, Connection, DialectName, WriteTransaction } from './open.ts'
import type { Cell } from './rows.ts'
import { rowsTable } from './rows.ts'
import { raiseSequences } from './restore-rows.ts'

/** Tables of processes, and Kysely's own. */
const LEFT_OUT = new Set([
  'commit_mark',
  'intent',
  'job',
  'kysely_migration',
  'kysely_migration_lock',
  'lease',
])
/** Written last, when all triggers have fired. */
const LAST = 'unprojected'
const PAGE_ROWS = 5_000

interface Table {
  readonly name: string
  readonly columns: readonly string[]
  /** columns of the primary key, in order */
  readonly key: readonly string[]
  /** columns of whole numbers */
  readonly numbers: ReadonlySet<string>
}

/** Every line of a catalog, in one snapshot and once. Throws what `take` throws. */
export async function dumpCatalog(
  catalog: Catalog,
  take: (line: string) => Promise<void>,
): Promise<number> {
  return catalog.read(
    async (db) => {
      let rows = 0
      for (const table of await tablesOf(db, catalog.dialect)) {
        await take(JSON.stringify({ table: table.name, columns: table.columns }))
        for await (const page of pagesOf(db, table)) {
          for (const row of page) {
            await take(JSON.stringify(table.columns.map((column) => row[column] ?? null)))
          }
          rows += page.length
        }
      }
      return rows
    },
    { once: true },
  )
}

/** Migrations that a catalog had, in order. */
export async function migrationsOf({ db }: Catalog): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`
    select name from kysely_migration order by name`.execute(db)
  return rows.map(({ name }) => name)
}

async function tablesOf(db: Connection, dialect: DialectName): Promise<readonly Table[]> {
  const { rows: schemas } = await (
    dialect === 'sqlite'
      ? sql<{ name: null }>`select null as name`
      : sql<{ name: string }>`
      select current_schema() as name`
  ).execute(db)
  const schema = schemas[0]?.name ?? undefined
  const found = (await db.introspection.getTables()).filter(
    (table) => !table.isView && !LEFT_OUT.has(table.name) && (table.schema ?? undefined) === schema,
  )
  const tables = await Promise.all(
    found.map(async ({ name, columns }) => ({
      name,
      columns: columns.map((column) => column.name),
      key: await keyOf(db, dialect, name),
      numbers: new Set(
        columns.flatMap((column) => (/int/i.test(column.dataType) ? [column.name] : [])),
      ),
    })),
  )
  return tables.toSorted((a, b) => order(a) - order(b) || (a.name < b.name ? -1 : 1))
}

const order = ({ name }: Table): number => (name === LAST ? 1 : 0)

async function keyOf(
  db: Connection,
  dialect: DialectName,
  table: string,
): Promise<readonly string[]> {
  const { rows } = await (
    dialect === 'sqlite'
      ? sql<{ name: string }>`select name from pragma_table_info(${table}) where pk > 0 order by pk`
      : sql<{ name: string }>`select a.attname as name
          from pg_index i cross join unnest(i.indkey) with ordinality as k(attnum, place)
          join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
          where i.indrelid = quote_ident(${table})::regclass and i.indisprimary order by k.place`
  ).execute(db)
  return rows.map(({ name }) => name)
}

type DumpedRow = Readonly<Record<string, Cell>>

/** Rows in the order of the primary key, which every table has. */
async function* pagesOf(db: Connection, { name, key }: Table): AsyncIterable<readonly DumpedRow[]> {
  const columns = sql.join(key.map((column) => sql.ref(column)))
  let after: DumpedRow | undefined
  for (;;) {
    const cells = key.map((column) => after?.[column] ?? null)
    const rest = after === undefined ? sql`` : sql`where (${columns}) > (${sql.join(cells)})`
    const { rows } = await sql<DumpedRow>`
      select * from ${sql.table(name)} ${rest} order by ${columns}
      limit ${sql.lit(PAGE_ROWS)}`.execute(db)
    yield rows
    after = rows.at(-1)
    if (rows.length < PAGE_ROWS) return
  }
}

interface Loading {
  readonly trx: WriteTransaction
  readonly table: Table
  /** of the dump, those that the table has */
  readonly columns: readonly string[]
  readonly places: readonly number[]
}

/**
 * Puts a dump's rows into an empty, migrated catalog, in the caller's transaction. Returns how
 * many. Columns that the catalog does not have are left out; a table it does not have is refused.
 */
export async function loadCatalog(
  trx: WriteTransaction,
  lines: AsyncIterable<string>,
): Promise<number> {
  const { db, dialect } = trx
  const tables = new Map((await tablesOf(db, dialect)).map((table) => [table.name, table]))
  let loading: Loading | undefined
  let page: Cell[][] = []
  let count = 0
  const flush = async (): Promise<void> => {
    if (loading !== undefined) await insertPage(loading, page)
    count += page.length
    page = []
  }
  for await (const line of lines) {
    const parsed = JSON.parse(line) as Cell[] | { table: string; columns: readonly string[] }
    if (Array.isArray(parsed)) {
      page.push(parsed)
      if (page.length >= PAGE_ROWS) await flush()
      continue
    }
    await flush()
    loading = await begin(trx, tables.get(parsed.table), parsed)
  }
  await flush()
  await raiseSequences(db, dialect)
  return count
}

async function begin(
  trx: WriteTransaction,
  table: Table | undefined,
  dumped: { readonly table: string; readonly columns: readonly string[] },
): Promise<Loading> {
  if (table === undefined) {
    throw new EngineError('BACKUP_INVALID', { file: dumped.table, reason: 'no such table here' })
  }
  const places = dumped.columns.flatMap((column, at) =>
    table.columns.includes(column) ? [at] : [],
  )
  const columns = places.map((at) => dumped.columns[at] ?? '')
  // An empty catalog has its one row, and what triggers noted of rows that were just put in.
  if (table.name === 'catalog' || table.name === LAST) {
    await sql`delete from ${sql.table(table.name)}`.execute(trx.db)
  }
  return { trx, table, columns, places }
}

async function insertPage(
  { trx, table, columns, places }: Loading,
  page: readonly (readonly Cell[])[],
): Promise<void> {
  if (page.length === 0) return
  const kinds = Object.fromEntries(
    columns.map((column) => [column, table.numbers.has(column) ? 'int' : 'text'] as const),
  )
  const rows = page.map((row) => places.map((at) => row[at] ?? null))
  const names = sql.join(columns.map((column) => sql.ref(column)))
  await sql`insert into ${sql.table(table.name)} (${names})
    select ${names} from ${rowsTable(trx.dialect, kinds, rows)} w`.execute(trx.db)
}
