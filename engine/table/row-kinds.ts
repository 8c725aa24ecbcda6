/**
 * Which records of a file are data: preamble, header rows, control records, comments and blanks
 * are told apart in the order they come. Reads one record at a time, keeps the header's names.
 */
import { readControl, type ControlReading } from './control.ts'
import { compilePattern } from './pattern.ts'
import { KIND, type Kind } from './record-index.ts'
import { recordFields, type RawRecord } from './record-reader.ts'
import type { ParseSpec, RowRules } from './spec.ts'

/** A preamble that ends with a pattern is at most this long. */
export const PREAMBLE_RECORDS_MAX = 1000
/** A longer record is no comment. */
const COMMENT_BYTES_MAX = 4096
const CTRL_Z = 0x1a

export interface RowEvents {
  readonly control: (reading: ControlReading) => void
  /** the names of the columns, joined where several records hold them */
  readonly header: (names: readonly string[], record: RawRecord) => void
  /** a record in a place where names or codes belong, and it is not clean text */
  readonly unreadable: (record: RawRecord) => void
  readonly codes: (record: RawRecord) => void
  readonly endlessPreamble: () => void
}

type Test = (text: string) => boolean

const testOf = (pattern: string): Test => {
  const compiled = compilePattern(pattern)
  return (text) => compiled.test(text)
}

/** Tells the kinds of one file's records, in order. Throws only what its events throw. */
export class RowKinds {
  readonly #spec: ParseSpec
  readonly #events: RowEvents
  readonly #comments: ((record: RawRecord) => boolean) | null
  readonly #headerRows: readonly number[]
  readonly #headerText: Buffer[] = []
  readonly #names: string[][] = []
  #preamble: RowRules['preamble'] | null
  #preambleRecords = 0
  #until: Test | null
  /** records where names may stand that were seen */
  #row = 0
  #expectsCodes: boolean

  constructor(spec: ParseSpec, events: RowEvents) {
    const { rows = {}, dialect } = spec
    this.#spec = spec
    this.#events = events
    this.#headerRows = dialect.header ? (rows.headerRows ?? [1]) : []
    this.#expectsCodes = rows.columnCodes === true
    this.#preamble = rows.preamble ?? null
    this.#until =
      rows.preamble !== undefined && 'until' in rows.preamble ? testOf(rows.preamble.until) : null
    this.#comments = commentTest(rows)
  }

  /** false: names were looked for and the file ended before them */
  get isPastHeader(): boolean {
    return this.#row >= (this.#headerRows.at(-1) ?? 0)
  }
  get isPastPreamble(): boolean {
    return this.#until === null || this.#preamble === null
  }

  /** Data is `plain`; what cannot be data for its faults, or repeats the header, is `rejected`. */
  kindOf(record: RawRecord, number: number): Kind {
    if (this.#preamble !== null && this.#isPreamble(record)) return KIND.preamble
    const isSound = record.faults === 0
    if (isSound) {
      if (record.start === record.end) return KIND.blank
      const control = readControl(record, this.#spec, number)
      if (control !== null) {
        this.#events.control(control)
        return KIND.control
      }
      if (this.#comments?.(record) === true) return KIND.comment
    }
    if (!this.isPastHeader) return this.#headerRow(record)
    if (this.#expectsCodes) return this.#codes(record)
    if (isEndMark(record, this.#spec)) return KIND.comment
    return isSound && !this.#repeatsHeader(record) ? KIND.plain : KIND.rejected
  }

  #isPreamble(record: RawRecord): boolean {
    const preamble = this.#preamble
    const isOver =
      this.#until === null
        ? this.#preambleRecords === (preamble as { records: number }).records
        : record.faults === 0 && this.#until(textOf(record))
    if (isOver) {
      this.#preamble = null
      return false
    }
    this.#preambleRecords += 1
    if (this.#preambleRecords > PREAMBLE_RECORDS_MAX) this.#events.endlessPreamble()
    return true
  }

  #headerRow(record: RawRecord): Kind {
    this.#row += 1
    if (record.faults !== 0) this.#events.unreadable(record)
    else {
      const { bytes, start, end } = record
      // The names of a Parquet file are not among its rows: a row may be like them.
      if (this.#spec.format !== 'parquet') {
        this.#headerText.push(Buffer.from(bytes.subarray(start, end)))
      }
      if (this.#headerRows.includes(this.#row)) {
        this.#names.push(recordFields(record, this.#spec.dialect.delimiter))
      }
    }
    if (this.isPastHeader) this.#events.header(this.#joined(), record)
    return KIND.header
  }

  /** One row of names is taken as it is; of several the parts of each column are joined. */
  #joined(): string[] {
    const rows = this.#names
    if (this.#spec.rows?.headerRows === undefined) return rows[0] ?? []
    const join = this.#spec.rows.headerJoin ?? ' '
    const columns = Math.max(0, ...rows.map((row) => row.length))
    return Array.from({ length: columns }, (_, at) =>
      rows
        .map((row) => (row[at] ?? '').trim())
        .filter((part) => part !== '')
        .join(join),
    )
  }

  #codes(record: RawRecord): Kind {
    this.#expectsCodes = false
    if (record.faults === 0) this.#events.codes(record)
    else this.#events.unreadable(record)
    return KIND.header
  }

  #repeatsHeader({ bytes, start, end }: RawRecord): boolean {
    return this.#headerText.some(
      (text) => text.length === end - start && text.compare(bytes, start, end) === 0,
    )
  }
}

const textOf = ({ bytes, start, end }: RawRecord): string => bytes.toString('utf8', start, end)

function commentTest({
  commentChar,
  footnotes = [],
}: RowRules): ((record: RawRecord) => boolean) | null {
  if (commentChar === undefined && footnotes.length === 0) return null
  const mark = commentChar === undefined ? null : Buffer.from(commentChar)
  const tests = footnotes.map(testOf)
  return (record) => {
    const { bytes, start, end } = record
    if (mark?.equals(bytes.subarray(start, Math.min(start + mark.length, end))) === true) {
      return true
    }
    if (tests.length === 0 || end - start > COMMENT_BYTES_MAX) return false
    const text = textOf(record)
    return tests.some((test) => test(text))
  }
}

/** The Ctrl-Z that old systems end a fixed-width file with: a record alone, without a line end. */
const isEndMark = (record: RawRecord, { format }: ParseSpec): boolean =>
  format === 'fixed' &&
  record.byteEnd - record.byteStart === 1 &&
  record.bytes[record.start] === CTRL_Z &&
  record.end - record.start === 1
