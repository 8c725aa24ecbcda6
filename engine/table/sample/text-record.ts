/**
 * A record of text that is shown: where it lies, what its fields are, and how it is written with
 * other texts in their places. Pure.
 */
import { encodeText } from '../encoding.ts'
import type { FieldRange } from '../quoted.ts'
import { recordFields, type RawRecord, type RecordSyntax } from '../record-reader.ts'

const QUOTE = 0x22
const LF = 0x0a
const BOM = { utf8: Buffer.from([0xef, 0xbb, 0xbf]), utf16be: Buffer.from([0xfe, 0xff]) } as const

/** How the bytes of a file stand for text. */
export interface TextCoding {
  readonly encoding: RecordSyntax['encoding']
  readonly isBigEndian: boolean
  /** bytes of the byte order mark */
  readonly markBytes: number
}

/** The coding of a file that begins with `head`. */
export function textCoding(head: Buffer, { encoding }: Pick<RecordSyntax, 'encoding'>): TextCoding {
  if (encoding === 'utf-16') {
    const isBigEndian = head.subarray(0, 2).equals(BOM.utf16be)
    const isLittle = head[0] === 0xff && head[1] === 0xfe
    return { encoding, isBigEndian, markBytes: isBigEndian || isLittle ? 2 : 0 }
  }
  const isMarked = head.subarray(0, BOM.utf8.length).equals(BOM.utf8)
  return { encoding, isBigEndian: false, markBytes: isMarked ? BOM.utf8.length : 0 }
}

export interface TextRecord {
  /** in the content as it lies there, line end included */
  readonly byteStart: number
  readonly byteEnd: number
  readonly isFaulty: boolean
  /** UTF-8 of the record, without its line end; of a record with a fault as it was read */
  readonly bytes: Buffer
  readonly start: 0
  readonly end: number
  /** null: no field is quoted */
  readonly fields: { readonly bytes: Buffer; readonly ranges: readonly FieldRange[] } | null
}

/** A copy of a record, `offsetBytes` further on, without the byte order mark before it. */
export function textRecord(record: RawRecord, offsetBytes: number, coding: TextCoding): TextRecord {
  const bytes = Buffer.from(record.bytes.subarray(record.start, record.end))
  const byteStart = record.byteStart + offsetBytes
  const ranges = record.fields?.ranges.map(({ start, end, doubled }) => ({
    start: start - record.start,
    end: end - record.start,
    doubled,
  }))
  return {
    byteStart: byteStart === 0 ? coding.markBytes : byteStart,
    byteEnd: record.byteEnd + offsetBytes,
    isFaulty: record.faults !== 0,
    bytes,
    start: 0,
    end: bytes.length,
    fields: ranges === undefined ? null : { bytes, ranges },
  }
}

/** The fields of a record without a fault. */
export const fieldsOf = (record: TextRecord, { dialect }: RecordSyntax): string[] =>
  recordFields(record, dialect.delimiter)

/** A text in the place of a field; the same text: the field stays byte for byte. */
export type ReplaceField = (text: string, column: number) => string

/** The record, whose fields these are, with other texts in them: delimiters, quotes around fields and the rest stay. */
export function rewritten(
  record: TextRecord,
  fields: readonly string[],
  { syntax, replace }: { readonly syntax: RecordSyntax; readonly replace: ReplaceField },
): string {
  const { delimiter, quoteChar } = syntax.dialect
  return fields
    .map((text, column) => {
      const range = record.fields?.ranges[column]
      const isQuoted =
        range !== undefined && range.start > 0 && record.bytes[range.start - 1] === QUOTE
      const other = replace(text, column)
      if (isQuoted) return quoted(other)
      if (quoteChar === null) return withoutBreaks(other, delimiter)
      return needsQuotes(other, delimiter) ? quoted(other) : other
    })
    .join(delimiter)
}

const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`

const needsQuotes = (text: string, delimiter: string): boolean =>
  text.startsWith('"') || text.includes(delimiter) || /[\r\n]/.test(text)

/** Where nothing can be quoted, what would end a field is none of its text. */
const withoutBreaks = (text: string, delimiter: string): string =>
  text.replaceAll(delimiter, 'x').replaceAll(/[\r\n]/g, 'x')

/** The text in the file's encoding, behind it the line end of `source`, which it replaces. */
export function encodedRecord(text: string, source: Buffer, coding: TextCoding): Buffer {
  const unit = coding.encoding === 'utf-16' ? 2 : 1
  const last = (at: number): number => unitAt(source, source.length - at * unit, coding)
  const ending = last(1) === LF ? (last(2) === 0x0d ? 2 : 1) : last(1) === 0x0d ? 1 : 0
  const lineEnd = source.subarray(source.length - ending * unit)
  return Buffer.concat([encodeText(text, coding), lineEnd])
}

function unitAt(source: Buffer, at: number, { encoding, isBigEndian }: TextCoding): number {
  if (at < 0) return -1
  if (encoding !== 'utf-16') return source[at] as number
  if (at + 1 >= source.length) return -1
  return isBigEndian ? source.readUInt16BE(at) : source.readUInt16LE(at)
}
