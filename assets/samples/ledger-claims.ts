/** Who samples what: claims of files, newest first, and what became of them. */
import type { Catalog, Connection } from '../../engine/index.ts'
import { isDeadHolder } from '../../engine/index.ts'
import type { SampleRow } from './ledger-tables.ts'
import { ledgerTables } from './ledger-tables.ts'
import { ownPath, plannedPath } from './sample-path.ts'
import { vendorOf } from './place.ts'

/** A claim ends after this, unless its holder finishes before. */
const CLAIM_MS = 5 * 60_000

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
  return ledger.write(async ({ db }) => {
    const tables = ledgerTables(db)
    let query = tables
      .selectFrom('sample')
      .selectAll()
      .where('status', '=', 'PENDING')
      .where('holder', 'is', null)
      .orderBy('mtime', 'desc')
      .orderBy('id', 'desc')
      .limit(limit)
    if (only !== undefined) query = query.where('id', 'in', only)
    const rows = await query.execute()
    if (rows.length === 0) return []
    await tables
      .updateTable('sample')
      .set({ holder, expires_ms: nowMs + CLAIM_MS })
      .where(
        'id',
        'in',
        rows.map(({ id }) => id),
      )
      .execute()
    return withPaths(db, rows)
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
    if (row.path === null) {
      await tables.updateTable('sample').set({ path }).where('id', '=', row.id).execute()
    }
    claimed.push({ ...row, path, planned: path })
  }
  return claimed
}

/** What became of a claimed file. */
export interface Finished
  extends
    Pick<SampleRow, 'id' | 'status' | 'code' | 'words' | 'attempts' | 'retry_ms'>,
    Partial<Pick<SampleRow, 'path' | 'format' | 'records' | 'bytes' | 'read_bytes' | 'made_ms'>> {}

/** Notes what became of files that are still this holder's; returns how many were. */
export async function finishSamples(
  ledger: Catalog,
  holder: string,
  finished: readonly Finished[],
): Promise<number> {
  if (finished.length === 0) return 0
  return ledger.write(async ({ db }) => {
    const tables = ledgerTables(db)
    let count = 0
    for (const { id, ...outcome } of finished) {
      const { numUpdatedRows } = await tables
        .updateTable('sample')
        .set({ ...outcome, holder: null, expires_ms: 0 })
        .where('id', '=', id)
        .where('holder', '=', holder)
        .executeTakeFirstOrThrow()
      count += Number(numUpdatedRows)
    }
    return count
  })
}

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
