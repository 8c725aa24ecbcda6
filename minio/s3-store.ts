/**
 * The object store in a bucket: protocol P with uncompleted uploads as the invisible stage.
 *
 *     {published path}/part-acme.r12-3.parquet       immutable; the catalog holds these keys
 *     {published path}/_manifest/0000000007.json     immutable, numbered
 *
 * Invariants:
 * 1. A key is written once: it names its attempt. A part that carries over keeps its key.
 * 2. Nothing is visible before `sync`, which completes the uploads, just before the catalog's
 *    transaction. An object that was completed and not committed is removed by its note.
 * 3. Nothing is found by listing that must be found: uploads are undone by the ids in their notes.
 *    An abort's OK proves nothing, and neither does a completion's error: HEAD decides.
 * 4. Nothing relies on a conditional write.
 *
 * An object is its own projection: readers see what is completed, so a plain listing is exact once
 * superseded objects are removed, and `project` has nothing to do.
 */
import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import type { ObjectStore, StagePart } from '../engine/index.ts'
import { EngineError, assert, failpoint } from '../engine/index.ts'
import { Gate } from './gate.ts'
import { lockWrites } from './object-lock.ts'
import { PartCache } from './part-cache.ts'
import { Bucket } from './s3-bucket.ts'
import type { S3Place, S3Settings } from './s3-client.ts'
import { s3Client } from './s3-client.ts'
import {
  attemptFolder,
  insideStore,
  isPartKey,
  manifestFolder,
  manifestKey,
  manifestOf,
  partKey,
} from './s3-keys.ts'
import type { Upload } from './s3-upload.ts'
import { Uploads } from './s3-upload.ts'

export interface S3StoreOptions {
  readonly place: S3Place
  /** keys below the place that are not the store's, with closing slash: an inbox in its bucket */
  readonly except?: string
  readonly settings: S3Settings
  /** local copies of what is read; may be shared by processes */
  readonly cache: { readonly folder: string; readonly bytesMax: number }
  /** of retention for raw files and audit anchors; 0: none. See object-lock.ts */
  readonly lockDays?: number
  /** uploads as old as this belong to no live claim: `strays` tells of them */
  readonly staleUploadMs?: number
}

const STALE_UPLOAD_MS = 3 * 24 * 60 * 60 * 1000
/** requests of one call under way */
const REQUESTS_AT_ONCE = 32
/** parts of one store on their way at once; their bytes are bounded by Uploads */
const PARTS_AT_ONCE = 16
/** Folders whose uploads were completed are remembered, in case their group is fenced. */
const COMPLETED_REMEMBERED_MAX = 10_000
/** Above so many paths a listing is tried first: a page of it saves up to a thousand HEADs. */
const HEADS_MAX = 200

/** Opens a place in a bucket. Sends nothing: a bucket that is not there shows at the first use. */
export function openS3Store(options: S3StoreOptions): ObjectStore {
  const { settings, place, except, lockDays = 0 } = options
  const client = s3Client(settings)
  if (lockDays > 0) lockWrites(client, { prefix: place.prefix, days: lockDays })
  const bucket = new Bucket(client, place, { except, timeoutMs: settings.timeoutMs })
  const uploads = new Uploads(bucket)
  const requests = new Gate(REQUESTS_AT_ONCE)
  const fetches = new Gate(PARTS_AT_ONCE)
  const stages = new Stages({ bucket, uploads, requests })
  const get = async (path: string): Promise<Readable | undefined> => bucket.get(insideStore(path))
  const cache = new PartCache({ ...options.cache, open: get })
  const sizes: ObjectStore['sizes'] = async (paths) => sizesOf(bucket, requests, paths)
  return {
    name: bucket.name,
    folderFor: attemptFolder,
    stage: async (folder, parts, note) => stages.stage(folder, { parts, note }),
    sync: async (folders) => stages.complete(folders),
    abort: async (notes) => stages.abort(notes),
    writeManifest: async (path, number, body) => bucket.put(manifestKey(path, number), body),
    project: async ({ path }) => void insideStore(path),
    unitOf: (path) => path,
    remove: async (units) => removeUnits(bucket, requests, units),
    fetch: async (part) => fetches.run(async () => bucket.words(async () => cache.fetch(part))),
    readRange: async (path, from, to) => {
      const bytes = await requests.run(async () => bucket.getRange(insideStore(path), from, to))
      if (bytes === undefined) throw new EngineError('PART_MISSING', { path })
      return bytes
    },
    digest: async (path) =>
      bucket.words(async () => {
        const body = await get(path)
        if (body !== undefined) return digestOf(body)
        await bucket.requireBucket()
        return undefined
      }),
    sizes,
    units: async function* units() {
      for await (const page of bucket.pages('')) {
        for (const { key } of page) if (isPartKey(key)) yield key
      }
    },
    shows: async (projections) => {
      const parts = projections.map(({ current }) => current?.parts ?? [])
      const found = await sizes(parts.flat().map(({ path }) => path))
      let at = 0
      return parts.map((own) => {
        at += own.length
        return found.slice(at - own.length, at).every((sizeBytes) => sizeBytes !== undefined)
      })
    },
    lastManifest: async (path) => lastManifest(bucket, path),
    manifests: (path) => listManifests(bucket, path),
    readManifest: async (path, number) => readText(bucket, manifestKey(path, number)),
    putBack: async (path, file) => bucket.putFile(insideStore(path), file),
    setAside: async (paths) => setAside(bucket, paths.map(insideStore)),
    listing: async function* listing() {
      for await (const page of bucket.pages('')) {
        for (const { key, sizeBytes, written } of page) yield `${key} ${sizeBytes} ${written}`
      }
    },
    strays: async function* strays() {
      const oldMs = Date.now() - (options.staleUploadMs ?? STALE_UPLOAD_MS)
      for await (const { key, uploadId, initiatedMs } of bucket.uploads()) {
        if (isPartKey(key) && initiatedMs <= oldMs) yield `${key}\t${uploadId}`
      }
    },
  }
}

type Staging = Pick<Upload, 'key' | 'uploadId'>

/** What this process has staged, by attempt's folder. */
class Stages {
  readonly #bucket: Bucket
  readonly #uploads: Uploads
  readonly #requests: Gate
  readonly #parts = new Gate(PARTS_AT_ONCE)
  readonly #staged = new Map<string, readonly Upload[]>()
  readonly #completed = new Map<string, readonly Upload[]>()

  constructor(of: { readonly bucket: Bucket; readonly uploads: Uploads; readonly requests: Gate }) {
    this.#bucket = of.bucket
    this.#uploads = of.uploads
    this.#requests = of.requests
  }

  async stage(
    folder: string,
    {
      parts,
      note,
    }: {
      readonly parts: readonly StagePart[]
      readonly note: (notes: readonly string[]) => Promise<void>
    },
  ): Promise<readonly string[]> {
    const planned = parts.map((part) =>
      'kept' in part.source
        ? { part, key: part.source.kept, isNew: false }
        : { part, key: partKey(folder, part.name), isNew: true },
    )
    const fresh = planned.filter(({ isNew }) => isNew)
    const created: Upload[] = []
    try {
      const made = await this.#requests.all(fresh, async ({ key, part }) => {
        const upload = await this.#uploads.create(key, part)
        created.push(upload)
        return { upload, part }
      })
      if (made.length > 0) await note(created.map(({ key, uploadId }) => `${key}\t${uploadId}`))
      failpoint('s3.noted')
      this.#staged.set(folder, created)
      await this.#requireKept(planned.flatMap(({ key, isNew }) => (isNew ? [] : [key])))
      await this.#parts.all(made, async ({ upload, part }) => this.#uploads.send(upload, part))
      await removeSources(parts)
    } catch (error) {
      // What is noted is undone by its note; what is not, here or never.
      if (!this.#staged.has(folder)) await this.#undo(created).catch(() => undefined)
      throw error
    }
    return planned.map(({ key }) => key)
  }

  /** What carries over has to be there, as what is linked in a folder has to. */
  async #requireKept(keys: readonly string[]): Promise<void> {
    await this.#requests.all(keys, async (key) => {
      if ((await this.#bucket.head(key)) !== undefined) return
      await this.#bucket.requireBucket()
      throw new EngineError('PART_MISSING', { path: key })
    })
  }

  async complete(folders: readonly string[]): Promise<void> {
    const uploads = folders.flatMap((folder) => {
      const staged = this.#staged.get(folder) ?? this.#completed.get(folder)
      assert(staged !== undefined, 'a folder is synced by the process that staged it')
      return staged
    })
    await this.#requests.all(uploads, async (upload) => this.#uploads.complete(upload))
    for (const folder of folders) {
      this.#completed.set(folder, this.#staged.get(folder) ?? [])
      this.#staged.delete(folder)
    }
    for (const folder of this.#completed.keys()) {
      if (this.#completed.size <= COMPLETED_REMEMBERED_MAX) break
      this.#completed.delete(folder)
    }
  }

  async abort(notes: readonly string[]): Promise<void> {
    const named = notes.map((note) => {
      const [path = '', uploadId] = note.split('\t')
      return { key: insideStore(path), uploadId }
    })
    const uploads = named.flatMap(({ key, uploadId }): readonly Staging[] => {
      if (uploadId !== undefined) return [{ key, uploadId }]
      const own = this.#staged.get(key) ?? this.#completed.get(key) ?? []
      this.#staged.delete(key)
      this.#completed.delete(key)
      return own
    })
    await this.#undo(uploads)
  }

  /** Aborts uploads, and removes the objects of those that were completed none the less. */
  async #undo(uploads: readonly Staging[]): Promise<void> {
    const unique = new Map(uploads.map((one) => [`${one.key}\t${one.uploadId}`, one]))
    const found = await this.#requests.all([...unique.values()], async ({ key, uploadId }) => {
      failpoint('s3.abort.before')
      await this.#bucket.abortUpload(key, uploadId)
      failpoint('s3.abort.after')
      return (await this.#bucket.head(key)) === undefined ? [] : [key]
    })
    await this.#bucket.remove(found.flat())
  }
}

/** Staged files are moved, not copied: a build that goes on from its scratch makes them again. */
async function removeSources(parts: readonly StagePart[]): Promise<void> {
  for (const { source } of parts) if ('file' in source) await rm(source.file, { force: true })
}

/** A unit is a key; a stray is an upload, of which nothing was ever seen. */
async function removeUnits(
  bucket: Bucket,
  requests: Gate,
  units: readonly string[],
): Promise<void> {
  const named = units.map((unit) => {
    const [path = '', uploadId] = unit.split('\t')
    return { key: insideStore(path), uploadId }
  })
  await bucket.remove(named.flatMap(({ key, uploadId }) => (uploadId === undefined ? [key] : [])))
  await requests.all(named, async ({ key, uploadId }) => {
    if (uploadId !== undefined) await bucket.abortUpload(key, uploadId)
  })
}

async function sizesOf(
  bucket: Bucket,
  requests: Gate,
  paths: readonly string[],
): Promise<readonly (number | undefined)[]> {
  const listed = await listedSizes(bucket, paths)
  // A listing is a hint: what it does not show, a HEAD decides.
  const found = await requests.all(
    paths,
    async (path) => listed.get(path) ?? (await bucket.head(insideStore(path)))?.sizeBytes,
  )
  if (found.includes(undefined)) await bucket.requireBucket()
  return found
}

/** Sizes by a listing, as far as that is quicker than asking for each. */
async function listedSizes(
  bucket: Bucket,
  paths: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>()
  if (paths.length <= HEADS_MAX) return sizes
  const wanted = new Set(paths)
  let pagesLeft = Math.ceil(paths.length / HEADS_MAX)
  for await (const page of bucket.pages('')) {
    for (const { key, sizeBytes } of page) if (wanted.delete(key)) sizes.set(key, sizeBytes)
    if (wanted.size === 0 || --pagesLeft === 0) break
  }
  return sizes
}

async function* listManifests(
  bucket: Bucket,
  path?: string,
): AsyncIterable<{ readonly path: string; readonly number: number }> {
  for await (const page of bucket.pages(path === undefined ? '' : manifestFolder(path))) {
    for (const { key } of page) {
      const found = manifestOf(key)
      if (found !== undefined) yield found
    }
  }
}

async function lastManifest(
  bucket: Bucket,
  path: string,
): Promise<{ readonly number: number; readonly text: string } | undefined> {
  let last: number | undefined
  for await (const { number } of listManifests(bucket, path)) last = Math.max(last ?? 0, number)
  if (last === undefined) return undefined
  const found = await readText(bucket, manifestKey(path, last))
  if (found === undefined) throw new EngineError('PART_MISSING', { path: manifestKey(path, last) })
  return { number: last, text: found }
}

async function readText(bucket: Bucket, key: string): Promise<string | undefined> {
  return bucket.words(async () => {
    const body = await bucket.get(key)
    return body === undefined ? undefined : text(body)
  })
}

/** A name that no glob of readers takes. Part after part: a repeated repair finds some moved. */
async function setAside(bucket: Bucket, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    if (await bucket.copy(path, `${path}.changed`)) await bucket.remove([path])
  }
}

async function digestOf(body: Readable): Promise<string> {
  const sum = createHash('sha256')
  await pipeline(body, sum)
  return sum.digest('hex')
}
