/** What the road gives its daemon. Everything is imported when a daemon needs it. */
import type { Catalog, DaemonParts, Sensor, ServeOptions, Served } from '../engine/index.ts'
import { parseKey } from '../engine/index.ts'
import type { Platform } from './platform.ts'

/** Serves health and metrics under these further names; the composition root has it. */
export type Serve = (
  options: ServeOptions & { readonly names: readonly string[] },
) => Promise<Served>

/** What the composition root gives. */
interface DaemonOutside {
  readonly serve: Serve
  readonly ledgerAt: (url: string) => Promise<Catalog>
}

/** Sensors of projects that want them. */
async function ownSensors(
  platform: Platform,
  ledgerAt: DaemonOutside['ledgerAt'],
): Promise<readonly Sensor[]> {
  if (!platform.config.samples.daemon.value) return []
  return [(await import('./samples/samples-sensor.ts')).samplesSensor(platform, ledgerAt)]
}

/** The daemon of a platform. */
export function daemonParts(platform: Platform, { serve, ledgerAt }: DaemonOutside): DaemonParts {
  const { config, project } = platform
  const { pools, port, hosts } = config.daemon
  return {
    sensors: async () =>
      (await import('./sensors.ts')).roadSensors(platform, await ownSensors(platform, ledgerAt)),
    executor: async (onError) => {
      const { EmbeddedExecutor, bossExecutor } = await import('../engine/index.ts')
      return project.catalog.dialect === 'postgres'
        ? bossExecutor({ url: config.catalog.value, onError })
        : new EmbeddedExecutor(project)
    },
    fairness: {
      // The first dimension of a key: a state, or whose submission it is.
      groupOf: ({ key }) => parseKey(key)[0] ?? '',
      poolOf: ({ asset }) => (Object.hasOwn(pools, asset) ? asset : ''),
      pools,
      pausedAssets: async (db) => (await import('./queue-observer.ts')).pausedAssets(db),
    },
    requests: async (db) => (await import('./queue-requests.ts')).openRequests(db),
    port,
    serve: async (options) => serve({ ...options, names: hosts }),
  }
}
