/**
 * The rebuild queue as an observation: requests that people made and whose months are not marked
 * yet, and requests of the road that nothing is left to do for.
 *
 * So `plan` shows what a request asks for, `materialize` builds it, and a paused queue is a queue
 * that nobody looks at.
 */
import type { Connection, Observation, Observer, PlanningAccess } from '../engine/index.ts'
import { formatKey, frameDigest, rowsTable, sensorState } from '../engine/index.ts'
import { sql } from 'kysely'
import { platformTables } from '../registry/tables.ts'
import { MONTH_ASSET, skipRequests, unneededRequests } from './rebuild-queue.ts'

/** The sensor that drains the queue: its pause is the queue's. */
export const QUEUE_SENSOR = 'canonical_rebuild_sensor'

interface Asked {
  readonly id: number
  readonly key: string
  readonly reason: string
}

/** Requests for a build although nothing differs, oldest first. */
async function askedByPeople(db: Connection): Promise<readonly Asked[]> {
  const rows = await platformTables(db)
    .selectFrom('canonical_rebuild_queue')
    .select(['queue_id', 'state', 'file_type', 'atomic_month', 'reason', 'requested_by'])
    .where('processed_ms', 'is', null)
    .where('forced', '=', 1)
    .where('status', '<>', 'DEAD')
    .orderBy('queue_id')
    .execute()
  return rows.map((row) => ({
    id: row.queue_id,
    key: formatKey([row.state, row.file_type, row.atomic_month]),
    reason: `${row.requested_by}: ${row.reason}`,
  }))
}

/** Looking for requests that need nothing reads all open ones: not at every look. */
const UNNEEDED_EVERY_MS = 5000

/** Observes the queue, unless it is paused. */
export function queueObserver(): Observer {
  let lookedMs = -Infinity
  return {
    name: 'queue',
    observe: async ({ db, nowMs }): Promise<Observation> => {
      const { pause } = await sensorState(db, QUEUE_SENSOR)
      if (pause !== undefined) return { digest: frameDigest(['queue', 'paused']) }
      const asked = await askedByPeople(db)
      const digest = frameDigest(['queue', ...asked.map((one) => String(one.id))])
      const isDue = nowMs - lookedMs >= UNNEEDED_EVERY_MS
      if (isDue) lookedMs = nowMs
      const unneeded = isDue ? await unneededRequests(db) : []
      if (asked.length === 0 && unneeded.length === 0) return { digest }
      return { digest, apply: async (access) => take(access, asked) }
    },
  }
}

/** Marks the months; a request whose month is not known is ended with the unneeded ones. */
async function take(access: PlanningAccess, asked: readonly Asked[]): Promise<void> {
  const { trx, nowMs } = access
  await access.forceNodes(asked.map(({ key, reason }) => ({ asset: MONTH_ASSET, key, reason })))
  const marked = rowsTable(
    trx.dialect,
    { id: 'int' },
    asked.map(({ id }) => [id]),
  )
  await sql`update canonical_rebuild_queue set forced = 0
    where queue_id in (select w.id from ${marked} w)`.execute(trx.db)
  await skipRequests(trx, await unneededRequests(trx.db), nowMs)
}

/** While the queue is paused no daemon hands out canonical months. */
export async function pausedAssets(db: Connection): Promise<ReadonlySet<string>> {
  const { pause } = await sensorState(db, QUEUE_SENSOR)
  return new Set(pause === undefined ? [] : [MONTH_ASSET])
}
