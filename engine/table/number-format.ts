/**
 * Number formats of a workbook: which of them make a number a date, and how many zeros they add.
 *
 * A format changes no value here. It tells that a number is a date or a time, and how many digits a
 * number has at least: `00###` of 2102 is 02102, `0.00` of 250 is 250.00. Nothing is rounded, and
 * what a format writes around the digits is no part of them.
 * Source: ECMA-376 part 1, §18.8.30, §18.17.4.1.
 */

export interface NumberFormat {
  /** `date` has a day; `time` has none; `both` */
  readonly moment: 'date' | 'time' | 'both' | undefined
  /** digits before the point, at least */
  readonly whole: number
  /** digits after the point, at least */
  readonly fraction: number
}

const PLAIN: NumberFormat = { moment: undefined, whole: 0, fraction: 0 }
const moment = (kind: NumberFormat['moment']): NumberFormat => ({ ...PLAIN, moment: kind })

/** Formats that a workbook does not write down; others of these numbers are dates of a language. */
const BUILT_IN: Readonly<Record<number, string>> = {
  0: 'General',
  1: '0',
  2: '0.00',
  3: '#,##0',
  4: '#,##0.00',
  9: '0%',
  10: '0.00%',
  11: '0.00E+00',
  12: '# ?/?',
  13: '# ??/??',
  14: 'mm-dd-yy',
  15: 'd-mmm-yy',
  16: 'd-mmm',
  17: 'mmm-yy',
  18: 'h:mm AM/PM',
  19: 'h:mm:ss AM/PM',
  20: 'h:mm',
  21: 'h:mm:ss',
  22: 'm/d/yy h:mm',
  37: '#,##0',
  38: '#,##0',
  39: '#,##0.00',
  40: '#,##0.00',
  45: 'mm:ss',
  46: '[h]:mm:ss',
  47: 'mm:ss.0',
  48: '##0.0E+0',
  49: '@',
}
const isDateOfALanguage = (id: number): boolean => (id >= 27 && id <= 36) || (id >= 50 && id <= 58)

/** The format with this number; `code` where the workbook writes it down. */
export function numberFormat(id: number, code: string | undefined): NumberFormat {
  if (code === undefined && isDateOfALanguage(id)) return moment('date')
  return readFormat(code ?? BUILT_IN[id] ?? 'General')
}

const LITERALS = /"[^"]*"?|\\.|_.|\*./g
const ELAPSED = /\[(?:h+|m+|s+)\]/i
const BRACKETS = /\[[^\]]*\]/g

function readFormat(code: string): NumberFormat {
  const [section = ''] = code.replaceAll(LITERALS, '').split(';')
  if (ELAPSED.test(section) || /general/i.test(section)) return PLAIN
  const bare = section.replaceAll(BRACKETS, '')
  return readMoment(bare.replaceAll(/am\/pm|a\/p|e[+-]/gi, '')) ?? readPlaces(bare)
}

function readMoment(letters: string): NumberFormat | undefined {
  const hasTime = /[hs]/i.test(letters)
  const hasDay = /[dy]/i.test(letters) || (/m/i.test(letters) && !hasTime)
  if (hasTime && hasDay) return moment('both')
  if (hasDay) return moment('date')
  return hasTime ? moment('time') : undefined
}

const zerosOf = (text: string): number => Math.min(text.split('0').length - 1, DIGITS_MAX)

function readPlaces(bare: string): NumberFormat {
  if (/[%/@]|e[+-]/i.test(bare)) return PLAIN
  const [whole = '', fraction = ''] = bare.split('.')
  const zeros = zerosOf(whole)
  // `00###` has five places, of which a number fills the last ones: the zeros lead all of them.
  const places = whole.slice(whole.indexOf('0')).match(/[0#?]/g) ?? []
  const least = zeros > 1 ? Math.min(places.length, DIGITS_MAX) : zeros
  return { ...PLAIN, whole: least, fraction: zerosOf(fraction) }
}

const DIGITS_MAX = 30
/** Digits that Excel shows of a number. */
const SIGNIFICANT = 15

/** Whether its format says how many digits a number has before the point. */
export const hasLeadingZeros = ({ whole }: NumberFormat): boolean => whole > 1

const WHOLE = /^([+-]?)0*(\d+)$/
const NUMBER = /^([+-]?)(\d+\.?\d*(?:[eE][+-]?\d{1,4})?|\.\d+(?:[eE][+-]?\d{1,4})?)$/

/**
 * A number as decimal text without exponent: whole numbers with all their digits, others with the
 * 15 that Excel shows. Undefined for what is no number.
 */
export function decimalText(
  text: string,
  { whole, fraction }: NumberFormat = PLAIN,
): string | undefined {
  const [, sign, digits = ''] = WHOLE.exec(text) ?? NUMBER.exec(text) ?? []
  const plain = WHOLE.test(text) ? digits : expanded(Number(digits))
  if (sign === undefined || plain === undefined) return undefined
  const [left = '', right = ''] = plain.split('.')
  const tail = right.padEnd(fraction, '0')
  const body = left.padStart(whole, '0') + (tail === '' ? '' : `.${tail}`)
  return sign === '-' && /[1-9]/.test(body) ? `-${body}` : body
}

function expanded(value: number): string | undefined {
  if (!Number.isFinite(value)) return undefined
  // Most numbers are as short as that, and need no more.
  const short = String(value)
  if (short.length <= SIGNIFICANT && !short.includes('e')) return short
  const [mantissa = '', exponent = '0'] = value.toExponential(SIGNIFICANT - 1).split('e')
  const digits = mantissa.replace('.', '').replace(/0+$/, '')
  const point = Number(exponent) + 1
  if (digits === '') return '0'
  if (point <= 0) return `0.${'0'.repeat(-point)}${digits}`
  if (point >= digits.length) return digits.padEnd(point, '0')
  return `${digits.slice(0, point)}.${digits.slice(point)}`
}

const DAY_MS = 86_400_000
/** 9999-12-31 and one day. */
const SERIAL_END = 2_958_466
const DAYS_1904 = 1462
const EPOCH_MS = Date.UTC(1899, 11, 30)
/** 1900-02-29, which a workbook counts and no calendar has. */
const LEAP_SERIAL = 60

/** A serial number as ISO text, to the millisecond; undefined where it is no date. */
export function momentText(
  text: string,
  { moment: kind }: NumberFormat,
  is1904: boolean,
): string | undefined {
  if (kind === undefined || (!WHOLE.test(text) && !NUMBER.test(text))) return undefined
  const allMs = Math.round(Number(text) * DAY_MS)
  if (allMs < 0 || allMs >= SERIAL_END * DAY_MS) return undefined
  const dayMs = allMs % DAY_MS
  const time = new Date(dayMs)
    .toISOString()
    .slice(11, 23)
    .replace(/\.000$/, '')
  if (kind === 'time' && allMs < DAY_MS) return time
  const date = dayText((allMs - dayMs) / DAY_MS, is1904)
  if (date === undefined) return undefined
  return kind === 'date' && dayMs === 0 ? date : `${date}T${time}`
}

function dayText(serial: number, is1904: boolean): string | undefined {
  const isNone = is1904 ? serial + DAYS_1904 >= SERIAL_END : serial === 0 || serial === LEAP_SERIAL
  if (isNone) return undefined
  const ofCalendar = serial < LEAP_SERIAL ? serial + 1 : serial
  const day = is1904 ? serial + DAYS_1904 : ofCalendar
  return new Date(EPOCH_MS + day * DAY_MS).toISOString().slice(0, 10)
}
