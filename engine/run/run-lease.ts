/**
 * The run lease: one run at a time plans and builds in its own process.
 *
 * Frozen for longer than its lease, a run finds it taken at its next transaction.
 */
import type { Lease } from '../catalog/leases.ts'
import { dropLease, leaseNow, renewLease, takeLease } from '../catalog/leases.ts'
import { closeDeadRuns } from '../catalog/runs.ts'
import { BEAT_MS, BOOKKEEPING, HOLD_MS } from './hold.ts'
import { isDeadHolder, ownHolder } from './holder.ts'
import type { Project } from './project.ts'

/** Does some work while holding the lease. Throws RUN_BUSY. */
export async function withRunLease<Result>(
  project: Project,
  work: (lease: Lease) => Promise<Result>,
): Promise<Result> {
  const { catalog, clock } = project
  const lease = await begin(project)
  const heartbeat = setInterval(() => {
    void catalog
      .write(
        async (trx) => renewLease(trx, lease, (await leaseNow(trx, clock)) + HOLD_MS),
        BOOKKEEPING,
      )
      .catch(() => undefined) // the next beat tries again; a lost lease shows at the next commit
  }, BEAT_MS)
  try {
    return await work(lease)
  } finally {
    clearInterval(heartbeat)
    // Where this fails the lease ends by itself, and what made the work fail is the error to tell.
    await catalog.write(async (trx) => dropLease(trx, lease), BOOKKEEPING).catch(() => undefined)
  }
}

async function begin({ catalog, clock }: Project): Promise<Lease> {
  return catalog.write(async (trx) => {
    const nowMs = await leaseNow(trx, clock)
    const lease = await takeLease(
      trx,
      { name: 'run', holder: ownHolder() },
      { nowMs, forMs: HOLD_MS, isDead: isDeadHolder },
    )
    await closeDeadRuns(trx, clock.nowMs())
    return lease
  }, BOOKKEEPING)
}
