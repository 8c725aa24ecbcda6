/**
 * Encodings other than UTF-8, and what each byte of them is in UTF-8.
 *
 * Positions are always those of the file as it lies there. The single-byte encodings keep the
 * bytes of ASCII, so records are found before they are decoded; UTF-16 is decoded window by
 * window, and `sourceBytes` says how long a decoded record was. Memory: one window.
 * Source: the tables of https://encoding.spec.whatwg.org and Unicode's CP1252.TXT. Node's own
 * decoder reads 0x80–0x9F of windows-1252 wrongly (nodejs/node#56542).
 */
import { isAscii, isUtf8 } from 'node:buffer'
import type { Encoding } from './spec.ts'

/** Code points of 0x80–0x9F in windows-1252; -1: not defined there. */
const C1_OF_1252: readonly number[] = [
  0x20ac, -1, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039,
  0x0152, -1, 0x017d, -1, -1, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc,
  0x2122, 0x0161, 0x203a, 0x0153, -1, 0x017e, 0x0178,
]

/** UTF-8 of each byte of a single-byte encoding; null: a byte that stands for nothing. */
export type ByteTable = readonly (Buffer | null)[]

const tableOf = (codePoint: (byte: number) => number): ByteTable =>
  Array.from({ length: 256 }, (_, byte) => {
    const point = codePoint(byte)
    return point < 0 ? null : Buffer.from(String.fromCodePoint(point))
  })

const TABLES: Readonly<Record<Exclude<Encoding, 'utf-16'>, ByteTable>> = {
  'iso-8859-1': tableOf((byte) => byte),
  'windows-1252': tableOf((byte) => C1_OF_1252[byte - 0x80] ?? byte),
}

/** How a file's bytes become UTF-8. */
export interface Coding {
  /** decodes the windows of one file; null: records are found in the bytes as they are */
  readonly windows: () => WindowDecoder | null
  /** true when records of these bytes are UTF-8 without a further look */
  readonly isClean: (bytes: Uint8Array) => boolean
  /** bytes of the file that `bytes[from, to)` of the windows stand for */
  readonly sourceBytes: (bytes: Uint8Array, from: number, to: number) => number
  /** for the records that are not clean; null: such a record has a fault */
  readonly table: ByteTable | null
}

const asIs = (_bytes: Uint8Array, from: number, to: number): number => to - from

/** The coding of a layout; UTF-8 where it names none. */
export function codingOf(encoding: Encoding | undefined): Coding {
  if (encoding === undefined) {
    return { windows: () => null, isClean: isUtf8, sourceBytes: asIs, table: null }
  }
  if (encoding === 'utf-16') {
    return {
      windows: () => new Utf16Decoder(),
      isClean: isUtf8,
      sourceBytes: utf16Bytes,
      table: null,
    }
  }
  return { windows: () => null, isClean: isAscii, sourceBytes: asIs, table: TABLES[encoding] }
}

export interface WindowDecoder {
  readonly decode: (window: Buffer) => Buffer
  /** what is left when the file ends: half a character */
  readonly end: () => Buffer
}

/** Stands for the odd byte at the end of a UTF-16 file. Valid UTF-8 has no such byte. */
const ODD_BYTE = 0xff

/**
 * UTF-16 with a byte order mark to UTF-8. Half a surrogate pair becomes the three bytes its number
 * would have, which UTF-8 forbids: so only the record that holds it is at fault.
 */
class Utf16Decoder implements WindowDecoder {
  #swaps: boolean | null = null
  #carry: Buffer = Buffer.alloc(0)

  decode(window: Buffer): Buffer {
    const bytes = Buffer.concat([this.#carry, window])
    if (bytes.length >= 2) this.#swaps ??= bytes[0] === 0xfe && bytes[1] === 0xff
    const whole = bytes.length - (bytes.length % 2)
    // a pair may go on in the next window
    const high = whole < 2 ? 0 : (bytes[this.#swaps === true ? whole - 2 : whole - 1] as number)
    const taken = high >= 0xd8 && high <= 0xdb ? whole - 2 : whole
    this.#carry = bytes.subarray(taken)
    return toUtf8(bytes.subarray(0, taken), this.#swaps === true)
  }

  end(): Buffer {
    const whole = this.#carry.length - (this.#carry.length % 2)
    const text = toUtf8(this.#carry.subarray(0, whole), this.#swaps === true)
    return whole === this.#carry.length ? text : Buffer.concat([text, Buffer.from([ODD_BYTE])])
  }
}

function toUtf8(bytes: Buffer, swaps: boolean): Buffer {
  const text = (swaps ? Buffer.from(bytes).swap16() : bytes).toString('utf16le')
  if (text.isWellFormed()) return Buffer.from(text)
  const pieces = text.match(/[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]|[^\ud800-\udfff]+/g)
  return Buffer.concat((pieces ?? []).map(loneOrText))
}

function loneOrText(piece: string): Buffer {
  const unit = piece.charCodeAt(0)
  if (piece.length !== 1 || unit < 0xd800 || unit > 0xdfff) return Buffer.from(piece)
  return Buffer.from([0xed, 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f)])
}

/** Bytes in UTF-16 of what `toUtf8` made: four of a pair, two of any other, one of an odd byte. */
function utf16Bytes(bytes: Uint8Array, from: number, to: number): number {
  let total = 0
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at] as number
    if (byte === ODD_BYTE) total += 1
    else if (byte >= 0xf0) total += 4
    else if (byte < 0x80 || byte >= 0xc0) total += 2
  }
  return total
}

/** What a character that an encoding lacks is written as. */
const LACKING = 0x3f

/** A text in an encoding, without a byte order mark. A character that it lacks becomes `?`. */
export function encodeText(
  text: string,
  { encoding, isBigEndian }: { readonly encoding: Encoding | undefined; isBigEndian: boolean },
): Buffer {
  if (encoding === undefined) return Buffer.from(text)
  if (encoding === 'utf-16') {
    const units = Buffer.from(text, 'utf16le')
    return isBigEndian ? units.swap16() : units
  }
  const bytes = Array.from(text, (character) => {
    const point = character.codePointAt(0) as number
    const isItself = point < 0x80 || (point >= 0xa0 && point <= 0xff)
    if (isItself || (encoding === 'iso-8859-1' && point <= 0xff)) return point
    const at = encoding === 'windows-1252' ? C1_OF_1252.indexOf(point) : -1
    return at < 0 ? LACKING : 0x80 + at
  })
  return Buffer.from(bytes)
}

/**
 * Bytes of a single-byte encoding as UTF-8, and where positions of them went; null when a byte
 * stands for nothing. `marks` rise; cost: one look at each byte.
 */
export function decodeBytes(
  source: Uint8Array,
  table: ByteTable,
  marks: readonly number[] = [],
): { readonly bytes: Buffer; readonly marks: number[] } | null {
  const bytes = Buffer.allocUnsafe(source.length * 3)
  const moved: number[] = []
  let at = 0
  for (const [from, byte] of source.entries()) {
    while (marks[moved.length] === from) moved.push(at)
    const text = table[byte] as Buffer | null
    if (text === null) return null
    for (const one of text) bytes[at++] = one
  }
  while (moved.length < marks.length) moved.push(at)
  return { bytes: bytes.subarray(0, at), marks: moved }
}
