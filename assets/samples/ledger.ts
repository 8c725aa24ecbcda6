/**
 * The sampler's ledger: how far each manifest was read, and what became of every file it names.
 *
 * Invariants:
 * 1. Lines are taken in and the checkpoint moves in one transaction, from the offset that was read:
 *    of two samplers one moves it, the other reads on from there. No line is lost or taken twice.
 * 2. A file belongs to its holder until the claim ends; what a holder brings in after that counts
 *    for nothing. A holder of this machine that is gone has lost its claims at once.
 * 3. A row is MADE only when its sample lies where `path` says.
 * 4. While a sample may hold values as they are, `is_raw` says so. When its time is over it is removed
 *    first; nobody claims it before.
 */
import type { Catalog, Connection, WriteTransaction } from '../../engine/index.ts'
import { frameDigest, rowsTable } from '../../engine/index.ts'
import { sql } from 'kysely'
import type { ProcessedEntry } from '../processed-entry.ts'
import { entryMove } from './entry-move.ts'
import type { LedgerTables, SampleRow } from './ledger-tables.ts'
import { ledgerTables } from './ledger-tables.ts'

export interface Lines {
  readonly place: string
  readonly file: string
  /** the offset that was read from */
  readonly from: number
  /** where the next read starts */
  readonly to: number
  /** of the manifest's first bytes, where they were read; else as it was */
  readonly mark?: string
  /** at most LINES_MAX */
  readonly entries: readonly ProcessedEntry[]
  /** lines that say nothing */
  readonly faults: number
  readonly nowMs: number
}

/** Lines that are taken in at once: one statement may bind 32,766 values on SQLite. */
export const LINES_MAX = 1000

/** Where a manifest was read to. */
export async function checkpointOf(
  { db }: Pick<Catalog, 'db'>,
  { place, file }: Pick<Lines, 'place' | 'file'>,
): Promise<number> {
  const row = await ledgerTables(db)
    .selectFrom('manifest')
    .select('offset_bytes')
    .where('place', '=', place)
    .where('file', '=', file)
    .executeTakeFirst()
  return row?.offset_bytes ?? 0
}

/** Every checkpoint, by `place/file`: what a pass begins with. */
export async function checkpoints({
  db,
}: Pick<Catalog, 'db'>): Promise<ReadonlyMap<string, LedgerTables['manifest']>> {
  const rows = await ledgerTables(db).selectFrom('manifest').selectAll().execute()
  return new Map(rows.map((row) => [`${row.place}/${row.file}`, row]))
}

/** Takes lines in. False: another sampler has read on meanwhile, and nothing was taken. */
export async function takeLines(ledger: Catalog, lines: Lines): Promise<boolean> {
  return ledger.write(async (trx) => {
    const { db } = trx
    if ((await checkpointOf({ db }, lines)) !== lines.from) return false
    await moveCheckpoint(db, lines)
    await takeEntries(trx, lines)
    return true
  })
}

/** Files that no manifest names, as of a folder that is looked at: taken in like lines. */
export const takeFiles = async (
  ledger: Catalog,
  files: Pick<Lines, 'place' | 'entries'>,
): Promise<void> => ledger.write(async (trx) => takeEntries(trx, files))

async function moveCheckpoint(db: Connection, lines: Lines): Promise<void> {
  const { place, file, from, to, entries, faults, nowMs, mark } = lines
  const moved = { offset_bytes: to, read_ms: nowMs, ...(mark !== undefined && { mark }) }
  // A manifest that is shorter than it was is another one: it is read, and counted, anew.
  const counts = { lines: entries.length, faults }
  await ledgerTables(db)
    .insertInto('manifest')
    .values({ place, file, ...moved, ...counts })
    .onConflict((on) =>
      on.columns(['place', 'file']).doUpdateSet((eb) => ({
        ...moved,
        lines: from === 0 ? counts.lines : eb('manifest.lines', '+', counts.lines),
        faults: from === 0 ? counts.faults : eb('manifest.faults', '+', counts.faults),
      })),
    )
    .execute()
}

async function takeEntries(
  { db, dialect }: Pick<WriteTransaction, 'db' | 'dialect'>,
  { place, entries }: Pick<Lines, 'place' | 'entries'>,
): Promise<void> {
  // Of several lines about one file the last holds.
  const last = new Map(entries.map((entry) => [rawId(entry.raw), entry]))
  if (last.size === 0) return
  const ids = rowsTable(
    dialect,
    { id: 'text' },
    [...last.keys()].map((id) => [id]),
  )
  const known = await ledgerTables(db)
    .selectFrom('sample')
    .selectAll()
    .where('place', '=', place)
    .where('raw_id', 'in', sql<string>`${ids}`)
    .execute()
  const before = new Map(known.map((row) => [row.raw_id, row]))
  const rows = [...last].flatMap(([id, entry]) => {
    const row = rowAfter(place, before.get(id), entry)
    return row === undefined ? [] : [{ ...row, raw_id: id }]
  })
  if (rows.length === 0) return
  // As one parameter: thousands of them cost three times as much, and a third of the memory.
  const told = rowsTable(
    dialect,
    TOLD,
    rows.map((row) => TOLD_NAMES.map((name) => row[name])),
  )
  const names = sql.join(TOLD_NAMES.map((name) => sql.ref(name)))
  const moved = sql.join(
    MOVED.map((name) => sql`${sql.ref(name)} = ${sql.ref(`excluded.${name}`)}`),
  )
  await sql`insert into sample (${names}) select ${names} from ${told} w where true
    on conflict (place, raw_id) do update set ${moved}`.execute(db)
}

const rawId = (raw: string): string => frameDigest(['raw/1', raw]).slice(0, 40)

/** What a line may change; what was made of the file stays until it is made anew. */
const CHANGED = {
  bronze: 'text',
  mtime: 'real',
  size: 'int',
  sha256: 'text',
  seq: 'int',
  status: 'text',
  code: 'text',
  words: 'text',
  attempts: 'int',
  retry_ms: 'int',
  holder: 'text',
  expires_ms: 'int',
  is_raw: 'int',
  raw_until_ms: 'int',
} as const
const TOLD = { place: 'text', raw: 'text', raw_id: 'text', ...CHANGED } as const
const namesOf = <Name extends string>(columns: Readonly<Record<Name, unknown>>): readonly Name[] =>
  Object.keys(columns) as Name[]
const MOVED = namesOf(CHANGED)
const TOLD_NAMES = namesOf(TOLD)

type NewSample = Pick<SampleRow, 'place' | 'raw' | keyof typeof CHANGED>

const FRESH = {
  status: 'PENDING',
  code: null,
  words: null,
  attempts: 0,
  retry_ms: 0,
  holder: null,
  expires_ms: 0,
} as const

const MASKED = { is_raw: 0, raw_until_ms: null } as const
/** Its sample holds values as they are, and is to leave before another is made. */
const ENDED = { is_raw: 1, raw_until_ms: 0 } as const

function rowAfter(
  place: string,
  before: SampleRow | undefined,
  entry: ProcessedEntry,
): NewSample | undefined {
  const move = entryMove(before, entry)
  if (move === 'keep') return undefined
  const { raw, bronze, mtime, size = null, sha256 = null, seq = null } = entry
  const told = { place, raw, bronze, mtime, size, sha256, seq }
  if (before === undefined) return { ...told, ...FRESH, ...MASKED }
  // A reason was given for the content that was there, not for what follows it.
  if (move === 'make') return { ...told, ...FRESH, ...(before.is_raw === 1 ? ENDED : MASKED) }
  const { status, code, words, attempts, retry_ms, holder, expires_ms } = before
  const { is_raw, raw_until_ms } = before
  const stands = { status, code, words, attempts, retry_ms, holder, expires_ms }
  return { ...told, ...stands, is_raw, raw_until_ms }
}
