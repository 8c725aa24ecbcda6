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
const SPARE_FACTOR = 1.05
const UINT32 = 2 ** 32

/** Columns that grow by doubling; records are added in order of their numbers. */
export class RecordIndex {
  /** number of the first record of the chunk; they run on without a gap */
  readonly firstRecord: number
  #size = 0
  #kinds: Uint8Array
  #faults: Uint16Array
  #lines: Uint32Array
  /**
   * where each record starts, and after the last where it ends. The first start is here too and not
   * in a field: one that is a small integer in one index and a double in the next keeps V8 from
   * compiling `add`, which is a third of the landing pass then.
   */
  #bounds: Float64Array
  #rawOffsets: Uint32Array
  #rawBytes: Uint32Array

  /** `expected`: records of the chunk before; growing leaves as much behind again as it is large. */
  constructor(firstRecord: number, byteStart: number, expected = 0) {
    const capacity = Math.min(
      CHUNK_RECORDS_MAX,
      Math.max(FIRST_CAPACITY, Math.ceil(expected * SPARE_FACTOR)),
    )
    this.firstRecord = firstRecord
    this.#kinds = new Uint8Array(capacity)
    this.#faults = new Uint16Array(capacity)
    this.#lines = new Uint32Array(capacity)
    this.#bounds = new Float64Array(capacity + 1)
    this.#rawOffsets = new Uint32Array(capacity)
    this.#rawBytes = new Uint32Array(capacity)
    this.#bounds[0] = byteStart
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
    assert(record.byteStart === this.#bounds[at], 'a gap between two records')
    assert(record.line < UINT32 && record.rawOffset < UINT32, 'a chunk beyond 4 GiB')
    this.#kinds[at] = record.kind
    this.#faults[at] = record.faults
    this.#lines[at] = record.line
    this.#bounds[at + 1] = record.byteEnd
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
      byteStart: this.#bounds[at] as number,
      byteEnd: this.#bounds[at + 1] as number,
      rawOffset: this.#rawOffsets[at] as number,
      rawBytes: this.#rawBytes[at] as number,
    }
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
    this.#bounds = larger(this.#bounds, new Float64Array(capacity + 1))
    this.#rawOffsets = larger(this.#rawOffsets, new Uint32Array(capacity))
    this.#rawBytes = larger(this.#rawBytes, new Uint32Array(capacity))
  }
}
