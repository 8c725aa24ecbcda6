/** Opens a project's store by what its setting names: a folder, or a place in a bucket. */
import type { ObjectStore } from '../engine/index.ts'
import { EngineError } from '../engine/index.ts'
import type { S3Settings } from './s3-client.ts'

export interface StoreSettings {
  /** a folder's absolute path, or `s3://bucket/prefix` */
  readonly store: string
  /** likewise; below the store's place it is left alone by everything that lists the store */
  readonly inbox?: string
  readonly s3: S3Settings
  /** local copies of an S3 store's parts */
  readonly cache: { readonly folder: string; readonly bytesMax: number }
  /** of retention for what must not be lost; a folder has none */
  readonly lockDays: number
}

/** Throws CONFIG_INVALID, STORE_UNUSABLE. Loads a client only where it is needed. */
export async function openStore(options: StoreSettings): Promise<ObjectStore> {
  const { store, inbox, s3, cache, lockDays } = options
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(store)) {
    const { openLocalStore } = await import('./local-store.ts')
    return openLocalStore({ root: store })
  }
  const { parseS3Url } = await import('./s3-client.ts')
  const { openS3Store } = await import('./s3-store.ts')
  const except = inbox === undefined ? undefined : placeInside(store, inbox)
  const place = parseS3Url(store)
  const own = { place, settings: s3, cache, lockDays }
  return openS3Store({ ...own, ...(except !== undefined && { except }) })
}

/**
 * Where an inbox lies below a store, with closing slash; undefined: it lies elsewhere. Nothing of a
 * submitter may be taken for the store's own, whatever its name. Throws CONFIG_INVALID.
 */
export function placeInside(store: string, inbox: string): string | undefined {
  const [outer, inner] = [store, inbox].map((url) => `${url.replace(/\/+$/, '')}/`)
  if (outer === undefined || inner === undefined || !inner.startsWith('s3://')) return undefined
  if (outer.startsWith(inner)) {
    const reason = 'the store lies in the inbox: give each a prefix of its own'
    throw new EngineError('CONFIG_INVALID', { file: 'inbox', reason })
  }
  return inner.startsWith(outer) ? inner.slice(outer.length) : undefined
}
