/**
 * Numbers of typed columns: another number of as many digits, with the same sign, point and exponent.
 *
 * A file's type is not told to its mask, and a number of three digits may not fit into one byte: a
 * whole number stays below the narrowest limit of a type that holds all of its column.
 */
import type { MaskText } from './contract.ts'
import type { ByteAt } from './keyed-bytes.ts'
import { STEPS_MAX, tokenOf } from './mask-token.ts'

interface NumberRequest {
  readonly bytes: (text: string) => ByteAt
  /** no mask is one of them while its form has another number */
  readonly originals: ReadonlySet<string>
  readonly texts: readonly string[]
}

const WHOLE = /^(-?)(0|[1-9]\d{0,19})$/
const REAL = /^([-+]?[\d.]+)([eE][-+]?\d+)$/
const SIGNED_BITS = [7n, 15n, 31n, 53n, 63n]
const UNSIGNED_BITS = [7n, 8n, 15n, 16n, 31n, 32n, 53n, 63n, 64n]
const DRAWN_BYTES = 16
/** Of the narrowest type with a point: 3.4e38. */
const FLOAT_EXPONENT_MAX = 38
const FIRST_DIGIT = /^[-+]?\d/

/** The highest number that a type which holds these certainly holds. */
function limitOf(texts: readonly string[]): bigint {
  let most = 0n
  let hasNegative = false
  for (const text of texts) {
    const [, sign, digits] = WHOLE.exec(text) ?? []
    if (digits === undefined) continue
    if (sign === '-') hasNegative = true
    // The lowest number of a signed type has no positive one.
    const size = sign === '-' ? BigInt(digits) - 1n : BigInt(digits)
    if (size > most) most = size
  }
  const limits = (hasNegative ? SIGNED_BITS : UNSIGNED_BITS).map((bits) => (1n << bits) - 1n)
  return limits.find((limit) => most <= limit) ?? most
}

/** The mask of a column of numbers; `texts` are those of the sample. */
export function numberOf({ bytes, originals, texts }: NumberRequest): MaskText {
  const limit = limitOf(texts)
  const token = (text: string): string => tokenOf(text, { bytes, originals, isHex: false })
  return (text) => {
    const [, sign, digits] = WHOLE.exec(text) ?? []
    if (digits !== undefined) {
      return wholeOf({ text, sign: sign ?? '', digits, limit, bytes, originals })
    }
    const [, mantissa, exponent] = REAL.exec(text) ?? []
    // NaN and Infinity are no number of anybody.
    if (mantissa === undefined) return /\d/.test(text) ? token(text) : text
    // At the end of a type's range a higher first digit is infinite, and so is a higher second one.
    const kept =
      Number(exponent?.slice(1)) < FLOAT_EXPONENT_MAX ? '' : (FIRST_DIGIT.exec(mantissa)?.[0] ?? '')
    const masked = token(mantissa.slice(kept.length))
    return kept + (kept === '' ? masked : masked.replace(/\d/, '0')) + exponent
  }
}

interface Whole extends Omit<NumberRequest, 'texts'> {
  readonly text: string
  readonly sign: string
  readonly digits: string
  readonly limit: bigint
}

function wholeOf({ text, sign, digits, limit, bytes, originals }: Whole): string {
  // The token of the same digits as text, so that ids of typed and untyped files join.
  const token = tokenOf(text, { bytes, originals, isHex: false })
  if (BigInt(token.slice(sign.length)) <= limit) return token
  const low = 10n ** BigInt(digits.length - 1)
  const high = limit < low ? BigInt(digits) : limit
  const count = high - low + 1n
  const byteAt = bytes(text)
  let drawn = 0n
  for (let at = 0; at < DRAWN_BYTES; at += 1) drawn = drawn * 256n + BigInt(byteAt(at))
  let own: string | undefined
  const steps = BigInt(Math.min(originals.size + 1, STEPS_MAX))
  for (let step = 0n; step <= steps && step < count; step += 1n) {
    const masked = `${sign}${low + ((drawn + step) % count)}`
    if (masked === text) continue
    if (!originals.has(masked)) return masked
    own ??= masked
  }
  return own ?? text
}
