/** Runs, their events, the audit rows and the lease that lets one run at a time write. */
import type { Json } from '../core/digest.ts'
import { chainedRow, lastLink } from './audit-chain.ts'
import type { Connection, WriteTransaction } from './open.ts'

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

/** One audit row, chained to the last one, in the transaction of the change it speaks of. */
export async function insertAudit({ db }: WriteTransaction, entry: AuditEntry): Promise<void> {
  const row = chainedRow(await lastLink(db), {
    at_ms: entry.atMs,
    actor: entry.actor.name,
    action: entry.action,
    subject: entry.subject,
    reason: entry.actor.reason,
    run: entry.run,
  })
  await db.insertInto('audit').values(row).execute()
}

export interface NewRun {
  readonly actor: Actor
  readonly command: string
  readonly plan: string | null
  readonly atMs: number
  /** reserved: it has a number and has not begun. Default running */
  readonly status?: 'running' | 'reserved'
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
      status: run.status ?? 'running',
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
  await db
    .deleteFrom('event')
    .where('run', '<=', run - RUNS_WITH_EVENTS_MAX)
    .execute()
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

/** The catalog's revision: it changes with every write transaction that is not bookkeeping. */
export async function catalogRevision(db: Connection): Promise<number> {
  const row = await db.selectFrom('catalog').select('revision').executeTakeFirstOrThrow()
  return row.revision
}
