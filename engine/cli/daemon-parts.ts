/** What a project gives its daemon: what to look at, who hands out work, and what to serve. */
import type { Connection } from '../catalog/open.ts'
import type { DaemonEvent } from '../run/daemon-event.ts'
import type { Executor } from '../run/executor.ts'
import type { ReconcilerOptions } from '../run/reconcile.ts'
import type { Sensor } from '../run/sensor.ts'
import type { SensorNow } from '../run/sensor-loop.ts'
import type { Figures } from '../run/vitals.ts'

export interface ServeOptions {
  readonly host: string
  /** 0: any that is free */
  readonly port: number
  readonly figures: () => Promise<Figures>
  readonly sensors: () => readonly SensorNow[]
  readonly isStopping: () => boolean
}

export interface Served extends AsyncDisposable {
  readonly url: string
  /** counts what the daemon reports */
  readonly observe: (event: DaemonEvent) => void
}

export interface DaemonParts {
  /** to be opened without the project's own files. Throws SCHEDULE_INVALID */
  readonly sensors: () => Promise<readonly Sensor[]>
  /** connects to whoever hands out work; `onError`: a connection that broke is made again */
  readonly executor: (onError: (error: unknown) => void) => Promise<Executor>
  /** who shares workers with whom, and what is paused */
  readonly fairness: Pick<ReconcilerOptions, 'groupOf' | 'poolOf' | 'pools' | 'pausedAssets'>
  /** open requests of the project's own queue, by status */
  readonly requests: (db: Connection) => Promise<ReadonlyMap<string, number>>
  readonly port: number
  /** serves /healthz and /metrics. Throws PORT_UNUSABLE */
  readonly serve: (options: ServeOptions) => Promise<Served>
}
