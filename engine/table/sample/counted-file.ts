/** A file of which no more is read than a sample may cost. */
import type { RangedFile } from './contract.ts'

/** The first look is small, because most files are; then each is twice the one before. */
const FIRST_BYTES = 64 * 1024
const WINDOW_BYTES_MAX = 256 * 1024

/** Counts what is read of a file and stops at the limit. */
export class CountedFile implements RangedFile {
  readonly name: string
  readonly sizeBytes: number
  readonly modifiedAt: string | undefined
  readonly readBytesMax: number
  readonly #file: RangedFile
  #readBytes = 0
  /** what the first read from the beginning gave: format after format looks at it */
  #first: Buffer = Buffer.alloc(0)

  constructor(file: RangedFile, readBytesMax: number) {
    this.#file = file
    this.name = file.name
    this.sizeBytes = file.sizeBytes
    this.modifiedAt = file.modifiedAt
    this.readBytesMax = readBytesMax
  }

  get readBytes(): number {
    return this.#readBytes
  }
  get leftBytes(): number {
    return this.readBytesMax - this.#readBytes
  }

  /** Bytes `[from, to)`: fewer at the end of the file, and where the limit is reached. */
  async read(from: number, to: number): Promise<Buffer> {
    if (to <= this.#first.length) return this.#first.subarray(from, to)
    const end = Math.min(to, this.sizeBytes, from + this.leftBytes)
    if (end <= from) return Buffer.alloc(0)
    const bytes = await this.#file.read(from, end)
    this.#readBytes += bytes.length
    if (from === 0 && this.#first.length === 0) this.#first = bytes
    return bytes
  }

  /** The file from its first byte on, to its end or the limit. */
  async *windows(): AsyncGenerator<Buffer> {
    let [at, sizeBytes] = [0, FIRST_BYTES]
    while (at < this.sizeBytes) {
      const window = await this.read(at, Math.min(at + sizeBytes, this.sizeBytes))
      if (window.length === 0) return
      at += window.length
      yield window
      sizeBytes = Math.min(sizeBytes * 2, WINDOW_BYTES_MAX)
    }
  }
}
