/**
 * The strptime formats a layout may use, each as a strict shape plus a reading of the calendar.
 *
 * The directives are those that DuckDB's try_strptime reads the same way (measured on 1.5.6): the
 * shape does the strictness (padding, ranges, no white space), strptime or `readDate` the month
 * lengths. `%y` turns at 69 (POSIX): 68 is 2068, 69 is 1969.
 */
import { assert } from '../core/errors.ts'

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const titled = (name: string): string => `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`

/** Shape of each directive, in the syntax common to RE2 and JavaScript. */
const DIRECTIVES: Readonly<Record<string, string>> = {
  Y: String.raw`(?:[1-9]\d{3}|0[1-9]\d{2}|00[1-9]\d|000[1-9])`,
  y: String.raw`\d{2}`,
  m: '(?:0[1-9]|1[0-2])',
  b: `(?:${MONTHS.flatMap((name) => [titled(name), name.toUpperCase(), name]).join('|')})`,
  d: String.raw`(?:0[1-9]|[12]\d|3[01])`,
  H: String.raw`(?:[01]\d|2[0-3])`,
  M: String.raw`[0-5]\d`,
  S: String.raw`[0-5]\d`,
  f: String.raw`\d{1,6}`,
}

/** A moment without a zone. `fraction` is microseconds. */
export interface Moment {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly fraction: number
}

/** A day of the calendar; of a format without days the first of its month. */
export type Day = Pick<Moment, 'year' | 'month' | 'day'>

export interface DateFormat {
  /** strptime text */
  readonly format: string
  /** whole-value shape in the common syntax */
  readonly pattern: string
  /** null for a text of another shape and for a day the month does not have */
  readonly read: (text: string) => Moment | null
  /** a text that `read` reads, with another day; its letter case and, but for `zero`, its time stay */
  readonly write: (text: string, day: Day, time: 'kept' | 'zero') => string
}

/** Why a format cannot be used, in words, or null when it can. */
export function formatProblem(format: string): string | null {
  if (!/^[\x20-\x7e]{1,64}$/.test(format)) return 'is not 1 to 64 printable ASCII characters'
  const names = [...format.matchAll(/%(.?)/g)].map((match) => match[1] ?? '')
  const unknown = names.find((name) => !Object.hasOwn(DIRECTIVES, name))
  if (unknown !== undefined)
    return `has the directive %${unknown}; known: %Y %y %m %b %d %H %M %S %f`
  if (new Set(names).size < names.length) return 'uses a directive twice'
  const one = (a: string, b: string): boolean => names.includes(a) !== names.includes(b)
  if (!one('Y', 'y')) return 'needs one of %Y and %y'
  if (!one('m', 'b')) return 'needs one of %m and %b'
  return null
}

const literal = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`)

/** A format as shape and reader. The format must have passed formatProblem. */
export function compileFormat(format: string): DateFormat {
  assert(formatProblem(format) === null, 'a date format outside the known directives')
  const names: string[] = []
  const shape = (capture: boolean): string =>
    format
      .split(/(%.)/)
      .map((piece) => {
        const name = /^%(.)$/.exec(piece)?.[1]
        if (name === undefined) return literal(piece)
        if (capture) names.push(name)
        return capture ? `(${DIRECTIVES[name]})` : `${DIRECTIVES[name]}`
      })
      .join('')
  const matcher = new RegExp(`^${shape(true)}$`, 'u')
  const places = placesOf(names)
  const literals = format.split(/%./)
  const read = (text: string): Moment | null => {
    const match = matcher.exec(text)
    return match === null ? null : readDate(match, places)
  }
  const write: DateFormat['write'] = (text, day, time) => {
    const match = matcher.exec(text)
    assert(match !== null, 'a date is written over a text of another format')
    let written = literals[0] as string
    for (const [at, name] of names.entries()) {
      const old = match[at + 1] as string
      written += dayField(name, day, old) ?? (time === 'kept' ? old : '0'.repeat(old.length))
      written += literals[at + 1] as string
    }
    return written
  }
  return { format, pattern: shape(false), read, write }
}

/** What a directive writes of a day; undefined: it is one of the time. */
function dayField(name: string, { year, month, day }: Day, old: string): string | undefined {
  if (name === 'b') {
    const text = MONTHS[month - 1] as string
    if (old === old.toUpperCase()) return text.toUpperCase()
    return old === old.toLowerCase() ? text : titled(text)
  }
  if (name === 'Y') return pad(year, 4)
  if (name === 'y') return pad(year % 100, 2)
  if (name === 'm') return pad(month, 2)
  return name === 'd' ? pad(day, 2) : undefined
}

/** Which capture a directive is; 0: the format has none. */
type Places = Readonly<Record<'Y' | 'y' | 'm' | 'b' | 'd' | 'H' | 'M' | 'S' | 'f', number>>

function placesOf(names: readonly string[]): Places {
  const of = (name: string): number => names.indexOf(name) + 1
  return {
    Y: of('Y'),
    y: of('y'),
    m: of('m'),
    b: of('b'),
    d: of('d'),
    H: of('H'),
    M: of('M'),
    S: of('S'),
    f: of('f'),
  }
}

const numberAt = (match: RegExpExecArray, place: number): number =>
  place === 0 ? 0 : Number(match[place])

function yearOf(match: RegExpExecArray, { Y, y }: Places): number {
  if (Y !== 0) return Number(match[Y])
  const short = numberAt(match, y)
  return short < 69 ? 2000 + short : 1900 + short
}

function readDate(match: RegExpExecArray, places: Places): Moment | null {
  const { b, m, d, H, M, S, f } = places
  const year = yearOf(match, places)
  const month =
    b === 0 ? numberAt(match, m) : MONTHS.indexOf((match[b] as string).toLowerCase()) + 1
  const day = d === 0 ? 1 : numberAt(match, d)
  if (day > daysIn(year, month)) return null
  return {
    year,
    month,
    day,
    hour: numberAt(match, H),
    minute: numberAt(match, M),
    second: numberAt(match, S),
    fraction: f === 0 ? 0 : Number((match[f] as string).padEnd(6, '0')),
  }
}

const isLeap = (year: number): boolean => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0

function daysIn(year: number, month: number): number {
  if (month === 2) return isLeap(year) ? 29 : 28
  return [4, 6, 9, 11].includes(month) ? 30 : 31
}

const pad = (value: number, width: number): string => String(value).padStart(width, '0')

const YEARS_CYCLE = 400
const DAYS_CYCLE = 146_097

/** Days since 0000-03-01; for years 1 to 9999. */
export function dayNumber({ year, month, day }: Day): number {
  const y = month > 2 ? year : year - 1
  const cycle = Math.floor(y / YEARS_CYCLE)
  const ofCycle = y - cycle * YEARS_CYCLE
  const ofYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1
  const leaps = Math.floor(ofCycle / 4) - Math.floor(ofCycle / 100)
  return cycle * DAYS_CYCLE + ofCycle * 365 + leaps + ofYear
}

/** The day of a number that `dayNumber` gives. */
export function numberedDay(days: number): Day {
  const cycle = Math.floor(days / DAYS_CYCLE)
  const rest = days - cycle * DAYS_CYCLE
  const leapDays =
    Math.floor(rest / 1460) - Math.floor(rest / 36_524) + Math.floor(rest / (DAYS_CYCLE - 1))
  const ofCycle = Math.floor((rest - leapDays) / 365)
  const ofYear = rest - (ofCycle * 365 + Math.floor(ofCycle / 4) - Math.floor(ofCycle / 100))
  const fromMarch = Math.floor((5 * ofYear + 2) / 153)
  const month = ((fromMarch + 2) % 12) + 1
  const day = ofYear - Math.floor((153 * fromMarch + 2) / 5) + 1
  return { year: cycle * YEARS_CYCLE + ofCycle + (month <= 2 ? 1 : 0), month, day }
}

/** `YYYY-MM-DD`. */
export const dateText = ({ year, month, day }: Day): string =>
  `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`

/** `YYYY-MM-DD hh:mm:ss[.f]`, the fraction without trailing zeros, as DuckDB prints a TIMESTAMP. */
export function datetimeText(moment: Moment): string {
  const time = [moment.hour, moment.minute, moment.second].map((part) => pad(part, 2)).join(':')
  const fraction = moment.fraction === 0 ? '' : `.${pad(moment.fraction, 6).replace(/0+$/, '')}`
  return `${dateText(moment)} ${time}${fraction}`
}
