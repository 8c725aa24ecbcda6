/**
 * One sensor's loop: look when it is due, or when a request wakes it, and go on whatever
 * happens. What it saw last is kept here, in memory: a look that finds nothing is written nowhere.
 */
import { backoffMs } from './backoff.ts'
import type { DaemonEvent } from './daemon-event.ts'
import type { Project } from './project.ts'
import { nextDueMs } from './schedule.ts'
import type { Sensor } from './sensor.ts'
import type { Ticked } from './tick.ts'
import { tickSensor } from './tick.ts'
import { codeOf } from './vitals.ts'
import { Wake } from './wake.ts'

export interface SensorNow {
  readonly sensor: Sensor
  readonly lookedAtMs: number | undefined
  readonly last: Ticked | undefined
}

/** While catalog or store are down, a sensor looks again after at most this long. */
const OUTAGE_MS = 10_000
/** A sensor that fails for a reason of its own is not asked more often than this. */
const FAILING_MS = 60_000
/** Nor one that something else overtakes time and again, when it is not due. */
const OVERTAKEN_MS = 10_000
/** The clock may be set meanwhile: nobody sleeps longer than this. */
const SLEEP_MAX_MS = 60_000
/** Requests come in bursts; a look answers for all that came before it. */
const BURST_MS = 20

/** Looks until it is stopped. */
export class SensorLoop {
  readonly sensor: Sensor
  readonly #project: Project
  readonly #onEvent: (event: DaemonEvent) => void
  readonly #wake = new Wake()
  readonly #stop = new AbortController()
  readonly #sinceMs: number
  #lookedAtMs: number | undefined
  #last: Ticked | undefined
  #lastFailure: string | undefined

  constructor(project: Project, sensor: Sensor, onEvent: (event: DaemonEvent) => void) {
    this.#project = project
    this.sensor = sensor
    this.#onEvent = onEvent
    this.#sinceMs = project.clock.nowMs()
  }

  get now(): SensorNow {
    return { sensor: this.sensor, lookedAtMs: this.#lookedAtMs, last: this.#last }
  }

  /** Somebody asked for something. */
  requested(): void {
    if (this.sensor.isWokenByRequest === true) this.#wake.set()
  }

  stop(): void {
    this.#stop.abort()
    this.#wake.set()
  }

  /** Returns once it was stopped; never throws. */
  async run(): Promise<void> {
    let failures = 0
    let overtaken = 0
    while (!this.#stop.signal.aborted) {
      let waitMs: number
      try {
        const ticked = await this.#tick()
        failures = ticked.kind === 'failed' ? failures + 1 : 0
        overtaken = ticked.kind === 'acted' && ticked.isOvertaken ? overtaken + 1 : 0
        const dueMs = await this.#untilDueMs()
        if (failures > 0) waitMs = backoffMs(failures, FAILING_MS)
        else waitMs = overtaken > 0 ? Math.min(dueMs, backoffMs(overtaken, OVERTAKEN_MS)) : dueMs
      } catch (error) {
        failures += 1
        waitMs = backoffMs(failures, OUTAGE_MS)
        const loop = `sensor ${this.sensor.name}`
        this.#onEvent({ type: 'trouble', loop, code: codeOf(error), retryMs: waitMs })
      }
      // Before sleeping, not after: what wakes it is answered at once.
      await pause(BURST_MS)
      await this.#wake.sleep(Math.min(waitMs, SLEEP_MAX_MS))
    }
  }

  async #tick(): Promise<Ticked> {
    const { clock } = this.#project
    const startMs = clock.elapsedMs()
    const ticked = await tickSensor(this.#project, this.sensor, {
      sinceMs: this.#sinceMs,
      signal: this.#stop.signal,
      lastFailure: this.#lastFailure,
    })
    this.#lookedAtMs = clock.nowMs()
    this.#last = ticked
    this.#lastFailure = ticked.kind === 'failed' ? ticked.words : undefined
    const ms = clock.elapsedMs() - startMs
    this.#onEvent({ type: 'ticked', sensor: this.sensor.name, result: ticked, ms })
    return ticked
  }

  async #untilDueMs(): Promise<number> {
    const nowMs = this.#project.clock.nowMs()
    const dueMs = await nextDueMs(this.sensor.timing, nowMs)
    return dueMs === undefined ? SLEEP_MAX_MS : Math.max(0, dueMs - nowMs)
  }
}

const pause = async (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
