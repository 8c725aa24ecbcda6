/**
 * Copies raw files into bronze for a producer outside, and says so in the place's manifest.
 *
 * A file is written under a temporary name beside its place, synced, and then linked to its name,
 * which overwrites nothing; its line is appended after that, so that no line is without its file. A
 * copy that dies leaves at most a batch of files without lines, of which nobody hears: the next one
 * copies them anew. What the manifest has already, by name, time and size, is not copied again.
 */
import { createHash } from 'node:crypto'
import type { BigIntStats, Dirent } from 'node:fs'
import { constants } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { link, lstat, mkdir, open, readdir, unlink } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { EngineError, hasInvisible, isEngineError, printable } from '../engine/index.ts'
import { bronzePath, isUnderWay } from './copy-path.ts'
import { appendProcessed } from './processed-append.ts'
import type { ProcessedEntry } from './processed-entry.ts'
import { readProcessed } from './processed-lines.ts'
import { manifestsFolder, manifestsOf, versionFolder } from './processed-places.ts'
import type { StagingPlace } from './processed-places.ts'

export interface CopyOptions {
  /** absolute: a file, or a folder whose files are copied */
  readonly raw: string
  /** absolute; made where it is missing */
  readonly bronze: string
  /** the staging folder, absolute */
  readonly prefix: string
  readonly place: StagingPlace
  readonly nowMs: () => number
  /** ends the copy between two files */
  readonly stop?: AbortSignal
  readonly onProgress?: (done: number, of: number) => void
}

export interface CopyReport {
  readonly copied: readonly ProcessedEntry[]
  /** in the manifest already */
  readonly unchanged: number
  /** what is being written, and what is no regular file */
  readonly skipped: readonly NotCopied[]
  /** what could not be copied; the rest was */
  readonly faults: readonly NotCopied[]
}

/** Files of one call: their names are held in memory. */
const FILES_MAX = 1_000_000
/** Files whose lines are appended at once. */
const BATCH_FILES = 64
/** Copies of one name in one second. */
const TURNS_MAX = 1000
const BLOCK_BYTES = 1 << 20

interface Found {
  /** below raw, `/`-separated */
  readonly path: string
  readonly mtime: number
  readonly size: number
}

/** A file that is not copied. */
export interface NotCopied {
  /** below raw, fit to print */
  readonly path: string
  readonly why: string
}

interface Collected {
  readonly skipped: NotCopied[]
  readonly faults: NotCopied[]
}

/** Copies what is new. Throws INPUT_UNREADABLE, STAGING_UNUSABLE, USAGE. */
export async function copyFiles(options: CopyOptions): Promise<CopyReport> {
  const { raw, bronze, prefix, place } = options
  const version = versionFolder(prefix, place)
  requirePaths([raw, bronze, prefix])
  if (`${bronze}${sep}`.startsWith(`${raw}${sep}`)) {
    const reason = 'bronze lies in raw: the next copy would copy it again'
    throw new EngineError('USAGE', { command: 'copy', reason })
  }
  const collected: Collected = { skipped: [], faults: [] }
  const found = await findFiles(raw, collected)
  const { top } = found
  const nameOf = (path: string): string => nameIn(version, path)
  const known = await knownFiles(options, (file) => nameOf(join(top, file.path)), found.files)
  const fresh = found.files.filter((file) => !known.has(file))
  const copied: ProcessedEntry[] = []
  for (let at = 0; at < fresh.length && options.stop?.aborted !== true; at += BATCH_FILES) {
    const batch: ProcessedEntry[] = []
    try {
      for (const file of fresh.slice(at, at + BATCH_FILES)) {
        const one = await copyOrTell(options, { top, file }, collected)
        batch.push(
          ...one.map((own) => ({ ...own, raw: nameOf(own.raw), bronze: nameOf(own.bronze) })),
        )
      }
    } finally {
      await syncFolders(batch.map(({ bronze: path }) => dirname(resolve(version, path))))
      // Also when the disk is full: what was copied has its line if there is room for that.
      await appendProcessed(manifestsFolder(prefix, place), batch, options.nowMs())
    }
    copied.push(...batch)
    options.onProgress?.(Math.min(at + BATCH_FILES, fresh.length), fresh.length)
  }
  return { copied, unchanged: known.size, ...collected }
}

/** Names are on disk before a line tells of them. */
async function syncFolders(paths: readonly string[]): Promise<void> {
  for (const path of new Set(paths)) {
    await using folder = await open(path)
    await folder.sync()
  }
}

/** What a line cannot say is refused before anything is copied. */
function requirePaths(paths: readonly string[]): void {
  if (!paths.some(hasInvisible)) return
  const reason = 'a path has characters that cannot be seen'
  throw new EngineError('USAGE', { command: 'copy', reason })
}

interface Source {
  /** absolute: what its path is below */
  readonly top: string
  readonly file: Found
}

/** The file's entry with absolute paths, or none and a fault. */
async function copyOrTell(
  options: CopyOptions,
  source: Source,
  { faults }: Collected,
): Promise<readonly ProcessedEntry[]> {
  try {
    return [await copyOne(options, source)]
  } catch (error) {
    faults.push({ path: printable(source.file.path), why: faultWords(error) })
    return []
  }
}

/** As a line names a file: relative to the version's folder if it lies there, else absolute. */
const nameIn = (version: string, path: string): string =>
  path.startsWith(version + sep) ? relative(version, path) : path

/** Every file of raw in order of its path. Follows no link. */
async function findFiles(
  raw: string,
  collected: Collected,
): Promise<{ readonly top: string; readonly files: readonly Found[] }> {
  const first = await statOf(raw).catch((error: unknown) => {
    const isGone = isEngineError(error, 'INPUT_UNREADABLE') && error.context.reason === 'ENOENT'
    if (!isGone) throw error
    throw new EngineError('USAGE', { command: 'copy', reason: `there is no ${raw}` })
  })
  if (first.isFile()) {
    const top = dirname(raw)
    const path = basename(raw)
    return { top, files: isRefused(path, collected) ? [] : [{ path, ...versionOf(first) }] }
  }
  if (!first.isDirectory()) {
    const reason = 'it is neither a file nor a folder; links are not followed'
    throw new EngineError('INPUT_UNREADABLE', { path: raw, reason })
  }
  const files: Found[] = []
  const folders = ['']
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of await entriesOf(join(raw, folder))) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (isRefused(path, collected)) continue
      if (entry.isDirectory()) folders.push(path)
      else if (entry.isFile()) {
        files.push({ path, ...versionOf(await statOf(join(raw, path))) })
      } else collected.skipped.push({ path, why: 'it is no regular file; links are not followed' })
    }
    if (files.length + folders.length > FILES_MAX) {
      const reason = `more than ${FILES_MAX} files: copy a part of it at a time`
      throw new EngineError('INPUT_UNREADABLE', { path: raw, reason })
    }
  }
  return { top: raw, files: files.toSorted((a, b) => (a.path < b.path ? -1 : 1)) }
}

/** Whether a name says that it is not to be copied, or cannot stand in a line. */
function isRefused(path: string, { skipped, faults }: Collected): boolean {
  const name = basename(path)
  if (hasInvisible(name)) {
    faults.push({ path: printable(path), why: 'its name has characters that cannot be seen' })
    return true
  }
  if (!isUnderWay(name)) return false
  skipped.push({ path, why: 'temp_ says that it is being written' })
  return true
}

const versionOf = ({ size, mtimeNs }: BigIntStats): Omit<Found, 'path'> => ({
  mtime: Number(mtimeNs) / 1e9,
  size: Number(size),
})

/** The files whose line the place's manifests have. Holds no more than the files at hand. */
async function knownFiles(
  { prefix, place }: CopyOptions,
  nameOf: (file: Found) => string,
  files: readonly Found[],
): Promise<ReadonlySet<Found>> {
  const keyOf = (raw: string, { mtime, size }: { mtime: number; size?: number }): string =>
    `${raw}\n${mtime}\n${size}`
  const wanted = new Map(files.map((file) => [keyOf(nameOf(file), file), file]))
  const known = new Set<Found>()
  for await (const { path } of manifestsOf(prefix, place)) {
    if (known.size === files.length) break
    for await (const line of readProcessed(path, 0, { linesMax: Infinity })) {
      const file = 'entry' in line ? wanted.get(keyOf(line.entry.raw, line.entry)) : undefined
      if (file !== undefined) known.add(file)
    }
  }
  return known
}

/** Copies one file and gives it its name. */
async function copyOne(
  { bronze, nowMs }: CopyOptions,
  { top, file }: Source,
): Promise<ProcessedEntry> {
  const atMs = nowMs()
  await using from = await open(
    join(top, file.path),
    constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
  )
  for (let turn = 1; turn <= TURNS_MAX; turn++) {
    const target = join(bronze, bronzePath(file.path, atMs, turn))
    const temporary = join(dirname(target), `temp_${basename(target)}`)
    await mkdir(dirname(target), { recursive: true })
    if (await isTaken(target)) continue
    const to = await openNew(temporary)
    if (to === undefined) continue
    let sha256: string
    try {
      sha256 = await copyBytes(from, to, file)
      if (!(await linkNew(temporary, target))) continue
    } finally {
      await to.close()
      await unlink(temporary)
    }
    return { raw: join(top, file.path), bronze: target, mtime: file.mtime, size: file.size, sha256 }
  }
  throw new EngineError('STAGING_UNUSABLE', { path: bronze, reason: 'no name is free' })
}

/** Returns the SHA-256. Throws INPUT_CHANGED where the file is not the one that was found. */
async function copyBytes(from: FileHandle, to: FileHandle, file: Found): Promise<string> {
  const sum = createHash('sha256')
  const block = Buffer.allocUnsafe(BLOCK_BYTES)
  let at = 0
  for (;;) {
    const { bytesRead } = await from.read(block, 0, BLOCK_BYTES, at)
    if (bytesRead === 0) break
    const bytes = block.subarray(0, bytesRead)
    sum.update(bytes)
    for (let done = 0; done < bytes.length;) {
      done += (await to.write(bytes, done, bytes.length - done)).bytesWritten
    }
    at += bytesRead
  }
  await to.sync()
  const { mtime, size } = versionOf(await from.stat({ bigint: true }))
  if (mtime !== file.mtime || size !== file.size || at !== size) {
    throw new EngineError('INPUT_CHANGED', { path: file.path })
  }
  return sum.digest('hex')
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'unknown'

/** Of one file, as another may be copied all the same. A full disk is nobody's fault alone. */
function faultWords(error: unknown): string {
  const code = codeOf(error)
  if (code === 'INPUT_CHANGED') return 'it changed while it was copied'
  const isItsOwn = ['ENOENT', 'EACCES', 'EPERM', 'ELOOP', 'ENAMETOOLONG', 'EISDIR', 'EIO']
  if (isItsOwn.includes(code)) return code
  throw error
}

async function statOf(path: string): Promise<BigIntStats> {
  try {
    return await lstat(path, { bigint: true })
  } catch (error) {
    throw new EngineError('INPUT_UNREADABLE', { path, reason: codeOf(error) }, { cause: error })
  }
}

async function entriesOf(path: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true })
  } catch (error) {
    throw new EngineError('INPUT_UNREADABLE', { path, reason: codeOf(error) }, { cause: error })
  }
}

/** Whether a name is somebody's, so that nothing need be copied to find out. */
async function isTaken(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}

/** A new file for writing; undefined: there is one of this name. */
async function openNew(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'wx')
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return undefined
    throw error
  }
}

/** A second name for a file; false: somebody has it. */
async function linkNew(path: string, name: string): Promise<boolean> {
  try {
    await link(path, name)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}
