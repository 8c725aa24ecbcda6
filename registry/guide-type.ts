/**
 * What a guide calls a type, as a layout's: `X(13)`, `9(13)V99`, `varchar(8)`, `CCYYMMDD`, `Number`.
 *
 * Digits that are a code and digits that are a number look alike in COBOL pictures: without a sign
 * or a point they stay text, so that leading zeros survive.
 */
import type { FieldDraft } from './draft.ts'

export type GuideType = Pick<FieldDraft, 'type' | 'format' | 'decimal' | 'maxLength'> & {
  /** why a person should look at it; undefined: it was said plainly */
  readonly doubt?: string
}

/** What else a guide says of a field. */
export interface GuideWidth {
  /** characters or bytes */
  readonly length?: number
  /** digits after the point */
  readonly scale?: number
}

const DATE_PICTURES: Readonly<Record<string, string>> = {
  'YYYY-MM-DD': '%Y-%m-%d',
  'CCYY-MM-DD': '%Y-%m-%d',
  YYYYMMDD: '%Y%m%d',
  CCYYMMDD: '%Y%m%d',
  YYYYMM: '%Y%m',
  CCYYMM: '%Y%m',
  'YYYY-MM': '%Y-%m',
  'MM/DD/YYYY': '%m/%d/%Y',
  'MM/DD/CCYY': '%m/%d/%Y',
  MMDDYYYY: '%m%d%Y',
  MMDDCCYY: '%m%d%Y',
  'DD-MON-YYYY': '%d-%b-%Y',
  DDMONYYYY: '%d%b%Y',
  'DD.MM.YYYY': '%d.%m.%Y',
}
const TEXTS = /^(?:VAR)?CHAR(?:ACTER)?2?$|^TEXT$|^STRING$|^ALPHA(?:NUMERIC)?$|^AN?$|^C$|^X$|^ANY$/
const INTEGERS = /^(?:BIG|SMALL|TINY)?INT(?:EGER)?$|^YEAR$/
const NUMBERS = /^NUM(?:BER|ERIC)?$|^N$/
const DECIMALS = /^DEC(?:IMAL)?$|^AMOUNT$|^MONEY$|^CURRENCY$|^FLOAT$|^DOUBLE$|^REAL$/
const PICTURE =
  /^(?<sign>[-+S])?9\((?<whole>\d+)\)(?:(?<point>[.V])(?:(?<nines>9+)|9\((?<scale>\d+)\)))?$/

const MONEY = { precision: 18, scale: 2 }
const WHOLE_DIGITS_MAX = 18
const PRECISION_MAX = 38

/** Reads one cell of a guide; an empty one is text. */
export function guideType(cell: string, width: GuideWidth = {}): GuideType {
  const text = cell.replaceAll(/\s+/g, '').toUpperCase()
  const format = DATE_PICTURES[text]
  if (format !== undefined) return { type: 'date', format }
  return picture(text) ?? named(text, width)
}

function picture(text: string): GuideType | undefined {
  const [, letters] = /^[XA]\((\d+)\)$/.exec(text) ?? []
  if (letters !== undefined) return { type: 'string', maxLength: Number(letters) }
  const groups = PICTURE.exec(text)?.groups
  if (groups === undefined) return undefined
  const whole = Number(groups['whole'])
  const scale = groups['nines']?.length ?? Number(groups['scale'] ?? 0)
  if (groups['point'] !== undefined) {
    const implied = groups['point'] === 'V' ? { implied: true as const } : {}
    const precision = Math.min(PRECISION_MAX, whole + scale)
    return { type: 'number', decimal: { precision, scale: Math.min(scale, precision), ...implied } }
  }
  if (groups['sign'] !== undefined) return { type: 'integer' }
  const doubt = 'digits, kept as text: a number, or a code with leading zeros'
  return { type: 'string', maxLength: whole, doubt }
}

const NAMED = /^([A-Z]+2?)(?:\[\d+\])?(?:\((\d+)(?:,(\d+))?\))?/

function named(text: string, { length, scale }: GuideWidth): GuideType {
  const [, name = text, first, second] = NAMED.exec(text) ?? []
  const size = first === undefined ? length : Number(first)
  const places = second === undefined ? scale : Number(second)
  if (INTEGERS.test(name)) return whole(size)
  if (NUMBERS.test(name)) {
    return places === undefined || places === 0 ? whole(size) : real(size, places)
  }
  if (DECIMALS.test(name)) return real(size, places)
  return name === 'DATE' ? date(size) : (plain(name) ?? textual(text, name, size))
}

/** Types that are said by their name alone. */
function plain(name: string): GuideType | undefined {
  if (/^DATE-?TIME$|^TIMESTAMP$/.test(name)) {
    return { type: 'datetime', doubt: 'a date and time in the form 2024-01-31T12:00:00Z' }
  }
  return /^BOOL(?:EAN)?$|^LOGICAL$/.test(name)
    ? { type: 'boolean', doubt: 'true or false' }
    : undefined
}

function textual(text: string, name: string, size: number | undefined): GuideType {
  const limit = size === undefined ? {} : { maxLength: size }
  if (text === '' || TEXTS.test(name)) return { type: 'string', ...limit }
  return { type: 'string', ...limit, doubt: 'a type this program does not know: read as text' }
}

const whole = (size: number | undefined): GuideType =>
  size !== undefined && size > WHOLE_DIGITS_MAX
    ? { type: 'string', maxLength: size, doubt: 'more digits than a number holds: kept as text' }
    : { type: 'integer' }

function real(size: number | undefined, places: number | undefined): GuideType {
  if (places === undefined) return { type: 'number', decimal: MONEY, doubt: 'two decimals' }
  const precision = Math.min(PRECISION_MAX, Math.max(MONEY.precision, size ?? 0))
  return { type: 'number', decimal: { precision, scale: Math.min(places, precision) } }
}

function date(size: number | undefined): GuideType {
  if (size === 8) return { type: 'date', format: '%Y%m%d' }
  if (size === 6) return { type: 'date', format: '%Y%m' }
  const doubt = size === 10 ? {} : { doubt: 'a date in the form 2024-01-31' }
  return { type: 'date', format: '%Y-%m-%d', ...doubt }
}
