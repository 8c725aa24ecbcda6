/**
 * The inbox in a bucket: `s3://bucket/prefix`.
 *
 * A version is told by ETag, size and time of change, as a listing has them, and read with
 * `If-Match`; the store's own clock is never asked how old something is. Keys are names that
 * strangers chose: they are listed as they are and refused by name above, and no key that was not
 * accepted there is ever asked for.
 */
import {
  DeleteObjectCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3'
import type {
  DeleteObjectCommandInput,
  _Object as ListedObject,
  ListObjectsV2Output,
  S3Client,
} from '@aws-sdk/client-s3'
import { EngineError } from '../engine/index.ts'
import { named, unusable } from './s3-bucket.ts'
import type { S3Settings } from './s3-client.ts'
import { parseS3Url, s3Client } from './s3-client.ts'

/** A listing longer than this is refused: an inbox is swept or split. */
const LISTED_MAX = 1_000_000
/** What stores give at most in one answer. */
const PAGE_KEYS = 1_000

interface Version {
  readonly path: string
  readonly changedToken: string
}

interface Listed extends Version {
  readonly sizeBytes: number
}

/** The bucket's side of the road's inbox (assets/inbox.ts says what each verb owes). */
interface S3Inbox {
  readonly name: string
  readonly list: () => Promise<{ readonly listed: readonly Listed[]; readonly faults: readonly [] }>
  readonly sourceOf: (version: Version) => string
  readonly pathOf: (source: string) => string | undefined
  readonly modifiedMs: (changedToken: string) => number | undefined
  readonly read: (source: string) => AsyncIterable<Buffer>
  readonly remove: (version: Version) => Promise<'removed' | 'gone' | 'changed'>
  readonly close: () => Promise<void>
}

interface Bucket {
  readonly client: S3Client
  readonly bucket: string
  /** with closing slash, or '' */
  readonly prefix: string
  readonly name: string
}

/** Opens no connection by itself. Throws CONFIG_INVALID. */
export function openS3Inbox(url: string, settings: S3Settings): S3Inbox {
  const { bucket, prefix } = parseS3Url(url, 'inbox')
  const client = s3Client(settings)
  const name = prefix === '' ? `s3://${bucket}` : `s3://${bucket}/${prefix}`
  const place: Bucket = { client, bucket, prefix: prefix === '' ? '' : `${prefix}/`, name }
  const start = `${encodePath(name)}/`
  const pathOf = (source: string): string | undefined =>
    source.startsWith(start)
      ? decoded(source.slice(start.length).split('?', 1)[0] ?? '')
      : undefined
  return {
    name,
    list: async () => ({ listed: await listAll(place), faults: [] }),
    sourceOf: ({ path, changedToken }) =>
      `${start}${encodePath(path)}?etag=${encodeURIComponent(partsOf(changedToken).etag)}`,
    pathOf,
    modifiedMs: (changedToken) => partsOf(changedToken).changedAtMs,
    read: (source) =>
      readVersion(place, {
        source,
        path: pathOf(source) ?? '',
        etag: decoded(source.split('?etag=')[1] ?? '') ?? '',
      }),
    remove: async (version) => removeVersion(place, version),
    close: async () => client.destroy(),
  }
}

/** Whether it can be listed, and whether its bucket keeps versions. Throws STORE_UNUSABLE. */
export async function askS3Inbox(
  url: string,
  settings: S3Settings,
): Promise<{ readonly keepsVersions: boolean }> {
  const { bucket, prefix } = parseS3Url(url, 'inbox')
  const client = s3Client(settings)
  try {
    const Prefix = prefix === '' ? '' : `${prefix}/`
    await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix, MaxKeys: 1 }))
    const { Status } = await client.send(new GetBucketVersioningCommand({ Bucket: bucket }))
    return { keepsVersions: Status === 'Enabled' }
  } catch (error) {
    throw unusable(url, error)
  } finally {
    client.destroy()
  }
}

const encodePath = (path: string): string =>
  path
    .split('/')
    .map((part) => (part === 's3:' ? part : encodeURIComponent(part)))
    .join('/')

/** undefined: it was never encoded */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined // a lone % sign: no text of ours, and no listing's
  }
}

/** The reverse of a token; a store's ETag may hold colons. */
function partsOf(changedToken: string): {
  readonly etag: string
  readonly sizeBytes: number
  readonly changedAtMs: number
} {
  const [, etag = '', size = '', changed = ''] = /^(.*):(\d+):(\d+)$/.exec(changedToken) ?? []
  return { etag, sizeBytes: Number(size), changedAtMs: Number(changed) }
}

const bare = (etag: string | undefined): string => (etag ?? '').replace(/^"|"$/g, '')

async function listAll(place: Bucket): Promise<readonly Listed[]> {
  const listed: Listed[] = []
  let token: string | undefined
  // A page may hold a single key, and a server that gives empty ones for ever comes to an end too.
  for (let pages = 0; pages <= LISTED_MAX && listed.length <= LISTED_MAX; pages++) {
    const page = await listPage(place, token)
    for (const entry of page.Contents ?? []) {
      const one = entryOf(place, entry, page.EncodingType)
      if (one !== undefined) listed.push(one)
    }
    const next = page.IsTruncated === true ? page.NextContinuationToken : undefined
    if (next === undefined) return listed
    if (next === token) throw unusable(place.name, named('its listing does not move on'))
    token = next
  }
  const reason = `more than ${LISTED_MAX} entries`
  throw new EngineError('INPUT_UNREADABLE', { path: place.name, reason })
}

async function listPage(
  { client, bucket, prefix, name }: Bucket,
  token: string | undefined,
): Promise<ListObjectsV2Output> {
  try {
    return await client.send(
      new ListObjectsV2Command({
        Bucket: bucket,
        Prefix: prefix,
        MaxKeys: PAGE_KEYS,
        // Keys may hold what XML cannot.
        EncodingType: 'url',
        ...(token !== undefined && { ContinuationToken: token }),
      }),
    )
  } catch (error) {
    throw unusable(name, error)
  }
}

/** A listed key as it is; one that is no text keeps its encoded form, and is refused by that. */
function keyOf(key: string | undefined, encoding: string | undefined): string {
  // A server that does not encode (versitygw) does not say that it did.
  if (encoding !== 'url') return key ?? ''
  const text = (key ?? '').replaceAll('+', ' ')
  return decoded(text) ?? `${text}\ufffd`
}

/** undefined: the prefix's own folder marker. */
function entryOf(
  { prefix }: Bucket,
  entry: ListedObject,
  encoding: string | undefined,
): Listed | undefined {
  const key = keyOf(entry.Key, encoding)
  const path = key.slice(prefix.length)
  if (path === '') return undefined
  const sizeBytes = entry.Size ?? 0
  const changedAtMs = entry.LastModified?.getTime() ?? 0
  return { path, sizeBytes, changedToken: `${bare(entry.ETag)}:${sizeBytes}:${changedAtMs}` }
}

/** The bytes of one version. Throws INPUT_CHANGED, INPUT_UNREADABLE, STORE_UNUSABLE. */
async function* readVersion(
  { client, bucket, prefix, name }: Bucket,
  { source, path, etag }: { readonly source: string; readonly path: string; readonly etag: string },
): AsyncIterable<Buffer> {
  let readBytes = 0
  try {
    const found = await client.send(
      new GetObjectCommand({ Bucket: bucket, Key: `${prefix}${path}`, IfMatch: `"${etag}"` }),
    )
    for await (const block of found.Body as AsyncIterable<Buffer>) {
      readBytes += block.length
      yield block
    }
    if (readBytes !== found.ContentLength) throw named('an answer was cut short')
  } catch (error) {
    const code = codeOf(error)
    if (code === '412') throw new EngineError('INPUT_CHANGED', { path: source }, { cause: error })
    if (code !== '404' && code !== '403') throw unusable(name, error)
    const reason = nameOf(error)
    throw new EngineError('INPUT_UNREADABLE', { path: source, reason }, { cause: error })
  }
}

/**
 * Deletes what is still the version given.
 *
 * `If-Match` makes it exact where a store honours it on a delete (S3, versitygw). MinIO does not:
 * there a bucket with versioning is what keeps a file that is put between the two requests. The
 * delete hides it, which shows in the versions, and is taken back.
 */
async function removeVersion(
  place: Bucket,
  { path, changedToken }: Version,
): Promise<'removed' | 'gone' | 'changed'> {
  const { client, bucket, prefix, name } = place
  const at = { Bucket: bucket, Key: `${prefix}${path}` }
  const { etag, sizeBytes, changedAtMs } = partsOf(changedToken)
  try {
    const found = await client.send(new HeadObjectCommand(at))
    const isSame =
      bare(found.ETag) === etag &&
      found.ContentLength === sizeBytes &&
      // The header has whole seconds, the listing may have more.
      Math.floor((found.LastModified?.getTime() ?? 0) / 1000) === Math.floor(changedAtMs / 1000)
    if (!isSame) return 'changed'
    const gone = await client.send(new DeleteObjectCommand({ ...at, IfMatch: `"${etag}"` }))
    if (gone.DeleteMarker !== true || found.VersionId === undefined) return 'removed'
    const isOver = await isDirectlyOver(place, at.Key, {
      marker: gone.VersionId ?? '',
      version: found.VersionId,
    })
    if (isOver) return 'removed'
    await uncover(client, { ...at, VersionId: gone.VersionId }, path)
    return 'changed'
  } catch (error) {
    if (error instanceof EngineError) throw error
    if (codeOf(error) === '404') return 'gone'
    if (codeOf(error) === '412') return 'changed'
    if (codeOf(error) !== '403') throw unusable(name, error)
    const reason = nameOf(error)
    throw new EngineError('INPUT_UNREADABLE', { path, reason }, { cause: error })
  }
}

/** Takes a delete marker away again; who may not is told what lies hidden. */
async function uncover(
  client: S3Client,
  marker: DeleteObjectCommandInput,
  path: string,
): Promise<void> {
  try {
    await client.send(new DeleteObjectCommand(marker))
  } catch (error) {
    if (codeOf(error) !== '403') throw error
    const reason = 'a newer version lies hidden under a delete marker: remove the marker'
    throw new EngineError('INPUT_UNREADABLE', { path, reason }, { cause: error })
  }
}

/** Whether a delete marker hides the version that was meant, and not one put on top of it. */
async function isDirectlyOver(
  { client, bucket }: Bucket,
  key: string,
  { marker, version }: { readonly marker: string; readonly version: string },
): Promise<boolean> {
  const page = await client.send(
    new ListObjectVersionsCommand({
      Bucket: bucket,
      Prefix: key,
      MaxKeys: PAGE_KEYS,
      EncodingType: 'url',
    }),
  )
  const own = (page.Versions ?? []).filter((one) => keyOf(one.Key, page.EncodingType) === key)
  // The newest comes first; markers stand in a list of their own.
  const isMarked = (page.DeleteMarkers ?? []).some((one) => one.VersionId === marker)
  return !isMarked || own[0]?.VersionId === version
}

interface S3Fault extends Error {
  readonly $metadata?: { readonly httpStatusCode?: number }
}

/** The status of an answer, else the name of what went wrong on the way. */
function codeOf(error: unknown): string {
  const status = error instanceof Error ? (error as S3Fault).$metadata?.httpStatusCode : undefined
  return status === undefined ? nameOf(error) : String(status)
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : 'unknown')
