/** A ZIP archive that yauzl reads by ranges. */
import { Readable } from 'node:stream'
import yauzl from 'yauzl'
import type { HeldRanges } from './held-ranges.ts'

/** Of the directory: read at once, so that a store is not asked for each of its entries. */
const AHEAD_BYTES = 16 * 1024

/** Opens the archive. Throws what yauzl says, or ReadLimit. */
export function openZip(ranges: HeldRanges): Promise<yauzl.ZipFile> {
  return yauzl.fromRandomAccessReaderPromise(new ZipReader(ranges), ranges.sizeBytes, {
    autoClose: false,
  })
}

class ZipReader extends yauzl.RandomAccessReader {
  readonly #ranges: HeldRanges

  constructor(ranges: HeldRanges) {
    super()
    this.#ranges = ranges
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(this.#blocks(start, end))
  }

  async *#blocks(start: number, end: number): AsyncGenerator<Buffer> {
    yield await this.#ahead(start, end)
  }

  async #ahead(from: number, to: number): Promise<Buffer> {
    const most = Math.max(to, from + AHEAD_BYTES)
    const isCheap = most - from <= this.#ranges.leftBytes
    if (isCheap && !this.#ranges.isHeld(from, to)) await this.#ranges.read(from, most)
    return this.#ranges.read(from, to)
  }
}
