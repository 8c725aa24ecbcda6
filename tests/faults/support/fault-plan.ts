/**
 * Fault plans: what failpoints do in a test, as text that fits an environment variable.
 *
 *     commit.synced=crash@2;store.stage.part=error:EIO@1+;run.planned=pause:500@1
 *
 * `@2`: at the second hit of that name, or of any name for `*`; `@2+`: at that one and all after.
 * `error:CODE` throws what a driver would; `lose_ack` the same as a connection that breaks after its
 * work was done, for names that follow an effect; `pause:MS` holds the whole process, heartbeats
 * included, as a frozen machine would.
 */
import { installFailpoints } from '../../../engine/index.ts'

type Action = 'crash' | 'error' | 'pause' | 'lose_ack'

interface Fault {
  readonly name: string
  readonly action: Action
  /** of an error its code, of a pause its milliseconds */
  readonly what: string
  readonly hit: number
  readonly isPersistent: boolean
}

export interface InstalledFaults {
  /** how often each failpoint was hit */
  readonly hits: Readonly<Record<string, number>>
  /** how often a fault was injected, by failpoint */
  readonly injected: Readonly<Record<string, number>>
  readonly remove: () => void
}

const FAULT = /^(?<name>[\w.*]+)=(?<action>[a-z_]+)(?::(?<what>\w+))?@(?<hit>\d+)(?<more>\+?)$/
const ACTIONS: readonly string[] = ['crash', 'error', 'pause', 'lose_ack'] satisfies Action[]

function parseFault(text: string): Fault {
  const { name = '', action = '', what = '', hit, more } = FAULT.exec(text)?.groups ?? {}
  if (!ACTIONS.includes(action)) throw new Error(`no fault plan: ${text}`)
  return { name, action: action as Action, what, hit: Number(hit), isPersistent: more === '+' }
}

/** What a driver, a file or a socket throws: an error with a code. */
class InjectedError extends Error {
  readonly code: string
  constructor(code: string, name: string) {
    super(`injected at ${name}`)
    this.code = code
  }
}

function inject({ action, what }: Fault, name: string): void {
  if (action === 'crash') process.kill(process.pid, 'SIGKILL')
  if (action === 'error') throw new InjectedError(what, name)
  if (action === 'lose_ack') throw new InjectedError('ECONNRESET', name)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(what))
}

/** Installs a plan in this process; the empty one only counts. */
export function installFaults(plan: string): InstalledFaults {
  const faults = plan === '' ? [] : plan.split(';').map(parseFault)
  const hits: Record<string, number> = {}
  const injected: Record<string, number> = {}
  let all = 0
  installFailpoints((name) => {
    all += 1
    hits[name] = (hits[name] ?? 0) + 1
    for (const fault of faults) {
      if (fault.name !== '*' && fault.name !== name) continue
      const at = fault.name === '*' ? all : hits[name]
      if (fault.isPersistent ? at < fault.hit : at !== fault.hit) continue
      injected[name] = (injected[name] ?? 0) + 1
      inject(fault, name)
    }
  })
  return { hits, injected, remove: () => installFailpoints(undefined) }
}
