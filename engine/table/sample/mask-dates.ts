/**
 * Dates that are moved: all of a submitter's by the same days, so that order and distance stay.
 *
 * A text keeps its format, separators and letter case. Months without a day move by whole months. A
 * day that would leave the years 1 to 9999 (an open end, `9999-12-31`) moves as far the other way.
 */
import { KNOWN_FORMATS } from '../column-profile.ts'
import { compileFormat, dateText, dayNumber, numberedDay } from '../date-format.ts'
import type { DateFormat, Day } from '../date-format.ts'
import { MONTH_MAX, MONTH_MIN } from '../grammar.ts'
import { keyedBytes } from './keyed-bytes.ts'

/** At least a month, so that a file of one month shares no day with its sample. */
const SHIFT_DAYS_MIN = 32
const SHIFT_DAYS_MAX = 365
const DAYS_OF_MONTH = 30.44

export interface DateShift {
  /** 32 to 365 either way */
  readonly days: number
  /** about as far; 1 to 12 either way */
  readonly months: number
}

/** Of all dates of a submitter in a deployment. */
export function dateShift(key: Buffer, submitter: string): DateShift {
  const byteAt = keyedBytes(key, 'date')(submitter)
  const draw = byteAt(0) * 65_536 + byteAt(1) * 256 + byteAt(2)
  const days = SHIFT_DAYS_MIN + (draw % (SHIFT_DAYS_MAX - SHIFT_DAYS_MIN + 1))
  const sign = byteAt(3) % 2 === 0 ? 1 : -1
  return { days: sign * days, months: sign * Math.round(days / DAYS_OF_MONTH) }
}

type Dating = Pick<DateFormat, 'format' | 'read' | 'write'>

const ISO_DAY = compileFormat('%Y-%m-%d')
const ISO_DAY_LENGTH = 10
const AFTER_DAY = /^[T ][\d:.,+-]*Z?$/

/** What parts a day from its time in every form of ISO 8601: fractions of any length, zones. */
const ISO: Dating = {
  format: '%Y-%m-%d…',
  read: (text) =>
    AFTER_DAY.test(text.slice(ISO_DAY_LENGTH)) ? ISO_DAY.read(text.slice(0, ISO_DAY_LENGTH)) : null,
  write(text, day, time) {
    const rest = text.slice(ISO_DAY_LENGTH)
    const own = ISO_DAY.write(text.slice(0, ISO_DAY_LENGTH), day, time)
    return own + (time === 'kept' ? rest : rest.replaceAll(/\d/g, '0'))
  },
}
/** Of days, and of days with a time. */
export const ISO_FORMATS: readonly string[] = [ISO_DAY.format, ISO.format]
const DATINGS: readonly Dating[] = [...KNOWN_FORMATS, ISO]

const FIELD_WIDTHS: Readonly<Record<string, number>> = { Y: 4, b: 3 }
/** How long a text of a format is; fractions of a second differ. */
function widthOf({ format }: Dating): number | undefined {
  if (format.includes('%f')) return undefined
  return format.replaceAll(/%(.)/g, (_, name: string) => '0'.repeat(FIELD_WIDTHS[name] ?? 2)).length
}
const BY_WIDTH = Map.groupBy(KNOWN_FORMATS, widthOf)
const OF_ANY_WIDTH = BY_WIDTH.get(undefined) ?? []

/** Longer texts are no date. */
const DATE_LENGTH_MAX = 40
const SHORTEST_DATE = 6
const DIGITS = /^\d.*\d/

const isInRange = (day: Day | null): boolean => {
  if (day === null) return false
  const month = dateText(day).slice(0, 7)
  return month >= MONTH_MIN && month <= MONTH_MAX
}

/** Names of the known formats that read a text as a day of a month that rows may have. */
export function formatsReading(text: string): readonly string[] {
  if (text.length < SHORTEST_DATE || text.length > DATE_LENGTH_MAX || !DIGITS.test(text)) return []
  const fitting = [...(BY_WIDTH.get(text.length) ?? []), ...OF_ANY_WIDTH]
  const found = fitting.filter(({ read }) => isInRange(read(text)))
  if (found.length > 0) return found.map(({ format }) => format)
  return isInRange(ISO.read(text)) ? [ISO.format] : []
}

/** The known formats that read some of the texts, those that read most of them first. */
export function formatsFound(texts: Iterable<string>): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>()
  for (const text of texts) {
    for (const format of formatsReading(text)) counts.set(format, (counts.get(format) ?? 0) + 1)
  }
  // Those that read as many keep the order of the list.
  const place = new Map(DATINGS.map(({ format }, at) => [format, at]))
  return [...counts].toSorted(
    ([a, ofA], [b, ofB]) => ofB - ofA || (place.get(a) ?? 0) - (place.get(b) ?? 0),
  )
}

function moved(day: Day, hasDay: boolean, { days, months }: DateShift): Day {
  if (hasDay) return numberedDay(dayNumber(day) + days)
  const index = day.year * 12 + day.month - 1 + months
  return { year: Math.floor(index / 12), month: (index % 12) + 1, day: 1 }
}

const YEAR_MAX = 9999
const opposite = ({ days, months }: DateShift): DateShift => ({ days: -days, months: -months })

export interface DateMaskRequest {
  readonly shift: DateShift
  /** tried in this order: strptime formats, and those of `formatsFound` */
  readonly formats: readonly string[]
  readonly time: 'kept' | 'zero'
}

/** Moves the date of a text, blanks around it kept; undefined: no format reads it. */
export function dateMask(request: DateMaskRequest): (text: string) => string | undefined {
  const datings = request.formats.map(
    (format) => DATINGS.find((one) => one.format === format) ?? compileFormat(format),
  )
  return (text) => {
    const date = text.trim()
    for (const dating of datings) {
      const day = dating.read(date)
      if (day === null) continue
      const hasDay = dating.format.includes('%d')
      const there = moved(day, hasDay, request.shift)
      const isYear = there.year >= 1 && there.year <= YEAR_MAX
      const own = isYear ? there : moved(day, hasDay, opposite(request.shift))
      return text.replace(date, () => dating.write(date, own, request.time))
    }
    return undefined
  }
}
