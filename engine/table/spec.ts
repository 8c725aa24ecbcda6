/**
 * What a parse reads besides the bytes: the dialect, the control records, the columns, the month.
 *
 * Pure data. A layout's `parse` slice is the canonical JSON of a ParseSpec, so every field here
 * changes parses and nothing else does.
 */

import type { PackageLimits } from './package-limits.ts'

/**
 * How records become fields. A format without a delimiter of its own (fixed, jsonl) has the unit
 * separator here: chunk files are written with it.
 */
export interface Dialect {
  /** one ASCII byte */
  readonly delimiter: string
  /** `"`: RFC 4180, a quote opens a field only as its first byte; null: quotes are data */
  readonly quoteChar: '"' | null
  /** the first record that is not a control record holds the column names, in any order */
  readonly header: boolean
}

/** Formats other than delimited text. */
export type RecordFormat = TextFormat | TableFormat

/** Text that is cut otherwise than at delimiters. */
type TextFormat =
  /** every column has a place in the record: `at` */
  | 'fixed'
  /** one JSON object a line, whose members are columns */
  | 'jsonl'

/** Files that are no text: they are made delimited text first. */
export type TableFormat =
  /** one sheet of a workbook */
  'xlsx' | 'parquet'

/** Encodings other than UTF-8; `utf-16` is told little from big endian by its byte order mark. */
export type Encoding = 'utf-16' | 'windows-1252' | 'iso-8859-1'

/** Records that are no data, and where the names stand. Patterns are of whole records. */
export interface RowRules {
  /** records before all others: so many, or all before the first that has a pattern */
  readonly preamble?: { readonly records: number } | { readonly until: string }
  /** which records after the preamble hold names, from 1, rising; several are joined by column */
  readonly headerRows?: readonly number[]
  /** between joined names; a space by default */
  readonly headerJoin?: string
  /** a record that starts with it is a comment */
  readonly commentChar?: string
  /** records that have one of these patterns are comments too */
  readonly footnotes?: readonly string[]
  /** the record after the header holds codes of columns */
  readonly columnCodes?: true
  /** each data record ends with a delimiter */
  readonly trailingDelimiter?: true
  /** fixed: bytes of every data record, line end excluded */
  readonly exactBytes?: number
}

/** A record with a role of its own, told from data by its first field. */
export interface ControlRecord {
  readonly role: 'header' | 'trailer'
  /** exact first field, e.g. `HD`; fixed: the first bytes */
  readonly prefix: string
  /** role of each further field by its 0-based position in the record; fixed: by bytes, `3-10` */
  readonly fields: Readonly<Record<string, ControlField>>
}
export type ControlField =
  | 'submitter'
  | 'payor'
  | 'fileType'
  | 'periodBegin' // CCYYMM
  | 'periodEnd' // CCYYMM
  | 'recordCount' // data records, control records excluded
  | 'testFlag' // T = test, P = production
  | 'layoutVersion'
  | 'created'
  | 'comment'

export type ColumnType = 'string' | 'integer' | 'decimal' | 'date' | 'datetime' | 'boolean'

/** One column of the file and of silver. All text is read as text first and cast strictly after. */
export interface ColumnSpec {
  /** NAME_PATTERN; the name in silver, and in the header unless `header` says otherwise */
  readonly name: string
  /** the name in the header where silver needs another, as for a `STATE` beside `state` */
  readonly header?: string
  readonly type: ColumnType
  /** an empty field is a reject */
  readonly required: boolean
  /** date, datetime: strptime formats of the kind `%Y-%m-%d`, tried in order */
  readonly formats?: readonly string[]
  /** decimal: total digits, 1..38 */
  readonly precision?: number
  /** decimal: digits after the point, 0..precision */
  readonly scale?: number
  /** string: code points, inclusive */
  readonly maxLength?: number
  /** string: whole-value pattern in the syntax common to RE2 and JavaScript */
  readonly pattern?: string
  /** string: the only values allowed (compared as text) */
  readonly enum?: readonly string[]
  /** fixed: 1-based first byte of the record, and bytes */
  readonly at?: { readonly start: number; readonly length: number }
  /** decimal: written without a point, `scale` says where it is: `1931` is 19.31 */
  readonly implied?: true
  /** decimal: a value below one may begin with its point: `.50` */
  readonly bare?: true
  /** blanks around the value are no part of it */
  readonly trim?: true
}

/** Where a row's month comes from. */
export type MonthRule =
  /** `%Y-%m` of a date or datetime column; an empty one is `__unknown__` */
  | { readonly column: string }
  /** two integer columns, as member-months have them; either one empty is `__unknown__` */
  | { readonly year: string; readonly month: string }
  /** every row has the first or the last month of the declared period */
  | { readonly declared: 'first' | 'last' }

/** Rejects past which a parse ends at once, in records or as a share of the data records so far. */
export type StopRule = { readonly count: number } | { readonly share: number }

/** Which members of a ZIP or tar archive are data, and how much may be in it. */
export interface PackageSpec {
  /** pattern of whole member names without folders, case ignored; absent: the only member */
  readonly members?: string
  /** where other than PACKAGE_LIMITS */
  readonly limits?: Partial<Pick<PackageLimits, 'contentBytes' | 'ratio'>>
}

/** Absent members have their default: a layout that does not use one keeps its hash. */
export interface ParseSpec {
  /** absent: delimited text */
  readonly format?: RecordFormat
  /** absent: UTF-8 */
  readonly encoding?: Encoding
  /** xlsx: by its name, or its number from 1; absent: the first */
  readonly sheet?: { readonly name: string } | { readonly number: number }
  readonly rows?: RowRules
  readonly dialect: Dialect
  readonly control: readonly ControlRecord[]
  readonly columns: readonly ColumnSpec[]
  readonly month: MonthRule
  /** absent: a parse reads on to the end whatever it finds */
  readonly stop?: StopRule
  /** absent: a package has one member */
  readonly package?: PackageSpec
}

/** The month of rows whose month column is empty. A legal silver key that never feeds gold. */
export const UNKNOWN_MONTH = '__unknown__'
