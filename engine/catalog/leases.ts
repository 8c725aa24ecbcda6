/** Leases: one holder at a time, with a fence that never repeats. */
import { sql } from 'kysely'
import { EngineError } from '../core/errors.ts'
import type { Clock } from '../core/ports.ts'
import type { Connection, DialectName, WriteTransaction } from './open.ts'

export interface Lease {
  readonly name: string
  readonly holder: string
  readonly fence: number
}

/**
 * The time that leases are measured by: the database's where several machines share one, else this
 * machine's. A worker's clock that is off by hours moves no lease.
 */
export async function leaseNow(
  { db, dialect }: { readonly db: Connection; readonly dialect: DialectName },
  clock: Clock,
): Promise<number> {
  if (dialect === 'sqlite') return clock.nowMs()
  const { rows } = await sql<{ ms: number }>`
    select floor(extract(epoch from clock_timestamp()) * 1000)::bigint as ms`.execute(db)
  return rows[0]?.ms ?? clock.nowMs()
}

/**
 * Takes a lease, or throws RUN_BUSY.
 *
 * It is free when nobody holds it, when it expired, or when `isDead(holder)` says that its process
 * is gone (same host), so that a killed run does not block the next one. Each taking raises the
 * fence.
 */
export async function takeLease(
  { db }: WriteTransaction,
  wanted: { readonly name: string; readonly holder: string },
  when: {
    readonly nowMs: number
    readonly forMs: number
    readonly isDead: (holder: string) => boolean
  },
): Promise<Lease> {
  const held = await db
    .selectFrom('lease')
    .selectAll()
    .where('name', '=', wanted.name)
    .executeTakeFirst()
  if (held !== undefined && held.expires_ms > when.nowMs && !when.isDead(held.holder)) {
    throw new EngineError('RUN_BUSY', { holder: held.holder })
  }
  const fence = (held?.fence ?? 0) + 1
  const expires = when.nowMs + when.forMs
  await sql`insert into lease (name, holder, fence, expires_ms)
    values (${wanted.name}, ${wanted.holder}, ${fence}, ${expires})
    on conflict (name) do update set holder = excluded.holder, fence = excluded.fence,
      expires_ms = excluded.expires_ms`.execute(db)
  return { ...wanted, fence }
}

/** Extends a lease that is still ours; false when another took it. */
export async function renewLease(
  { db }: WriteTransaction,
  lease: Lease,
  expiresMs: number,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('lease')
    .set({ expires_ms: expiresMs })
    .where('name', '=', lease.name)
    .where('fence', '=', lease.fence)
    .executeTakeFirst()
  return numUpdatedRows === 1n
}

/**
 * Throws RUN_BUSY when another holder took the lease: a run that was frozen for longer than its
 * lease and thawed must not go on. Called at the start of every transaction of a run.
 */
export async function requireLease(
  { db }: Pick<WriteTransaction, 'db'>,
  lease: Lease,
): Promise<void> {
  await leaseEnd(db, lease)
}

/** When the lease ends, as things stand. Throws RUN_BUSY when another holder took it. */
export async function leaseEnd(db: Connection, lease: Lease): Promise<number> {
  const held = await db
    .selectFrom('lease')
    .select(['holder', 'fence', 'expires_ms'])
    .where('name', '=', lease.name)
    .executeTakeFirst()
  if (held?.fence !== lease.fence) {
    throw new EngineError('RUN_BUSY', { holder: held?.holder ?? 'unknown' })
  }
  return held.expires_ms
}

/** Gives a lease back; the fence stays, so that it never repeats. */
export async function dropLease({ db }: WriteTransaction, lease: Lease): Promise<void> {
  await db
    .updateTable('lease')
    .set({ expires_ms: 0 })
    .where('name', '=', lease.name)
    .where('fence', '=', lease.fence)
    .execute()
}
