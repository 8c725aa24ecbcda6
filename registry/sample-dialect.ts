/**
 * How a sample file is written: delimiter, quotes, control records, a record of names. Pure.
 *
 * A delimiter is the one that cuts the most records into the same number of fields. What a sample
 * cannot show (quotes that never occur) is said in `doubts`.
 */
import { isUtf8 } from 'node:buffer'
import { QUOTED_RECORD_LINES_MAX, sampleRecords } from '../engine/index.ts'
import type { Dialect, Encoding, RecordSyntax, SampleRecord } from '../engine/index.ts'

export interface SampleDialect {
  readonly syntax: RecordSyntax
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
  const encoding = guessEncoding(head)
  const found = DELIMITERS.flatMap((delimiter) => {
    const fit = fitOf(head, { delimiter, encoding })
    return fit === undefined ? [] : [fit]
  }).toSorted((a, b) => b.share - a.share || b.fieldCount - a.fieldCount)
  const [best] = found
  if (best === undefined) return undefined
  const rival = found.find((one) => one !== best && one.share === best.share)
  const { quoteChar } = best.dialect
  const doubts = [
    ...(encoding === undefined
      ? []
      : [`The encoding: its bytes are no UTF-8, taken as ${encoding}.`]),
    ...(rival === undefined
      ? []
      : [`The delimiter: ${JSON.stringify(rival.dialect.delimiter)} cuts the records alike too.`]),
    ...(best.hasQuotes
      ? []
      : [
          `Quotes: none in the sample; ${quoteChar === null ? 'a quote is taken as data' : 'a quoted field may hold the delimiter'}.`,
        ]),
  ]
  return { syntax: syntaxOf(best.dialect, encoding), fieldCount: best.fieldCount, doubts }
}

interface Fit {
  readonly dialect: Dialect
  readonly fieldCount: number
  readonly share: number
  readonly hasQuotes: boolean
}

const syntaxOf = (dialect: Dialect, encoding: Encoding | undefined): RecordSyntax => ({
  dialect,
  ...(encoding !== undefined && { encoding }),
})

/** Bytes that windows-1252 has letters for and ISO 8859-1 only control characters. */
const WINDOWS_ONLY = /[\x80-\x9f]/

/** Undefined: UTF-8. The head may end within a character. */
function guessEncoding(head: Buffer): Encoding | undefined {
  if (/^(?:\xff\xfe|\xfe\xff)/.test(head.subarray(0, 2).toString('latin1'))) return 'utf-16'
  if (isUtf8(head.subarray(0, head.lastIndexOf('\n') + 1))) return undefined
  return WINDOWS_ONLY.test(head.toString('latin1')) ? 'windows-1252' : 'iso-8859-1'
}

function fitOf(
  head: Buffer,
  { delimiter, encoding }: { readonly delimiter: string; readonly encoding: Encoding | undefined },
): Fit | undefined {
  const read = (quoteChar: Dialect['quoteChar']): SampleRecord[] =>
    sampleRecords(head, syntaxOf({ delimiter, quoteChar, header: false }, encoding), RECORDS)
  const isCommonlyQuoted = delimiter === ',' || delimiter === ';' || delimiter === '\t'
  const quoted = untilCut(read('"'), isCommonlyQuoted)
  const hasQuotes = quoted.some(({ isQuoted, isFaulty }) => isQuoted || isFaulty)
  const isSound = !quoted.some(({ isFaulty }) => isFaulty)
  // Guides of claims data mostly take quotes as data; everybody else's comma files quote.
  const isQuoting = hasQuotes ? isSound : isCommonlyQuoted
  const quoteChar = isQuoting ? '"' : null
  const dialect: Dialect = { delimiter, quoteChar, header: false }
  const records = isQuoting ? quoted : read(null)
  const whole = records.length < RECORDS ? records : records.slice(0, -1)
  const counts = Map.groupBy(whole, ({ fields }) => fields.length)
  const [most] = [...counts].toSorted(([, a], [, b]) => b.length - a.length)
  if (most === undefined || most[0] < 2) return undefined
  const share = most[1].length / whole.length
  // Control records are few in a delivery, and half of a sample of four lines.
  const isAlike = share >= SAME_SHARE || whole.length - most[1].length <= 2
  return isAlike ? { dialect, fieldCount: most[0], share, hasQuotes } : undefined
}

/**
 * Without what a look cut within a quoted cell leaves at its end: a fault, and the cell's lines read
 * as records. Only where what stands before is soundly quoted, or is a header alone.
 */
function untilCut(
  records: readonly SampleRecord[],
  isCommonlyQuoted: boolean,
): readonly SampleRecord[] {
  const cut = records.findIndex(({ isFaulty }) => isFaulty)
  if (cut < 1 || records.length - cut > QUOTED_RECORD_LINES_MAX) return records
  const before = records.slice(0, cut)
  const isQuoted = before.some((record) => record.isQuoted)
  return isQuoted || (cut === 1 && isCommonlyQuoted) ? before : records
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
