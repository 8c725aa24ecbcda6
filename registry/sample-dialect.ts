/**
 * How a sample file is written: delimiter, quotes, control records, a record of names. Pure.
 *
 * A delimiter is the one that cuts the most records into the same number of fields. What a sample
 * cannot show (quotes that never occur) is said in `doubts`.
 */
import { sampleRecords } from '../engine/index.ts'
import type { Dialect, SampleRecord } from '../engine/index.ts'

export interface SampleDialect {
  readonly dialect: Dialect
  /** of most records */
  readonly fieldCount: number
  readonly doubts: readonly string[]
}

const DELIMITERS = [',', '|', '\t', ';', '*', '^', '~', '\u001f'] as const
/** Records that decide it. */
const RECORDS = 500
/** Share of the records that must have the same number of fields. */
const SAME_SHARE = 0.8

/** Undefined: no delimiter cuts the records alike; perhaps the file is fixed width. */
export function guessDialect(head: Buffer): SampleDialect | undefined {
  const found = DELIMITERS.flatMap((delimiter) => {
    const fit = fitOf(head, delimiter)
    return fit === undefined ? [] : [fit]
  }).toSorted((a, b) => b.share - a.share || b.fieldCount - a.fieldCount)
  const [best] = found
  if (best === undefined) return undefined
  const rival = found.find((one) => one !== best && one.share === best.share)
  const { quoteChar } = best.dialect
  const doubts = [
    ...(rival === undefined
      ? []
      : [`The delimiter: ${JSON.stringify(rival.dialect.delimiter)} cuts the records alike too.`]),
    ...(best.hasQuotes
      ? []
      : [
          `Quotes: none in the sample; ${quoteChar === null ? 'a quote is taken as data' : 'a quoted field may hold the delimiter'}.`,
        ]),
  ]
  return { dialect: best.dialect, fieldCount: best.fieldCount, doubts }
}

interface Fit {
  readonly dialect: Dialect
  readonly fieldCount: number
  readonly share: number
  readonly hasQuotes: boolean
}

function fitOf(head: Buffer, delimiter: string): Fit | undefined {
  const quoted = sampleRecords(head, { delimiter, quoteChar: '"', header: false }, RECORDS)
  const hasQuotes = quoted.some(({ isQuoted, isFaulty }) => isQuoted || isFaulty)
  const isSound = !quoted.some(({ isFaulty }) => isFaulty)
  // Guides of claims data mostly take quotes as data; everybody else's comma files quote.
  const isQuoting = hasQuotes
    ? isSound
    : delimiter === ',' || delimiter === ';' || delimiter === '\t'
  const quoteChar = isQuoting ? '"' : null
  const dialect: Dialect = { delimiter, quoteChar, header: false }
  const records = isQuoting ? quoted : sampleRecords(head, dialect, RECORDS)
  const whole = records.length < RECORDS ? records : records.slice(0, -1)
  const counts = Map.groupBy(whole, ({ fields }) => fields.length)
  const [most] = [...counts].toSorted(([, a], [, b]) => b.length - a.length)
  if (most === undefined || most[0] < 2) return undefined
  const share = most[1].length / whole.length
  // Control records are few in a delivery, and half of a sample of four lines.
  const isAlike = share >= SAME_SHARE || whole.length - most[1].length <= 2
  return isAlike ? { dialect, fieldCount: most[0], share, hasQuotes } : undefined
}

/** What control records of claims data begin with; they may have as many fields as a row. */
export const CONTROL_TAGS: readonly string[] = ['HD', 'TR']

const NUMBER_OR_DATE = /^[-+]?[\d.,/: -]*\d[\d.,/: TZ-]*$/

/**
 * Whether the first data record holds names: all there, all different, none a number, and none of
 * them a value of its own column.
 */
export function holdsNames(first: SampleRecord, rest: readonly SampleRecord[]): boolean {
  const last = first.fields.findLastIndex((name) => name !== '') + 1
  const names = first.fields.slice(0, last)
  const areNames =
    names.length > 0 &&
    names.every((name) => name.trim() !== '' && !NUMBER_OR_DATE.test(name)) &&
    new Set(names).size === names.length
  return areNames && !names.some((name, at) => rest.some(({ fields }) => fields[at] === name))
}
