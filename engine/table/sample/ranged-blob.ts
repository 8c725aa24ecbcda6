/** What parquet-wasm takes for a file, where the file is read by ranges. */
import type { HeldRanges } from './held-ranges.ts'

/** A Blob whose bytes are read when they are asked for. */
export class RangedBlob extends Blob {
  declare readonly size: number
  readonly #ranges: HeldRanges
  readonly #from: number

  constructor(ranges: HeldRanges, from = 0, to = ranges.sizeBytes) {
    super([])
    this.#ranges = ranges
    this.#from = from
    Object.defineProperty(this, 'size', { value: Math.max(0, to - from) })
  }

  override slice(start = 0, end = this.size): Blob {
    const place = (at: number): number =>
      this.#from + Math.min(this.size, Math.max(0, at < 0 ? this.size + at : at))
    return new RangedBlob(this.#ranges, place(start), place(end))
  }

  override async arrayBuffer(): Promise<ArrayBuffer> {
    return new Uint8Array(await this.#ranges.read(this.#from, this.#from + this.size)).buffer
  }
}
