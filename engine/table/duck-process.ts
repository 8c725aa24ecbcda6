/** One child process of DuckPool, seen from the pool: what a task is for it, and what its errors are. */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { EngineError } from '../core/errors.ts'
import type { ChildReply, ChildRequest, DuckRow, DuckTask } from './duck-protocol.ts'
import { scriptBeside, WatchedChild } from './watched-child.ts'

const TIMEOUT_MS = 10 * 60 * 1000
const MEMORY_MB = 800
const ROW_COUNT_MAX = 1_000_000

type Request = Omit<ChildRequest, 'id'>

/** A running child; `run` one task after the other, then `end`. */
export class DuckChild {
  readonly #child: WatchedChild<Request, ChildReply>

  private constructor(child: WatchedChild<Request, ChildReply>) {
    this.#child = child
  }

  /** Starts a child with an empty environment and a private folder below `folder`. */
  static async start(options: { folder: string; rssBytesMax: number }): Promise<DuckChild> {
    const child = await WatchedChild.start<Request, ChildReply>({
      ...options,
      script: scriptBeside(import.meta.url, 'duck-child'),
      prefix: 'tributary-duck-',
      lost: (why) => new EngineError('DUCK_CHILD_LOST', { why }),
      memory: (limitMb) => new EngineError('DUCK_MEMORY', { limitMb }),
    })
    return new DuckChild(child)
  }

  get taskCount(): number {
    return this.#child.taskCount
  }
  /** may take another task */
  get isFit(): boolean {
    return this.#child.isFit
  }
  get pid(): number | undefined {
    return this.#child.pid
  }

  /** The rows of each statement. */
  async run(task: DuckTask, signal?: AbortSignal): Promise<readonly (readonly DuckRow[])[]> {
    const temporaryFolder = join(this.#child.folder, `task-${this.#child.nextId}`)
    // A sweep takes what looks old: the folder of a child that was idle for a day, or after a clock
    // has jumped.
    await mkdir(temporaryFolder, { recursive: true })
    const timeoutMs = task.timeoutMs ?? TIMEOUT_MS
    try {
      const request = { ...requestOf(task), temporaryFolder }
      const reply = await this.#child.run(request, { timeoutMs, signal })
      if (reply.kind === 'rows') return reply.results
      this.#child.retire()
      throw taskError(reply, task)
    } finally {
      await rm(temporaryFolder, { recursive: true, force: true })
    }
  }

  /** Ends the process and removes its folder; returns when both are gone. */
  async end(): Promise<void> {
    await this.#child.end()
  }
}

const requestOf = (task: DuckTask): Omit<Request, 'temporaryFolder'> => ({
  statements: task.statements,
  folders: task.folders,
  memoryMb: task.memoryMb ?? MEMORY_MB,
  rowCountMax: task.rowCountMax ?? ROW_COUNT_MAX,
})

function taskError(
  { error: kind, statement }: Extract<ChildReply, { kind: 'error' }>,
  task: DuckTask,
): EngineError {
  if (kind === 'disk full') return new EngineError('DISK_FULL', { what: 'a DuckDB task' })
  if (kind === 'Out of Memory') {
    return new EngineError('DUCK_MEMORY', { limitMb: task.memoryMb ?? MEMORY_MB })
  }
  return new EngineError('DUCK_TASK_FAILED', { kind, statement })
}
