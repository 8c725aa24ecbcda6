/**
 * Who holds a lease or a claim: `machine:process:token`.
 *
 * The token is drawn once a process, so a holder with our own process number and another token is
 * known to be dead, and so is one of this machine whose process is gone: nobody waits for its lease.
 * A process number means something in one process namespace of one boot only: two containers that
 * share a host name, or two clones of a machine, are two machines.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

const TOKEN = randomBytes(6).toString('hex')
const MACHINE = machine()
let workers = 0

function machine(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8)
    const namespace = readlinkSync('/proc/self/ns/pid').replace(/\D/g, '')
    return `${hostname()}/${boot}-${namespace}`
  } catch {
    return hostname() // no Linux: one host is one process namespace
  }
}

/** This process as a holder. */
export const ownHolder = (): string => `${MACHINE}:${process.pid}:${TOKEN}`

/** A further holder in this process: several workers may share one. */
export const workerHolder = (): string => `${ownHolder()}.${++workers}`

/** Whether a holder on this machine is no process any more; one of another machine never is. */
export function isDeadHolder(holder: string): boolean {
  const [where, pid, token] = holder.split(':')
  if (where !== MACHINE) return false
  if (Number(pid) === process.pid) return token?.split('.', 1)[0] !== TOKEN
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH'
  }
}
