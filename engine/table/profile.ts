/**
 * Delimited sample files as profiles of its columns, and the records that are no rows of it.
 *
 * Streams: memory is one window, the profiles, and the few records of another number of fields.
 */
import { assert } from '../core/errors.ts'
import { ColumnProfiler } from './column-profile.ts'
import type { ColumnProfile } from './column-profile.ts'
import { readOne } from './delivered-file.ts'
import { PACKAGE_LIMITS } from './package-limits.ts'
import { RecordReader, recordFields } from './record-reader.ts'
import type { RawRecord, RecordSyntax } from './record-reader.ts'

export interface ProfileRequest {
  /** one file, or several written alike */
  readonly files: readonly {
    readonly path: string
    /** in errors */
    readonly name: string
  }[]
  readonly syntax: RecordSyntax
  /** of a row */
  readonly fieldCount: number
  /** a record that is equal to it holds names */
  readonly header: readonly string[] | undefined
  /** what the first field of a control record is; records of another number of fields may be too */
  readonly controlTags: readonly string[]
  readonly signal: AbortSignal
}

/** A record that stands before all rows of a file, or behind them. */
type OuterRecord = readonly string[] | undefined

export interface FileProfile {
  readonly rows: number
  /** of the columns, in file order */
  readonly columns: readonly ColumnProfile[]
  /** of the first file: what has another number of fields before all rows and behind them */
  readonly outer: { readonly first: OuterRecord; readonly last: OuterRecord; readonly rows: number }
  /** further records that have another number of fields, or are broken */
  readonly odd: number
  /** the files have more rows than were looked at */
  readonly isPart: boolean
}

/** Rows that are looked at. */
const ROWS_MAX = 100_000

/** Reads the files once. Throws PARSE_FAILED for a broken package. */
export async function profileFiles(request: ProfileRequest): Promise<FileProfile> {
  const gathering = new Gathering(request)
  for (const { path, name } of request.files) {
    gathering.begin()
    const reader = new RecordReader(request.syntax, (record) => gathering.accept(record))
    const options = { path, name, limits: PACKAGE_LIMITS, signal: request.signal }
    await readOne(options, async (window) => reader.push(window))
    reader.end()
    gathering.end()
  }
  return gathering.profile
}

class Gathering {
  readonly #request: ProfileRequest
  readonly #columns: readonly ColumnProfiler[]
  #rows = 0
  #odd = 0
  #outer: FileProfile['outer'] | undefined
  /** of the file that is read */
  #fileRows = 0
  #first: OuterRecord
  #last: OuterRecord

  constructor(request: ProfileRequest) {
    this.#request = request
    this.#columns = Array.from({ length: request.fieldCount }, () => new ColumnProfiler())
  }

  begin(): void {
    this.#fileRows = 0
    this.#first = undefined
    this.#last = undefined
  }

  accept(record: RawRecord): void {
    if (record.end === record.start) return
    const { syntax, fieldCount, header, controlTags } = this.#request
    const fields = record.faults === 0 ? recordFields(record, syntax.dialect.delimiter) : []
    const isControl = controlTags.includes(fields[0] ?? '')
    if (fields.length !== fieldCount || isControl) this.#another(fields)
    else if (header === undefined || !fields.every((field, at) => field === header[at])) {
      this.#row(fields)
    }
  }

  end(): void {
    this.#outer ??= { first: this.#first, last: this.#last, rows: this.#fileRows }
  }

  #row(fields: readonly string[]): void {
    // What stood behind a row was no end of the file.
    if (this.#last !== undefined) this.#odd += 1
    this.#last = undefined
    this.#rows += 1
    this.#fileRows += 1
    if (this.#rows > ROWS_MAX) return
    for (const [at, column] of this.#columns.entries()) column.add(fields[at] ?? '')
  }

  #another(fields: readonly string[]): void {
    if (fields.length === 0) this.#odd += 1
    else if (this.#fileRows === 0 && this.#first === undefined) this.#first = fields
    else {
      if (this.#last !== undefined) this.#odd += 1
      this.#last = fields
    }
  }

  get profile(): FileProfile {
    assert(this.#outer !== undefined, 'a profile of no file')
    return {
      rows: Math.min(this.#rows, ROWS_MAX),
      columns: this.#columns.map(({ profile }) => profile),
      outer: this.#outer,
      odd: this.#odd,
      isPart: this.#rows > ROWS_MAX,
    }
  }
}
