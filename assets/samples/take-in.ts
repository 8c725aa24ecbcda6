/** Reads on in every manifest from where the ledger says, and takes in what is new. */
import type { Catalog } from '../../engine/index.ts'
import { isEngineError } from '../../engine/index.ts'
import type { ProcessedEntry } from '../processed-entry.ts'
import { readProcessed } from '../processed-lines.ts'
import type { ListedManifest } from '../processed-places.ts'
import { dayOf, listManifests } from '../processed-places.ts'
import { LINES_MAX, checkpointOf, checkpoints, takeLines } from './ledger.ts'
import { placeText } from './place.ts'

const UNREADABLE_MAX = 10

export interface TakenIn {
  readonly manifests: number
  readonly lines: number
  /** lines that say nothing */
  readonly faults: number
  /** manifests that cannot be read: the first few, by path */
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
  for await (const manifest of oldestFirst(prefix)) {
    if (signal.aborted) break
    taken.manifests += 1
    const place = placeText(manifest.place)
    const at = known.get(`${place}/${manifest.file}`)?.offset_bytes ?? 0
    if (at === manifest.sizeBytes) continue
    // Shorter than it was: another file under its name, which is read from its beginning.
    if (manifest.sizeBytes < at) {
      const nothing = { entries: [], faults: 0, nowMs: nowMs() }
      await takeLines(ledger, { place, file: manifest.file, from: at, to: 0, ...nothing })
    }
    const count = (batch: Batch): void => {
      taken.lines += batch.entries.length
      taken.faults += batch.faults
      onLines(batch.entries.length)
    }
    try {
      while (!(await readOn(ledger, { manifest, place, signal, nowMs, count }))) continue
    } catch (error) {
      // One that may not be read is a matter of its own: the others are read.
      if (!isEngineError(error, 'STAGING_UNUSABLE')) throw error
      if (taken.unreadable.length < UNREADABLE_MAX) taken.unreadable.push(manifest.path)
    }
  }
  return taken
}

/** A plain `processed.jsonl`, which knew of no days, then day by day. */
async function* oldestFirst(prefix: string): AsyncIterable<ListedManifest> {
  let days: ListedManifest[] = []
  let place = ''
  for await (const manifest of listManifests(prefix)) {
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
  let batch = { entries: [] as ProcessedEntry[], faults: 0 }
  const take = async (): Promise<boolean> => {
    if (to === from) return true
    if (!(await takeLines(ledger, { place, file, from, to, ...batch, nowMs: nowMs() })))
      return false
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
