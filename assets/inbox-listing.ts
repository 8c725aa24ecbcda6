/** Lists the inbox. What cannot be listed is a fault of its own place and stops nothing else. */
import type { Dirent } from 'node:fs'
import { lstatSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { EngineError } from '../engine/index.ts'
import type { Listed } from '../registry/inbox.ts'

/** A listing longer than this is refused: an inbox is swept or split. */
const LISTED_MAX = 1_000_000

/** A place that cannot be read, relative to the inbox. */
export interface InboxFault {
  readonly path: string
  readonly reason: string
}

export interface Listing {
  readonly listed: readonly Listed[]
  /** by path */
  readonly faults: readonly InboxFault[]
}

/**
 * Every regular file under the inbox. Links are not followed: one is a fault, as is a folder that
 * cannot be opened. An inbox that is not there is empty. Throws INPUT_UNREADABLE for the inbox
 * itself, or when it is too long.
 */
export async function listInbox(inbox: string): Promise<Listing> {
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
    const { size, mtimeNs, ino } = lstatSync(join(inbox, path), { bigint: true })
    return [
      {
        path,
        sizeBytes: Number(size),
        changedToken: `${mtimeNs}:${size}:${ino}`,
        modifiedAtMs: Number(mtimeNs / 1_000_000n),
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
