/**
 * Values of an Arrow column as text, and masked texts as values of the same type. Pure.
 *
 * A value is its bytes: little-endian where the type has a width, the content where it has none.
 * Source: Apache Arrow, format/Columnar.rst and format/Schema.fbs.
 */
import { isUtf8 } from 'node:buffer'
import { DataType, DateUnit, Precision, TimeUnit, util } from 'apache-arrow'
import type { SampledColumn } from './contract.ts'

/** How values of one type are written. */
export interface ValueForm {
  readonly kind: SampledColumn['type']
  readonly text: (value: Buffer) => string
  /** undefined: the text is no value of the type; `before` is what it stands for */
  readonly value: (text: string, before: Buffer) => Buffer | undefined
}

/** The form of a type without children; undefined: its values have no text here. */
export function valueForm(type: DataType): ValueForm | undefined {
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type)) return TEXT
  if (DataType.isBinary(type) || DataType.isLargeBinary(type)) return BYTES
  if (DataType.isFixedSizeBinary(type)) return fixedBytes(type.byteWidth)
  if (DataType.isBool(type)) return BOOLEAN
  if (DataType.isFloat(type)) return floatForm(type.precision)
  return integerForm(type)
}

function integerForm(type: DataType): ValueForm | undefined {
  if (DataType.isInt(type)) return ofIntegers('number', integers(type.isSigned, type.bitWidth))
  if (DataType.isDecimal(type)) return ofIntegers('number', decimals(type))
  if (DataType.isDate(type)) {
    const dayUnits = type.unit === DateUnit.DAY ? 1n : BigInt(DAY_MS)
    return ofIntegers('date', dates(dayUnits))
  }
  if (DataType.isTimestamp(type)) {
    const zone = (type.timezone ?? '') === '' ? '' : 'Z'
    return ofIntegers('timestamp', moments(digitsOf(type.unit), zone))
  }
  if (DataType.isTime(type)) return ofIntegers('text', times(digitsOf(type.unit)))
  if (DataType.isDuration(type)) return ofIntegers('number', integers(true, 64))
  return undefined
}

const TEXT: ValueForm = {
  kind: 'text',
  text: (value) => value.toString(),
  value: (text) => Buffer.from(text),
}

const CONTROL = /\p{Cc}/u
const LETTER_OR_DIGIT = /[\p{L}\p{N}]/u

/** Bytes of signs alone may be anything, and a mask leaves signs as they are. */
function isText(value: Buffer): boolean {
  if (!isUtf8(value)) return false
  const text = value.toString()
  return text === '' || (LETTER_OR_DIGIT.test(text) && !CONTROL.test(text))
}

/** Bytes that are no text are hexadecimal digits. */
const BYTES: ValueForm = {
  kind: 'bytes',
  text: (value) => (isText(value) ? value.toString() : value.toString('hex')),
  value: (text, before) =>
    !isText(before) && /^(?:[0-9a-f]{2})*$/i.test(text)
      ? Buffer.from(text, 'hex')
      : Buffer.from(text),
}

const fixedBytes = (widthBytes: number): ValueForm => ({
  ...BYTES,
  value: (text, before) => {
    const value = BYTES.value(text, before)
    return value?.length === widthBytes ? value : undefined
  },
})

const BOOLEAN: ValueForm = {
  kind: 'boolean',
  text: (value) => String(value[0] === 1),
  value: (text) =>
    /^(?:true|false)$/.test(text) ? Buffer.from([Number(text === 'true')]) : undefined,
}

const NUMBER = /^(?:[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|NaN|-?Infinity)$/i

function floatForm(precision: Precision): ValueForm {
  if (precision === Precision.HALF) return HALF
  const isDouble = precision === Precision.DOUBLE
  return {
    kind: 'number',
    text: (value) => (isDouble ? String(value.readDoubleLE()) : singleText(value.readFloatLE())),
    value: (text) => {
      if (!NUMBER.test(text)) return undefined
      const value = Buffer.alloc(isDouble ? 8 : 4)
      if (isDouble) value.writeDoubleLE(Number(text))
      else value.writeFloatLE(Number(text))
      return value
    },
  }
}

/** The fewest digits that give the value back. */
function singleText(value: number): string {
  for (let digits = 6; digits < 9; digits += 1) {
    const text = String(Number(value.toPrecision(digits)))
    if (Math.fround(Number(text)) === value) return text
  }
  return String(value)
}

const HALF_MAX = 65_504

/** IEEE 754 binary16. What is beyond its range is its last number. */
const HALF: ValueForm = {
  kind: 'number',
  text: (value) => {
    const bits = value.readUInt16LE()
    const [sign, exponent, share] = [bits >> 15 === 1 ? -1 : 1, (bits >> 10) & 31, bits & 1023]
    if (exponent === 31) return String(share === 0 ? sign * Infinity : Number.NaN)
    if (exponent === 0) return String(sign * share * 2 ** -24)
    return String(sign * (1 + share / 1024) * 2 ** (exponent - 15))
  },
  value: (text) => {
    if (!NUMBER.test(text)) return undefined
    const number = Number(text)
    const held = Math.max(-HALF_MAX, Math.min(HALF_MAX, number))
    const value = Buffer.alloc(2)
    value.writeUInt16LE(util.float64ToUint16(Number.isFinite(number) ? held : number))
    return value
  },
}

/** A type whose values are integers that mean something. */
interface IntegerForm {
  readonly isSigned: boolean
  readonly text: (value: bigint) => string
  readonly value: (text: string) => bigint | undefined
}

const ofIntegers = (kind: SampledColumn['type'], form: IntegerForm): ValueForm => ({
  kind,
  text: (value) => form.text(integerOf(value, form.isSigned)),
  value: (text, before) => {
    const integer = form.value(text)
    return integer === undefined ? undefined : bytesOf(integer, before.length, form.isSigned)
  },
})

function integerOf(bytes: Buffer, isSigned: boolean): bigint {
  let value = 0n
  for (const byte of bytes.toReversed()) value = (value << 8n) | BigInt(byte)
  return isSigned ? BigInt.asIntN(bytes.length * 8, value) : value
}

/** undefined: it does not fit. */
function bytesOf(value: bigint, widthBytes: number, isSigned: boolean): Buffer | undefined {
  const bits = widthBytes * 8
  if ((isSigned ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value)) !== value) {
    return undefined
  }
  const bytes = Buffer.alloc(widthBytes)
  for (let at = 0; at < widthBytes; at += 1) bytes[at] = Number((value >> BigInt(8 * at)) & 255n)
  return bytes
}

const INTEGER = /^[+-]?\d{1,80}$/
const integers = (isSigned: boolean, bits: number): IntegerForm => ({
  isSigned,
  text: String,
  value: (text) =>
    INTEGER.test(text) && text.length <= bits ? BigInt(text.replace('+', '')) : undefined,
})

function decimals({ scale, precision }: { scale: number; precision: number }): IntegerForm {
  return {
    isSigned: true,
    text: (value) => decimalText(value, scale),
    value: (text) => {
      const [, sign = '', whole = '', part = ''] =
        /^([+-]?)(\d{1,80})(?:\.(\d{1,80}))?$/.exec(text) ?? []
      const kept = Math.max(0, scale)
      if (whole === '' || /[1-9]/.test(part.slice(kept)) || scale < 0) return undefined
      const digits = `${whole}${part.slice(0, kept).padEnd(kept, '0')}`
      if (digits.replace(/^0+/, '').length > precision) return undefined
      return BigInt(digits) * (sign === '-' ? -1n : 1n)
    },
  }
}

function decimalText(value: bigint, scale: number): string {
  if (scale <= 0) return String(value * 10n ** BigInt(-scale))
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0')
  return `${value < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

const DAY_MS = 86_400_000
/** Of JavaScript, and so of what has a date here; values beyond it are shown as they are stored. */
const DATE_MS_MAX = 8_640_000_000_000_000n
const DATE = /^\d{4}-\d\d-\d\d$/
const MOMENT = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?Z?)?$/
const TIME = /^(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?$/
const [HOURS, MINUTES] = [24, 60]

function isoText(ms: bigint): string | undefined {
  if (ms > DATE_MS_MAX || ms < -DATE_MS_MAX) return undefined
  return new Date(Number(ms)).toISOString()
}

function dates(dayUnits: bigint): IntegerForm {
  const dayMs = BigInt(DAY_MS) / dayUnits
  return {
    isSigned: true,
    text: (value) => isoText(value * dayMs)?.replace(/T.*$/, '') ?? String(value),
    value: (text) => {
      const ms = DATE.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
      return Number.isNaN(ms) ? undefined : BigInt(ms) / dayMs
    },
  }
}

const DIGITS: Readonly<Record<TimeUnit, number>> = {
  [TimeUnit.SECOND]: 0,
  [TimeUnit.MILLISECOND]: 3,
  [TimeUnit.MICROSECOND]: 6,
  [TimeUnit.NANOSECOND]: 9,
}
const digitsOf = (unit: TimeUnit): number => DIGITS[unit]

/** Seconds and what is left of a second, as digits that are left out where there are none. */
function parts(value: bigint, digits: number): readonly [seconds: bigint, fraction: string] {
  const second = 10n ** BigInt(digits)
  const rest = ((value % second) + second) % second
  return [(value - rest) / second, rest === 0n ? '' : `.${String(rest).padStart(digits, '0')}`]
}

/** Digits of a fraction that the unit cannot hold are cut off. */
const units = (seconds: bigint, fraction: string, digits: number): bigint =>
  seconds * 10n ** BigInt(digits) + BigInt(`0${fraction.slice(0, digits).padEnd(digits, '0')}`)

function moments(digits: number, zone: string): IntegerForm {
  return {
    isSigned: true,
    text: (value) => {
      const [seconds, fraction] = parts(value, digits)
      const iso = isoText(seconds * 1000n)
      return iso === undefined ? String(value) : iso.replace('.000Z', `${fraction}${zone}`)
    },
    value: (text) => {
      const [, day, time = '00:00:00', fraction = ''] = MOMENT.exec(text) ?? []
      const ms = day === undefined ? Number.NaN : Date.parse(`${day}T${time}Z`)
      return Number.isNaN(ms) ? undefined : units(BigInt(ms) / 1000n, fraction, digits)
    },
  }
}

function times(digits: number): IntegerForm {
  return {
    isSigned: true,
    text: (value) => {
      const [seconds, fraction] = parts(value, digits)
      const iso = isoText(seconds * 1000n)
      const isDay = seconds >= 0n && seconds * 1000n < BigInt(DAY_MS)
      return isDay && iso !== undefined ? `${iso.slice(11, 19)}${fraction}` : String(value)
    },
    value: (text) => {
      const [, hours, minutes, seconds, fraction = ''] = TIME.exec(text) ?? []
      if (hours === undefined) return undefined
      // Any two digits stand for an hour or a minute: those of a mask are no time of day.
      const minute = (Number(hours) % HOURS) * MINUTES + (Number(minutes) % MINUTES)
      return units(BigInt(minute * 60 + (Number(seconds) % 60)), fraction, digits)
    },
  }
}
