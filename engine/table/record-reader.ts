/**
 * Decompressed bytes as records: where each starts and ends, and what is wrong with it as a whole.
 *
 * Windows of bytes go in, records come out through `accept`, in order; a record that is not
 * complete waits for the next window. Between records nothing is lost: each starts where the one
 * before it ended. Memory: one window plus at most RECORD_BYTES_MAX. Cost: native searches for the
 * few bytes that matter; only records with a quote byte are read byte by byte.
 */
import { codingOf, decodeBytes } from './encoding.ts'
import type { ByteTable, Coding, WindowDecoder } from './encoding.ts'
import { RECORD_BYTES_MAX } from './grammar.ts'
import { EncodingWitness, type OtherEncoding } from './other-encoding.ts'
import { fieldText, plainFields, readQuoted, type QuotedRecord } from './quoted.ts'
import type { FieldRange } from './quoted.ts'
import { isTable } from './table-format.ts'
import type { ParseSpec } from './spec.ts'

const LF = 0x0a
const CR = 0x0d
const QUOTE = 0x22
const BOM = Buffer.from([0xef, 0xbb, 0xbf])

/** A file without LF in its first 64 KiB, but with a CR, has records that end with CR. */
const NEWLINE_PROBE_BYTES = 64 * 1024
/** Of a record over RECORD_BYTES_MAX only this much is kept. */
const LONG_SAMPLE_BYTES = 64 * 1024

/** Faults of a record as a whole, as bits. */
export const FAULT = {
  nul: 1,
  encoding: 2,
  stray: 4,
  long: 8,
  quote: 16,
  header: 32,
  /** fixed: fewer bytes than every record has */
  short: 64,
  /** fixed: bytes after the last column */
  beyond: 128,
  /** jsonl: no object, or a member that no column can hold */
  json: 256,
} as const

/** The fields of a record that was read field by field. */
export interface SplitFields {
  readonly bytes: Buffer
  /** in file order */
  readonly ranges: readonly FieldRange[]
}

/** Text is UTF-8, whatever the file is in; of a record with a fault of encoding it is as it was. */
export interface RawRecord {
  /** text without line end (and without a byte order mark): `bytes[start, end)`, valid in `accept` */
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
  /** range in the decompressed file (not decoded), line end included, end exclusive */
  readonly byteStart: number
  readonly byteEnd: number
  /** 1-based number of its first line */
  readonly line: number
  /** bits of FAULT; 0 for a sound record */
  readonly faults: number
  /** present when the record has a quoted field, or is of a format without delimiters */
  readonly fields: SplitFields | null
}

/** The texts of a sound record's fields. */
export function recordFields(
  record: Pick<RawRecord, 'bytes' | 'start' | 'end' | 'fields'>,
  delimiter: string,
): string[] {
  const { bytes, start, end, fields } = record
  if (fields === null) return plainFields(bytes.subarray(start, end), delimiter)
  return fields.ranges.map((field) => fieldText(fields.bytes, field))
}

/** A record as it was found in a window: all positions are those of the window. */
interface FoundRecord {
  readonly at: number
  readonly next: number
  readonly start: number
  readonly end: number
  readonly faults: number
  readonly ranges: readonly FieldRange[] | null
}

/** A record of a single-byte encoding in UTF-8; null when one of its bytes stands for nothing. */
function decodeRecord(
  found: { bytes: Buffer; start: number; ranges: readonly FieldRange[] | null },
  table: ByteTable,
): Pick<RawRecord, 'bytes' | 'start' | 'end' | 'fields'> | null {
  const { start, ranges } = found
  const marks = ranges?.flatMap((range) => [range.start - start, range.end - start])
  const decoded = decodeBytes(found.bytes, table, marks)
  if (decoded === null) return null
  const { bytes } = decoded
  const moved = ranges?.map(({ doubled }, at) => ({
    start: decoded.marks[at * 2] as number,
    end: decoded.marks[at * 2 + 1] as number,
    doubled,
  }))
  const fields = moved === undefined ? null : { bytes, ranges: moved }
  return { bytes, start: 0, end: bytes.length, fields }
}

/** A position that only moves forward, of the next byte with some value. */
class NextByte {
  readonly #value: number
  #bytes: Buffer = Buffer.alloc(0)
  #found = -1

  constructor(value: number) {
    this.#value = value
  }
  reset(bytes: Buffer): void {
    this.#bytes = bytes
    this.#found = -1
  }
  /** index of the first such byte at or after `from`, or past the end */
  from(from: number): number {
    if (this.#found < from) {
      const found = this.#bytes.indexOf(this.#value, from)
      this.#found = found < 0 ? this.#bytes.length : found
    }
    return this.#found
  }
}

/** What decides where records end, and what counts as a line: of a table, each record. */
export type RecordSyntax = Pick<ParseSpec, 'dialect' | 'encoding' | 'format'>

/** One file: `push` its windows in order, then `end`. */
export class RecordReader {
  readonly #accept: (record: RawRecord) => void
  readonly #coding: Coding
  readonly #decoder: WindowDecoder | null
  readonly #witness: EncodingWitness
  readonly #delimiter: number
  readonly #quotes: boolean
  readonly #countsRecords: boolean
  #newline: number | null = null
  /** the last window and what of the one before was not complete; taken again for the next */
  #window: Buffer = Buffer.alloc(0)
  #pending: Buffer = Buffer.alloc(0)
  /** where the next record starts in the file, not decoded */
  #offset = 0
  #line = 1
  #long: { start: number; sample: Buffer } | null = null
  readonly #nextNul = new NextByte(0)
  readonly #nextQuote = new NextByte(QUOTE)
  #nextStray = new NextByte(CR)
  #clean = true
  #bytes: Buffer = Buffer.alloc(0)

  constructor({ dialect, encoding, format }: RecordSyntax, accept: (record: RawRecord) => void) {
    this.#accept = accept
    this.#coding = codingOf(encoding)
    this.#decoder = this.#coding.windows()
    this.#witness = new EncodingWitness(encoding)
    this.#delimiter = dialect.delimiter.charCodeAt(0)
    this.#quotes = dialect.quoteChar !== null
    this.#countsRecords = format !== undefined && isTable({ format })
  }

  /** Whether what was read so far looks like another encoding. */
  get otherEncoding(): OtherEncoding | null {
    return this.#witness.other
  }

  /** Takes the next window of the file. */
  push(window: Buffer): void {
    this.#take(this.#decoder?.decode(window) ?? window)
  }

  #take(window: Buffer): void {
    const bytes = this.#joined(window)
    if (this.#newline === null && bytes.length < NEWLINE_PROBE_BYTES) this.#pending = bytes
    else this.#read(bytes, false)
  }

  /** What waits and then the window. V8 is slow to give back buffers: a new one a window adds 60 MB. */
  #joined(window: Buffer): Buffer {
    const waiting = this.#pending.length
    const size = waiting + window.length
    const into =
      size <= this.#window.length ? this.#window : Buffer.allocUnsafe(size + window.length)
    this.#pending.copy(into)
    window.copy(into, waiting)
    this.#window = into
    return into.subarray(0, size)
  }

  /** The file has ended: what waits is the last record. */
  end(): void {
    if (this.#decoder !== null) this.#take(this.#decoder.end())
    this.#read(this.#pending, true)
  }

  /** What was pushed is only the beginning of a file: what waits is given up, but for whole records. */
  cut(): void {
    this.#read(this.#pending, false)
  }

  #read(bytes: Buffer, isLast: boolean): void {
    const newline = (this.#newline ??= this.#probe(bytes))
    this.#bytes = bytes
    for (const next of [this.#nextNul, this.#nextQuote, this.#nextStray]) next.reset(bytes)
    this.#clean = this.#coding.isClean(
      isLast ? bytes : bytes.subarray(0, bytes.lastIndexOf(newline) + 1),
    )
    let at = 0
    if (this.#long !== null) at = this.#skip(isLast)
    while (at < bytes.length) {
      const next = this.#one(at, newline, isLast)
      if (next === null) break
      at = next
    }
    this.#pending = bytes.subarray(at)
    if (this.#pending.length > RECORD_BYTES_MAX) this.#startLong()
  }

  #probe(bytes: Buffer): number {
    const probe = bytes.subarray(0, NEWLINE_PROBE_BYTES)
    const newline = probe.indexOf(LF) < 0 && probe.subarray(0, -1).indexOf(CR) >= 0 ? CR : LF
    this.#nextStray = new NextByte(newline === LF ? CR : LF)
    return newline
  }

  /** Reads the record at `at` and returns where the next begins; null when it is not complete. */
  #one(at: number, newline: number, isLast: boolean): number | null {
    const bytes = this.#bytes
    const found = bytes.indexOf(newline, at)
    if (found < 0 && !isLast) return null
    const lineEnd = found < 0 ? bytes.length : found
    const hasMark = this.#offset === 0 && bytes.subarray(0, 3).equals(BOM)
    if (hasMark) this.#witness.mark()
    const start = hasMark ? 3 : at
    if (this.#quotes && this.#nextQuote.from(start) < lineEnd && lineEnd - at <= RECORD_BYTES_MAX) {
      const record = readQuoted(bytes, start, { delimiter: this.#delimiter, newline, isLast })
      if (record.kind === 'partial' && bytes.length - at <= RECORD_BYTES_MAX) return null
      if (record.kind === 'record' && record.next - at <= RECORD_BYTES_MAX) {
        return this.#sound(at, start, record)
      }
      return this.#plain(at, { start, lineEnd, faults: FAULT.quote })
    }
    return this.#plain(at, { start, lineEnd, faults: 0 })
  }

  #plain(at: number, line: { start: number; lineEnd: number; faults: number }): number {
    const { start, lineEnd } = line
    const bytes = this.#bytes
    const next = Math.min(lineEnd + 1, bytes.length)
    const cut = this.#newline === LF && lineEnd > start && bytes[lineEnd - 1] === CR ? 1 : 0
    const end = lineEnd - cut
    const isLong = next - at > RECORD_BYTES_MAX
    const stray = this.#nextStray.from(start) < end ? FAULT.stray : 0
    const faults = isLong ? FAULT.long : line.faults | stray | this.#byteFaults(start, end)
    const kept = isLong ? Math.min(end, at + LONG_SAMPLE_BYTES) : end
    this.#emit({ at, next, start, end: kept, faults, ranges: null })
    this.#line += 1
    return next
  }

  #sound(at: number, start: number, record: Extract<QuotedRecord, { kind: 'record' }>): number {
    const { end, next } = record
    const faults = (record.stray ? FAULT.stray : 0) | this.#byteFaults(start, end)
    this.#emit({ at, next, start, end, faults, ranges: record.fields })
    this.#line += this.#countsRecords ? 1 : record.lines
    return next
  }

  #byteFaults(start: number, end: number): number {
    const nul = this.#nextNul.from(start) < end ? FAULT.nul : 0
    if (this.#clean || this.#coding.isClean(this.#bytes.subarray(start, end))) return nul
    return nul | FAULT.encoding
  }

  #emit({ at, next, start, end, faults, ranges }: FoundRecord): void {
    const bytes = this.#bytes
    const byteStart = this.#offset
    this.#offset += this.#coding.sourceBytes(bytes, at, next)
    const position = { byteStart, byteEnd: this.#offset, line: this.#line }
    const { table } = this.#coding
    const isOpen = (faults & (FAULT.encoding | FAULT.long)) === FAULT.encoding
    if (isOpen) this.#witness.look(bytes.subarray(start, end), this.#line)
    const decoded =
      table === null || !isOpen
        ? null
        : decodeRecord({ bytes: bytes.subarray(start, end), start, ranges }, table)
    if (decoded === null) {
      const fields = ranges === null ? null : { bytes, ranges }
      this.#accept({ bytes, start, end, ...position, faults, fields })
    } else this.#accept({ ...decoded, ...position, faults: faults & ~FAULT.encoding })
  }

  /** A record with no end in sight: keeps its beginning and drops the rest as it comes. */
  #startLong(): void {
    const sample = Buffer.from(this.#pending.subarray(0, LONG_SAMPLE_BYTES))
    this.#long = { start: this.#offset, sample }
    this.#offset += this.#coding.sourceBytes(this.#pending, 0, this.#pending.length)
    this.#pending = Buffer.alloc(0)
  }

  /** Looks for the end of the record with no end in sight; returns where the next may begin. */
  #skip(isLast: boolean): number {
    const { start, sample } = this.#long as { start: number; sample: Buffer }
    const found = this.#bytes.indexOf(this.#newline as number)
    const next = found < 0 ? this.#bytes.length : found + 1
    this.#offset += this.#coding.sourceBytes(this.#bytes, 0, next)
    if (found < 0 && !isLast) return next
    this.#long = null
    this.#accept({
      bytes: sample,
      start: start === 0 && sample.subarray(0, 3).equals(BOM) ? 3 : 0,
      end: sample.length,
      byteStart: start,
      byteEnd: this.#offset,
      line: this.#line,
      faults: FAULT.long,
      fields: null,
    })
    this.#line += 1
    return next
  }
}
