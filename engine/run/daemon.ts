/**
 * The daemon: sensors look, what is dirty becomes jobs, and workers in this process build them.
 *
 * Every loop goes on through errors of catalog and store, and waits longer each time, up to
 * seconds. Nothing here decides what is built: sensors change facts and marks, and each tick of the
 * reconciler starts from what is dirty. So a loop that was late or died costs time only.
 */
import { catalogRevision } from '../catalog/runs.ts'
import { backoffMs } from './backoff.ts'
import type { DaemonEvent } from './daemon-event.ts'
import type { Project } from './project.ts'
import type { ReconcilerOptions } from './reconcile.ts'
import { Reconciler } from './reconcile.ts'
import type { Sensor } from './sensor.ts'
import type { SensorNow } from './sensor-loop.ts'
import { SensorLoop } from './sensor-loop.ts'
import { codeOf } from './vitals.ts'
import { Wake } from './wake.ts'
import { BuildWorker } from './worker.ts'

export interface DaemonOptions extends ReconcilerOptions {
  readonly sensors: readonly Sensor[]
  /** builds at once in this process; 0: other workers build */
  readonly slots: number
  readonly onEvent: (event: DaemonEvent) => void
  /** how often to look for changes that no signal told of; default 1000 */
  readonly pollMs?: number
}

const POLL_MS = 1_000
/** Claims of dead workers are looked for this often. */
const RECONCILE_MS = 2_000
const OUTAGE_MS = 5_000
/** Commits come in bursts; a tick answers for all that came before it. */
const BURST_MS = 15

/** Everything a daemon does, from `start` to `stop`. */
export class Daemon implements AsyncDisposable {
  readonly #project: Project
  readonly #options: DaemonOptions
  readonly #sensors: readonly SensorLoop[]
  readonly #reconciler: Reconciler
  readonly #wake = new Wake()
  readonly #watchWake = new Wake()
  #isStopping = false
  #loops: Promise<unknown> = Promise.resolve()
  #worker: BuildWorker | undefined
  #listeners: readonly AsyncDisposable[] = []

  private constructor(project: Project, options: DaemonOptions) {
    this.#options = options
    this.#project = project
    this.#sensors = options.sensors.map((one) => new SensorLoop(project, one, options.onEvent))
    // What lies outside is the sensors' to observe.
    this.#reconciler = new Reconciler({ ...project, observers: [] }, options)
  }

  /** Starts every loop. */
  static async start(project: Project, options: DaemonOptions): Promise<Daemon> {
    const daemon = new Daemon(project, options)
    const { slots, executor, actor, pollMs = POLL_MS } = options
    daemon.#listeners = [
      await project.catalog.listen('change', daemon.#wake.set),
      await project.catalog.listen('request', daemon.#requested),
    ]
    if (slots > 0) {
      daemon.#worker = await BuildWorker.start(project, {
        executor,
        slots,
        actor,
        pollMs,
        onEvent: (event) => {
          if (event.type !== 'planned' && event.type !== 'progress') options.onEvent(event)
        },
        onError: (error) => daemon.#trouble('worker', error),
      })
    }
    const loops = daemon.#sensors.map(async (loop) => loop.run())
    daemon.#loops = Promise.all([...loops, daemon.#reconcile(), daemon.#watch()])
    options.onEvent({ type: 'ready', sensors: loops.length, workers: slots })
    return daemon
  }

  get isStopping(): boolean {
    return this.#isStopping
  }

  /** What each sensor saw last. */
  get sensors(): readonly SensorNow[] {
    return this.#sensors.map((loop) => loop.now)
  }

  /**
   * Stops: nothing new begins, builds may end within the grace, the rest is given up and its claims
   * released. Called again with a shorter grace, it gives up sooner.
   */
  async stop(graceMs: number): Promise<void> {
    if (!this.#isStopping) this.#options.onEvent({ type: 'stopping' })
    this.#isStopping = true
    for (const loop of this.#sensors) loop.stop()
    this.#wake.set()
    this.#watchWake.set()
    await Promise.all([this.#worker?.stop(graceMs), this.#loops])
    for (const listener of this.#listeners) await listener[Symbol.asyncDispose]()
    this.#listeners = []
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop(0)
  }

  readonly #requested = (): void => {
    for (const loop of this.#sensors) loop.requested()
  }

  #trouble(loop: string, error: unknown, retryMs = OUTAGE_MS): void {
    this.#options.onEvent({ type: 'trouble', loop, code: codeOf(error), retryMs })
  }

  async #reconcile(): Promise<void> {
    let failures = 0
    while (!this.#isStopping) {
      let waitMs = RECONCILE_MS
      try {
        const { retryMs } = await this.#reconciler.tick()
        failures = 0
        if (retryMs !== undefined) {
          waitMs = Math.min(waitMs, Math.max(0, retryMs - this.#project.clock.nowMs()))
        }
      } catch (error) {
        failures += 1
        waitMs = backoffMs(failures, OUTAGE_MS)
        this.#trouble('reconcile', error, waitMs)
      }
      // Before sleeping, not after: what wakes it is answered at once.
      await pause(BURST_MS)
      await this.#wake.sleep(waitMs)
    }
  }

  /** Sees by itself what a lost signal, or another process on SQLite, did not tell. */
  async #watch(): Promise<void> {
    const { pollMs = POLL_MS } = this.#options
    let seen: number | undefined
    let failures = 0
    while (!this.#isStopping) {
      let waitMs = pollMs
      try {
        const revision = await catalogRevision(this.#project.catalog.db)
        if (seen !== undefined && revision !== seen) {
          this.#wake.set()
          this.#requested()
        }
        seen = revision
        failures = 0
      } catch (error) {
        failures += 1
        waitMs = backoffMs(failures, OUTAGE_MS)
        this.#trouble('watch', error, waitMs)
      }
      await this.#watchWake.sleep(waitMs)
    }
  }
}

const pause = async (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
