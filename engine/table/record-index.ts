/**
 * What is known of every record of one chunk: kind, faults, position. Columnar, 23 bytes a record.
 *
 * It is how a record that did not arrive in Parquet is found again, and what the byte ranges of
 * row conservation are made of. Bounded by CHUNK_RECORDS_MAX.
 */

import { assert } from '../core/errors.ts'

/**
 * Records per chunk, at most. Below DuckDB's partitioned_write_flush_threshold (524,288), so each
 * month of a chunk is written as exactly one file.
 */
export const CHUNK_RECORDS_MAX = 500_000

/** What a record is. Data in the chunk file: `plain` as it is, `split` field by field. */
export const KIND = {
  plain: 0,
  split: 1,
  header: 2,
  control: 3,
  blank: 4,
  rejected: 5,
  preamble: 6,
  comment: 7,
} as const
export type Kind = (typeof KIND)[keyof typeof KIND]

export interface IndexedRecord {
  readonly kind: Kind
  /** bits of FAULT */
  readonly faults: number
  readonly line: number
  readonly byteStart: number
  readonly byteEnd: number
  /** where its raw text lies: plain in the chunk file, split and rejected in the raw file */
  readonly rawOffset: number
  readonly rawBytes: number
}

const FIRST_CAPACITY = 1024
const UINT32 = 2 ** 32

/** Columns that grow by doubling; records are added in order of their numbers. */
export class RecordIndex {
  /** number of the first record of the chunk; they run on without a gap */
  readonly firstRecord: number
  readonly #byteStart: number
  #size = 0
  #kinds = new Uint8Array(FIRST_CAPACITY)
  #faults = new Uint16Array(FIRST_CAPACITY)
  #lines = new Uint32Array(FIRST_CAPACITY)
  /** each record starts where the one before it ends */
  #ends = new Float64Array(FIRST_CAPACITY)
  #rawOffsets = new Uint32Array(FIRST_CAPACITY)
  #rawBytes = new Uint32Array(FIRST_CAPACITY)

  constructor(firstRecord: number, byteStart: number) {
    this.firstRecord = firstRecord
    this.#byteStart = byteStart
  }

  get size(): number {
    return this.#size
  }
  get lastRecord(): number {
    return this.firstRecord + this.#size - 1
  }

  add(record: IndexedRecord): void {
    if (this.#size === this.#kinds.length) this.#grow()
    const at = this.#size
    assert(record.byteStart === this.#startOf(at), 'a gap between two records')
    assert(record.line < UINT32 && record.rawOffset < UINT32, 'a chunk beyond 4 GiB')
    this.#kinds[at] = record.kind
    this.#faults[at] = record.faults
    this.#lines[at] = record.line
    this.#ends[at] = record.byteEnd
    this.#rawOffsets[at] = record.rawOffset
    this.#rawBytes[at] = record.rawBytes
    this.#size += 1
  }

  kindOf(record: number): Kind {
    return this.#kinds[record - this.firstRecord] as Kind
  }

  read(record: number): IndexedRecord {
    const at = record - this.firstRecord
    return {
      kind: this.#kinds[at] as Kind,
      faults: this.#faults[at] as number,
      line: this.#lines[at] as number,
      byteStart: this.#startOf(at),
      byteEnd: this.#ends[at] as number,
      rawOffset: this.#rawOffsets[at] as number,
      rawBytes: this.#rawBytes[at] as number,
    }
  }

  #startOf(at: number): number {
    return at === 0 ? this.#byteStart : (this.#ends[at - 1] as number)
  }

  #grow(): void {
    const larger = <A extends Uint8Array | Uint16Array | Uint32Array | Float64Array>(
      from: A,
      to: A,
    ): A => {
      to.set(from)
      return to
    }
    const capacity = Math.min(CHUNK_RECORDS_MAX, this.#size * 2)
    this.#kinds = larger(this.#kinds, new Uint8Array(capacity))
    this.#faults = larger(this.#faults, new Uint16Array(capacity))
    this.#lines = larger(this.#lines, new Uint32Array(capacity))
    this.#ends = larger(this.#ends, new Float64Array(capacity))
    this.#rawOffsets = larger(this.#rawOffsets, new Uint32Array(capacity))
    this.#rawBytes = larger(this.#rawBytes, new Uint32Array(capacity))
  }
}
