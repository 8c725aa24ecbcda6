/**
 * One child process: start, one task at a time, watchdog, end.
 *
 * What reads hostile bytes runs in one, with an empty environment and a private folder, because a
 * runaway reader can only be ended from outside. `isFit` turns false for good on the first thing
 * that goes wrong; an unfit child is only ended.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { assert } from '../core/errors.ts'

const WATCH_MS = 100
/** Linux counts resident memory in pages; 4 KiB on every platform with prebuilt binaries. */
const PAGE_BYTES = 4096

/** A child script beside a module: `.ts` in a clone, `.js` beside the bundle. */
export function scriptBeside(moduleUrl: string, name: string): string {
  const here = fileURLToPath(moduleUrl)
  return fileURLToPath(new URL(`./${name}${extname(here)}`, moduleUrl))
}

export interface WatchedChildOptions {
  readonly script: string
  /** below it lies the child's own, which ends with it */
  readonly folder: string
  /** of that folder */
  readonly prefix: string
  /** resident memory at which the child is ended */
  readonly rssBytesMax: number
  /** what is thrown when it is gone */
  readonly lost: (why: string) => Error
  /** what is thrown when it took more memory */
  readonly memory: (limitMb: number) => Error
}

export interface TaskOptions<Message> {
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  /** hears what is no answer to a task */
  readonly onMessage?: (message: Message) => void
}

/** What every child may send besides answers: its memory, where the platform has no /proc. */
export type Beat = { readonly kind: 'memory'; readonly rssBytes: number }

interface Pending<Reply> {
  readonly id: number
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: unknown) => void
  readonly onMessage: ((message: never) => void) | undefined
}

/** A running child; `run` one task after the other, then `end`. */
export class WatchedChild<
  Request extends object,
  Reply extends { readonly id: number; readonly kind: string },
  Message extends { readonly kind: string } = never,
> {
  readonly folder: string
  readonly #child: ChildProcess
  readonly #options: WatchedChildOptions
  readonly #exited: Promise<void>
  #pending: Pending<Reply> | null = null
  #reportedRss = 0
  #taskCount = 0
  #isFit = true

  private constructor(child: ChildProcess, folder: string, options: WatchedChildOptions) {
    this.#child = child
    this.folder = folder
    this.#options = options
    this.#exited = new Promise((resolve) => {
      child.once('exit', () => resolve())
      child.once('error', () => resolve())
    })
    child.on('message', (message: Reply | Message | Beat) => this.#receive(message))
    child.on('exit', (_code, signal) => this.#lost(signal === null ? 'it exited' : `by ${signal}`))
    child.on('error', () => this.#lost('it could not be started'))
    this.#keepsAlive(false)
  }

  /** Starts a child with an empty environment and a private folder. */
  static async start<
    Request extends object,
    Reply extends { readonly id: number; readonly kind: string },
    Message extends { readonly kind: string } = never,
  >(options: WatchedChildOptions): Promise<WatchedChild<Request, Reply, Message>> {
    const folder = await mkdtemp(join(options.folder, options.prefix))
    const child = fork(options.script, [], {
      cwd: folder,
      // one arena: 5 % less resident memory; no zone but UTC
      env: { MALLOC_ARENA_MAX: '1', TZ: 'UTC' },
      execArgv: [],
      serialization: 'advanced',
      // whatever native code prints may quote data
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    return new WatchedChild<Request, Reply, Message>(child, folder, options)
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

  /** The number of the next task: its request carries it, and so does the answer. */
  get nextId(): number {
    return this.#taskCount + 1
  }

  /** Runs one task. Throws what `lost` and `memory` make, or the signal's reason. */
  async run(
    request: Request,
    { timeoutMs, signal, onMessage }: TaskOptions<Message>,
  ): Promise<Reply> {
    const { lost } = this.#options
    assert(this.#pending === null, 'a child was given two tasks')
    // It may have died since it was chosen: that is no one's mistake.
    if (!this.#isFit) throw lost('it is gone')
    this.#taskCount += 1
    const id = this.#taskCount
    this.#keepsAlive(true)
    const timer = setTimeout(() => this.#kill(lost(`after ${timeoutMs} ms, its limit`)), timeoutMs)
    const watch = setInterval(() => void this.#watch(), WATCH_MS)
    const abort = (): void => this.#kill(signal?.reason)
    try {
      return await new Promise<Reply>((resolve, reject) => {
        this.#pending = { id, resolve, reject, onMessage }
        signal?.addEventListener('abort', abort, { once: true })
        if (signal?.aborted === true) abort()
        else this.send({ ...request, id })
      })
    } finally {
      clearTimeout(timer)
      clearInterval(watch)
      signal?.removeEventListener('abort', abort)
      this.#keepsAlive(false)
    }
  }

  /** Tells the child something: the task, or what it asked for meanwhile. */
  send(message: object): void {
    if (!this.#child.connected) return this.#lost('it is gone')
    this.#child.send(message, (error) => {
      if (error !== null) this.#lost('it did not take the task')
    })
  }

  /** The task it has just answered went wrong: it takes no other. */
  retire(): void {
    this.#isFit = false
  }

  /** Ends the process and removes its folder; returns when both are gone. */
  async end(): Promise<void> {
    this.#isFit = false
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#keepsAlive(true)
      this.#child.kill('SIGKILL')
      await this.#exited
    }
    await rm(this.folder, { recursive: true, force: true, maxRetries: 3 })
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

  #receive(message: Reply | Message | Beat): void {
    if (isBeat(message)) {
      this.#reportedRss = message.rssBytes
      return
    }
    const pending = this.#pending
    if (pending === null) return
    if ('id' in message && message.id === pending.id) {
      this.#pending = null
      pending.resolve(message)
    } else if (!('id' in message)) pending.onMessage?.(message as never)
  }

  async #watch(): Promise<void> {
    const { rssBytesMax, memory } = this.#options
    const rss = (await residentBytes(this.#child.pid)) ?? this.#reportedRss
    if (rss > rssBytesMax && this.#pending !== null) this.#kill(memory(rssBytesMax / 1024 ** 2))
  }

  #lost(why: string): void {
    this.#fail(this.#options.lost(why))
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

const isBeat = (message: { readonly kind: string }): message is Beat => message.kind === 'memory'

/** Resident memory of a process, or null where the platform has no /proc. */
async function residentBytes(pid: number | undefined): Promise<number | null> {
  const text = await readFile(`/proc/${pid}/statm`, 'latin1').catch(() => null)
  const pages = text === null ? Number.NaN : Number(text.split(' ')[1])
  return Number.isFinite(pages) ? pages * PAGE_BYTES : null
}
