/** The content of a file from its first byte on, as far as it was read: all of it is in memory. */
import type { CountedFile } from './counted-file.ts'

/** How the content ended: at its own end, at a limit, or where it is damaged. */
export type ContentEnd = 'whole' | 'limit' | 'damaged'

export interface ContentSource {
  /** undefined: not known before it ended */
  readonly sizeBytes: number | undefined
  /** from the first byte on, until the end */
  readonly windows: () => AsyncGenerator<Buffer>
  /** once `windows` ended */
  readonly end: () => ContentEnd
}

export const HEAD_BYTES = 64 * 1024

/** A file that is not packed. */
export function plainContent(file: CountedFile): ContentSource {
  return {
    sizeBytes: file.sizeBytes,
    windows: () => file.windows(),
    end: () => (file.leftBytes > 0 ? 'whole' : 'limit'),
  }
}

/** What was read of a content so far. Memory: twice that. */
export class Prefix {
  readonly #source: ContentSource
  readonly #windows: AsyncGenerator<Buffer>
  #room: Buffer = Buffer.alloc(0)
  #size = 0
  #hasEnded = false

  constructor(source: ContentSource) {
    this.#source = source
    this.#windows = source.windows()
  }

  get bytes(): Buffer {
    return this.#room.subarray(0, this.#size)
  }
  get head(): Buffer {
    return this.#room.subarray(0, Math.min(this.#size, HEAD_BYTES))
  }
  /** null: more may come */
  get end(): ContentEnd | null {
    if (this.#size === this.#source.sizeBytes) return 'whole'
    return this.#hasEnded ? this.#source.end() : null
  }

  /** The next window, which is then part of the bytes; null: there is none. */
  async grow(): Promise<Buffer | null> {
    if (this.end !== null) return null
    const next = await this.#windows.next()
    if (next.done === true) {
      this.#hasEnded = true
      return null
    }
    this.#append(next.value)
    return next.value
  }

  /** Reads on until so many bytes are there, or the end. */
  async fill(count: number): Promise<void> {
    while (this.#size < count && (await this.grow()) !== null);
  }

  /** All of it, what was read before as well. */
  async *stream(): AsyncGenerator<Buffer> {
    if (this.#size > 0) yield this.bytes
    for (let next = await this.grow(); next !== null; next = await this.grow()) yield next
  }

  /** Nothing more is wanted. */
  async close(): Promise<void> {
    await this.#windows.return(undefined)
  }

  #append(window: Buffer): void {
    const size = this.#size + window.length
    if (this.#size === 0) this.#room = window
    else if (size > this.#room.length) {
      const room = Buffer.allocUnsafe(Math.max(size, this.#room.length * 2))
      this.bytes.copy(room)
      this.#room = room
    }
    window.copy(this.#room, this.#size)
    this.#size = size
  }
}
