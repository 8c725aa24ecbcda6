/**
 * What in a file speaks for another encoding than its layout's. The layout decides how bytes are
 * read; this is only said. Cost: one look at each record that is not ASCII, or not UTF-8.
 */
import { isUtf8 } from 'node:buffer'
import type { Encoding } from './spec.ts'

export interface OtherEncoding {
  readonly found: 'utf-8' | 'windows-1252'
  /** that show it; 0: only the byte order mark does */
  readonly records: number
  /** of the first of them */
  readonly line: number
}

/** A character of several bytes, as UTF-8 writes it. */
const UTF8_PAIR = /[\xc2-\xf4][\x80-\xbf]/
/** Bytes that windows-1252 has a character for, and Latin-1 and UTF-8 no printed one. */
const OF_1252 = /[\x80\x82-\x8c\x8e\x91-\x9c\x9e\x9f]/
const UNDEFINED_IN_1252 = /[\x81\x8d\x8f\x90\x9d]/

/** Looks at the records of one file whose bytes its encoding leaves open. */
export class EncodingWitness {
  readonly #encoding: Encoding | undefined
  readonly #records: Record<OtherEncoding['found'], { count: number; line: number }> = {
    'utf-8': { count: 0, line: 0 },
    'windows-1252': { count: 0, line: 0 },
  }
  #looked = 0
  #hasMark = false

  /** `encoding` undefined: UTF-8. */
  constructor(encoding: Encoding | undefined) {
    this.#encoding = encoding
  }

  /** The file begins with the byte order mark of UTF-8. */
  mark(): void {
    this.#hasMark = true
  }

  /** Takes the bytes of a record as they lie in the file: in UTF-8 only such as are not. */
  look(bytes: Uint8Array, line: number): void {
    if (this.#encoding === 'utf-16') return
    this.#looked += 1
    const found = this.#foundIn(bytes)
    if (found === null) return
    const seen = this.#records[found]
    if (seen.count === 0) seen.line = line
    seen.count += 1
  }

  /** What most of those records are in; null: nothing speaks against the layout. */
  get other(): OtherEncoding | null {
    for (const found of ['utf-8', 'windows-1252'] as const) {
      const { count, line } = this.#records[found]
      if (count * 2 > this.#looked) return { found, records: count, line }
    }
    const isSingleByte = this.#encoding !== undefined && this.#encoding !== 'utf-16'
    return this.#hasMark && isSingleByte ? { found: 'utf-8', records: 0, line: 1 } : null
  }

  #foundIn(bytes: Uint8Array): OtherEncoding['found'] | null {
    if (this.#encoding !== undefined && isUtf8(bytes)) return 'utf-8'
    if (this.#encoding === 'windows-1252') return null
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
    if (UNDEFINED_IN_1252.test(text)) return null
    // UTF-8 that was cut within a character has others that are whole.
    if (this.#encoding === undefined) return UTF8_PAIR.test(text) ? null : 'windows-1252'
    return OF_1252.test(text) ? 'windows-1252' : null
  }
}
