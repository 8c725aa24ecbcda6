/** When a parse gives up: its rejects are past the layout's stop rule. Pure. */
import type { ReasonCount } from './reason-counts.ts'
import type { StopRule } from './spec.ts'

/** Data records of a parse so far. */
export interface RecordsRead {
  readonly records: number
  readonly rejected: number
}

/** Records the preflight looks at, and the least of which a share is judged. */
export const PREFLIGHT_RECORDS = 1000

/** Whether to go no further. A share of fewer than PREFLIGHT_RECORDS records says too little. */
export function isPastStop(
  stop: StopRule | undefined,
  { records, rejected }: RecordsRead,
): boolean {
  if (stop === undefined) return false
  if ('count' in stop) return rejected > stop.count
  return records >= PREFLIGHT_RECORDS && rejected > stop.share * records
}

/** Reasons that are named in words. */
const NAMED_MAX = 3

/** What a parse had seen when it stopped. */
export interface Stopped extends RecordsRead {
  readonly reasons: readonly ReasonCount[]
}

/** The most frequent reasons: `TYPE_DATE in paid_on 12`. */
export const reasonWords = (reasons: readonly ReasonCount[]): string =>
  reasons
    .toSorted((a, b) => b.count - a.count)
    .slice(0, NAMED_MAX)
    .map(({ code, column, count }) => `${code}${column === null ? '' : ` in ${column}`} ${count}`)
    .join(', ')

/** In words, for a report: counts, codes and names of the layout. */
export function stopDetail(stop: StopRule, { records, rejected, reasons }: Stopped): string {
  const limit = 'count' in stop ? `${stop.count}` : `${Number((stop.share * 100).toFixed(4))} %`
  return (
    `${rejected} of its first ${records} data records do not fit the layout, ` +
    `which stops at ${limit}: ${reasonWords(reasons)}`
  )
}
