/**
 * Reads processed manifests, line by line from a byte offset, in flat memory.
 *
 * A last line without an end was torn, or is still being written: it is not read. A window is read
 * again from the start of its last, unfinished line, so that nothing is carried from one to the
 * next; a line that no window holds is passed over to its end.
 */
import { constants } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { open } from 'node:fs/promises'
import { EngineError } from '../engine/index.ts'
import type { ProcessedEntry } from './processed-entry.ts'
import { parseProcessedLine } from './processed-entry.ts'

const WINDOW_BYTES = 256 * 1024
const LF = 10

/** Where a line begins and the next one does, in bytes, and what it says. */
export type ProcessedRead = { readonly offset: number; readonly nextOffset: number } & (
  | { readonly entry: ProcessedEntry }
  | { readonly fault: string }
)

/**
 * The lines of a manifest from an offset where a line begins; blank ones are passed over. A line
 * that is no entry is a fault, in words that quote nothing of it. At most `linesMax` of both. An
 * offset past the end gives nothing. Throws STAGING_UNUSABLE where there is no such file.
 */
export async function* readProcessed(
  path: string,
  fromOffset: number,
  { linesMax }: { readonly linesMax: number },
): AsyncIterable<ProcessedRead> {
  await using file = await openManifest(path, constants.O_RDONLY)
  let left = linesMax
  for await (const lines of lineWindows(file, { fromOffset, take: parseProcessedLine })) {
    for (const line of lines) {
      if (left <= 0) return
      left -= 1
      yield line
    }
  }
}

/**
 * Those of some lines, each with its end, that do not stand in a manifest behind an offset. Of
 * equal lines as many are looked for as are given. Throws STAGING_UNUSABLE.
 */
export async function missingLines(
  file: FileHandle,
  fromOffset: number,
  lines: readonly string[],
): Promise<readonly string[]> {
  const wanted = new Map<string, number>()
  for (const line of lines) wanted.set(line, (wanted.get(line) ?? 0) + 1)
  const take = (bytes: Buffer): object => {
    const line = `${bytes.toString()}\n`
    const count = wanted.get(line)
    if (count !== undefined) wanted.set(line, count - 1)
    return {}
  }
  const windows = lineWindows(file, { fromOffset, take })
  for await (const _ of windows) if ([...wanted.values()].every((count) => count <= 0)) return []
  return lines.filter((line) => {
    const count = wanted.get(line) ?? 0
    wanted.set(line, count - 1)
    return count > 0
  })
}

/** Opens a regular file; follows no link, waits for no pipe. Throws STAGING_UNUSABLE. */
export async function openManifest(path: string, flags: number): Promise<FileHandle> {
  try {
    const file = await open(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, 0o666)
    if ((await file.stat()).isFile()) return file
    await file.close()
  } catch (error) {
    throw stagingFault(path, error)
  }
  throw new EngineError('STAGING_UNUSABLE', { path, reason: 'it is no regular file' })
}

/** An error of the file system as one of ours; any other as it is. */
export function stagingFault(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return error
  return new EngineError('STAGING_UNUSABLE', { path, reason: String(error.code) }, { cause: error })
}

interface LineWindows<Taken extends object> {
  readonly fromOffset: number
  /** called with a line without its end; its bytes are another's afterwards */
  readonly take: (bytes: Buffer) => Taken
}

type Placed<Taken> = Taken & { readonly offset: number; readonly nextOffset: number }

/** Every whole line from an offset on, a window's at a time. */
async function* lineWindows<Taken extends object>(
  file: FileHandle,
  { fromOffset, take }: LineWindows<Taken>,
): AsyncIterable<readonly Placed<Taken>[]> {
  const window = Buffer.allocUnsafe(WINDOW_BYTES)
  let start = fromOffset
  for (;;) {
    const { bytesRead } = await file.read(window, 0, WINDOW_BYTES, start)
    const bytes = window.subarray(0, bytesRead)
    const { lines, nextOffset: next } = splitLines(bytes, start, take)
    if (next > start) {
      yield lines
      start = next
    } else if (bytes.length < WINDOW_BYTES) return
    else {
      const offset = start
      const nextOffset = await endOfLine(file, window, offset + WINDOW_BYTES)
      if (nextOffset === undefined) return
      // Of a line this long its first bytes are enough to be told that it is too long.
      yield [{ ...take(window), offset, nextOffset }]
      start = nextOffset
    }
  }
}

function splitLines<Taken extends object>(
  bytes: Buffer,
  start: number,
  take: (bytes: Buffer) => Taken,
): { readonly lines: readonly Placed<Taken>[]; readonly nextOffset: number } {
  const lines: Placed<Taken>[] = []
  let from = 0
  for (let end = bytes.indexOf(LF); end !== -1; end = bytes.indexOf(LF, from)) {
    const line = bytes.subarray(from, end)
    const place = { offset: start + from, nextOffset: start + end + 1 }
    if (line.length > 0) lines.push({ ...take(line), ...place })
    from = end + 1
  }
  return { lines, nextOffset: start + from }
}

/** Where the line that is under way at an offset ends; undefined: it does not yet. */
async function endOfLine(
  file: FileHandle,
  window: Buffer,
  fromOffset: number,
): Promise<number | undefined> {
  for (let at = fromOffset; ; at += window.length) {
    const { bytesRead } = await file.read(window, 0, window.length, at)
    const end = window.subarray(0, bytesRead).indexOf(LF)
    if (end !== -1) return at + end + 1
    if (bytesRead < window.length) return undefined
  }
}
