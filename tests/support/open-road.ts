/** Opens a project folder as the command line does. Needs no test runner: child processes use it. */
import { isUrl, readConfig } from '../../assets/config.ts'
import type { Platform } from '../../assets/platform.ts'
import { openPlatform } from '../../assets/platform.ts'
import { s3Settings } from '../../assets/s3-config.ts'
import { openLocalStore } from '../../minio/local-store.ts'
import { MIGRATIONS } from '../../migrations/index.ts'

export const openRoad = async (
  root: string,
  environment: Readonly<Record<string, string>> = {},
  how: { readonly sync?: boolean } = {},
): Promise<Platform> =>
  openPlatform({
    ...how,
    config: readConfig({ root, environment, flags: {}, cores: 2, memoryMb: 4096 }),
    migrations: MIGRATIONS,
    openStore: async ({ store, inbox, s3, cache, cacheBytes }) => {
      if (!isUrl(store.value)) return openLocalStore({ root: store.value, durable: false })
      const { openStore } = await import('../../minio/open.ts')
      return openStore({
        store: store.value,
        inbox: inbox.value,
        s3: s3Settings(s3),
        cache: { folder: cache.value, bytesMax: cacheBytes.value },
        lockDays: s3.lockDays.value,
      })
    },
    openInbox: async ({ inbox, s3 }) => {
      if (!isUrl(inbox.value)) return undefined
      const { openS3Inbox } = await import('../../minio/s3-inbox.ts')
      return openS3Inbox(inbox.value, s3Settings(s3))
    },
  })
