/**
 * What a parse reads besides the bytes: the dialect, the control records, the columns, the month.
 *
 * Pure data. A layout's `parse` slice is the canonical JSON of a ParseSpec, so every field here
 * changes parses and nothing else does.
 */

/** How bytes become records and records become fields (delimited text only for now). */
export interface Dialect {
  /** one ASCII byte */
  readonly delimiter: string
  /** `"`: RFC 4180, a quote opens a field only as its first byte; null: quotes are data */
  readonly quoteChar: '"' | null
  /** the first record that is not a control record holds the column names, in any order */
  readonly header: boolean
}

/** A record with a role of its own, told from data by its first field. */
export interface ControlRecord {
  readonly role: 'header' | 'trailer'
  /** exact first field, e.g. `HD` */
  readonly prefix: string
  /** role of each further field by its 0-based position in the record */
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
}

/** Where a row's month comes from. */
export type MonthRule =
  /** `%Y-%m` of a date or datetime column; an empty one is `__unknown__` */
  | { readonly column: string }
  /** two integer columns, as member-months have them; either one empty is `__unknown__` */
  | { readonly year: string; readonly month: string }
  /** every row has the last month of the declared period */
  | { readonly declared: 'last' }

/** Rejects past which a parse ends at once, in records or as a share of the data records so far. */
export type StopRule = { readonly count: number } | { readonly share: number }

export interface ParseSpec {
  readonly dialect: Dialect
  readonly control: readonly ControlRecord[]
  readonly columns: readonly ColumnSpec[]
  readonly month: MonthRule
  /** absent: a parse reads on to the end whatever it finds */
  readonly stop?: StopRule
}

/** The month of rows whose month column is empty. A legal silver key that never feeds gold. */
export const UNKNOWN_MONTH = '__unknown__'
