/**
 * The road's daemon over a test's project, in this process: its sensors look ten times a second, and
 * a test waits for what it should come to, never for a time.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { LEDGER_MIGRATIONS } from '../../migrations/sample-ledger.ts'
import { daemonParts } from '../../assets/daemon-parts.ts'
import type { Platform } from '../../assets/platform.ts'
import type { Project, Sensor } from '../../engine/index.ts'
import { openCatalog } from '../../engine/index.ts'
import type { DaemonEvent } from '../../engine/run/daemon-event.ts'
import type { DaemonOptions } from '../../engine/run/daemon.ts'
import { Daemon } from '../../engine/run/daemon.ts'
import { platformTables } from '../../registry/tables.ts'
import { openRoad } from './open-road.ts'
import type { RoadProject } from './project.ts'

export const ACTOR = { name: 'daemon', reason: 'a test' } as const
const LOOK_MS = 100
const NOBODY: AsyncDisposable = { [Symbol.asyncDispose]: async () => undefined }
const WAIT_MAX_MS = 1_200_000

export interface RoadDaemonOptions extends Partial<DaemonOptions> {
  /** changes the road's sensors before they start */
  readonly change?: (sensors: readonly Sensor[]) => readonly Sensor[]
  /** hears no signal: as with a listener that was dropped */
  readonly isDeaf?: boolean
  /** how often sensors look; default 100 */
  readonly lookMs?: number
}

export class RoadDaemon implements AsyncDisposable {
  readonly daemon: Daemon
  readonly platform: Platform
  readonly events: DaemonEvent[]
  readonly #close: () => Promise<void>

  private constructor(place: {
    readonly daemon: Daemon
    readonly platform: Platform
    readonly events: DaemonEvent[]
    readonly close: () => Promise<void>
  }) {
    this.daemon = place.daemon
    this.platform = place.platform
    this.events = place.events
    this.#close = place.close
  }

  static async start(
    { root, environment }: Pick<RoadProject, 'root' | 'environment'>,
    {
      change = (sensors) => sensors,
      lookMs = LOOK_MS,
      isDeaf = false,
      ...options
    }: RoadDaemonOptions = {},
  ): Promise<RoadDaemon> {
    const platform = await openRoad(root, environment, { sync: false })
    const parts = daemonParts(platform, {
      serve: async () => {
        throw new Error('nothing is served here')
      },
      ledgerAt: async (url) => openCatalog({ url, migrations: LEDGER_MIGRATIONS }),
    })
    const events: DaemonEvent[] = []
    const executor = await parts.executor(() => undefined) // it connects again by itself
    const sensors = change((await parts.sensors()).map((one) => often(one, lookMs)))
    const { project } = platform
    const deaf: Project = {
      ...project,
      catalog: { ...project.catalog, listen: async () => NOBODY },
    }
    const daemon = await Daemon.start(isDeaf ? deaf : project, {
      ...parts.fairness,
      sensors,
      executor,
      slots: 2,
      actor: ACTOR,
      pollMs: LOOK_MS,
      ...options,
      onEvent: (event) => {
        events.push(event)
        options.onEvent?.(event)
      },
    })
    const close = async (): Promise<void> => {
      await daemon.stop(3_000)
      await executor[Symbol.asyncDispose]()
      await platform[Symbol.asyncDispose]()
    }
    return new RoadDaemon({ daemon, platform, events, close })
  }

  /** Waits until it holds. */
  async until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const endMs = performance.now() + WAIT_MAX_MS
    while (!(await holds())) {
      if (performance.now() > endMs) throw new Error(`${what}: not within ${WAIT_MAX_MS} ms`)
      await sleep(20)
    }
  }

  /** Waits until everything has been looked at since now, and nothing is left to do. */
  async quiet(): Promise<void> {
    const sinceMs = Date.now()
    await this.until('every sensor looks', async () =>
      this.daemon.sensors.every(
        ({ sensor, lookedAtMs = 0 }) => !isOften(sensor) || lookedAtMs > sinceMs,
      ),
    )
    await this.until('nothing is left to do', async () => (await this.#left()) === 0)
  }

  async #left(): Promise<number> {
    const { db } = this.platform.project.catalog
    const dirty = await db.selectFrom('dirty').select('node').execute()
    const waiting = await db
      .selectFrom('obstacle')
      .select('node')
      .where('retry_ms', 'is', null)
      .execute()
    const stuck = new Set(waiting.map((row) => row.node))
    const open = await platformTables(db)
      .selectFrom('canonical_rebuild_queue')
      .select('queue_id')
      .where('processed_ms', 'is', null)
      .where('status', '<>', 'DEAD')
      .execute()
    const intents = await db.selectFrom('intent').select('node').execute()
    return dirty.filter((row) => !stuck.has(row.node)).length + open.length + intents.length
  }

  /** What was built of an asset, in order: `key outcome`. */
  built(asset: string): readonly string[] {
    return this.events.flatMap((event) =>
      event.type === 'finished' && event.node.asset === asset
        ? [`${event.node.key} ${event.outcome}`]
        : [],
    )
  }

  /** The words of each act of a sensor. */
  acts(sensor: string): readonly string[] {
    return this.events.flatMap((event) =>
      event.type === 'ticked' && event.sensor === sensor && event.result.kind === 'acted'
        ? [event.result.words]
        : [],
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close()
  }
}

/** Clocks and hourly sweeps stay as they are. */
const isOften = ({ timing }: Sensor): boolean => 'everyMs' in timing && timing.everyMs < 3_600_000
const often = (sensor: Sensor, everyMs: number): Sensor =>
  isOften(sensor) ? { ...sensor, timing: { everyMs } } : sensor
