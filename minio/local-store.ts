/**
 * The object store in a local folder: protocol P with directories, links and rename.
 *
 *     .versions/{published path}/{attempt}/{part}      immutable; the catalog holds these paths
 *     .versions/{published path}/_manifest/{n}.json    immutable, numbered
 *     {published path} → ../…/.versions/…/{attempt}    a symbolic link, swapped by rename
 *
 * Invariants:
 * 1. Nothing under `.versions` is written twice: an attempt's folder is its own.
 * 2. A reader that follows the published path once sees one whole version, old or new, or none: a
 *    rename swaps the link. (Overwriting a file in place gave silently wrong counts in 8 of 383
 *    DuckDB scans.) One that globs opens each part by itself, and may read two parts of a month
 *    across a swap: the newest manifest names the parts that belong together.
 * 3. The link is a projection: it may lag behind the catalog, never lead it.
 * 4. A part that carries over is a hard link in the new folder, so folders are removed whole.
 */
import { createHash } from 'node:crypto'
import {
  closeSync,
  copyFileSync,
  createReadStream,
  fsync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import type { ObjectStore, Projection, StagePart } from '../engine/index.ts'
import { EngineError, failpoint, sha256 } from '../engine/index.ts'
import {
  ATTEMPT,
  attemptFolder,
  isShown,
  lastManifest,
  linkedParts,
  listManifests,
  listEverything,
  listStrays,
} from './local-look.ts'

const fsyncAsync = promisify(fsync)
const VERSIONS = '.versions'
/** Folder names remembered as made; beyond that they are asked for again. */
const FOLDERS_REMEMBERED_MAX = 100_000
/** fsyncs in flight: the thread pool has four threads, a queue behind them costs nothing */
const SYNCS_AT_ONCE = 16

export interface LocalStoreOptions {
  readonly root: string
  /** fsync what is staged before it is committed; off only for a benchmark beside peers */
  readonly durable?: boolean
}

/** Opens a folder as a store; makes it if needed. Throws STORE_UNUSABLE. */
export function openLocalStore({ root, durable = true }: LocalStoreOptions): ObjectStore {
  const top = resolve(root)
  const at = (path: string): string => join(top, inside(path))
  const made = new Set<string>()
  const unsynced = new Set<string>()
  // Folders are remembered: a recursive mkdir costs 0.15 ms, a plain one in a known place 0.02.
  const makeFolder = (path: string): void => {
    if (made.has(path)) return
    if (made.size > FOLDERS_REMEMBERED_MAX) made.clear()
    const parent = dirname(path)
    if (path !== top && parent.startsWith(top)) makeFolder(parent)
    try {
      mkdirSync(path)
      // A folder is durable when the one that names it is.
      unsynced.add(parent)
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined
      if (code === 'ENOENT') mkdirSync(path, { recursive: true })
      else if (code !== 'EEXIST') throw error
    }
    made.add(path)
  }
  const guard = <Result>(work: () => Result): Result => {
    try {
      return work()
    } catch (error) {
      throw unusable(top, error)
    }
  }
  guard(() => makeFolder(at(VERSIONS)))
  return {
    name: `file://${top}`,
    folderFor: (path, attempt) => `${VERSIONS}/${inside(path)}/${attempt}`,
    stage: async (folder, parts) => guard(() => stageParts({ at, makeFolder }, folder, parts)),
    unitOf: attemptFolder,
    sync: async (folders) => {
      if (!durable || folders.length === 0) return
      try {
        const above = [...unsynced]
        unsynced.clear()
        await syncFolders(folders.map(at), above)
      } catch (error) {
        throw unusable(top, error)
      }
    },
    abort: async (folders) => guard(() => removeFolders(folders.map(at), made)),
    writeManifest: async (path, number, text) =>
      guard(() => {
        const name = at(manifestPath(path, number))
        makeFolder(dirname(name))
        writeFileSync(`${name}.tmp`, text)
        failpoint('store.manifest.written')
        renameSync(`${name}.tmp`, name)
      }),
    project: async (projection) => guard(() => swapLinks(top, projection, makeFolder)),
    remove: async (folders) => guard(() => removeFolders(folders.map(at), made)),
    fetch: async (part) => fetchPart(at(part.path), part),
    ...looksAt(at),
    sizes: async (paths) => paths.map((path) => sizeOf(`${top}/${path}`)),
    units: () => listFolders(top),
    shows: async (projections) => projections.map((one) => isShown(top, one)),
    lastManifest: async (path) => lastManifest(join(top, VERSIONS, path, '_manifest')),
    manifests: (path) => listManifests(top, path === undefined ? undefined : inside(path)),
    readManifest: async (path, number) => readIfThere(at(manifestPath(path, number))),
    putBack: async (path, file) => guard(() => putBack(at(path), file)),
    setAside: async (paths) => guard(() => setAside(paths.map(at))),
    listing: () => listEverything(top),
    strays: () => listStrays(top),
  }
}

const manifestPath = (path: string, number: number): string =>
  `${VERSIONS}/${path}/_manifest/${String(number).padStart(10, '0')}.json`

function readIfThere(path: string): string | undefined {
  return sizeOf(path) === undefined ? undefined : readFileSync(path, 'utf8')
}

function putBack(path: string, file: string): void {
  mkdirSync(dirname(path), { recursive: true })
  copyFileSync(file, `${path}.tmp`)
  renameSync(`${path}.tmp`, path)
}

/** A name that no glob of readers takes, in the folder of its version: it goes with that. */
function setAside(paths: readonly string[]): void {
  for (const path of paths) {
    // Part after part: several rows may name one file, and a repeated repair meets it moved.
    if (sizeOf(path) !== undefined) renameSync(path, `${path}.changed`)
  }
}

/** Refuses a path that leaves the store: the last guard behind the projects' own. */
function inside(path: string): string {
  if (/(^|\/)\.{0,2}(\/|$)|\0/.test(path)) {
    throw new EngineError('PATH_INVALID', { dimension: 'path', length: path.length })
  }
  return path
}

function unusable(top: string, error: unknown): unknown {
  if (error instanceof EngineError || !(error instanceof Error)) return error
  const code = 'code' in error ? String(error.code) : error.name
  const reason = code === 'ENOSPC' ? 'no space left (ENOSPC)' : code
  return new EngineError('STORE_UNUSABLE', { store: `file://${top}`, reason }, { cause: error })
}

interface Places {
  readonly at: (path: string) => string
  readonly makeFolder: (path: string) => void
}

/** Writes parts into a folder of their own: an attempt's name is never used twice. */
function stageParts(
  { at, makeFolder }: Places,
  folder: string,
  parts: readonly StagePart[],
): readonly string[] {
  const target = at(folder)
  makeFolder(target)
  for (const part of parts) {
    const path = join(target, inside(part.name))
    if (part.name.includes('/')) mkdirSync(dirname(path), { recursive: true })
    failpoint('store.stage.part')
    if ('bytes' in part.source) writeFileSync(path, part.source.bytes)
    else if ('file' in part.source) moveFile(part.source.file, path)
    else {
      const from = 'kept' in part.source ? part.source.kept : part.source.stored
      linkOrCopy(at(from), path, from)
    }
  }
  return parts.map((part) => `${folder}/${part.name}`)
}

function removeFolders(folders: readonly string[], made: Set<string>): void {
  for (const folder of folders) {
    rmSync(folder, { recursive: true, force: true })
    made.delete(folder)
  }
}

function moveFile(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    // Scratch may be on another disk.
    if (!(error instanceof Error && 'code' in error && error.code === 'EXDEV')) throw error
    copyFileSync(from, to)
    rmSync(from)
  }
}

function linkOrCopy(from: string, to: string, path: string): void {
  try {
    linkSync(from, to)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' && sizeOf(from) === undefined) {
      throw new EngineError('PART_MISSING', { path })
    }
    if (code !== 'EPERM' && code !== 'EMLINK' && code !== 'EXDEV' && code !== 'ENOTSUP') throw error
    copyFileSync(from, to)
  }
}

/** fsyncs every file and folder of the given folders, and the folders above that are new. */
async function syncFolders(folders: readonly string[], above: readonly string[]): Promise<void> {
  const files: string[] = []
  const parents = new Set(above)
  for (const folder of folders) {
    files.push(folder)
    parents.add(dirname(folder))
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      files.push(join(entry.parentPath, entry.name))
    }
  }
  const queue = [...files, ...parents]
  const worker = async (): Promise<void> => {
    for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
      const file = openSync(path, 'r')
      try {
        await fsyncAsync(file)
      } finally {
        closeSync(file)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(SYNCS_AT_ONCE, queue.length) }, worker))
}

function swapLinks(
  top: string,
  { path, mode, current }: Projection,
  makeFolder: (path: string) => void,
): void {
  const target = join(top, inside(path))
  const [first] = current?.parts ?? []
  if (mode === 'folder') {
    // A folder there is not ours: it is left, and what is published below it with it.
    if (first === undefined && isLink(target)) rmSync(target)
    if (first !== undefined) {
      makeFolder(dirname(target))
      swapLink(top, path, join(top, attemptFolder(first.path)))
    }
    return
  }
  const shown = new Set(current?.parts.map(({ name }) => name))
  for (const name of linkedParts(target, join(top, VERSIONS, path)).keys()) {
    if (!shown.has(name)) rmSync(join(target, name), { force: true })
  }
  if (current === undefined) return
  makeFolder(target)
  for (const part of current.parts) swapLink(top, `${path}/${part.name}`, join(top, part.path))
}

/** The link is made where no reader looks: beside its place `*` would find a month twice. */
function swapLink(top: string, path: string, to: string): void {
  const link = join(top, path)
  const wanted = relative(dirname(link), to)
  if (isLink(link) && readlinkSync(link) === wanted) return
  const temporary = join(top, VERSIONS, `${path}.tributary-tmp`)
  try {
    symlinkSync(wanted, temporary)
  } catch (error) {
    // Left by a process that was killed here.
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    rmSync(temporary, { force: true })
    symlinkSync(wanted, temporary)
  }
  failpoint('store.link.made')
  renameSync(temporary, link)
}

const isLink = (path: string): boolean =>
  lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false

async function fetchPart(
  path: string,
  part: { readonly path: string; readonly sizeBytes: number; readonly sha256: string },
): Promise<string> {
  if (sizeOf(path) === undefined) throw new EngineError('PART_MISSING', { path: part.path })
  const got = await digestOf(path, part.sizeBytes)
  if (got !== part.sha256) {
    throw new EngineError('PART_CHANGED', { path: part.path, want: part.sha256, got })
  }
  return path
}

/** How single paths are read. */
const looksAt = (at: (path: string) => string): Pick<ObjectStore, 'readRange' | 'digest'> => ({
  readRange: async (path, from, to) => readRange({ path, file: at(path) }, from, to),
  digest: async (path) => digestIfThere(at(path)),
})

async function readRange(
  { path, file }: { readonly path: string; readonly file: string },
  from: number,
  to: number,
): Promise<Buffer> {
  if (sizeOf(file) === undefined) throw new EngineError('PART_MISSING', { path })
  await using opened = await open(file, 'r')
  const { buffer, bytesRead } = await opened.read(Buffer.alloc(to - from), 0, to - from, from)
  return buffer.subarray(0, bytesRead)
}

/** Files up to this size are read at once: a stream of 1 MiB blocks costs more than they do. */
const SMALL_FILE_BYTES = 1 << 20

async function digestOf(path: string, sizeBytes: number): Promise<string> {
  if (sizeBytes <= SMALL_FILE_BYTES) return sha256(readFileSync(path))
  const sum = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), sum)
  return sum.digest('hex')
}

async function digestIfThere(path: string): Promise<string | undefined> {
  const sizeBytes = sizeOf(path)
  return sizeBytes === undefined ? undefined : digestOf(path, sizeBytes)
}

const sizeOf = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.size

/** Version folders: those whose parent has a published path's name and that hold parts. */
async function* listFolders(top: string): AsyncIterable<string> {
  const pending = [VERSIONS]
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    const entries = await readdir(join(top, folder), { withFileTypes: true })
    for (const entry of entries) {
      if (!entry.isDirectory() || entry.name === '_manifest') continue
      const path = `${folder}/${entry.name}`
      if (ATTEMPT.test(entry.name)) yield path
      else pending.push(path)
    }
  }
}
