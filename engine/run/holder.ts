/**
 * Who holds a lease or a claim: `host:process:token`.
 *
 * The token is drawn once a process, so a holder with our own process number and another token is
 * known to be dead, and so is one of this host whose process is gone: nobody waits for its lease.
 */
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'

const TOKEN = randomBytes(6).toString('hex')
let workers = 0

/** This process as a holder. */
export const ownHolder = (): string => `${hostname()}:${process.pid}:${TOKEN}`

/** A further holder in this process: several workers may share one. */
export const workerHolder = (): string => `${ownHolder()}.${++workers}`

/** Whether a holder on this host is no process any more; one of another host never is. */
export function isDeadHolder(holder: string): boolean {
  const [host, pid, token] = holder.split(':')
  if (host !== hostname()) return false
  if (Number(pid) === process.pid) return token?.split('.', 1)[0] !== TOKEN
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH'
  }
}
