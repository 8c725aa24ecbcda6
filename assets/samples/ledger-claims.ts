/** Who samples what: claims of files, newest first, and what became of them. */
import type { Catalog, Connection } from '../../engine/index.ts'
import { isDeadHolder, rowsTable } from '../../engine/index.ts'
import { sql } from 'kysely'
import type { SampleRow } from './ledger-tables.ts'
import { ledgerTables } from './ledger-tables.ts'
import { ownPath, plannedPath } from './sample-path.ts'
import { vendorOf } from './place.ts'

/** A claim ends after this, unless its holder finishes or renews it before. */
const CLAIM_MS = 5 * 60_000
/** How often a holder renews: in between it makes one file, of a minute at most. */
export const RENEW_MS = CLAIM_MS / 3

export interface Claimed extends SampleRow {
  /** where its sample goes when it has the format that its name says */
  readonly planned: string
}

export interface ClaimOptions {
  readonly holder: string
  readonly nowMs: number
  /** files at most */
  readonly limit: number
  /** of these alone; undefined: of all */
  readonly only?: readonly number[] | undefined
}

/** Keeps what a holder has claimed and not finished. */
export async function renewClaims(
  ledger: Catalog,
  { holder, nowMs }: Pick<ClaimOptions, 'holder' | 'nowMs'>,
): Promise<void> {
  await ledger.write(async ({ db }) => {
    await ledgerTables(db)
      .updateTable('sample')
      .set({ expires_ms: nowMs + CLAIM_MS })
      .where('holder', '=', holder)
      .execute()
  })
}

/** Lets go of claims that ended and of those whose holder is gone. */
export async function releaseClaims(ledger: Catalog, nowMs: number): Promise<void> {
  const tables = ledgerTables(ledger.db)
  const held = await tables
    .selectFrom('sample')
    .select('holder')
    .distinct()
    .where('holder', 'is not', null)
    .execute()
  if (held.length === 0) return
  const dead = held.flatMap(({ holder }) =>
    holder !== null && isDeadHolder(holder) ? [holder] : [],
  )
  await ledger.write(async ({ db }) => {
    await ledgerTables(db)
      .updateTable('sample')
      .set({ holder: null, expires_ms: 0 })
      .where('holder', 'is not', null)
      .where((eb) =>
        eb.or([
          eb('expires_ms', '<=', nowMs),
          ...(dead.length === 0 ? [] : [eb('holder', 'in', dead)]),
        ]),
      )
      .execute()
  })
}

/** The newest files that nobody samples, now this holder's. Their paths are theirs from here on. */
export async function claimSamples(
  ledger: Catalog,
  { holder, nowMs, limit, only }: ClaimOptions,
): Promise<readonly Claimed[]> {
  return ledger.write(async ({ db, dialect }) => {
    const tables = ledgerTables(db)
    let query = tables
      .selectFrom('sample')
      .selectAll()
      .where('status', '=', 'PENDING')
      .where('holder', 'is', null)
      .where((eb) => eb.or([eb('is_raw', '=', 0), eb('raw_until_ms', '>', nowMs)]))
      .orderBy('mtime', 'desc')
      .orderBy('id', 'desc')
      .limit(limit)
    if (only !== undefined) query = query.where('id', 'in', only)
    const rows = await query.execute()
    if (rows.length === 0) return []
    const claimed = await withPaths(db, rows)
    const wanted = rowsTable(
      dialect,
      { id: 'int', path: 'text' },
      claimed.map(({ id, planned }) => [id, planned]),
    )
    await sql`update sample set holder = ${holder}, expires_ms = ${nowMs + CLAIM_MS}, path = w.path
      from ${wanted} w where sample.id = w.id`.execute(db)
    return claimed
  })
}

async function withPaths(db: Connection, rows: readonly SampleRow[]): Promise<readonly Claimed[]> {
  const tables = ledgerTables(db)
  const named = rows.map((row) => ({
    row,
    planned: row.path ?? plannedPath(row.raw, vendorOf(row.place)),
  }))
  const taken = await tables
    .selectFrom('sample')
    .select(['place', 'path', 'id'])
    .where(
      'path',
      'in',
      named.map(({ planned }) => planned),
    )
    .where('place', 'in', [...new Set(rows.map(({ place }) => place))])
    .execute()
  const owners = new Map(taken.map(({ place, path, id }) => [`${place}/${path}`, id]))
  const claimed: Claimed[] = []
  for (const { row, planned } of named) {
    const owner = owners.get(`${row.place}/${planned}`)
    const isFree = owner === undefined || owner === row.id
    const extension = planned.slice(planned.lastIndexOf('_sample') + '_sample'.length)
    const path = isFree
      ? planned
      : ownPath(row.raw, vendorOf(row.place), extension.replace(/^~[0-9a-f]{8}/, ''))
    owners.set(`${row.place}/${path}`, row.id)
    claimed.push({ ...row, planned: path })
  }
  return claimed
}

/**
 * Notes that a file's sample goes elsewhere than was planned, before it is put there: of one that a
 * kill leaves behind the ledger has to know the path, since it may hold values as they are. False:
 * the claim is another's by now, and nothing is to be put there.
 */
export async function notePath(
  ledger: Catalog,
  holder: string,
  { id, path }: Pick<SampleRow, 'id'> & { readonly path: string },
): Promise<boolean> {
  return ledger.write(async ({ db }) => {
    const { numUpdatedRows } = await ledgerTables(db)
      .updateTable('sample')
      .set({ path })
      .where('id', '=', id)
      .where('holder', '=', holder)
      .executeTakeFirstOrThrow()
    return numUpdatedRows > 0n
  })
}

/** What became of a claimed file. */
export interface Finished
  extends
    Pick<SampleRow, 'id' | 'status' | 'code' | 'words' | 'attempts' | 'retry_ms'>,
    Partial<Pick<SampleRow, 'path' | 'format' | 'records' | 'bytes' | 'read_bytes' | 'made_ms'>> {}

/**
 * Notes what became of files that are still this holder's; returns the ids of those that were not.
 * What it has put into place of these may be of other terms by now: they are made once more.
 */
export async function finishSamples(
  ledger: Catalog,
  holder: string,
  finished: readonly Finished[],
): Promise<readonly number[]> {
  if (finished.length === 0) return []
  return ledger.write(async ({ db, dialect }) => {
    const wanted = rowsTable(
      dialect,
      OUTCOME,
      finished.map((one) => NAMES.map((name) => one[name] ?? null)),
    )
    const set = NAMES.slice(1).map((name) =>
      KEPT.has(name)
        ? sql`${sql.ref(name)} = coalesce(w.${sql.ref(name)}, sample.${sql.ref(name)})`
        : sql`${sql.ref(name)} = w.${sql.ref(name)}`,
    )
    // Found by id: by holder SQLite would go through all outcomes for each row of a claim (60 to 95 ms
    // for 256 files, 10 ms so).
    const { rows } = await sql<{ readonly id: number }>`update sample
      set ${sql.join(set)}, holder = null, expires_ms = 0
      from ${wanted} w where sample.id = w.id and coalesce(sample.holder, '') = ${holder}
      returning sample.id as id`.execute(db)
    if (rows.length === finished.length) return []
    const own = new Set(rows.map(({ id }) => id))
    const lost = finished.filter(({ id }) => !own.has(id))
    await makeOnceMore(db, lost)
    return lost.map(({ id }) => id)
  })
}

async function makeOnceMore(db: Connection, lost: readonly Finished[]): Promise<void> {
  const placed = lost.filter(({ status }) => status === 'MADE').map(({ id }) => id)
  if (placed.length === 0) return
  await ledgerTables(db)
    .updateTable('sample')
    .set({ status: 'PENDING', holder: null, expires_ms: 0 })
    .where('id', 'in', placed)
    .execute()
}

const OUTCOME = {
  id: 'int',
  status: 'text',
  code: 'text',
  words: 'text',
  attempts: 'int',
  retry_ms: 'int',
  path: 'text',
  format: 'text',
  records: 'int',
  bytes: 'int',
  read_bytes: 'int',
  made_ms: 'int',
} as const
const NAMES = Object.keys(OUTCOME) as (keyof typeof OUTCOME)[]
/** What was made before stays where nothing was made now. */
const KEPT: ReadonlySet<string> = new Set([
  'path',
  'format',
  'records',
  'bytes',
  'read_bytes',
  'made_ms',
])

/** Files that were not there and are due to be looked for again. */
export async function retryMissing(ledger: Catalog, nowMs: number): Promise<void> {
  await ledger.write(async ({ db }) => {
    await ledgerTables(db)
      .updateTable('sample')
      .set({ status: 'PENDING' })
      .where('status', '=', 'MISSING')
      .where('retry_ms', '<=', nowMs)
      .where('retry_ms', '>', 0)
      .execute()
  })
}
