/**
 * The run lease: one run at a time plans and builds in its own process. Other work that one process
 * at a time may do has a lease by its own name.
 *
 * Frozen for longer than its lease, a run finds it taken at its next transaction.
 */
import type { Lease } from '../catalog/leases.ts'
import { dropLease, leaseNow, renewLease, takeLease } from '../catalog/leases.ts'
import type { WriteTransaction } from '../catalog/open.ts'
import { closeDeadRuns } from '../catalog/runs.ts'
import { isEngineError } from '../core/errors.ts'
import { BEAT_MS, BOOKKEEPING, HOLD_MS } from './hold.ts'
import { isDeadHolder, ownHolder } from './holder.ts'
import type { Project } from './project.ts'

/** Does some work while holding the run's lease. Throws RUN_BUSY. */
export async function withRunLease<Result>(
  project: Project,
  work: (lease: Lease) => Promise<Result>,
): Promise<Result> {
  return keeping(project, await begin(project), work)
}

/**
 * Does some work that one process at a time may do; false, and nothing is done, while another does
 * it. Throws RUN_BUSY where the lease was lost on the way.
 */
export async function withLease(
  project: Project,
  name: string,
  work: (lease: Lease) => Promise<void>,
): Promise<boolean> {
  let lease: Lease
  try {
    lease = await project.catalog.write(async (trx) => take(trx, project, name), BOOKKEEPING)
  } catch (error) {
    if (isEngineError(error, 'RUN_BUSY')) return false
    throw error
  }
  await keeping(project, lease, work)
  return true
}

/** Renews a lease while some work goes on, and gives it back. */
async function keeping<Result>(
  { catalog, clock }: Project,
  lease: Lease,
  work: (lease: Lease) => Promise<Result>,
): Promise<Result> {
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

async function begin(project: Project): Promise<Lease> {
  const { catalog, clock } = project
  return catalog.write(async (trx) => {
    const lease = await take(trx, project, 'run')
    await closeDeadRuns(trx, clock.nowMs())
    return lease
  }, BOOKKEEPING)
}

async function take(trx: WriteTransaction, { clock }: Project, name: string): Promise<Lease> {
  const nowMs = await leaseNow(trx, clock)
  const when = { nowMs, forMs: HOLD_MS, isDead: isDeadHolder }
  return takeLease(trx, { name, holder: ownHolder() }, when)
}
