/**
 * A few child processes that run DuckDB tasks, one at a time each.
 *
 * Why processes: a runaway query can only be ended from outside (terminating a worker thread in a
 * query aborts Node), and untrusted bytes meet native code there, with an empty environment.
 * A child starts when a task needs one, and is replaced after 64 tasks, any error, or resident
 * memory over its limit. Invariant: a task ends exactly once, with rows or with an EngineError
 * (DUCK_TASK_FAILED, DUCK_MEMORY, DUCK_CHILD_LOST, DISK_FULL) or with the signal's reason.
 */
import { mkdir } from 'node:fs/promises'
import { assert, EngineError } from '../core/errors.ts'
import { DuckChild } from './duck-process.ts'
import type { DuckRow, DuckTask } from './duck-protocol.ts'

export interface DuckPoolOptions {
  /** children at most, 1..64; each may use `rssBytesMax` */
  readonly size: number
  /** absolute; children keep here what does not fit in memory. Made when a child starts */
  readonly folder: string
  /** resident memory at which a child is ended. Default 1.5 GiB */
  readonly rssBytesMax?: number
  /** tasks of one child. Default 64 */
  readonly taskCountMax?: number
}

export interface DuckResult {
  /** of the last statement */
  readonly rows: readonly DuckRow[]
  /** of each statement, in order */
  readonly results: readonly (readonly DuckRow[])[]
}

/** Tasks that may wait. */
const WAITING_MAX = 10_000

/** At most `size` children; close it with `await using` or [Symbol.asyncDispose]. */
export class DuckPool {
  readonly size: number
  readonly #options: Required<DuckPoolOptions>
  readonly #idle: DuckChild[] = []
  readonly #running = new Set<DuckChild>()
  readonly #waiting: (() => void)[] = []
  #busy = 0
  #started = 0
  #closed = false

  constructor(options: DuckPoolOptions) {
    assert(Number.isInteger(options.size) && options.size >= 1, 'a pool without children')
    assert(options.size <= 64, 'a pool of more than 64 children')
    const defaults = { rssBytesMax: 1.5 * 1024 ** 3, taskCountMax: 64 }
    this.#options = { ...defaults, ...options }
    this.size = options.size
  }

  /** Children started so far: 0 while nothing has run. */
  get started(): number {
    return this.#started
  }

  /** Process ids of the children that are alive. */
  get pids(): number[] {
    const children = [...this.#idle, ...this.#running].filter((child) => child.isFit)
    return children.flatMap(({ pid }) => pid ?? [])
  }

  /** Runs a task when a child is free, in order of calls. Aborting ends the child. */
  async run(task: DuckTask, signal?: AbortSignal): Promise<DuckResult> {
    assert(task.statements.length > 0, 'a DuckDB task without statements')
    await this.#turn(signal)
    let child: DuckChild | undefined
    try {
      child = (await this.#rested()) ?? (await this.#start())
      this.#running.add(child)
      const results = await child.run(task, signal)
      return { rows: results.at(-1) ?? [], results }
    } finally {
      await this.#giveBack(child)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await Promise.all(this.#idle.splice(0).map((child) => child.end()))
  }

  async #turn(signal: AbortSignal | undefined): Promise<void> {
    assert(!this.#closed, 'a task for a closed pool')
    signal?.throwIfAborted()
    if (this.#busy < this.size) {
      this.#busy += 1
      return
    }
    assert(this.#waiting.length < WAITING_MAX, `more than ${WAITING_MAX} waiting DuckDB tasks`)
    // The place of the task that ends passes to the one that waits: #busy stays as it is.
    await new Promise<void>((resolve, reject) => {
      const turn = (): void => {
        signal?.removeEventListener('abort', leave)
        resolve()
      }
      const leave = (): void => {
        const at = this.#waiting.indexOf(turn)
        if (at >= 0) this.#waiting.splice(at, 1)
        reject(signal?.reason)
      }
      this.#waiting.push(turn)
      signal?.addEventListener('abort', leave, { once: true })
    })
  }

  /** An idle child that is still there. */
  async #rested(): Promise<DuckChild | undefined> {
    for (let child = this.#idle.pop(); child !== undefined; child = this.#idle.pop()) {
      if (child.isFit) return child
      await child.end()
    }
    return undefined
  }

  async #start(): Promise<DuckChild> {
    const { folder, rssBytesMax } = this.#options
    await mkdir(folder, { recursive: true }).catch((error: unknown) => {
      throw new EngineError('DUCK_CHILD_LOST', { why: 'no temporary folder' }, { cause: error })
    })
    this.#started += 1
    return DuckChild.start({ folder, rssBytesMax })
  }

  async #giveBack(child: DuckChild | undefined): Promise<void> {
    if (child !== undefined) this.#running.delete(child)
    const isFit = child?.isFit === true && child.taskCount < this.#options.taskCountMax
    if (child !== undefined && isFit && !this.#closed) this.#idle.push(child)
    else await child?.end()
    const next = this.#waiting.shift()
    if (next === undefined) this.#busy -= 1
    else next()
  }
}
