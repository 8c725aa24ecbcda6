/** The inbox in a folder. What cannot be listed is a fault of its own place and stops nothing else. */
import type { BigIntStats, Dirent } from 'node:fs'
import { createReadStream, lstatSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { lstat, open, readdir, rmdir, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { EngineError } from '../engine/index.ts'
import type { Listed } from '../registry/inbox.ts'
import type { Inbox, InboxFault, Listing, Removal, Version } from './inbox.ts'

/** A listing longer than this is refused: an inbox is swept or split. */
const LISTED_MAX = 1_000_000
const BLOCK_BYTES = 1 << 20

/** The inbox at an absolute path. */
export function folderInbox(folder: string): Inbox {
  return {
    name: folder,
    list: async () => listFolder(folder),
    sourceOf: ({ path }) => join(folder, path),
    pathOf: (source) =>
      source.startsWith(`${folder}/`) ? source.slice(folder.length + 1) : undefined,
    modifiedMs: (changedToken) => {
      const [, ns] = /^(\d+):\d+:\d+$/.exec(changedToken) ?? []
      return ns === undefined ? undefined : Number(BigInt(ns) / 1_000_000n)
    },
    read: (source, changedToken) =>
      changedToken === undefined ? readFolderFile(source) : readVersion(source, changedToken),
    remove: async (version) => removeVersion(folder, version),
    close: async () => undefined,
  }
}

const tokenOf = ({ size, mtimeNs, ino }: BigIntStats): string => `${mtimeNs}:${size}:${ino}`

/**
 * Every regular file under the inbox. Links are not followed: one is a fault, as is a folder that
 * cannot be opened.
 */
async function listFolder(inbox: string): Promise<Listing> {
  const listed: Listed[] = []
  const faults: InboxFault[] = []
  const folders = ['']
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const entries = await entriesOf(inbox, folder, faults)
    for (const entry of entries) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.isDirectory()) folders.push(path)
      else if (entry.isFile()) listed.push(...listedFile(inbox, path, faults))
      else if (entry.isSymbolicLink()) faults.push({ path, reason: 'links are not followed' })
      else faults.push({ path, reason: 'it is no regular file' })
    }
    if (listed.length + folders.length > LISTED_MAX) {
      const reason = `more than ${LISTED_MAX} entries`
      throw new EngineError('INPUT_UNREADABLE', { path: inbox, reason })
    }
  }
  return { listed, faults: faults.toSorted((a, b) => (a.path < b.path ? -1 : 1)) }
}

async function entriesOf(
  inbox: string,
  folder: string,
  faults: InboxFault[],
): Promise<readonly Dirent[]> {
  try {
    return await readdir(join(inbox, folder), { withFileTypes: true })
  } catch (error) {
    const reason = codeOf(error)
    if (reason === 'ENOENT') return []
    if (folder === '') {
      throw new EngineError('INPUT_UNREADABLE', { path: inbox, reason }, { cause: error })
    }
    faults.push({ path: folder, reason })
    return []
  }
}

function listedFile(inbox: string, path: string, faults: InboxFault[]): readonly Listed[] {
  try {
    const found = lstatSync(join(inbox, path), { bigint: true })
    return [
      {
        path,
        sizeBytes: Number(found.size),
        changedToken: tokenOf(found),
        modifiedAtMs: Number(found.mtimeNs / 1_000_000n),
      },
    ]
  } catch (error) {
    const reason = codeOf(error)
    // Gone since its folder was read: as if it had gone before.
    if (reason !== 'ENOENT') faults.push({ path, reason })
    return []
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'unknown'

const unreadable = (path: string, error: unknown): EngineError<'INPUT_UNREADABLE'> =>
  new EngineError('INPUT_UNREADABLE', { path, reason: codeOf(error) }, { cause: error })

/** The bytes of a file as they lie there. Throws INPUT_UNREADABLE. */
export async function* readFolderFile(path: string): AsyncIterable<Buffer> {
  try {
    for await (const block of createReadStream(path, { highWaterMark: BLOCK_BYTES })) {
      yield block as Buffer
    }
  } catch (error) {
    if (!(error instanceof Error) || !('syscall' in error)) throw error
    throw unreadable(path, error)
  }
}

/** The bytes of a file, if it is that version before the first of them and after the last. */
async function* readVersion(path: string, changedToken: string): AsyncIterable<Buffer> {
  await using file = await opened(path)
  const requireVersion = async (): Promise<void> => {
    if (tokenOf(await file.stat({ bigint: true })) !== changedToken) {
      throw new EngineError('INPUT_CHANGED', { path })
    }
  }
  await requireVersion()
  try {
    for await (const block of file.createReadStream({
      highWaterMark: BLOCK_BYTES,
      autoClose: false,
    })) {
      yield block as Buffer
    }
  } catch (error) {
    if (!(error instanceof Error) || !('syscall' in error)) throw error
    throw unreadable(path, error)
  }
  await requireVersion()
}

async function opened(path: string): Promise<FileHandle> {
  try {
    return await open(path)
  } catch (error) {
    throw unreadable(path, error)
  }
}

/** Removes a file, and its drop's folder when that is empty then. A submitter's folder stays. */
async function removeVersion(inbox: string, { path, changedToken }: Version): Promise<Removal> {
  const file = join(inbox, path)
  try {
    if (tokenOf(await lstat(file, { bigint: true })) !== changedToken) return 'changed'
    await unlink(file)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return 'gone'
    throw unreadable(file, error)
  }
  for (let folder = dirname(path); folder.includes('/'); folder = dirname(folder)) {
    if (!(await removedEmpty(join(inbox, folder)))) break
  }
  return 'removed'
}

async function removedEmpty(folder: string): Promise<boolean> {
  try {
    await rmdir(folder)
    return true
  } catch (error) {
    if (['ENOTEMPTY', 'EEXIST', 'ENOENT', 'EACCES', 'EPERM', 'EBUSY'].includes(codeOf(error))) {
      return false
    }
    throw error
  }
}
