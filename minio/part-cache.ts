/**
 * Local copies of parts, for DuckDB and everything else that reads files.
 *
 *     {folder}/{first two digits}/{sha256}/part{.ext}      read-only; a file's folder is its own
 *
 * A copy is named by its SHA-256 and checked against it at every fetch, so a torn, stale or changed
 * file is never handed out, and processes may share a folder. When the copies pass their limit the
 * ones fetched longest ago go, but none that was fetched within the last hour: its reader may not
 * have opened it yet. This folder holds what the store holds: keep it as private.
 */
import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { EngineError, failpoint } from '../engine/index.ts'

export interface CachedPart {
  readonly path: string
  readonly sizeBytes: number
  readonly sha256: string
}

export interface PartCacheOptions {
  readonly folder: string
  /** beyond this, what was fetched longest ago goes */
  readonly bytesMax: number
  /** the part's bytes; undefined: it is not in the store */
  readonly open: (path: string) => Promise<Readable | undefined>
}

/** A copy fetched within this time may still be waited for by its reader. */
const IN_USE_MS = 60 * 60 * 1000
/** A download that another process began this long ago has ended with that process. */
const TEMPORARY_AGE_MS = 24 * 60 * 60 * 1000
/** An eviction goes on to this share of the limit, so that the next fetch does not evict again. */
const KEPT_SHARE = 0.9
/** A download is tried this often: a stream may break, and a byte arrive changed. */
const DOWNLOADS_MAX = 3
const PAUSE_MS = 200

/** A folder of checked copies; see the file's head. */
export class PartCache {
  readonly #options: PartCacheOptions
  readonly #underWay = new Map<string, Promise<string>>()
  /** undefined: not counted yet */
  #heldBytes: number | undefined

  constructor(options: PartCacheOptions) {
    this.#options = options
  }

  /** A local file of the part's bytes. Throws PART_MISSING, PART_CHANGED. */
  async fetch(part: CachedPart): Promise<string> {
    const file = this.#fileOf(part)
    const shared = this.#underWay.get(file)
    if (shared !== undefined) return shared
    const fetched = this.#fetchFile(part, file)
    this.#underWay.set(file, fetched)
    try {
      return await fetched
    } finally {
      this.#underWay.delete(file)
    }
  }

  #fileOf({ path, sha256 }: CachedPart): string {
    const [extension = ''] = /\.[A-Za-z0-9]{1,16}$/.exec(path) ?? []
    return join(this.#options.folder, sha256.slice(0, 2), sha256, `part${extension}`)
  }

  async #fetchFile(part: CachedPart, file: string): Promise<string> {
    if (await isWhole(file, part)) {
      const now = new Date()
      // Evicted in this moment by another process: then it is fetched again.
      const isThere = await utimes(file, now, now).then(
        () => true,
        () => false,
      )
      if (isThere) return file
    }
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    // No process number: containers that share a folder may all be number 1.
    const temporary = `${file}.${randomUUID()}.tmp`
    try {
      await this.#download(part, temporary)
      failpoint('s3.fetched')
      await rename(temporary, file)
    } finally {
      await rm(temporary, { force: true })
    }
    await this.#makeRoom(part.sizeBytes)
    return file
  }

  async #download(part: CachedPart, to: string): Promise<void> {
    let got = ''
    for (let tried = 1; tried <= DOWNLOADS_MAX; tried++) {
      const body = await this.#options.open(part.path)
      if (body === undefined) throw new EngineError('PART_MISSING', { path: part.path })
      try {
        got = await save(body, to)
      } catch (error) {
        if (tried === DOWNLOADS_MAX || isDiskFull(error)) throw error
        await pause(tried)
        continue
      }
      if (got === part.sha256) return
      // Once more: what arrived changed is not what is there.
      if (tried > 1) break
    }
    throw new EngineError('PART_CHANGED', { path: part.path, want: part.sha256, got })
  }

  /** Counts the folder once, and again whenever the count passes the limit. */
  async #makeRoom(addedBytes: number): Promise<void> {
    const { bytesMax } = this.#options
    if (this.#heldBytes !== undefined) {
      this.#heldBytes += addedBytes
      if (this.#heldBytes <= bytesMax) return
    }
    const nowMs = Date.now()
    const held = await listCopies(this.#options.folder, nowMs)
    let heldBytes = held.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    this.#heldBytes = heldBytes
    if (heldBytes <= bytesMax) return
    for (const { path, sizeBytes, fetchedMs } of held) {
      if (heldBytes <= bytesMax * KEPT_SHARE || nowMs - fetchedMs < IN_USE_MS) break
      await rm(dirname(path), { recursive: true, force: true })
      heldBytes -= sizeBytes
    }
    this.#heldBytes = heldBytes
  }
}

interface Copy {
  readonly path: string
  readonly sizeBytes: number
  readonly fetchedMs: number
}

/** Every copy, the one fetched longest ago first; downloads that were left are removed. */
async function listCopies(folder: string, nowMs: number): Promise<readonly Copy[]> {
  const copies: Copy[] = []
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  for (const entry of entries) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const found = await stat(path).catch(() => undefined) // evicted by another process
    if (found === undefined) continue
    if (!path.endsWith('.tmp')) {
      copies.push({ path, sizeBytes: found.size, fetchedMs: found.mtimeMs })
    } else if (nowMs - found.mtimeMs > TEMPORARY_AGE_MS) await rm(path, { force: true })
  }
  return copies.toSorted((a, b) => a.fetchedMs - b.fetchedMs)
}

/** Writes a stream to a file and returns its SHA-256. */
async function save(body: Readable, to: string): Promise<string> {
  const sum = createHash('sha256')
  const hashing = new Transform({
    transform: (block: Buffer, _encoding, done) => {
      sum.update(block)
      done(null, block)
    },
  })
  await pipeline(body, hashing, createWriteStream(to, { mode: 0o400 }))
  return sum.digest('hex')
}

async function isWhole(file: string, { sizeBytes, sha256 }: CachedPart): Promise<boolean> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (found?.size !== sizeBytes) return false
  const sum = createHash('sha256')
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), sum)
  return sum.digest('hex') === sha256
}

const isDiskFull = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOSPC'

/** Longer after each failure, and never twice the same: the server may be busy. */
const pause = async (failures: number): Promise<void> =>
  new Promise((resolve) =>
    setTimeout(resolve, PAUSE_MS * 2 ** failures * (0.5 + Math.random() / 2)),
  )
