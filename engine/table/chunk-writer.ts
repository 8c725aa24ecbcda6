/**
 * Chunk files: what the landing pass hands to DuckDB, cut at record ends by content offset.
 *
 * A line of a chunk file is `<record number><d><record><d><sentinel>\n`, `d` being the dialect's
 * own delimiter, so that a record that was not split is copied as it is. The sentinel makes
 * the field count exact (DuckDB forgives trailing empty fields) and says whether the record holds
 * escape sequences: `~` none; `^` the delimiter, LF, CR and ESC inside fields are written as ESC
 * and a digit, which the SQL turns back. So DuckDB never meets a quote with a meaning.
 *
 * Where a chunk ends depends on the content alone: at the first record at or past the next
 * multiple of `chunkBytes`, and after CHUNK_RECORDS_MAX records.
 */
import { mkdir, open, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { assert } from '../core/errors.ts'
import { CHUNK_RECORDS_MAX, KIND, RecordIndex, type Kind } from './record-index.ts'
import type { RawRecord, SplitFields } from './record-reader.ts'
import { ESCAPE, ESCAPED_LINE_FACTOR, sentinels, type Sentinels } from './chunk-syntax.ts'

/** One chunk, complete on disk. */
export interface Chunk {
  /** position in the submission, from 0 */
  readonly number: number
  /** position of its file in the submission, from 0 */
  readonly fileIndex: number
  readonly index: RecordIndex
  /** lines for DuckDB */
  readonly path: string
  /** raw text of split and rejected records, end to end */
  readonly rawPath: string
  /** data records in `path` */
  readonly records: number
  readonly hasEscapes: boolean
  /** identifies the content of `path` and `rawPath` for a resumed parse */
  readonly seal: string
}

const QUOTE = 0x22
const LF = 0x0a
const CR = 0x0d
const ESCAPE_BYTE = ESCAPE.charCodeAt(0)

/** Bytes that collect in memory until `drain` writes them. */
class Outlet {
  readonly path: string
  #file: FileHandle | null = null
  #buffer: Buffer
  #used = 0
  #written = 0
  #crc = 0

  constructor(path: string, buffer: Buffer) {
    this.path = path
    this.#buffer = buffer
  }
  /** bytes taken so far */
  get size(): number {
    return this.#written + this.#used
  }
  get crc(): number {
    return this.#crc
  }
  /** Makes room and returns the buffer; `used` is where to write. */
  reserve(sizeBytes: number): Buffer {
    const needed = this.#used + sizeBytes
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2))
      this.#buffer.copy(larger, 0, 0, this.#used)
      this.#buffer = larger
    }
    return this.#buffer
  }
  get used(): number {
    return this.#used
  }
  advance(to: number): void {
    this.#used = to
  }
  async drain(): Promise<void> {
    this.#file ??= await open(this.path, 'w')
    const bytes = this.#buffer.subarray(0, this.#used)
    this.#crc = crc32(bytes, this.#crc)
    for (let at = 0; at < bytes.length;) {
      at += (await this.#file.write(bytes, at, bytes.length - at)).bytesWritten
    }
    this.#written += this.#used
    this.#used = 0
  }
  async close(): Promise<void> {
    await this.#file?.close()
    this.#file = null
  }
  /** Its buffer for another; nothing is taken after this. */
  release(): Buffer {
    return this.#buffer
  }
}

interface OpenChunk {
  readonly number: number
  readonly fileIndex: number
  readonly index: RecordIndex
  readonly lines: Outlet
  readonly raw: Outlet
  records: number
  hasEscapes: boolean
  /** multiple of chunkBytes at which it ends */
  readonly until: number
}

export interface ChunkWriterOptions {
  readonly folder: string
  readonly chunkBytes: number
  /** at most CHUNK_RECORDS_MAX, which is the default */
  readonly chunkRecords?: number
  readonly delimiter: string
}

/** Takes the records of all files in order and writes chunk files. */
export class ChunkWriter {
  readonly #options: ChunkWriterOptions
  readonly #delimiter: number
  readonly #sentinels: Sentinels
  /** digit of each byte's escape sequence, -1 for a byte that stands for itself */
  readonly #codes = new Int8Array(256).fill(-1)
  #current: OpenChunk | null = null
  #full: OpenChunk[] = []
  #count = 0
  /** buffers of closed outlets: V8 is slow to give them back */
  readonly #spare: Buffer[] = []
  #recordsBefore = 0
  #hasFolder = false

  constructor(options: ChunkWriterOptions) {
    assert(options.chunkBytes >= 1, 'a chunk of no bytes')
    this.#options = options
    this.#delimiter = options.delimiter.charCodeAt(0)
    this.#sentinels = sentinels(options.delimiter)
    const escaped = [ESCAPE_BYTE, this.#delimiter, LF, CR]
    for (const [code, byte] of escaped.entries()) this.#codes[byte] = code
  }

  /** Takes one record. Nothing is written before `drain`. */
  add(record: RawRecord, options: { number: number; kind: Kind; fileIndex: number }): void {
    const chunk = this.#chunkFor(record, options)
    const { kind } = options
    const isData = kind === KIND.plain || kind === KIND.split
    const inChunkFile = kind === KIND.plain
    const keepsRaw = kind === KIND.split || kind === KIND.rejected
    let rawOffset = keepsRaw ? appendRaw(chunk.raw, record) : 0
    if (isData) {
      const lineStart = this.#line(chunk, record, options.number)
      if (inChunkFile) rawOffset = lineStart
    }
    const { faults, line, byteStart, byteEnd, start, end } = record
    const rawBytes = end - start
    chunk.index.add({ kind, faults, line, byteStart, byteEnd, rawOffset, rawBytes })
  }

  #chunkFor(record: RawRecord, { number, fileIndex }: { number: number; fileIndex: number }) {
    const { chunkBytes, chunkRecords = CHUNK_RECORDS_MAX, folder } = this.#options
    const current = this.#current
    const isFull =
      current !== null && (record.byteStart >= current.until || current.index.size === chunkRecords)
    if (isFull) this.cut()
    if (this.#current !== null) return this.#current
    const name = String(this.#count).padStart(5, '0')
    const chunk: OpenChunk = {
      number: this.#count,
      fileIndex,
      index: new RecordIndex(number, record.byteStart, this.#recordsBefore),
      lines: new Outlet(join(folder, `chunk-${name}.txt`), this.#buffer()),
      raw: new Outlet(join(folder, `chunk-${name}.raw`), this.#buffer()),
      records: 0,
      hasEscapes: false,
      until: (Math.floor(record.byteStart / chunkBytes) + 1) * chunkBytes,
    }
    this.#count += 1
    this.#current = chunk
    return chunk
  }

  #buffer(): Buffer {
    return this.#spare.pop() ?? Buffer.allocUnsafe(64 * 1024)
  }

  /** Ends the current chunk: at the end of a file, where the next has columns of its own. */
  cut(): void {
    if (this.#current === null) return
    this.#recordsBefore = this.#current.index.size
    this.#full.push(this.#current)
    this.#current = null
  }

  /** Writes what has collected; yields the chunks that are complete now, in order, one by one. */
  async *drain(): AsyncGenerator<Chunk> {
    if (!this.#hasFolder) await mkdir(this.#options.folder, { recursive: true })
    this.#hasFolder = true
    for (let full = this.#full[0]; full !== undefined; full = this.#full[0]) {
      await writeOut(full)
      await full.lines.close()
      await full.raw.close()
      this.#spare.push(full.lines.release(), full.raw.release())
      this.#full.shift()
      yield sealed(full)
    }
    if (this.#current !== null) await writeOut(this.#current)
  }

  /** Gives up: closes what is open and removes it. */
  async discard(): Promise<void> {
    for (const { lines, raw } of [...this.#full, ...(this.#current ? [this.#current] : [])]) {
      await lines.close()
      await raw.close()
      await rm(lines.path, { force: true })
      await rm(raw.path, { force: true })
    }
    this.#full = []
    this.#current = null
  }

  /** Writes the line of a data record; returns the offset of the record's own text in the file. */
  #line(chunk: OpenChunk, record: RawRecord, number: number): number {
    const { lines } = chunk
    const { bytes, start, end, fields } = record
    // beside the record: a number of at most 10 digits and four bytes
    const textBytes = fields === null ? end - start : splitBytes(fields)
    const out = lines.reserve(textBytes * ESCAPED_LINE_FACTOR + 32)
    let at = lines.used
    at += out.write(String(number), at, 'latin1')
    out[at++] = this.#delimiter
    const textOffset = lines.size + (at - lines.used)
    let escapes = 0
    if (fields === null) {
      at += bytes.copy(out, at, start, end)
    } else {
      const fieldsEnd = this.#escapeFields(fields, out, at)
      at = fieldsEnd.at
      escapes = fieldsEnd.escapes
    }
    const { plain, escaped } = this.#sentinels
    if (escapes > 0) chunk.hasEscapes = true
    out[at++] = this.#delimiter
    out[at++] = (escapes > 0 ? escaped : plain).charCodeAt(0)
    out[at++] = LF
    lines.advance(at)
    chunk.records += 1
    return textOffset
  }

  #escapeFields(
    { bytes, ranges }: SplitFields,
    out: Buffer,
    from: number,
  ): { at: number; escapes: number } {
    const codes = this.#codes
    let at = from
    let escapes = 0
    for (const [index, field] of ranges.entries()) {
      if (index > 0) out[at++] = this.#delimiter
      for (let read = field.start; read < field.end; read += 1) {
        const byte = bytes[read] as number
        const code = codes[byte] as number
        if (code >= 0) {
          out[at++] = ESCAPE_BYTE
          escapes += 1
        }
        out[at++] = code >= 0 ? 0x30 + code : byte
        // the second of a doubled quote
        if (field.doubled && byte === QUOTE) read += 1
      }
    }
    return { at, escapes }
  }
}

/** Bytes of the fields and of a delimiter after each. */
const splitBytes = ({ ranges }: SplitFields): number =>
  ranges.reduce((sum, { start, end }) => sum + end - start + 1, 0)

async function writeOut({ lines, raw }: OpenChunk): Promise<void> {
  await lines.drain()
  await raw.drain()
}

function sealed({ lines, raw, until: _, ...chunk }: OpenChunk): Chunk {
  const seal = [lines.size, lines.crc, raw.size, raw.crc, chunk.index.size].join('-')
  return { ...chunk, path: lines.path, rawPath: raw.path, seal }
}

function appendRaw(raw: Outlet, { bytes, start, end }: RawRecord): number {
  const out = raw.reserve(end - start)
  const offset = raw.size
  raw.advance(raw.used + bytes.copy(out, raw.used, start, end))
  return offset
}
