/** What the road gives its daemon. Everything is imported when a daemon needs it. */
import type { DaemonParts, ServeOptions, Served } from '../engine/index.ts'
import { parseKey } from '../engine/index.ts'
import type { Platform } from './platform.ts'

/** Serves health and metrics under these further names; the composition root has it. */
export type Serve = (
  options: ServeOptions & { readonly names: readonly string[] },
) => Promise<Served>

/** The daemon of a platform. */
export function daemonParts(platform: Platform, serve: Serve): DaemonParts {
  const { config, project } = platform
  const { pools, port, hosts } = config.daemon
  return {
    sensors: async () => (await import('./sensors.ts')).roadSensors(platform),
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
