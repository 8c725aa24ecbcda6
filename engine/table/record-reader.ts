/**
 * Decompressed bytes as records: where each starts and ends, and what is wrong with it as a whole.
 *
 * Windows of bytes go in, records come out through `accept`, in order; a record that is not
 * complete waits for the next window. Between records nothing is lost: each starts where the one
 * before it ended. Memory: one window plus at most RECORD_BYTES_MAX. Cost: native searches for the
 * few bytes that matter; only records with a quote byte are read byte by byte.
 */
import { isUtf8 } from 'node:buffer'
import { RECORD_BYTES_MAX } from './grammar.ts'
import { fieldText, plainFields, readQuoted, type QuotedRecord } from './quoted.ts'
import type { Dialect } from './spec.ts'

const LF = 0x0a
const CR = 0x0d
const QUOTE = 0x22
const BOM = Buffer.from([0xef, 0xbb, 0xbf])

/** A file without LF in its first 64 KiB, but with a CR, has records that end with CR. */
const NEWLINE_PROBE_BYTES = 64 * 1024
/** Of a record over RECORD_BYTES_MAX only this much is kept. */
const LONG_SAMPLE_BYTES = 64 * 1024

/** Faults of a record as a whole, as bits. */
export const FAULT = { nul: 1, encoding: 2, stray: 4, long: 8, quote: 16, header: 32 } as const

export interface RawRecord {
  /** text without line end (and without a byte order mark): `bytes[start, end)` */
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
  /** range in the decompressed file, line end included, end exclusive */
  readonly byteStart: number
  readonly byteEnd: number
  /** 1-based number of its first line */
  readonly line: number
  /** bits of FAULT; 0 for a sound record */
  readonly faults: number
  /** present when the record has a quoted field */
  readonly quoted: Extract<QuotedRecord, { kind: 'record' }> | null
}

/** The texts of a sound record's fields. */
export function recordFields(record: RawRecord, delimiter: string): string[] {
  const { bytes, start, end, quoted } = record
  if (quoted === null) return plainFields(bytes.subarray(start, end), delimiter)
  return quoted.fields.map((field) => fieldText(bytes, field))
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

/** One file: `push` its windows in order, then `end`. */
export class RecordReader {
  readonly #accept: (record: RawRecord) => void
  readonly #delimiter: number
  readonly #quotes: boolean
  #newline: number | null = null
  #pending: Buffer = Buffer.alloc(0)
  /** offset of #pending[0] in the file */
  #offset = 0
  #line = 1
  #long: { start: number; sample: Buffer } | null = null
  readonly #nextNul = new NextByte(0)
  readonly #nextQuote = new NextByte(QUOTE)
  #nextStray = new NextByte(CR)
  #utf8 = true
  #bytes: Buffer = Buffer.alloc(0)

  constructor(dialect: Dialect, accept: (record: RawRecord) => void) {
    this.#accept = accept
    this.#delimiter = dialect.delimiter.charCodeAt(0)
    this.#quotes = dialect.quoteChar !== null
  }

  /** Takes the next window of the file. */
  push(window: Buffer): void {
    const bytes = this.#pending.length === 0 ? window : Buffer.concat([this.#pending, window])
    if (this.#newline === null && bytes.length < NEWLINE_PROBE_BYTES) this.#pending = bytes
    else this.#read(bytes, false)
  }

  /** The file has ended: what waits is the last record. */
  end(): void {
    this.#read(this.#pending, true)
  }

  #read(bytes: Buffer, isLast: boolean): void {
    const newline = (this.#newline ??= this.#probe(bytes))
    this.#bytes = bytes
    for (const next of [this.#nextNul, this.#nextQuote, this.#nextStray]) next.reset(bytes)
    this.#utf8 = isUtf8(isLast ? bytes : bytes.subarray(0, bytes.lastIndexOf(newline) + 1))
    let at = 0
    if (this.#long !== null) at = this.#skip(isLast)
    while (at < bytes.length) {
      const next = this.#one(at, newline, isLast)
      if (next === null) break
      at = next
    }
    this.#pending = bytes.subarray(at)
    this.#offset += at
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
    const start = this.#offset + at === 0 && bytes.subarray(0, 3).equals(BOM) ? 3 : at
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
    this.#emit({ at, next, start, end: kept, faults, quoted: null })
    this.#line += 1
    return next
  }

  #sound(at: number, start: number, record: Extract<QuotedRecord, { kind: 'record' }>): number {
    const { end, next } = record
    const faults = (record.stray ? FAULT.stray : 0) | this.#byteFaults(start, end)
    this.#emit({ at, next, start, end, faults, quoted: record })
    this.#line += record.lines
    return next
  }

  #byteFaults(start: number, end: number): number {
    const nul = this.#nextNul.from(start) < end ? FAULT.nul : 0
    if (this.#utf8 || isUtf8(this.#bytes.subarray(start, end))) return nul
    return nul | FAULT.encoding
  }

  #emit(record: {
    at: number
    next: number
    start: number
    end: number
    faults: number
    quoted: RawRecord['quoted']
  }): void {
    this.#accept({
      bytes: this.#bytes,
      start: record.start,
      end: record.end,
      byteStart: this.#offset + record.at,
      byteEnd: this.#offset + record.next,
      line: this.#line,
      faults: record.faults,
      quoted: record.quoted,
    })
  }

  /** A record with no end in sight: keeps its beginning and drops the rest as it comes. */
  #startLong(): void {
    const sample = Buffer.from(this.#pending.subarray(0, LONG_SAMPLE_BYTES))
    this.#long = { start: this.#offset, sample }
    this.#offset += this.#pending.length
    this.#pending = Buffer.alloc(0)
  }

  /** Looks for the end of the record with no end in sight; returns where the next may begin. */
  #skip(isLast: boolean): number {
    const { start, sample } = this.#long as { start: number; sample: Buffer }
    const found = this.#bytes.indexOf(this.#newline as number)
    if (found < 0 && !isLast) return this.#bytes.length
    const next = found < 0 ? this.#bytes.length : found + 1
    this.#long = null
    this.#accept({
      bytes: sample,
      start: start === 0 && sample.subarray(0, 3).equals(BOM) ? 3 : 0,
      end: sample.length,
      byteStart: start,
      byteEnd: this.#offset + next,
      line: this.#line,
      faults: FAULT.long,
      quoted: null,
    })
    this.#line += 1
    return next
  }
}
