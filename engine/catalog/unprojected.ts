/**
 * What only the catalog knows, and the store's journal has not been told yet.
 *
 * Rows of kept tables are noted by triggers (migrations/0009-care.ts), facts and heads by the code
 * that writes them. A head is a node whose last build published nothing: a cutoff, or an asset
 * without parts. Everything else the store's manifests say.
 */
import { sql } from 'kysely'
import type { Json } from '../core/digest.ts'
import { ABSENT } from '../core/digest.ts'
import type { NodeName } from '../core/key.ts'
import type { Connection, DialectName, WriteTransaction } from './open.ts'
import type { Cell } from './rows.ts'
import { rowsTable } from './rows.ts'

/** A table whose rows the journal holds, and the columns that name a row. */
export interface KeptTable {
  readonly table: string
  readonly key: readonly string[]
}

/** The engine's own; a project adds those of its hooks. */
export const ENGINE_KEPT: readonly KeptTable[] = [{ table: 'audit', key: ['seq'] }]

export type Row = Readonly<Record<string, Cell>>

/** A row of a kept table; null: it was removed. */
export interface RowEntry {
  readonly table: string
  readonly key: readonly Cell[]
  readonly row: Row | null
}

/** A fact; no `value`: it became absent. */
export interface FactEntry {
  readonly fact: NodeName
  readonly value?: Json
}

/** A node that stands on a build which published nothing. */
export interface HeadEntry {
  readonly head: NodeName
  readonly commit_number: number
  readonly content_id: string
  readonly fingerprint: string | null
  readonly value: Json
}

/** One thing the catalog knows, as it was when the object was written. */
export type JournalEntry = RowEntry | FactEntry | HeadEntry

const FACT = 'fact'
const HEAD = 'head'

/** Notes facts or heads, in the transaction that changes them. */
export async function noteUnprojected(
  { db, dialect }: WriteTransaction,
  what: typeof FACT | typeof HEAD,
  names: readonly NodeName[],
): Promise<void> {
  if (names.length === 0) return
  const keys = new Set(names.map(({ asset, key }) => JSON.stringify([asset, key])))
  const wanted = rowsTable(
    dialect,
    { key: 'text' },
    [...keys].map((key) => [key]),
  )
  await sql`insert into unprojected (entry, key, taken)
    select ${what}, w.key, c.journal from ${wanted} w cross join catalog c where true
    on conflict (entry, key) do update set taken = excluded.taken`.execute(db)
}

/** Whether the journal lags, or did before an object's number was given out. One look-up. */
export async function isUnprojected(db: Connection, before?: number): Promise<boolean> {
  const noted = db.selectFrom('unprojected').select('entry').limit(1)
  const row = before === undefined ? noted : noted.where('taken', '<', before)
  return (await row.executeTakeFirst()) !== undefined
}

export interface TakenEntries {
  /** of the journal object that is to hold them */
  readonly number: number
  readonly entries: readonly JournalEntry[]
  readonly keys: readonly (readonly [entry: string, key: string])[]
  readonly receivedMs: number
  readonly run: number
}

/** What one journal object may weigh, and how many entries it has at most. */
const ENTRIES_MAX = 500
const OBJECT_BYTES_MAX = 4 << 20

/**
 * Gives out the next object's number and what it is to say; undefined: nothing is unprojected. A
 * process that dies with it leaves a number that is missing: what it took is taken again.
 */
export async function takeUnprojected(
  trx: WriteTransaction,
  kept: readonly KeptTable[],
): Promise<TakenEntries | undefined> {
  const noted = await trx.db
    .selectFrom('unprojected')
    .select(['entry', 'key'])
    .orderBy('entry')
    .orderBy('key')
    .limit(ENTRIES_MAX)
    .execute()
  if (noted.length === 0) return undefined
  const all: (readonly [string, string, JournalEntry])[] = []
  for (const [entry, rows] of Map.groupBy(noted, (row) => row.entry)) {
    const keys = rows.map(({ key }) => key)
    const found = await loadEntries(trx, kept, { entry, keys })
    all.push(...found.map((one, at) => [entry, keys[at] ?? '', one] as const))
  }
  const fitting = withinBytes(all)
  const head = await trx.db
    .updateTable('catalog')
    .set((row) => ({ journal: row('journal', '+', 1) }))
    .returning(['journal', 'received_ms'])
    .executeTakeFirstOrThrow()
  const run = await trx.db
    .selectFrom('run')
    .select(({ fn }) => fn.max('id').as('id'))
    .executeTakeFirst()
  return {
    number: head.journal,
    entries: fitting.map(([, , entry]) => entry),
    keys: fitting.map(([entry, key]) => [entry, key]),
    receivedMs: head.received_ms,
    run: run?.id ?? 0,
  }
}

/** The first entries that fit, and always one. */
function withinBytes<Entry extends readonly [string, string, JournalEntry]>(
  entries: readonly Entry[],
): readonly Entry[] {
  let bytes = 0
  const over = entries.findIndex(([, , entry]) => {
    bytes += Buffer.byteLength(JSON.stringify(entry))
    return bytes > OBJECT_BYTES_MAX
  })
  return over < 0 ? entries : entries.slice(0, Math.max(1, over))
}

/** Forgets what an object was written with, but for what changed since its number was given out. */
export async function dropProjected(
  { db, dialect }: WriteTransaction,
  { number, keys }: TakenEntries,
): Promise<void> {
  const wanted = rowsTable(dialect, { entry: 'text', key: 'text' }, keys)
  await sql`delete from unprojected where taken < ${number}
    and (entry, key) in (select w.entry, w.key from ${wanted} w)`.execute(db)
}

interface Noted {
  readonly entry: string
  readonly keys: readonly string[]
}

/** What the catalog says now of noted keys, in their order. */
async function loadEntries(
  trx: WriteTransaction,
  kept: readonly KeptTable[],
  noted: Noted,
): Promise<readonly JournalEntry[]> {
  const keys = noted.keys.map((key) => JSON.parse(key) as readonly Cell[])
  if (noted.entry === FACT) return loadFacts(trx, keys)
  if (noted.entry === HEAD) return loadHeads(trx, keys)
  const table = kept.find((one) => one.table === noted.entry)
  // Of a table that this program does not know nothing can be said, and nothing is restored.
  if (table === undefined) return keys.map((key) => ({ table: noted.entry, key, row: null }))
  const rows = await loadRows(trx, table, keys)
  return keys.map((key) => ({
    table: table.table,
    key,
    row: rows.get(JSON.stringify(key)) ?? null,
  }))
}

async function loadRows(
  { db, dialect }: { readonly db: Connection; readonly dialect: DialectName },
  { table, key }: KeptTable,
  keys: readonly (readonly Cell[])[],
): Promise<ReadonlyMap<string, Row>> {
  const kinds = Object.fromEntries(
    key.map((column, at) => [column, typeof keys[0]?.[at] === 'number' ? 'int' : 'text'] as const),
  )
  const on = sql.join(
    key.map((column) => sql`t.${sql.ref(column)} = w.${sql.ref(column)}`),
    sql` and `,
  )
  const { rows } = await sql<Row>`select t.* from ${rowsTable(dialect, kinds, keys)} w
    join ${sql.table(table)} t on ${on}`.execute(db)
  return new Map(rows.map((row) => [JSON.stringify(key.map((column) => row[column])), row]))
}

interface HeadRow {
  readonly asset: string
  readonly key: string
  readonly contentId: string | null
  readonly value: string | null
  readonly fingerprint: string | null
  readonly commitNumber: number | null
}

async function loadHeadRows(
  { db, dialect }: { readonly db: Connection; readonly dialect: DialectName },
  keys: readonly (readonly Cell[])[],
): Promise<readonly (readonly [NodeName, HeadRow | undefined])[]> {
  const { rows } = await sql<HeadRow>`
    select a.name as asset, n.key, v.content_id as "contentId", v.value, b.fingerprint,
      b.commit_number as "commitNumber"
    from ${rowsTable(dialect, { asset: 'text', key: 'text' }, keys)} w
    join asset a on a.name = w.asset join node n on n.asset = a.id and n.key = w.key
    left join version v on v.id = n.version left join build b on b.id = n.built`.execute(db)
  const found = new Map(rows.map((row) => [JSON.stringify([row.asset, row.key]), row]))
  return keys.map((key) => {
    const [asset = '', own = ''] = key.map(String)
    return [{ asset, key: own }, found.get(JSON.stringify([asset, own]))]
  })
}

const parsed = (text: string): Json => JSON.parse(text) as Json

async function loadFacts(
  trx: WriteTransaction,
  keys: readonly (readonly Cell[])[],
): Promise<readonly JournalEntry[]> {
  return (await loadHeadRows(trx, keys)).map(([fact, row]) =>
    row?.value == null ? { fact } : { fact, value: parsed(row.value) },
  )
}

async function loadHeads(
  trx: WriteTransaction,
  keys: readonly (readonly Cell[])[],
): Promise<readonly JournalEntry[]> {
  return (await loadHeadRows(trx, keys)).map(([head, row]) => ({
    head,
    commit_number: row?.commitNumber ?? 0,
    content_id: row?.contentId ?? ABSENT,
    fingerprint: row?.fingerprint ?? null,
    value: row?.value == null ? null : parsed(row.value),
  }))
}
