/**
 * The run lease: one run at a time writes to a project.
 *
 * A holder is `host:process:token`. The token is drawn once a process, so that a run in the same
 * process is a second holder, and a holder with our own process number and another token is known
 * to be dead. Frozen for longer than its lease, a run finds it taken at its next transaction.
 */
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import type { Lease } from '../catalog/leases.ts'
import { closeDeadRuns } from '../catalog/runs.ts'
import { dropLease, leaseEnd, renewLease, requireLease, takeLease } from '../catalog/leases.ts'
import type { Project } from './project.ts'

const LEASE_MS = 30_000
const HEARTBEAT_MS = 5_000
const TOKEN = randomBytes(6).toString('hex')
/** Nothing that a plan depends on, and worth no fsync. */
const BOOKKEEPING = { volatile: true, bookkeeping: true } as const

/** Does some work while holding the lease. Throws RUN_BUSY. */
export async function withRunLease<Result>(
  project: Project,
  work: (lease: Lease) => Promise<Result>,
): Promise<Result> {
  const { catalog, clock } = project
  const lease = await begin(project)
  const heartbeat = setInterval(() => {
    void catalog
      .write(async (trx) => renewLease(trx, lease, clock.nowMs() + LEASE_MS), BOOKKEEPING)
      .catch(() => undefined) // the next beat tries again; a lost lease shows at the next commit
  }, HEARTBEAT_MS)
  try {
    return await work(lease)
  } finally {
    clearInterval(heartbeat)
    // Where this fails the lease ends by itself, and what made the work fail is the error to tell.
    await catalog.write(async (trx) => dropLease(trx, lease), BOOKKEEPING).catch(() => undefined)
  }
}

/** Makes sure that the lease is held for some time still. Throws RUN_BUSY when it was lost. */
export async function keepLease(
  { catalog, clock }: Project,
  lease: Lease,
  forMs: number,
): Promise<void> {
  const expiresMs = await leaseEnd(catalog.db, lease)
  const nowMs = clock.nowMs()
  if (expiresMs - nowMs > forMs) return
  await catalog.write(async (trx) => {
    await requireLease(trx, lease)
    await renewLease(trx, lease, nowMs + LEASE_MS)
  }, BOOKKEEPING)
}

async function begin({ catalog, clock }: Project): Promise<Lease> {
  const holder = `${hostname()}:${process.pid}:${TOKEN}`
  const nowMs = clock.nowMs()
  return catalog.write(async (trx) => {
    const lease = await takeLease(trx, { name: 'run', holder }, { nowMs, forMs: LEASE_MS, isDead })
    await closeDeadRuns(trx, nowMs)
    return lease
  }, BOOKKEEPING)
}

/** Whether a holder on this host is no process any more. */
function isDead(holder: string): boolean {
  const [host, pid, token] = holder.split(':')
  if (host !== hostname()) return false
  if (Number(pid) === process.pid) return token !== TOKEN
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH'
  }
}
