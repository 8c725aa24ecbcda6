/**
 * discovered files: what lies in the inbox, and which deliveries of it are complete.
 *
 * Listing is cheap and happens every time; only files of a delivery that closes are read. Nothing
 * new and nothing changed is no write at all.
 */
import type { Dirent } from 'node:fs'
import { statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Handle, Observation, Observer, PlanningAccess } from '../engine/index.ts'
import { EngineError, frameDigest, isEngineError } from '../engine/index.ts'
import type { Delivery, InboxDecision, Listed, SeenObject } from '../registry/inbox.ts'
import { closeDeliveries } from '../registry/inbox.ts'
import { platformTables } from '../registry/tables.ts'
import type { Arrival } from './intake.ts'
import type { CurrentRegistry } from './registry-observer.ts'

export interface InboxOptions {
  /** absolute */
  readonly folder: string
  readonly quiescenceMs: number
  readonly registry: CurrentRegistry
}

/** A listing longer than this is refused: an inbox is swept or split. */
const LISTED_MAX = 1_000_000

/** Observes the inbox folder. A file that cannot be read holds back its own delivery only. */
export function inboxObserver(options: InboxOptions): Observer {
  return {
    name: 'inbox',
    observe: async ({ db, nowMs }) => {
      const listed = await listInbox(options.folder)
      const seen = await seenObjects(db)
      const decision = closeDeliveries({
        listed,
        seen,
        nowMs,
        quiescenceMs: options.quiescenceMs,
      })
      const digest = frameDigest([
        'inbox',
        ...decision.seen.flatMap((row) => [row.path, row.changedToken]),
        ...decision.closed.map((delivery) => delivery.drop),
        ...decision.forgotten,
      ])
      const quiet =
        decision.seen.length + decision.closed.length + decision.forgotten.length === 0
      if (quiet) return { digest }
      const looked = await Promise.all(
        decision.closed.map(async (delivery) => look(options.folder, delivery)),
      )
      return { digest, apply: applyOf(options, { decision, looked }) }
    },
  }
}

async function listInbox(folder: string): Promise<readonly Listed[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException): Dirent[] => {
      if (error.code === 'ENOENT') return []
      throw new EngineError('INPUT_UNREADABLE', { path: folder, reason: error.code ?? 'unknown' })
    },
  )
  if (entries.length > LISTED_MAX) {
    throw new EngineError('INPUT_UNREADABLE', {
      path: folder,
      reason: `more than ${LISTED_MAX} entries`,
    })
  }
  return entries.flatMap((entry) => {
    if (!entry.isFile()) return []
    const path = join(entry.parentPath, entry.name)
    const { size, mtimeNs, ino } = statSync(path, { bigint: true })
    return [
      {
        path: path.slice(folder.length + 1),
        sizeBytes: Number(size),
        changedToken: `${mtimeNs}:${size}:${ino}`,
        modifiedAtMs: Number(mtimeNs / 1_000_000n),
      },
    ]
  })
}

async function seenObjects(db: Handle): Promise<readonly SeenObject[]> {
  const rows = await platformTables(db).selectFrom('inbox_object').selectAll().execute()
  return rows.map((row) => ({
    path: row.path,
    changedToken: row.token,
    firstSeenAtMs: row.first_seen_ms,
    lastChangedAtMs: row.last_changed_ms,
    ...(row.claimed_by !== null && { claimedBy: row.claimed_by }),
  }))
}

interface Looked {
  readonly delivery: Delivery
  /** undefined: a file cannot be read; the delivery is tried again */
  readonly arrival: Arrival | undefined
  readonly fault: string | undefined
}

async function look(folder: string, delivery: Delivery): Promise<Looked> {
  // Loaded only when something arrived.
  const { inspect } = await import('./inspect.ts')
  try {
    const files = []
    for (const file of delivery.files) {
      files.push(await inspect(join(folder, file.path), file.path.split('/').at(-1) ?? file.path))
    }
    const { submitter, drop, grouping } = delivery
    return { delivery, arrival: { submitter, drop, grouping, files }, fault: undefined }
  } catch (error) {
    if (!isEngineError(error, 'INPUT_UNREADABLE')) throw error
    return { delivery, arrival: undefined, fault: error.message }
  }
}

function applyOf(
  { registry }: InboxOptions,
  { decision, looked }: { readonly decision: InboxDecision; readonly looked: readonly Looked[] },
): NonNullable<Observation['apply']> {
  return async (access) => {
    const { takeIn } = await import('./intake.ts')
    const arrivals = looked.flatMap((one) => one.arrival ?? [])
    const current = await registry.get(access.trx.db)
    const ids = arrivals.length === 0 ? undefined : await takeIn(access, current, arrivals)
    const claimed = new Map<string, string>()
    for (const { delivery, arrival } of looked) {
      const by = arrival === undefined ? undefined : ids?.get(delivery.drop)?.[0]
      if (by !== undefined) for (const path of delivery.claims) claimed.set(path, by)
    }
    await remember(access, decision, claimed)
    await noteUnreadable(access, looked)
  }
}

async function remember(
  { trx }: PlanningAccess,
  decision: InboxDecision,
  claimed: ReadonlyMap<string, string>,
): Promise<void> {
  const tables = platformTables(trx.db)
  for (const row of decision.seen) {
    const values = {
      path: row.path,
      token: row.changedToken,
      first_seen_ms: row.firstSeenAtMs,
      last_changed_ms: row.lastChangedAtMs,
      claimed_by: row.claimedBy ?? null,
    }
    await tables
      .insertInto('inbox_object')
      .values(values)
      .onConflict((conflict) => conflict.column('path').doUpdateSet(values))
      .execute()
  }
  for (const path of decision.forgotten) {
    await tables.deleteFrom('inbox_object').where('path', '=', path).execute()
  }
  for (const [path, by] of claimed) {
    await tables.updateTable('inbox_object').set({ claimed_by: by }).where('path', '=', path).execute()
  }
}

async function noteUnreadable(
  { trx, nowMs }: PlanningAccess,
  looked: readonly Looked[],
): Promise<void> {
  const tables = platformTables(trx.db)
  for (const { delivery, fault } of looked) {
    const open = tables
      .selectFrom('finding')
      .select('id')
      .where('code', '=', 'INPUT_UNREADABLE')
      .where('subject', '=', delivery.drop)
      .where('closed_ms', 'is', null)
    if (fault === undefined) {
      await tables
        .updateTable('finding')
        .set({ closed_ms: nowMs })
        .where('code', '=', 'INPUT_UNREADABLE')
        .where('subject', '=', delivery.drop)
        .where('closed_ms', 'is', null)
        .execute()
    } else if ((await open.executeTakeFirst()) === undefined) {
      await tables
        .insertInto('finding')
        .values({
          at_ms: nowMs,
          severity: 'error',
          code: 'INPUT_UNREADABLE',
          subject: delivery.drop,
          words: fault,
          closed_ms: null,
        })
        .execute()
    }
  }
}
