/** What is read of a file for a sample: each byte once, and no more than the limit of the request. */
import type { RangedFile } from './contract.ts'

/** More would have to be read than the request allows. */
export class ReadLimit extends Error {
  readonly wantedBytes: number

  constructor(wantedBytes: number) {
    super('the limit of bytes that are read')
    this.wantedBytes = wantedBytes
  }
}

interface Held {
  readonly from: number
  readonly to: number
  readonly bytes: Buffer
}

/** A file whose ranges are kept once they were read: at most `readBytesMax` bytes. */
export class HeldRanges {
  readonly #file: RangedFile
  readonly #readBytesMax: number
  /** the newest first */
  readonly #held: Held[] = []
  #readBytes = 0
  #fault: unknown

  constructor(file: RangedFile, readBytesMax: number) {
    this.#file = file
    this.#readBytesMax = readBytesMax
  }

  get sizeBytes(): number {
    return this.#file.sizeBytes
  }

  get readBytes(): number {
    return this.#readBytes
  }

  /** what the file threw, for readers in between that do not pass it on */
  get fault(): unknown {
    return this.#fault
  }

  get leftBytes(): number {
    return this.#readBytesMax - this.#readBytes
  }

  /** Whether these bytes cost nothing any more. */
  isHeld(from: number, to: number): boolean {
    return this.#held.some((one) => one.from <= from && to <= one.to)
  }

  /** Bytes `[from, to)`, fewer at the end of the file. Throws ReadLimit before it reads too much. */
  async read(from: number, to: number): Promise<Buffer> {
    const end = Math.min(to, this.sizeBytes)
    const start = Math.min(Math.max(0, from), Math.max(end, 0))
    const held = this.#held.find((one) => one.from <= start && end <= one.to)
    if (held !== undefined) return held.bytes.subarray(start - held.from, end - held.from)
    if (end - start > this.leftBytes) throw new ReadLimit(end - start)
    const bytes = await this.#read(start, end)
    this.#readBytes += bytes.length
    this.#held.unshift({ from: start, to: start + bytes.length, bytes })
    return bytes
  }

  async #read(from: number, to: number): Promise<Buffer> {
    try {
      return await this.#file.read(from, to)
    } catch (error) {
      this.#fault = error
      throw error
    }
  }
}
