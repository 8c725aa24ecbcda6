/**
 * A few child processes that run tasks, one at a time each.
 *
 * Why processes: a runaway reader can only be ended from outside (terminating a worker thread in a
 * query aborts Node), and untrusted bytes meet native code there, with an empty environment.
 * A child starts when a task needs one, and is replaced after a number of tasks or anything that
 * went wrong with it. Invariant: a task ends exactly once, with a result, with what the child threw,
 * or with the signal's reason.
 */
import { assert } from '../core/errors.ts'

/** A child as its pool sees it. */
export interface PooledChild<Task, Result> {
  /** tasks it was given so far */
  readonly taskCount: number
  /** may take another */
  readonly isFit: boolean
  readonly pid: number | undefined
  readonly run: (task: Task, signal?: AbortSignal) => Promise<Result>
  /** ends it; returns when it is gone */
  readonly end: () => Promise<void>
}

export interface ChildPoolOptions<Task, Result> {
  /** children at most, 1..64 */
  readonly size: number
  /** tasks of one child */
  readonly taskCountMax: number
  readonly start: () => Promise<PooledChild<Task, Result>>
}

/** Tasks that may wait. */
const WAITING_MAX = 10_000

/** At most `size` children; close it with `await using` or [Symbol.asyncDispose]. */
export class ChildPool<Task, Result> {
  readonly size: number
  readonly #options: ChildPoolOptions<Task, Result>
  readonly #idle: PooledChild<Task, Result>[] = []
  readonly #running = new Set<PooledChild<Task, Result>>()
  readonly #waiting: (() => void)[] = []
  #busy = 0
  #started = 0
  #closed = false

  constructor(options: ChildPoolOptions<Task, Result>) {
    assert(Number.isInteger(options.size) && options.size >= 1, 'a pool without children')
    assert(options.size <= 64, 'a pool of more than 64 children')
    this.#options = options
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
  async run(task: Task, signal?: AbortSignal): Promise<Result> {
    await this.#turn(signal)
    let child: PooledChild<Task, Result> | undefined
    try {
      child = (await this.#rested()) ?? (await this.#start())
      this.#running.add(child)
      return await child.run(task, signal)
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
    assert(this.#waiting.length < WAITING_MAX, `more than ${WAITING_MAX} waiting tasks`)
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
  async #rested(): Promise<PooledChild<Task, Result> | undefined> {
    for (let child = this.#idle.pop(); child !== undefined; child = this.#idle.pop()) {
      if (child.isFit) return child
      await child.end()
    }
    return undefined
  }

  async #start(): Promise<PooledChild<Task, Result>> {
    this.#started += 1
    return this.#options.start()
  }

  async #giveBack(child: PooledChild<Task, Result> | undefined): Promise<void> {
    if (child !== undefined) this.#running.delete(child)
    const isFit = child?.isFit === true && child.taskCount < this.#options.taskCountMax
    if (child !== undefined && isFit && !this.#closed) this.#idle.push(child)
    else await child?.end()
    const next = this.#waiting.shift()
    if (next === undefined) this.#busy -= 1
    else next()
  }
}
