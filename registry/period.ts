/**
 * Periods: the months a submission declares, and the months a release of a public file is effective.
 */

/** Inclusive months, `YYYY-MM`. */
export interface Period {
  readonly first: string
  readonly last: string
}

export const PERIOD_MONTHS_MAX = 120

const MONTH = /^(?:19|20|21)\d{2}-(?:0[1-9]|1[0-2])$/

/** Months since year 0: the next month is one more. */
const monthIndex = (month: string): number =>
  Number(month.slice(0, 4)) * 12 + Number(month.slice(5)) - 1

const monthAt = (index: number): string =>
  `${Math.floor(index / 12)}-${String((index % 12) + 1).padStart(2, '0')}`

/** The month after a `YYYY-MM`. */
export const monthAfter = (month: string): string => monthAt(monthIndex(month) + 1)

/** The month so many before a `YYYY-MM`. */
export const monthBefore = (month: string, count: number): string =>
  monthAt(monthIndex(month) - count)

/**
 * The months of a period in order: none when it is no period (first after last, a month out of
 * form, or more than PERIOD_MONTHS_MAX months).
 */
export function monthsOf({ first, last }: Period): readonly string[] {
  if (!MONTH.test(first) || !MONTH.test(last)) return []
  const from = monthIndex(first)
  const count = monthIndex(last) - from + 1
  if (count < 1 || count > PERIOD_MONTHS_MAX) return []
  return Array.from({ length: count }, (_, at) => monthAt(from + at))
}

/** Whether two periods are the same months. */
export const samePeriod = (a: Period, b: Period): boolean =>
  a.first === b.first && a.last === b.last

const QUARTERS: Readonly<Record<string, readonly [string, string]>> = {
  A: ['01', '03'],
  B: ['04', '06'],
  C: ['07', '09'],
  D: ['10', '12'],
}

/**
 * The months a vintage is effective; undefined for a text that declares none.
 *
 * `2025D`, `RVU25D`, `2025AR` (a revision), `2025A-R-2025-01-10`, `2025Q3`, `2025`, `2025-07`,
 * `202507`, `2025-07..2025-09`. CMS releases A to D are effective from January, April, July and
 * October.
 */
export function vintagePeriod(vintage: string): Period | undefined {
  const text = vintage.trim().toUpperCase()
  const range = /^(\d{4}-\d\d)(?:\.\.|\/)(\d{4}-\d\d)$/.exec(text)
  if (range !== null) return months(range[1], range[2])
  const month = /^(\d{4})-?(\d\d)$/.exec(text)
  if (month !== null) return months(`${month[1]}-${month[2]}`, `${month[1]}-${month[2]}`)
  const [, year, letter, digit] =
    /^(?:RVU)?(\d{4}|\d\d(?=[A-D]))-?(?:([A-D])(?:-?R)?(?:-\d{4}-\d\d-\d\d)?|Q([1-4])|ANNUAL)?$/.exec(
      text,
    ) ?? []
  if (year === undefined) return undefined
  const full = year.length === 2 ? `20${year}` : year
  const quarter = QUARTERS[letter ?? 'ABCD'[Number(digit ?? 0) - 1] ?? ''] ?? ['01', '12']
  return months(`${full}-${quarter[0]}`, `${full}-${quarter[1]}`)
}

function months(first = '', last = ''): Period | undefined {
  return monthsOf({ first, last }).length > 0 ? { first, last } : undefined
}
