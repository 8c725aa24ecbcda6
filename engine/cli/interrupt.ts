/** Ctrl-C for runs: the first stops claiming, the second gives up what is running. */
import type { Terminal } from './output.ts'

export interface Interrupts extends Disposable {
  /** aborted by the first signal: what is running ends and is committed */
  readonly stop: AbortSignal
  /** aborted by the second */
  readonly abort: AbortSignal
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** Listens until disposed. A third signal ends the process as if nobody listened. */
export function listenForInterrupts(terminal: Pick<Terminal, 'note'>): Interrupts {
  const stop = new AbortController()
  const abort = new AbortController()
  const release = (): void => {
    for (const signal of SIGNALS) process.off(signal, received)
  }
  const received = (): void => {
    if (!stop.signal.aborted) {
      stop.abort()
      terminal.note('stopping: what is running will be committed; again: give it up')
      return
    }
    abort.abort()
    release()
    terminal.note('giving up what is running; what was committed stays')
  }
  for (const signal of SIGNALS) process.on(signal, received)
  return { stop: stop.signal, abort: abort.signal, [Symbol.dispose]: release }
}
