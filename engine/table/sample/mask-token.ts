/**
 * Keyed tokens: a text of the same shape and length, and another content.
 *
 * A digit becomes a digit, a letter a letter of its case and of as many bytes in UTF-8, whatever else
 * there is stays. Zeros before all other digits stay and the digit behind them is none; of a text of
 * zeros alone the last one changes. The same text has the same token in every file of a deployment,
 * so that ids join; unless that token is a text of its own column: then it is the next of its shape
 * that is not. So short codes have tokens that do not join; and where a column has every text of a
 * shape, tokens are texts of other records, never the own one. A text without letters and digits
 * stays. Two texts may have one token.
 */
import type { ByteAt } from './keyed-bytes.ts'

/** What may stand in a place: `size` code points from `first`. */
interface Range {
  readonly first: number
  readonly size: number
}
/** A place that changes. */
interface Place {
  readonly at: number
  readonly range: Range
}

const ZERO = 0x30
const NINE = 0x39
const DIGIT: Range = { first: ZERO, size: 10 }
/** 0 and 1 byte of UTF-8 are the ASCII ones. */
const OTHER_DIGITS: readonly Range[] = [
  DIGIT,
  DIGIT,
  { first: 0x660, size: 10 },
  { first: 0xff10, size: 10 },
  { first: 0x1d7ce, size: 10 },
]
const UPPER: readonly Range[] = [
  { first: 0x41, size: 26 },
  { first: 0x41, size: 26 },
  { first: 0xc0, size: 23 },
  { first: 0x3041, size: 86 },
  { first: 0x10400, size: 40 },
]
const LOWER: readonly Range[] = [
  { first: 0x61, size: 26 },
  { first: 0x61, size: 26 },
  { first: 0xe0, size: 23 },
  { first: 0x3041, size: 86 },
  { first: 0x10428, size: 40 },
]
const HEX_UPPER: Range = { first: 0x41, size: 6 }
const HEX_LOWER: Range = { first: 0x61, size: 6 }

const isDigit = (point: number | undefined): boolean =>
  point !== undefined && point >= ZERO && point <= NINE

/** Hexadecimal digits stay such: UUIDs, digests, bytes. */
const HEX = /^(?=.*\d)(?:[0-9a-f-]{16,}|[0-9A-F-]{16,})$/

/** As many bytes in UTF-8: fixed-width records keep their places. */
function utf8Bytes(point: number): number {
  if (point < 0x80) return 1
  if (point < 0x800) return 2
  return point < 0x10000 ? 3 : 4
}

/** Undefined: it stays. */
function rangeOf(point: number, isHex: boolean): Range | undefined {
  if (point >= 0x80) return otherRange(point)
  if (isDigit(point)) return DIGIT
  if (point >= 0x61 && point <= 0x7a) return isHex ? HEX_LOWER : LOWER[1]
  if (point >= 0x41 && point <= 0x5a) return isHex ? HEX_UPPER : UPPER[1]
  return undefined
}

function otherRange(point: number): Range | undefined {
  const text = String.fromCodePoint(point)
  if (/\p{Nd}/u.test(text)) return OTHER_DIGITS[utf8Bytes(point)]
  if (!/\p{L}/u.test(text)) return undefined
  return (/\p{Lu}/u.test(text) ? UPPER : LOWER)[utf8Bytes(point)]
}

/** Zeros that stay: `[from, to)`, before all other digits. */
function leadingZeros(points: readonly number[]): { readonly from: number; readonly to: number } {
  const from = points.findIndex(isDigit)
  let to = from
  while (points[to] === ZERO) to += 1
  return { from, to }
}

const NO_ZERO: Range = { first: ZERO + 1, size: 9 }

function placesOf(points: readonly number[], isHex: boolean): readonly Place[] {
  const { from, to } = leadingZeros(points)
  const places: Place[] = []
  let at = -1
  for (const point of points) {
    at += 1
    if (at >= from && at < to) continue
    const range = rangeOf(point, isHex)
    if (range === undefined) continue
    places.push({ at, range: at === to && isDigit(point) ? NO_ZERO : range })
  }
  return places.length === 0 && to > from ? [{ at: to - 1, range: NO_ZERO }] : places
}

/** Moves to the next text of the shape, the last place first. */
function advance(chars: string[], places: readonly Place[]): void {
  for (const { at, range } of places.toReversed()) {
    const { first, size } = range
    const next = ((chars[at] as string).codePointAt(0) as number) - first + 1
    chars[at] = String.fromCodePoint(first + (next % size))
    if (next < size) return
  }
}

export interface TokenRequest {
  readonly bytes: (text: string) => ByteAt
  /** no token is one of them while its shape has another text */
  readonly originals: ReadonlySet<string>
  /** it is hexadecimal, however short */
  readonly isHex: boolean
}

/** Texts of a shape that are tried: all of three digits. */
export const STEPS_MAX = 1000
const ASCII = /^[\x00-\x7f]*$/

/** Cost: one keyed hash for each 32 letters and digits. */
export function tokenOf(text: string, { bytes, originals, isHex }: TokenRequest): string {
  const chars = ASCII.test(text) ? text.split('') : Array.from(text)
  const points = chars.map((one) => one.codePointAt(0) as number)
  const places = placesOf(points, isHex || HEX.test(text))
  if (places.length === 0) return text
  const byteAt = bytes(text)
  let number = 0
  for (const { at, range } of places) {
    chars[at] = String.fromCodePoint(range.first + (byteAt(number) % range.size))
    number += 1
  }
  let own: string | undefined
  // One text more than there are originals is no original, if the shape has as many.
  const steps = Math.min(originals.size + 1, STEPS_MAX)
  for (let step = 0; step <= steps; step += 1) {
    const token = chars.join('')
    if (!originals.has(token) && token !== text) return token
    if (token !== text) own ??= token
    advance(chars, places)
  }
  return own ?? text
}
