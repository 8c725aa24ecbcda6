/**
 * What the texts of one column have in common: which types and date formats read all of them.
 *
 * The types are the grammar's own, so that what is said here parses. Cost: one or two regular
 * expressions a text; a possibility that failed once is not tried again. No text is kept.
 */
import { compileFormat, dateText } from './date-format.ts'
import type { DateFormat } from './date-format.ts'
import { MONTH_MAX, MONTH_MIN } from './grammar.ts'

export interface ColumnProfile {
  /** texts that are not empty */
  readonly filled: number
  readonly empty: number
  /** code points of the longest text */
  readonly maxLength: number
  /** code points of the shortest text that is there */
  readonly minLength: number
  /** every text is digits, perhaps with a minus */
  readonly isInteger: boolean
  /** every text is a number, perhaps with a point */
  readonly isDecimal: boolean
  /** some number begins with a zero that is not its only whole digit */
  readonly hasLeadingZero: boolean
  /** most digits before, and after, a point */
  readonly wholeDigits: number
  readonly scale: number
  /** strptime formats that read every text as a day or moment of a month that rows may have */
  readonly formats: readonly string[]
  /** by format of `formats`: the first and last month there is, `YYYY-MM` */
  readonly months: Readonly<Record<string, readonly [first: string, last: string]>>
  /** every text is true or false in words */
  readonly isBoolean: boolean
}

/** What dates are looked for in; the first that reads a column is the likeliest. */
export const KNOWN_FORMATS: readonly DateFormat[] = [
  '%Y-%m-%d',
  '%Y%m%d',
  '%m/%d/%Y',
  '%d/%m/%Y',
  '%d.%m.%Y',
  '%Y/%m/%d',
  '%m-%d-%Y',
  '%d-%b-%Y',
  '%d%b%Y',
  '%m%d%Y',
  '%Y%m',
  '%Y-%m',
  '%Y-%m-%dT%H:%M:%SZ',
  '%Y-%m-%dT%H:%M:%S',
  '%Y-%m-%d %H:%M:%S',
  '%Y-%m-%dT%H:%M:%S.%fZ',
  '%m/%d/%Y %H:%M:%S',
].map(compileFormat)
/** Whether a format has a time of day. */
export const hasTime = (format: string): boolean => format.includes('%H')

const NUMBER = /^-?(\d+)(?:\.(\d+))?$/
const WORDS = new Set(['true', 'True', 'TRUE', 'false', 'False', 'FALSE'])
const codePoints = (text: string): number => {
  let count = 0
  for (const _ of text) count += 1
  return count
}

/** Gathers one column; `profile` says what holds of all texts so far. */
export class ColumnProfiler {
  #filled = 0
  #empty = 0
  #maxLength = 0
  #minLength = Infinity
  #isInteger = true
  #isDecimal = true
  #hasLeadingZero = false
  #wholeDigits = 0
  #scale = 0
  #formats: FormatLeft[] = KNOWN_FORMATS.map((format) => ({
    format,
    first: '9999-12',
    last: '0000-01',
  }))
  #isBoolean = true

  add(text: string): void {
    if (text === '') {
      this.#empty += 1
      return
    }
    this.#filled += 1
    const length = codePoints(text)
    if (length > this.#maxLength) this.#maxLength = length
    if (length < this.#minLength) this.#minLength = length
    if (this.#isDecimal) this.#addNumber(text)
    if (this.#formats.length > 0) this.#formats = this.#formats.filter((one) => reads(one, text))
    if (this.#isBoolean) this.#isBoolean = WORDS.has(text)
  }

  #addNumber(text: string): void {
    const [, whole, fraction] = NUMBER.exec(text) ?? []
    if (whole === undefined) {
      this.#isDecimal = false
      this.#isInteger = false
      return
    }
    if (fraction !== undefined) {
      this.#isInteger = false
      this.#scale = Math.max(this.#scale, fraction.length)
    }
    if (whole.length > 1 && whole.startsWith('0')) this.#hasLeadingZero = true
    this.#wholeDigits = Math.max(this.#wholeDigits, whole.length)
  }

  get profile(): ColumnProfile {
    const isThere = this.#filled > 0
    return {
      filled: this.#filled,
      empty: this.#empty,
      maxLength: this.#maxLength,
      minLength: isThere ? this.#minLength : 0,
      isInteger: isThere && this.#isInteger,
      isDecimal: isThere && this.#isDecimal,
      hasLeadingZero: this.#hasLeadingZero,
      wholeDigits: this.#wholeDigits,
      scale: this.#scale,
      formats: isThere ? this.#formats.map(({ format }) => format.format) : [],
      months: Object.fromEntries(
        this.#formats.map(({ format, first, last }) => [format.format, [first, last] as const]),
      ),
      isBoolean: isThere && this.#isBoolean,
    }
  }
}

interface FormatLeft {
  readonly format: DateFormat
  first: string
  last: string
}

/** Whether the format reads the text as well; takes its month into account. */
function reads(left: FormatLeft, text: string): boolean {
  const moment = left.format.read(text)
  if (moment === null) return false
  const month = dateText(moment).slice(0, 7)
  if (month < left.first) left.first = month
  if (month > left.last) left.last = month
  return month >= MONTH_MIN && month <= MONTH_MAX
}
