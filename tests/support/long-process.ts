/** `tributary daemon` and `tributary worker` as processes of their own, and what they report. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const ENTRY = fileURLToPath(new URL('../cli/entry.ts', import.meta.url))
const WAIT_MAX_MS = 100_000

const SOURCE: Program = { command: process.execPath, arguments: [ENTRY] }

interface Program {
  readonly command: string
  readonly arguments: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
}

/** The project, and the program to run on it; default: from source. */
interface LongPlace {
  readonly root: string
  readonly environment?: Readonly<Record<string, string>>
  readonly program?: Program
}

/** One line of the log. */
export interface Said {
  readonly event: string
  readonly node?: string
  readonly outcome?: string
  readonly at: string
  readonly [name: string]: unknown
}

export class LongProcess implements AsyncDisposable {
  readonly said: Said[] = []
  /** what was written beside the log */
  readonly notes: string[] = []
  readonly child: ChildProcess
  readonly #ended: Promise<{ readonly code: number | null; readonly signal: string | null }>

  private constructor(child: ChildProcess) {
    this.child = child
    this.#ended = new Promise((resolve) => {
      child.on('close', (code, signal) => resolve({ code, signal }))
    })
    if (child.stderr === null) throw new Error('stderr is a pipe')
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (line.startsWith('{')) this.said.push(JSON.parse(line) as Said)
      else this.notes.push(line)
    })
  }

  /** Starts it, and waits until it is ready. */
  static async start(
    words: readonly string[],
    { root, environment = {}, program = SOURCE }: LongPlace,
  ): Promise<LongProcess> {
    const argv = [...program.arguments, '--project', root, '--actor', 'tester', ...words]
    const env = { ...process.env, ...program.environment, ...environment }
    const child = spawn(program.command, argv, { env, stdio: ['ignore', 'ignore', 'pipe'] })
    const started = new LongProcess(child)
    await started.until('it is ready', () => started.said.some(({ event }) => event === 'ready'))
    return started
  }

  get pid(): number {
    return this.child.pid ?? 0
  }

  /** Where its health and metrics are. */
  get url(): string {
    return this.notes.find((note) => note.startsWith('http'))?.split('/healthz')[0] ?? ''
  }

  async until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const endMs = performance.now() + WAIT_MAX_MS
    while (!(await holds())) {
      const { exitCode } = this.child
      if (performance.now() > endMs || exitCode !== null) {
        const last = [...this.notes, ...this.said.map((one) => JSON.stringify(one))].slice(-20)
        throw new Error(`${what}: not so, exit ${exitCode}\n${last.join('\n')}`)
      }
      await sleep(20)
    }
  }

  /** Sends a signal and waits for the end. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<{
    readonly code: number | null
    readonly signal: string | null
    readonly ms: number
  }> {
    const startMs = performance.now()
    this.child.kill(signal)
    const ended = await this.#ended
    return { ...ended, ms: performance.now() - startMs }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) await this.end('SIGKILL')
  }
}
