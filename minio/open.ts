/** Opens a project's store by what its setting names: a folder, or a place in a bucket. */
import type { ObjectStore } from '../engine/index.ts'
import type { S3Settings } from './s3-client.ts'

export interface StoreSettings {
  /** a folder's absolute path, or `s3://bucket/prefix` */
  readonly store: string
  readonly s3: S3Settings
  /** local copies of an S3 store's parts */
  readonly cache: { readonly folder: string; readonly bytesMax: number }
}

/** Throws CONFIG_INVALID, STORE_UNUSABLE. Loads a client only where it is needed. */
export async function openStore({ store, s3, cache }: StoreSettings): Promise<ObjectStore> {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(store)) {
    const { openLocalStore } = await import('./local-store.ts')
    return openLocalStore({ root: store })
  }
  const { parseS3Url } = await import('./s3-client.ts')
  const { openS3Store } = await import('./s3-store.ts')
  return openS3Store({ place: parseS3Url(store), settings: s3, cache })
}
