/**
 * What a daemon counts, as Prometheus reads it. Labels are names that the program declares (assets,
 * sensors, outcomes); never a file, a key, a submission or a person.
 */
import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client'
import type { DaemonEvent } from '../run/daemon-event.ts'
import type { Figures } from '../run/vitals.ts'

const BUILD_SECONDS = [0.01, 0.05, 0.25, 1, 5, 15, 60, 300, 900]
const TICK_SECONDS = [0.001, 0.01, 0.05, 0.25, 1, 5, 30]

/** The counters of one daemon, fed by its events. */
export class Metrics {
  readonly #registry = new Registry()
  readonly #builds: Counter<'asset' | 'outcome'>
  readonly #buildSeconds: Histogram<'asset'>
  readonly #ticks: Counter<'sensor' | 'result'>
  readonly #tickSeconds: Histogram<'sensor'>
  readonly #troubles: Counter<'loop' | 'code'>
  readonly #figures: () => Promise<Figures>
  readonly #gauges: Gauges

  /** @param figures  what is asked for at each scrape; never throws */
  constructor(figures: () => Promise<Figures>) {
    const registers = [this.#registry]
    this.#builds = new Counter({
      name: 'tributary_builds_total',
      help: 'builds that ended, by asset and outcome',
      labelNames: ['asset', 'outcome'],
      registers,
    })
    this.#buildSeconds = new Histogram({
      name: 'tributary_build_seconds',
      help: 'how long builds take',
      labelNames: ['asset'],
      buckets: BUILD_SECONDS,
      registers,
    })
    this.#ticks = new Counter({
      name: 'tributary_sensor_ticks_total',
      help: 'looks of sensors: skipped, acted, failed',
      labelNames: ['sensor', 'result'],
      registers,
    })
    this.#tickSeconds = new Histogram({
      name: 'tributary_sensor_tick_seconds',
      help: 'how long a look takes, with what it does',
      labelNames: ['sensor'],
      buckets: TICK_SECONDS,
      registers,
    })
    this.#troubles = new Counter({
      name: 'tributary_troubles_total',
      help: 'times that a loop had to wait for catalog or store, by error code',
      labelNames: ['loop', 'code'],
      registers,
    })
    this.#figures = figures
    this.#gauges = new Gauges(this.#registry)
  }

  /** Takes what the daemon reports. */
  observe(event: DaemonEvent): void {
    switch (event.type) {
      case 'ticked':
        this.#ticks.inc({ sensor: event.sensor, result: event.result.kind })
        this.#tickSeconds.observe({ sensor: event.sensor }, event.ms / 1000)
        break
      case 'finished':
        this.#builds.inc({ asset: event.node.asset, outcome: event.outcome })
        this.#buildSeconds.observe({ asset: event.node.asset }, event.ms / 1000)
        break
      case 'failed':
        this.#builds.inc({ asset: event.node.asset, outcome: 'failed' })
        break
      case 'trouble':
        this.#troubles.inc({ loop: event.loop, code: event.code })
        break
      case 'ready':
      case 'started':
      case 'stopping':
      case 'stopped':
        break
    }
  }

  /** The exposition text, and its media type. */
  async text(): Promise<{ readonly type: string; readonly body: string }> {
    this.#gauges.set(await this.#figures())
    return { type: this.#registry.contentType, body: await this.#registry.metrics() }
  }
}

/** What is asked for at each scrape: one question answers all of them. */
class Gauges {
  readonly #up: Gauge<'part'>
  readonly #dirty: Gauge<'asset'>
  readonly #requests: Gauge<'status'>
  readonly #plain: readonly { readonly gauge: Gauge; readonly of: (now: Figures) => number }[]

  constructor(registry: Registry) {
    const registers = [registry]
    this.#up = new Gauge({
      name: 'tributary_up',
      help: '1 while it answers: catalog, store',
      labelNames: ['part'],
      registers,
    })
    this.#dirty = new Gauge({
      name: 'tributary_dirty',
      help: 'partitions that are dirty, by asset',
      labelNames: ['asset'],
      registers,
    })
    this.#requests = new Gauge({
      name: 'tributary_requests',
      help: 'open requests for months, by status',
      labelNames: ['status'],
      registers,
    })
    const plain = (name: string, help: string, of: (now: Figures) => number) => ({
      gauge: new Gauge({ name, help, registers }),
      of,
    })
    this.#plain = [
      plain('tributary_queue_depth', 'builds handed out and not taken yet', (now) => now.queued),
      plain('tributary_builds_running', 'builds taken, by any worker', (now) => now.running),
      plain(
        'tributary_oldest_waiting_seconds',
        'age of the oldest build handed out and not taken',
        (now) => now.oldestWaitingMs / 1000,
      ),
      plain('tributary_worker_slots', 'builds this process runs at once', (now) => now.slots),
      plain('process_resident_memory_bytes', 'resident memory', () => process.memoryUsage.rss()),
    ]
  }

  set(now: Figures): void {
    this.#up.set({ part: 'catalog' }, now.catalogFault === undefined ? 1 : 0)
    this.#up.set({ part: 'store' }, now.storeFault === undefined ? 1 : 0)
    this.#dirty.reset()
    for (const [asset, count] of now.dirty) this.#dirty.set({ asset }, count)
    this.#requests.reset()
    for (const [status, count] of now.requests) this.#requests.set({ status }, count)
    for (const { gauge, of } of this.#plain) gauge.set(of(now))
  }
}
