/**
 * One child process of DuckPool, seen from the pool: start, one task at a time, watchdog, end.
 *
 * `isFit` turns false for good on the first thing that goes wrong; an unfit child is only ended.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { assert, EngineError } from '../core/errors.ts'
import type { ChildReply, ChildRequest, DuckRow, DuckTask } from './duck-protocol.ts'

const WATCH_MS = 100
const TIMEOUT_MS = 10 * 60 * 1000
const MEMORY_MB = 800
const ROW_COUNT_MAX = 1_000_000
/** Linux counts resident memory in pages; 4 KiB on every platform with prebuilt binaries. */
const PAGE_BYTES = 4096

/** duck-child beside this file: `.ts` in a clone, `.js` beside the bundle. */
const childPath = (): string => {
  const here = fileURLToPath(import.meta.url)
  return fileURLToPath(new URL(`./duck-child${extname(here)}`, import.meta.url))
}

interface Pending {
  readonly id: number
  readonly task: DuckTask
  readonly resolve: (results: DuckRow[][]) => void
  readonly reject: (error: unknown) => void
}

/** A running child; `run` one task after the other, then `end`. */
export class DuckChild {
  readonly #child: ChildProcess
  readonly #folder: string
  readonly #rssBytesMax: number
  readonly #exited: Promise<void>
  #pending: Pending | null = null
  #reportedRss = 0
  #taskCount = 0
  #isFit = true

  private constructor(child: ChildProcess, folder: string, rssBytesMax: number) {
    this.#child = child
    this.#folder = folder
    this.#rssBytesMax = rssBytesMax
    this.#exited = new Promise((resolve) => {
      child.once('exit', () => resolve())
      child.once('error', () => resolve())
    })
    child.on('message', (message: ChildReply) => this.#receive(message))
    child.on('exit', (_code, signal) => this.#lost(signal === null ? 'it exited' : `by ${signal}`))
    child.on('error', () => this.#lost('it could not be started'))
    this.#keepsAlive(false)
  }

  /** Starts a child with an empty environment and a private folder below `folder`. */
  static async start(options: { folder: string; rssBytesMax: number }): Promise<DuckChild> {
    const folder = await mkdtemp(join(options.folder, 'tributary-duck-'))
    const child = fork(childPath(), [], {
      cwd: folder,
      // one arena: 5 % less resident memory; no zone but UTC
      env: { MALLOC_ARENA_MAX: '1', TZ: 'UTC' },
      execArgv: [],
      serialization: 'advanced',
      // whatever native code prints may quote data
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    return new DuckChild(child, folder, options.rssBytesMax)
  }

  get taskCount(): number {
    return this.#taskCount
  }
  /** may take another task */
  get isFit(): boolean {
    return this.#isFit
  }
  get pid(): number | undefined {
    return this.#child.pid
  }

  /** The rows of each statement. */
  async run(task: DuckTask, signal?: AbortSignal): Promise<DuckRow[][]> {
    assert(this.#pending === null && this.#isFit, 'a DuckDB child was given two tasks')
    this.#taskCount += 1
    this.#keepsAlive(true)
    const id = this.#taskCount
    const temporaryFolder = join(this.#folder, `task-${id}`)
    // A sweep takes what looks old: the folder of a child that was idle for a day, or after a clock
    // has jumped.
    await mkdir(temporaryFolder, { recursive: true })
    const timeoutMs = task.timeoutMs ?? TIMEOUT_MS
    const timer = setTimeout(() => this.#kill(lost(`after ${timeoutMs} ms, its limit`)), timeoutMs)
    const watch = setInterval(() => void this.#watch(), WATCH_MS)
    const abort = (): void => this.#kill(signal?.reason)
    try {
      return await new Promise<DuckRow[][]>((resolve, reject) => {
        this.#pending = { id, task, resolve, reject }
        signal?.addEventListener('abort', abort, { once: true })
        if (signal?.aborted === true) abort()
        else this.#send({ ...requestOf(task), id, temporaryFolder })
      })
    } finally {
      clearTimeout(timer)
      clearInterval(watch)
      signal?.removeEventListener('abort', abort)
      await rm(temporaryFolder, { recursive: true, force: true })
      this.#keepsAlive(false)
    }
  }

  /** Ends the process and removes its folder; returns when both are gone. */
  async end(): Promise<void> {
    this.#isFit = false
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#keepsAlive(true)
      this.#child.kill('SIGKILL')
      await this.#exited
    }
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 3 })
  }

  /** An idle child must not keep a program running that forgot to close its pool. */
  #keepsAlive(keeps: boolean): void {
    if (keeps) {
      this.#child.ref()
      this.#child.channel?.ref()
    } else {
      this.#child.unref()
      this.#child.channel?.unref()
    }
  }

  #send(request: ChildRequest): void {
    if (!this.#child.connected) return this.#lost('it is gone')
    this.#child.send(request, (error) => {
      if (error !== null) this.#lost('it did not take the task')
    })
  }

  #receive(message: ChildReply): void {
    if (message.kind === 'memory') {
      this.#reportedRss = message.rssBytes
      return
    }
    const pending = this.#pending
    if (pending?.id !== message.id) return
    if (message.kind === 'rows') {
      this.#pending = null
      pending.resolve(message.results)
    } else this.#fail(taskError(message, pending.task))
  }

  async #watch(): Promise<void> {
    const rss = (await residentBytes(this.#child.pid)) ?? this.#reportedRss
    if (rss > this.#rssBytesMax && this.#pending !== null) {
      this.#kill(new EngineError('DUCK_MEMORY', { limitMb: this.#rssBytesMax / 1024 ** 2 }))
    }
  }

  #lost(why: string): void {
    this.#fail(lost(why))
  }

  #kill(error: unknown): void {
    this.#fail(error)
    this.#child.kill('SIGKILL')
  }

  #fail(error: unknown): void {
    this.#isFit = false
    const pending = this.#pending
    this.#pending = null
    pending?.reject(error)
  }
}

const lost = (why: string): EngineError => new EngineError('DUCK_CHILD_LOST', { why })

const requestOf = (task: DuckTask): Omit<ChildRequest, 'id' | 'temporaryFolder'> => ({
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

/** Resident memory of a process, or null where the platform has no /proc. */
async function residentBytes(pid: number | undefined): Promise<number | null> {
  const text = await readFile(`/proc/${pid}/statm`, 'latin1').catch(() => null)
  const pages = text === null ? Number.NaN : Number(text.split(' ')[1])
  return Number.isFinite(pages) ? pages * PAGE_BYTES : null
}
