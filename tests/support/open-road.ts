/** Opens a project folder as the command line does. Needs no test runner: child processes use it. */
import { readConfig } from '../../assets/config.ts'
import type { Platform } from '../../assets/platform.ts'
import { openPlatform } from '../../assets/platform.ts'
import { openLocalStore } from '../../minio/local-store.ts'
import { MIGRATIONS } from '../../migrations/index.ts'

export const openRoad = async (
  root: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<Platform> =>
  openPlatform({
    config: readConfig({ root, environment, flags: {}, cores: 2 }),
    migrations: MIGRATIONS,
    openStore: (config) => openLocalStore({ root: config.store.value, durable: false }),
  })
