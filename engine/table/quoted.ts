/**
 * RFC 4180 records, read strictly from bytes.
 *
 * A quote opens a field only as its first byte; anywhere else it is data. After the closing quote
 * only a delimiter or the end of the record may follow. Anything else is a fault of the record,
 * and the caller gives up its first line alone: one unclosed quote must not swallow the file (it
 * cost DuckDB's own reader 9,999 of 20,000 rows without a word).
 */

/** A quoted field may span at most 64 KiB. */
const QUOTED_FIELD_BYTES_MAX = 64 * 1024
/** A record with quotes may span at most so many lines. */
export const QUOTED_RECORD_LINES_MAX = 20

const QUOTE = 0x22
const LF = 0x0a
const CR = 0x0d

export interface QuotedSyntax {
  /** byte of the delimiter */
  readonly delimiter: number
  /** byte that ends a record: LF, or CR in a file that has no LF */
  readonly newline: number
}

/** Where a field's text is. */
export interface FieldRange {
  /** bytes of the text in the buffer, without the outer quotes: start inclusive, end exclusive */
  readonly start: number
  readonly end: number
  /** has doubled quotes, which stand for one */
  readonly doubled: boolean
}

export type QuotedRecord =
  | {
      readonly kind: 'record'
      readonly fields: readonly FieldRange[]
      /** end of the text, exclusive, without the line end */
      readonly end: number
      /** first byte after the line end */
      readonly next: number
      readonly lines: number
      /** a CR (LF) outside quotes that is not part of a line end */
      readonly stray: boolean
    }
  /** the buffer ends inside the record and the file goes on */
  | { readonly kind: 'partial' }
  | { readonly kind: 'fault' }

const FAULT: QuotedRecord = { kind: 'fault' }
const PARTIAL: QuotedRecord = { kind: 'partial' }

/**
 * Reads the record that starts at `start`. `isLast`: the buffer ends where the file ends.
 * Cost: one look at each byte of the record; at most 20 lines are looked at.
 */
export function readQuoted(
  bytes: Uint8Array,
  start: number,
  options: QuotedSyntax & { readonly isLast: boolean },
): QuotedRecord {
  const { isLast } = options
  const fields: FieldRange[] = []
  let lines = 1
  let stray = false
  let at = start
  for (;;) {
    if (bytes[at] === QUOTE) {
      const field = readQuotedField(bytes, at, options)
      if (field === 'fault') return FAULT
      if (field === 'partial') return isLast ? FAULT : PARTIAL
      lines += field.newlines
      if (lines > QUOTED_RECORD_LINES_MAX) return FAULT
      fields.push(field)
      at = field.end + 1
    } else {
      const field = readPlainField(bytes, at, options)
      stray ||= field.stray
      fields.push(field)
      at = field.end
    }
    if (at >= bytes.length && !isLast) return PARTIAL
    const next = afterField(bytes, at, options)
    if (next === 'fault') return FAULT
    if (next === 'partial') return PARTIAL
    if (next.ends) return { kind: 'record', fields, end: at, next: next.at, lines, stray }
    at = next.at
  }
}

/** A CR just before the LF belongs to the line end; any other is stray. */
function readPlainField(
  bytes: Uint8Array,
  start: number,
  { delimiter, newline }: QuotedSyntax,
): FieldRange & { readonly stray: boolean } {
  const other = newline === LF ? CR : LF
  let strays = 0
  let at = start
  for (; at < bytes.length; at += 1) {
    const byte = bytes[at]
    if (byte === delimiter || byte === newline) break
    if (byte === other) strays += 1
  }
  const closes = newline === LF && (at >= bytes.length || bytes[at] === LF)
  const end = closes && at > start && bytes[at - 1] === CR ? at - 1 : at
  return { start, end, doubled: false, stray: strays > at - end }
}

type AfterField = { readonly at: number; readonly ends: boolean } | 'fault' | 'partial'

function afterField(
  bytes: Uint8Array,
  at: number,
  { delimiter, newline, isLast }: QuotedSyntax & { readonly isLast: boolean },
): AfterField {
  if (at >= bytes.length) return { at, ends: true }
  if (bytes[at] === delimiter) return { at: at + 1, ends: false }
  if (bytes[at] === newline) return { at: at + 1, ends: true }
  if (newline !== LF || bytes[at] !== CR) return 'fault'
  if (at + 1 >= bytes.length) return isLast ? { at: at + 1, ends: true } : 'partial'
  return bytes[at + 1] === LF ? { at: at + 2, ends: true } : 'fault'
}

function readQuotedField(
  bytes: Uint8Array,
  open: number,
  { newline }: QuotedSyntax,
): (FieldRange & { readonly newlines: number }) | 'fault' | 'partial' {
  const limit = open + 1 + QUOTED_FIELD_BYTES_MAX
  let doubled = false
  let newlines = 0
  for (let at = open + 1; at < bytes.length; at += 1) {
    if (at > limit || newlines >= QUOTED_RECORD_LINES_MAX) return 'fault'
    const byte = bytes[at]
    if (byte === newline) newlines += 1
    if (byte !== QUOTE) continue
    if (bytes[at + 1] !== QUOTE) {
      // a quote at the end of the buffer may be the first half of a doubled one
      return { start: open + 1, end: at, doubled, newlines }
    }
    doubled = true
    at += 1
  }
  return 'partial'
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text of a field. The record must be valid UTF-8. */
export function fieldText(bytes: Uint8Array, field: FieldRange): string {
  const text = decoder.decode(bytes.subarray(field.start, field.end))
  return field.doubled ? text.replaceAll('""', '"') : text
}

/** Texts of the fields of one record that has no quote byte, or whose quotes are data. */
export function plainFields(bytes: Uint8Array, delimiter: string): string[] {
  return decoder.decode(bytes).split(delimiter)
}
