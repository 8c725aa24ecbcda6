/**
 * Appends to processed manifests: whole lines, several writers at once, nothing merged with what
 * somebody who died left unfinished.
 *
 * A day's file is never renamed, since somebody may be appending to it; `processed.jsonl` points to
 * today's, for readers and for producers that know that name only. On a local disk Linux places
 * each write of an appending file as a whole; what was written is read back all the same, because
 * another's torn line may have come in between, and a full disk tears ours.
 */
import { constants } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { mkdir, open, readlink, rename, symlink, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { EngineError, assert } from '../engine/index.ts'
import type { ProcessedEntry } from './processed-entry.ts'
import { processedLine } from './processed-entry.ts'
import { missingLines, openManifest, stagingFault } from './processed-lines.ts'
import { CURRENT, dayFile, dayOf } from './processed-places.ts'

const APPENDED_MAX = 1000
const WRITE_BYTES = 1 << 20
const TRIES = 3
const LF = 10

/**
 * Appends entries to the day's file of a `manifests` folder, which is made where it is missing; they
 * are on disk when this returns. At most 1,000 at once. Safe beside other writers, of this program
 * or not. Throws STAGING_UNUSABLE: some lines may have been written then.
 */
export async function appendProcessed(
  folder: string,
  entries: readonly ProcessedEntry[],
  nowMs: number,
): Promise<void> {
  assert(entries.length <= APPENDED_MAX, 'entries are appended in batches')
  if (entries.length === 0) return
  const name = dayFile(nowMs)
  const path = join(folder, name)
  const lines = entries.map(processedLine)
  try {
    await mkdir(folder, { recursive: true })
    await using file = await openManifest(
      path,
      constants.O_RDWR | constants.O_APPEND | constants.O_CREAT,
    )
    await appendLines(file, path, lines)
    await pointTo(folder, name)
  } catch (error) {
    throw stagingFault(path, error)
  }
}

async function appendLines(
  file: FileHandle,
  path: string,
  lines: readonly string[],
): Promise<void> {
  let missing = lines
  for (let tries = 1; tries <= TRIES; tries++) {
    const { size } = await file.stat()
    const start = (await endsInLine(file, size)) ? '\n' : ''
    for (const bytes of writesOf(missing, start)) await writeWhole(file, bytes)
    missing = await missingLines(file, size, missing)
    if (missing.length > 0) continue
    await file.sync()
    return
  }
  throw new EngineError('STAGING_UNUSABLE', { path, reason: 'what is appended is not found there' })
}

/** Whether the last byte is of a line without an end: ours must not become the rest of it. */
async function endsInLine(file: FileHandle, sizeBytes: number): Promise<boolean> {
  if (sizeBytes === 0) return false
  const last = Buffer.alloc(1)
  await file.read(last, 0, 1, sizeBytes - 1)
  return last[0] !== LF
}

/** The lines in as few writes as are bounded; each ends where a line does. */
function writesOf(lines: readonly string[], start: string): readonly Buffer[] {
  const writes: Buffer[] = []
  let text = start
  for (const line of lines) {
    if (text.length + line.length > WRITE_BYTES) {
      writes.push(Buffer.from(text))
      text = ''
    }
    text += line
  }
  return [...writes, Buffer.from(text)]
}

async function writeWhole(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at)
    at += bytesWritten
  }
}

/**
 * Lets `processed.jsonl` point to a day's file. A plain file of that name is somebody else's and
 * stays; so does a later day. Every writer uses one temporary name: whose link it is does not matter.
 */
async function pointTo(folder: string, name: string): Promise<void> {
  const link = join(folder, CURRENT)
  const target = await linkTarget(link)
  if (target === 'a file') return
  if (target !== undefined && dayOf(target) !== undefined && target >= name) return
  const temporary = join(folder, `temp_${name}`)
  if ((await linkTarget(temporary)) !== name) {
    await unless('ENOENT', async () => unlink(temporary))
    await unless('EEXIST', async () => symlink(name, temporary))
  }
  await unless('ENOENT', async () => rename(temporary, link))
  await using opened = await open(folder)
  await opened.sync()
}

async function linkTarget(path: string): Promise<string | undefined> {
  try {
    return await readlink(path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT') return undefined
    if (code === 'EINVAL') return 'a file'
    throw error
  }
}

/** Does something that another writer may have done already. */
async function unless(code: string, act: () => Promise<void>): Promise<void> {
  try {
    await act()
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== code) throw error
  }
}
