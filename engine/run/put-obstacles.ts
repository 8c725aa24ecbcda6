/** What a worker writes down of nodes that it could not build: when they are handed out again. */
import type { DirtyRow } from '../catalog/nodes.ts'
import type { Obstacle } from '../catalog/obstacles.ts'
import { putObstacles } from '../catalog/obstacles.ts'
import type { WriteTransaction } from '../catalog/open.ts'
import type { ErrorCode } from '../core/errors.ts'
import { WAIT_MS, retryDelayMs } from './backoff.ts'
import type { Recorded } from './build-steps.ts'
import type { Claimed, Task } from './claim.ts'

/** Failed attempts: each counts, and waits longer than the one before. */
export async function putFailed(
  trx: WriteTransaction,
  {
    recorded,
    rows,
    nowMs,
  }: {
    readonly recorded: readonly Recorded[]
    /** the dirty marks that were claimed */
    readonly rows: ReadonlyMap<Task, DirtyRow>
    /** by the leases' clock */
    readonly nowMs: number
  },
): Promise<void> {
  if (recorded.length === 0) return
  const nodes = recorded.map(({ task }) => task.node.row.id)
  const before = await trx.db
    .selectFrom('obstacle')
    .select(['node', 'attempts', 'revision'])
    .where('node', 'in', nodes)
    .execute()
  const put = recorded.map(({ task, failure }): Obstacle => {
    const node = task.node.row.id
    const revision = rows.get(task)?.revision ?? 0
    const last = before.find((one) => one.node === node && one.revision === revision)
    const attempts = (last?.attempts ?? 0) + 1
    const delayMs = retryDelayMs(failure.code as ErrorCode, attempts)
    return {
      node,
      kind: 'failed',
      attempts,
      code: failure.code,
      revision,
      at_ms: nowMs,
      retry_ms: delayMs === undefined ? null : nowMs + delayMs,
    }
  })
  await putObstacles(trx, put)
}

/** Nodes of a claim that were not taken: blocked ones wait for a plan, others for a moment. */
export async function putUnclaimed(
  trx: WriteTransaction,
  claimed: Claimed,
  nowMs: number,
): Promise<void> {
  const held = new Set([...claimed.held, ...claimed.busy])
  const blocked = new Set(claimed.blocked.map(({ key }) => key))
  const put = claimed.rows.flatMap((row): Obstacle[] => {
    const isBlocked = blocked.has(row.key)
    if (!isBlocked && !held.has(row.id)) return []
    return [
      {
        node: row.id,
        kind: isBlocked ? 'blocked' : 'waits',
        attempts: 0,
        code: isBlocked ? 'BLOCKED' : 'WAITS',
        revision: row.revision,
        at_ms: nowMs,
        retry_ms: isBlocked ? null : nowMs + WAIT_MS,
      },
    ]
  })
  await putObstacles(trx, put)
}
