/**
 * Fixed-width records: each column is a range of bytes of the record.
 *
 * Positions count bytes of the file. In a single-byte encoding these are the characters of the
 * decoded record, and so it is cut by characters there. Cost: one look at each byte of a column.
 */
import { isAscii } from 'node:buffer'
import type { FieldRange } from './quoted.ts'
import { FAULT, type SplitFields } from './record-reader.ts'
import type { ColumnSpec, ParseSpec } from './spec.ts'

const BLANK = 0x20

/** A record's text: `bytes[start, end)`, UTF-8. */
export interface RecordText {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
}

/** Reads a record field by field; `faults` are bits of FAULT. */
export type Splitter = (record: RecordText) => {
  readonly fields: SplitFields
  readonly faults: number
}

interface Place {
  /** 0-based, end exclusive */
  readonly from: number
  readonly to: number
  readonly trimsLeft: boolean
}

function placeOf(column: ColumnSpec): Place {
  const { start, length } = column.at ?? { start: 1, length: 0 }
  const trimsLeft = column.type !== 'string' || column.trim === true
  return { from: start - 1, to: start - 1 + length, trimsLeft }
}

/** The splitter of a fixed-width spec: fields in column order, blanks at the end cut off. */
export function fixedSplitter({ columns, encoding, rows }: ParseSpec): Splitter {
  const places = columns.map(placeOf)
  const lastEnd = Math.max(...places.map(({ to }) => to))
  const exactBytes = rows?.exactBytes
  return ({ bytes, start, end }) => {
    const isPlain = isAscii(bytes.subarray(start, end))
    const offsets =
      isPlain || encoding === undefined ? null : characterOffsets(bytes, { start, end })
    const length = offsets === null ? end - start : offsets.length - 1
    const offsetOf = (at: number): number => {
      const within = Math.min(at, length)
      return offsets === null ? start + within : (offsets[within] as number)
    }
    const ranges = places.map(({ from, to, trimsLeft }) =>
      trimmed(bytes, { start: offsetOf(from), end: offsetOf(to), trimsLeft }),
    )
    let faults = 0
    if (exactBytes !== undefined && length < exactBytes) faults |= FAULT.short
    const isBeyond =
      exactBytes === undefined ? !isBlank(bytes, offsetOf(lastEnd), end) : length > exactBytes
    if (isBeyond) faults |= FAULT.beyond
    if (!isPlain && ranges.some((range) => cutsCharacter(bytes, range, end))) {
      faults |= FAULT.encoding
    }
    return { fields: { bytes, ranges }, faults }
  }
}

/** Where each character of a UTF-8 text starts, and its end. */
function characterOffsets(bytes: Buffer, { start, end }: Omit<RecordText, 'bytes'>): number[] {
  const offsets: number[] = []
  for (let at = start; at < end; at += 1) if (!continues(bytes[at])) offsets.push(at)
  return [...offsets, end]
}

/** True for a byte within a character of UTF-8. */
const continues = (byte: number | undefined): boolean => ((byte ?? 0) & 0xc0) === 0x80

const cutsCharacter = (bytes: Buffer, range: FieldRange, recordEnd: number): boolean =>
  range.end > range.start &&
  (continues(bytes[range.start]) || (range.end < recordEnd && continues(bytes[range.end])))

function isBlank(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) if (bytes[at] !== BLANK) return false
  return true
}

function trimmed(
  bytes: Buffer,
  { trimsLeft, ...range }: { start: number; end: number; trimsLeft: boolean },
): FieldRange {
  let { start, end } = range
  while (end > start && bytes[end - 1] === BLANK) end -= 1
  if (trimsLeft) while (start < end && bytes[start] === BLANK) start += 1
  return { start, end, doubled: false }
}
