/** Reads on in every manifest from where the ledger says, and takes in what is new. */
import { constants } from 'node:fs'
import type { Catalog } from '../../engine/index.ts'
import { isEngineError, sha256 } from '../../engine/index.ts'
import type { ProcessedEntry } from '../processed-entry.ts'
import { openManifest, readProcessed } from '../processed-lines.ts'
import type { ListedManifest } from '../processed-places.ts'
import { dayOf, listManifests } from '../processed-places.ts'
import type { LedgerTables } from './ledger-tables.ts'
import { LINES_MAX, checkpointOf, checkpoints, takeLines } from './ledger.ts'
import { placeText } from './place.ts'

const UNREADABLE_MAX = 10

export interface TakenIn {
  readonly manifests: number
  readonly lines: number
  /** lines that say nothing */
  readonly faults: number
  /** manifests, and folders of them, that cannot be read: the first few, by path */
  readonly unreadable: readonly string[]
}

/**
 * Takes in new lines, of each place the oldest day first: what was said last of a file holds.
 * Memory: LINES_MAX lines, the checkpoints and the days of a place. What has not grown is not opened.
 */
export async function takeIn(
  ledger: Catalog,
  {
    prefix,
    signal,
    nowMs,
    onLines,
  }: {
    readonly prefix: string
    readonly signal: AbortSignal
    readonly nowMs: () => number
    readonly onLines: (lines: number) => void
  },
): Promise<TakenIn> {
  const known = await checkpoints(ledger)
  const taken = { manifests: 0, lines: 0, faults: 0, unreadable: [] as string[] }
  const onUnusable = (path: string): void => {
    if (taken.unreadable.length < UNREADABLE_MAX) taken.unreadable.push(path)
  }
  for await (const manifest of oldestFirst(prefix, onUnusable)) {
    if (signal.aborted) break
    taken.manifests += 1
    const place = placeText(manifest.place)
    const before = known.get(`${place}/${manifest.file}`)
    const at = before?.offset_bytes ?? 0
    if (at === manifest.sizeBytes) continue
    const count = (batch: Batch): void => {
      taken.lines += batch.entries.length
      taken.faults += batch.faults
      onLines(batch.entries.length)
    }
    try {
      // Another file under its name: it is read from its beginning.
      if (before !== undefined && at > 0 && (await isAnother(manifest, before))) {
        const nothing = { entries: [], faults: 0, nowMs: nowMs() }
        await takeLines(ledger, { place, file: manifest.file, from: at, to: 0, ...nothing })
      }
      while (!(await readOn(ledger, { manifest, place, signal, nowMs, count }))) continue
    } catch (error) {
      // One that may not be read is a matter of its own: the others are read.
      if (!isEngineError(error, 'STAGING_UNUSABLE')) throw error
      onUnusable(manifest.path)
    }
  }
  return taken
}

/** A plain `processed.jsonl`, which knew of no days, then day by day. */
async function* oldestFirst(
  prefix: string,
  onUnusable: (path: string) => void,
): AsyncIterable<ListedManifest> {
  let days: ListedManifest[] = []
  let place = ''
  for await (const manifest of listManifests(prefix, onUnusable)) {
    if (place !== placeText(manifest.place)) {
      yield* days.toReversed()
      days = []
      place = placeText(manifest.place)
    }
    if (dayOf(manifest.file) === undefined) yield manifest
    else days.push(manifest)
  }
  yield* days.toReversed()
}

/** First bytes of a manifest that tell it from another under its name. */
const MARK_BYTES = 1024

/** Shorter than it was read to, or with another beginning. */
async function isAnother(
  { path, sizeBytes }: ListedManifest,
  { offset_bytes: at, mark }: LedgerTables['manifest'],
): Promise<boolean> {
  if (sizeBytes < at) return true
  return mark !== null && (await markOf(path, Number(mark.split(':', 1)[0]))) !== mark
}

/** `1024:` and a digest of so many first bytes: file names are no words for a ledger's index. */
async function markOf(path: string, count: number): Promise<string> {
  await using file = await openManifest(path, constants.O_RDONLY)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(MARK_BYTES), 0, count, 0)
  return `${count}:${sha256(buffer.subarray(0, bytesRead))}`
}

interface Batch {
  readonly entries: readonly ProcessedEntry[]
  readonly faults: number
}

interface Reading {
  readonly manifest: ListedManifest
  readonly place: string
  readonly signal: AbortSignal
  readonly nowMs: () => number
  readonly count: (batch: Batch) => void
}

/** Reads one manifest to its end. False: another sampler has read on, so the place to begin moved. */
async function readOn(ledger: Catalog, reading: Reading): Promise<boolean> {
  const { manifest, place, signal, nowMs, count } = reading
  const { file, path } = manifest
  let from = await checkpointOf(ledger, { place, file })
  let to = from
  const mark = from === 0 ? await markOf(path, Math.min(MARK_BYTES, manifest.sizeBytes)) : undefined
  const marked = mark === undefined ? {} : { mark }
  let batch = { entries: [] as ProcessedEntry[], faults: 0 }
  const take = async (): Promise<boolean> => {
    if (to === from) return true
    const lines = { place, file, from, to, ...batch, ...marked, nowMs: nowMs() }
    if (!(await takeLines(ledger, lines))) return false
    count(batch)
    from = to
    batch = { entries: [], faults: 0 }
    return true
  }
  for await (const line of readProcessed(path, from, { linesMax: Infinity })) {
    if (signal.aborted) return true
    if ('entry' in line) batch.entries.push(line.entry)
    else batch.faults += 1
    to = line.nextOffset
    if (batch.entries.length + batch.faults >= LINES_MAX && !(await take())) return false
  }
  return take()
}
