/** Runs, their events, the audit rows and the lease that lets one run at a time write. */
import { sql } from 'kysely'
import type { Json } from '../core/digest.ts'
import { EngineError } from '../core/errors.ts'
import type { Handle, WriteTransaction } from './open.ts'

/** Who does something, and why: every state change carries both. */
export interface Actor {
  readonly name: string
  readonly reason: string
}

/** Events of this many runs are kept; older ones are removed when a run ends. */
export const RUNS_WITH_EVENTS_MAX = 200

export interface AuditEntry {
  readonly atMs: number
  readonly actor: Actor
  readonly action: string
  readonly subject: string
  readonly run: number | null
}

/** One audit row, in the transaction of the change it speaks of. */
export async function insertAudit({ db }: WriteTransaction, entry: AuditEntry): Promise<void> {
  await db
    .insertInto('audit')
    .values({
      at_ms: entry.atMs,
      actor: entry.actor.name,
      action: entry.action,
      subject: entry.subject,
      reason: entry.actor.reason,
      run: entry.run,
    })
    .execute()
}

export interface NewRun {
  readonly actor: Actor
  readonly command: string
  readonly plan: string | null
  readonly atMs: number
}

/** Starts a run and returns its number; numbers are never reused. */
export async function insertRun({ db }: WriteTransaction, run: NewRun): Promise<number> {
  const row = await db
    .insertInto('run')
    .values({
      actor: run.actor.name,
      command: run.command,
      reason: run.actor.reason,
      plan: run.plan,
      started_ms: run.atMs,
      heartbeat_ms: run.atMs,
      ended_ms: null,
      status: 'running',
      counts: '{}',
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  return row.id
}

export type RunStatus = 'succeeded' | 'partial' | 'failed' | 'interrupted'

/** Ends a run; removes events of runs beyond the bound. */
export async function endRun(
  { db }: WriteTransaction,
  run: number,
  end: { readonly status: RunStatus; readonly atMs: number; readonly counts: Json },
): Promise<void> {
  await db
    .updateTable('run')
    .set({ status: end.status, ended_ms: end.atMs, counts: JSON.stringify(end.counts) })
    .where('id', '=', run)
    .execute()
  await db.deleteFrom('event').where('run', '<=', run - RUNS_WITH_EVENTS_MAX).execute()
}

/** Marks runs that never ended, because their process died, as interrupted. */
export async function closeDeadRuns({ db }: WriteTransaction, atMs: number): Promise<void> {
  await db
    .updateTable('run')
    .set({ status: 'interrupted', ended_ms: atMs })
    .where('status', '=', 'running')
    .execute()
}

export interface RunEvent {
  readonly type: string
  readonly atMs: number
  /** `asset[key]` */
  readonly node: string | null
  readonly data: Json
}

/** Events of one run, in order. */
export async function insertEvents(
  { db }: WriteTransaction,
  run: number,
  events: readonly RunEvent[],
): Promise<void> {
  if (events.length === 0) return
  const rows = events.map((event) => ({
    run,
    at_ms: event.atMs,
    type: event.type,
    node: event.node,
    data: JSON.stringify(event.data),
  }))
  await db.insertInto('event').values(rows).execute()
}

export interface Lease {
  readonly name: string
  readonly holder: string
  readonly fence: number
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
export async function requireLease({ db }: WriteTransaction, lease: Lease): Promise<void> {
  await leaseEnd(db, lease)
}

/** When the lease ends, as things stand. Throws RUN_BUSY when another holder took it. */
export async function leaseEnd(db: Handle, lease: Lease): Promise<number> {
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

/** The catalog's revision: it changes with every write transaction that is not bookkeeping. */
export async function catalogRevision(db: Handle): Promise<number> {
  const row = await db.selectFrom('catalog').select('revision').executeTakeFirstOrThrow()
  return row.revision
}
