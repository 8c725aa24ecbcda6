/**
 * Keyed tokens: a text of the same shape and length, and another content.
 *
 * A digit becomes a digit, a letter a letter of its case and of as many bytes in UTF-8, whatever else
 * there is stays. Zeros at the start of the first digits stay and the digit behind them is none; of a
 * text of zeros alone the last one changes. The same text has the same token in every file of a deployment, so that ids still join; unless the token is a
 * text of its own column, or the text itself: then it is the next of its shape that is not. So a
 * column of one letter or digit has tokens of its own, and a shape of which the column has every text
 * keeps texts of other records. A text without letters and digits stays. Two texts may have one token.
 */
import type { ByteAt } from './keyed-bytes.ts'

/** A place that changes, and what may stand there: `size` code points from `first`. */
interface Place {
  readonly at: number
  readonly first: number
  readonly size: number
}
type Range = Omit<Place, 'at'>

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
const HEX_LETTERS = 6

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

function rangeOf(point: number, isHex: boolean): Range | undefined {
  if (point < 0x80) {
    if (isDigit(point)) return DIGIT
    const letters = point >= 0x61 ? LOWER : UPPER
    const range = letters[1] as Range
    if (point < range.first || point >= range.first + range.size) return undefined
    return isHex ? { ...range, size: HEX_LETTERS } : range
  }
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
  for (const [at, point] of points.entries()) {
    if (at >= from && at < to) continue
    const range = rangeOf(point, isHex)
    if (range === undefined) continue
    places.push({ at, ...(at === to && isDigit(point) ? NO_ZERO : range) })
  }
  return places.length === 0 && to > from ? [{ at: to - 1, ...NO_ZERO }] : places
}

/** Moves to the next text of the shape, the last place first. */
function advance(chars: string[], places: readonly Place[]): void {
  for (const { at, first, size } of places.toReversed()) {
    const next = ((chars[at] as string).codePointAt(0) as number) - first + 1
    chars[at] = String.fromCodePoint(first + (next % size))
    if (next < size) return
  }
}

export interface TokenRequest {
  readonly bytes: (text: string) => ByteAt
  /** no token is one of them while its shape has another text */
  readonly originals: ReadonlySet<string>
  /** every text of the column is hexadecimal */
  readonly isHex: boolean
}

/** Cost: one keyed hash for each 32 letters and digits. */
export function tokenOf(text: string, { bytes, originals, isHex }: TokenRequest): string {
  const chars = Array.from(text)
  const points = chars.map((one) => one.codePointAt(0) as number)
  const places = placesOf(points, isHex || HEX.test(text))
  if (places.length === 0) return text
  const byteAt = bytes(text)
  for (const [number, { at, first, size }] of places.entries()) {
    chars[at] = String.fromCodePoint(first + (byteAt(number) % size))
  }
  let own: string | undefined
  // One text more than there are originals is no original, if the shape has as many.
  for (let step = 0; step <= originals.size + 1; step += 1) {
    const token = chars.join('')
    if (!originals.has(token) && token !== text) return token
    if (token !== text) own ??= token
    advance(chars, places)
  }
  return own ?? text
}
