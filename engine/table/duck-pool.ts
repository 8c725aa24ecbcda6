/**
 * The child processes that run DuckDB tasks: a child is replaced after 64 tasks, any error, or
 * resident memory over its limit. A task ends with rows, with an EngineError (DUCK_TASK_FAILED,
 * DUCK_MEMORY, DUCK_CHILD_LOST, DISK_FULL) or with the signal's reason.
 */
import { mkdir } from 'node:fs/promises'
import { assert, EngineError } from '../core/errors.ts'
import { ChildPool } from './child-pool.ts'
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

/** At most `size` children; close it with `await using` or [Symbol.asyncDispose]. */
export class DuckPool {
  readonly #pool: ChildPool<DuckTask, readonly (readonly DuckRow[])[]>

  constructor({ size, folder, rssBytesMax = 1.5 * 1024 ** 3, taskCountMax = 64 }: DuckPoolOptions) {
    const start = async (): Promise<DuckChild> => {
      await mkdir(folder, { recursive: true }).catch((error: unknown) => {
        throw new EngineError('DUCK_CHILD_LOST', { why: 'no temporary folder' }, { cause: error })
      })
      return DuckChild.start({ folder, rssBytesMax })
    }
    this.#pool = new ChildPool({ size, taskCountMax, start })
  }

  get size(): number {
    return this.#pool.size
  }
  /** Children started so far: 0 while nothing has run. */
  get started(): number {
    return this.#pool.started
  }
  /** Process ids of the children that are alive. */
  get pids(): number[] {
    return this.#pool.pids
  }

  /** Runs a task when a child is free, in order of calls. Aborting ends the child. */
  async run(task: DuckTask, signal?: AbortSignal): Promise<DuckResult> {
    assert(task.statements.length > 0, 'a DuckDB task without statements')
    const results = await this.#pool.run(task, signal)
    return { rows: results.at(-1) ?? [], results }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool[Symbol.asyncDispose]()
  }
}
