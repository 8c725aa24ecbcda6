/** What a project gives its daemon: what to look at, who hands out work, and what to serve. */
import type { Connection } from '../catalog/open.ts'
import type { Sensor } from '../run/sensor.ts'

export interface DaemonParts {
  readonly sensors: () => Promise<readonly Sensor[]>
  /** open requests of the project's own queue, by status */
  readonly requests: (db: Connection) => Promise<ReadonlyMap<string, number>>
}
