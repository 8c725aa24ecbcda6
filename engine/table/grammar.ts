/**
 * The one grammar of field types: what a text must look like, and what it then means.
 *
 * FIELD_TYPES drives both sides. `sql.ts` compiles each shape to DuckDB SQL, which does the work;
 * `fieldReasons` reads the same shapes in TypeScript and says why a record did not arrive. A
 * property test holds that the two accept the same texts and give the same values, which is what
 * makes ENGINE_DISAGREEMENT mean a defect. An empty field is NULL; nothing is trimmed but
 * what a layout says.
 */
import { compileFormat, dateText, datetimeText } from './date-format.ts'
import { compilePattern } from './pattern.ts'
import { quoteText } from './quote.ts'
import type { ColumnSpec, ColumnType, ParseSpec } from './spec.ts'
import { UNKNOWN_MONTH } from './spec.ts'

/** What a record can be rejected for as a whole. */
export type RecordReason =
  | 'CONTROL_CHARACTER' // a lone CR (a lone LF where records end with CR)
  | 'ENCODING' // bytes that are no text in the layout's encoding
  | 'JSON' // JSON lines: no object, or a member that no column can hold
  | 'LENGTH_LONG' // fixed width: more bytes than every record has, or text after the last column
  | 'LENGTH_SHORT' // fixed width: fewer bytes than every record has
  | 'FIELD_COUNT' // more or fewer fields than the layout or the header has
  | 'NUL_BYTE'
  | 'QUOTE' // text after a closing quote, an unclosed quote, or a quoted field beyond its limits
  | 'REPEATED_HEADER' // equal to the header record
  | 'TOO_LONG' // over RECORD_BYTES_MAX
/** What a field can be rejected for. */
export type FieldReason =
  | 'ENUM'
  | 'MAX_LENGTH'
  | 'MONTH_RANGE' // what dates the row is outside MONTH_MIN..MONTH_MAX, or no month of a year
  | 'PATTERN'
  | 'REQUIRED'
  | 'TYPE_BOOLEAN'
  | 'TYPE_DATE'
  | 'TYPE_DATETIME'
  | 'TYPE_DECIMAL'
  | 'TYPE_INTEGER'
  | 'TYPE_STRING'

/** One fault of a record; `column` is a layout name, null for a fault of the whole record. */
export interface Reason {
  readonly code: RecordReason | FieldReason
  readonly column: string | null
}

/** A record may have at most 4 MiB. */
export const RECORD_BYTES_MAX = 4 * 1024 * 1024
/** Months a month column may name, inclusive: they bound the parts of one parse to 3,600. */
export const MONTH_MIN = '1900-01'
export const MONTH_MAX = '2199-12'

/** One accepted form of a type: a whole-value pattern, and the value of a text that has it. */
export interface Shape {
  /** common syntax of RE2 and JavaScript */
  readonly pattern: string
  /** SQL of the value, NULL where the text has the shape but no value (30 February) */
  readonly sql: (raw: string) => string
  /** the value as DuckDB prints it, or null as above */
  readonly read: (raw: string) => string | null
}

export interface FieldType {
  readonly reason: FieldReason
  readonly sqlType: (column: ColumnSpec) => string
  /** tried in order; the first that has a value wins */
  readonly shapes: (column: ColumnSpec) => readonly Shape[]
}

const TRUE = ['true', 'True', 'TRUE', '1']
const FALSE = ['false', 'False', 'FALSE', '0']
const INT64_MAX = 2n ** 63n

function readInteger(raw: string): string | null {
  const value = BigInt(raw)
  return value >= -INT64_MAX && value < INT64_MAX ? String(value) : null
}

const precisionOf = (column: ColumnSpec): number => column.precision ?? 18
const scaleOf = (column: ColumnSpec): number => column.scale ?? 2

function decimalPattern(column: ColumnSpec): string {
  const scale = scaleOf(column)
  const whole = precisionOf(column) - scale
  const digits = whole === 0 ? '0' : String.raw`\d{1,${whole}}`
  if (scale === 0) return `-?${digits}`
  const fraction = String.raw`\.\d{1,${scale}}`
  return column.bare === true
    ? `-?(?:${digits}(?:${fraction})?|${fraction})`
    : `-?${digits}(?:${fraction})?`
}

function readDecimal(raw: string, column: ColumnSpec): string {
  const scale = scaleOf(column)
  const [whole = '', fraction = ''] = raw.replace('-', '').split('.')
  const units = BigInt(whole + fraction.padEnd(scale, '0'))
  const sign = raw.startsWith('-') && units !== 0n ? '-' : ''
  // DuckDB prints a DECIMAL(3,3) as .123
  const text = String(units).padStart(precisionOf(column) === scale ? scale : scale + 1, '0')
  return scale === 0 ? sign + text : `${sign}${text.slice(0, -scale)}.${text.slice(-scale)}`
}

/** Digits alone: a point is put before the last `scale` of them, and zeros in front. */
function impliedShape(column: ColumnSpec): Shape {
  const [precision, scale] = [precisionOf(column), scaleOf(column)]
  const type = `DECIMAL(${precision},${scale})`
  const padded = (raw: string): string =>
    `regexp_replace(${raw}, '^(-?)', ${quoteText(`\\1${'0'.repeat(scale)}`)})`
  return {
    pattern: String.raw`-?\d{1,${precision}}`,
    sql: (raw) =>
      scale === 0
        ? `try_cast(${raw} AS ${type})`
        : `try_cast(regexp_replace(${padded(raw)}, '(\\d{${scale}})$', '.\\1') AS ${type})`,
    read: (raw) => {
      const digits = raw.replace('-', '').padStart(scale + 1, '0')
      const whole = digits.slice(0, digits.length - scale)
      const sign = raw.startsWith('-') ? '-' : ''
      return readDecimal(`${sign}${whole}.${digits.slice(digits.length - scale)}`, column)
    },
  }
}

function dateShapes(column: ColumnSpec, defaults: readonly string[]): Shape[] {
  const isDate = column.type === 'date'
  const sqlType = isDate ? 'DATE' : 'TIMESTAMP'
  return (column.formats ?? defaults).map((format): Shape => {
    const { pattern, read } = compileFormat(format)
    // The cast reads ISO dates several times faster than strptime does, to the same values.
    const isIso = isDate && format === '%Y-%m-%d'
    return {
      pattern,
      sql: (raw) =>
        isIso
          ? `try_cast(${raw} AS DATE)`
          : `try_strptime(${raw}, ${quoteText(format)})::${sqlType}`,
      read: (raw) => {
        const moment = read(raw)
        return moment === null ? null : isDate ? dateText(moment) : datetimeText(moment)
      },
    }
  })
}

/** The table both sides are made of. */
export const FIELD_TYPES: Readonly<Record<ColumnType, FieldType>> = {
  string: { reason: 'TYPE_STRING', sqlType: () => 'VARCHAR', shapes: () => [] },
  integer: {
    reason: 'TYPE_INTEGER',
    sqlType: () => 'BIGINT',
    shapes: () => [
      {
        pattern: String.raw`-?\d{1,19}`,
        sql: (raw) => `try_cast(${raw} AS BIGINT)`,
        read: readInteger,
      },
    ],
  },
  decimal: {
    reason: 'TYPE_DECIMAL',
    sqlType: (column) => `DECIMAL(${precisionOf(column)},${scaleOf(column)})`,
    shapes: (column) => [
      column.implied === true
        ? impliedShape(column)
        : {
            pattern: decimalPattern(column),
            sql: (raw) => `try_cast(${raw} AS DECIMAL(${precisionOf(column)},${scaleOf(column)}))`,
            read: (raw) => readDecimal(raw, column),
          },
    ],
  },
  date: {
    reason: 'TYPE_DATE',
    sqlType: () => 'DATE',
    shapes: (column) => dateShapes(column, ['%Y-%m-%d']),
  },
  datetime: {
    reason: 'TYPE_DATETIME',
    sqlType: () => 'TIMESTAMP',
    shapes: (column) => dateShapes(column, ['%Y-%m-%dT%H:%M:%SZ', '%Y-%m-%d %H:%M:%S']),
  },
  boolean: {
    reason: 'TYPE_BOOLEAN',
    sqlType: () => 'BOOLEAN',
    shapes: () => [
      {
        pattern: [...TRUE, ...FALSE].join('|'),
        sql: (raw) => `(${raw} IN (${TRUE.map(quoteText).join(', ')}))`,
        read: (raw) => String(TRUE.includes(raw)),
      },
    ],
  },
}

/** One column, compiled once per parse. */
export interface FieldGrammar {
  readonly column: ColumnSpec
  /** every fault of a raw field; empty when it is accepted */
  readonly reasons: (raw: string) => FieldReason[]
  /** the value of an accepted field as DuckDB prints it; null for an empty one */
  readonly value: (raw: string) => string | null
}

const codePoints = (text: string): number => {
  let count = 0
  for (const _ of text) count += 1
  return count
}

function stringReasons(column: ColumnSpec): (raw: string) => FieldReason[] {
  const pattern = column.pattern === undefined ? null : compilePattern(column.pattern)
  const allowed = column.enum === undefined ? null : new Set(column.enum)
  const { maxLength } = column
  return (raw) => {
    const reasons: FieldReason[] = []
    // UTF-16 length is never below the number of code points
    if (maxLength !== undefined && raw.length > maxLength && codePoints(raw) > maxLength) {
      reasons.push('MAX_LENGTH')
    }
    if (pattern !== null && !pattern.test(raw)) reasons.push('PATTERN')
    if (allowed !== null && !allowed.has(raw)) reasons.push('ENUM')
    return reasons
  }
}

/** Blanks alone: a tab is data. */
function withoutBlanks(text: string): string {
  let [start, end] = [0, text.length]
  while (start < end && text[start] === ' ') start += 1
  while (end > start && text[end - 1] === ' ') end -= 1
  return text.slice(start, end)
}

/** What a column has to do with the month of its rows. */
export type MonthRole = 'date' | 'year' | 'month'

/** Undefined for a column that does not date its rows. */
export function monthRole(
  { month: rule }: Pick<ParseSpec, 'month'>,
  { name }: Pick<ColumnSpec, 'name'>,
): MonthRole | undefined {
  if ('column' in rule) return rule.column === name ? 'date' : undefined
  if ('declared' in rule) return undefined
  return rule.year === name ? 'year' : rule.month === name ? 'month' : undefined
}

/** What a year, and a month of a year, may be, both ends included. */
export const MONTH_PARTS = {
  year: [Number(MONTH_MIN.slice(0, 4)), Number(MONTH_MAX.slice(0, 4))],
  month: [1, 12],
} as const

/** Whether a value, as DuckDB prints it, names no month that a row may have. */
function isOutOfRange(role: MonthRole, text: string): boolean {
  if (role === 'date') return text.slice(0, 7) < MONTH_MIN || text.slice(0, 7) > MONTH_MAX
  const [least, most] = MONTH_PARTS[role]
  return Number(text) < least || Number(text) > most
}

/** The month of an accepted row, from its values as DuckDB prints them. */
export function monthOf(
  { month: rule }: Pick<ParseSpec, 'month'>,
  values: ReadonlyMap<string, string | null>,
  declaredMonth: string,
): string {
  if ('declared' in rule) return declaredMonth
  if ('column' in rule) return values.get(rule.column)?.slice(0, 'YYYY-MM'.length) ?? UNKNOWN_MONTH
  const [year, month] = [values.get(rule.year), values.get(rule.month)]
  return year == null || month == null ? UNKNOWN_MONTH : `${year}-${month.padStart(2, '0')}`
}

/** Compiles one column. `role` adds the range of months. */
export function fieldGrammar(column: ColumnSpec, role?: MonthRole): FieldGrammar {
  const type = FIELD_TYPES[column.type]
  const shapes = type.shapes(column).map((shape) => ({
    ...shape,
    matcher: new RegExp(`^(?:${shape.pattern})$`, 'u'),
  }))
  const ofString = stringReasons(column)
  const trim = column.trim === true ? withoutBlanks : (raw: string): string => raw
  const value = (field: string): string | null => {
    const raw = trim(field)
    if (raw === '' || column.type === 'string') return raw === '' ? null : raw
    for (const { matcher, read } of shapes) {
      const text = matcher.test(raw) ? read(raw) : null
      if (text !== null) return text
    }
    return null
  }
  const reasons = (field: string): FieldReason[] => {
    const raw = trim(field)
    if (raw === '') return column.required ? ['REQUIRED'] : []
    if (column.type === 'string') return ofString(raw)
    const text = value(raw)
    if (text === null) return [type.reason]
    return role !== undefined && isOutOfRange(role, text) ? ['MONTH_RANGE'] : []
  }
  return { column, reasons, value }
}
