/** What parsing one chunk came to: counts, byte ranges, parts. Plain data, kept for resuming. */
import type { Chunk } from './chunk-writer.ts'
import type { Reason } from './grammar.ts'
import type { WrittenLines } from './line-file.ts'
import { ReasonCounts, type ReasonCount } from './reason-counts.ts'
import { KIND, type IndexedRecord } from './record-index.ts'

/** Kinds of records that are not rows. */
export type RangeKind = 'header' | 'control' | 'blank' | 'rejected' | 'preamble' | 'comment'

/** Adjacent records of one kind that are not rows; bytes of the decompressed file, end exclusive. */
export interface ByteRange {
  readonly file: string
  readonly kind: RangeKind
  readonly firstRecord: number
  readonly records: number
  readonly byteStart: number
  readonly byteEnd: number
}

/** Ranges kept per parse; a parse with more keeps counts and bytes only. */
export const RANGES_MAX = 10_000

/** One written Parquet file of one month. */
export interface ParsedPart {
  readonly month: string
  /** `part-00000.parquet` by chunk number */
  readonly name: string
  readonly rows: number
  readonly sizeBytes: number
  readonly sha256: string
}

export interface RecordTotals {
  readonly records: number
  readonly bytes: number
}

export interface ChunkOutcome {
  readonly chunk: number
  readonly file: string
  readonly firstRecord: number
  readonly byteStart: number
  readonly byteEnd: number
  readonly totals: Readonly<Record<RangeKind | 'accepted', RecordTotals>>
  /** the first RANGES_MAX + 1 */
  readonly ranges: readonly ByteRange[]
  readonly rangeCount: number
  readonly reasons: readonly ReasonCount[]
  /** NULLs of accepted rows by column */
  readonly nulls: Readonly<Record<string, number>>
  readonly parts: readonly ParsedPart[]
  readonly rejects: Omit<WrittenLines, 'path'>
}

const RANGE_KINDS: Readonly<Record<number, RangeKind>> = {
  [KIND.header]: 'header',
  [KIND.control]: 'control',
  [KIND.blank]: 'blank',
  [KIND.rejected]: 'rejected',
  [KIND.preamble]: 'preamble',
  [KIND.comment]: 'comment',
}

/** Counts the records of one chunk, told in order, each once. */
export class ChunkTally {
  readonly #file: string
  readonly #chunk: Chunk
  readonly #reasons = new ReasonCounts()
  readonly #ranges: ByteRange[] = []
  readonly #totals = {
    header: { records: 0, bytes: 0 },
    control: { records: 0, bytes: 0 },
    blank: { records: 0, bytes: 0 },
    rejected: { records: 0, bytes: 0 },
    preamble: { records: 0, bytes: 0 },
    comment: { records: 0, bytes: 0 },
  }
  #rangeCount = 0
  #open: ByteRange | null = null
  #number: number

  constructor(file: string, chunk: Chunk) {
    this.#file = file
    this.#chunk = chunk
    this.#number = chunk.index.firstRecord
  }

  #acceptedCount = 0
  /** accepted so far */
  get accepted(): number {
    return this.#acceptedCount
  }

  accept(): void {
    this.#number += 1
    this.#acceptedCount += 1
  }
  setAside(record: IndexedRecord): void {
    this.#range(record, RANGE_KINDS[record.kind] as RangeKind)
  }
  reject(record: IndexedRecord, reasons: readonly Reason[]): void {
    this.#range(record, 'rejected')
    this.#reasons.add(reasons)
  }

  #range({ byteStart, byteEnd }: IndexedRecord, kind: RangeKind): void {
    const number = this.#number
    this.#number += 1
    const total = this.#totals[kind]
    total.records += 1
    total.bytes += byteEnd - byteStart
    const open = this.#open
    if (open?.kind === kind && open.byteEnd === byteStart) {
      this.#open = { ...open, records: open.records + 1, byteEnd }
      return
    }
    this.#closeRange()
    const file = this.#file
    this.#open = { file, kind, firstRecord: number, records: 1, byteStart, byteEnd }
  }

  #closeRange(): void {
    if (this.#open === null) return
    if (this.#ranges.length <= RANGES_MAX) this.#ranges.push(this.#open)
    this.#rangeCount += 1
    this.#open = null
  }

  finish(written: {
    parts: readonly ParsedPart[]
    nulls: Readonly<Record<string, number>>
    rejects: WrittenLines
  }): ChunkOutcome {
    this.#closeRange()
    const { index, number } = this.#chunk
    const byteStart = index.read(index.firstRecord).byteStart
    const { byteEnd } = index.read(index.lastRecord)
    const notRows = Object.values(this.#totals).reduce((sum, { bytes }) => sum + bytes, 0)
    const accepted = { records: this.#acceptedCount, bytes: byteEnd - byteStart - notRows }
    const { path: _, ...rejects } = written.rejects
    return {
      chunk: number,
      file: this.#file,
      firstRecord: index.firstRecord,
      byteStart,
      byteEnd,
      totals: { ...this.#totals, accepted },
      ranges: this.#ranges,
      rangeCount: this.#rangeCount,
      reasons: this.#reasons.rows,
      nulls: written.nulls,
      parts: written.parts,
      rejects,
    }
  }
}
