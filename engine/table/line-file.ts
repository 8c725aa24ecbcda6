/** A JSON Lines file that is written as a stream and knows its size, digest and lines. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import type { Digest } from '../core/digest.ts'

export interface WrittenLines {
  readonly path: string
  readonly lines: number
  readonly sizeBytes: number
  readonly sha256: Digest
}

const BUFFER_BYTES = 1024 * 1024
const LF = 0x0a

/** Holds at most 1 MiB of lines in memory. */
export class LineFile {
  readonly #path: string
  readonly #file: FileHandle
  readonly #sum = createHash('sha256')
  #texts: string[] = []
  #buffered = 0
  #lines = 0
  #sizeBytes = 0

  private constructor(path: string, file: FileHandle) {
    this.#path = path
    this.#file = file
  }
  static async create(path: string): Promise<LineFile> {
    return new LineFile(path, await open(path, 'w'))
  }

  /** Adds one value as a line; the promise is only there to wait for the disk. */
  async add(value: object): Promise<void> {
    const text = `${JSON.stringify(value)}\n`
    this.#texts.push(text)
    this.#lines += 1
    this.#buffered += text.length
    if (this.#buffered >= BUFFER_BYTES) await this.#flush()
  }

  /** Adds the lines of another file, the first `linesMax` of them; returns how many. */
  async addFile(path: string, linesMax = Infinity): Promise<number> {
    await this.#flush()
    const before = this.#lines
    let left = linesMax
    const blocks: AsyncIterable<Buffer> = createReadStream(path, { highWaterMark: BUFFER_BYTES })
    for await (const block of blocks) {
      let end = 0
      for (let at = block.indexOf(LF); at >= 0 && left > 0; at = block.indexOf(LF, end)) {
        end = at + 1
        left -= 1
        this.#lines += 1
      }
      await this.#write(left > 0 ? block : block.subarray(0, end))
      if (left === 0) break
    }
    return this.#lines - before
  }

  async finish(): Promise<WrittenLines> {
    await this.#flush()
    await this.#file.close()
    return {
      path: this.#path,
      lines: this.#lines,
      sizeBytes: this.#sizeBytes,
      sha256: this.#sum.digest('hex') as Digest,
    }
  }

  /** Closes an unfinished file; harmless after `finish`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close()
  }

  async #flush(): Promise<void> {
    if (this.#texts.length === 0) return
    const bytes = Buffer.from(this.#texts.join(''))
    this.#texts = []
    this.#buffered = 0
    await this.#write(bytes)
  }

  async #write(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      at += (await this.#file.write(bytes, at, bytes.length - at)).bytesWritten
    }
    this.#sum.update(bytes)
    this.#sizeBytes += bytes.length
  }
}
