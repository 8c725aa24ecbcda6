/** What is wrong with a ParseSpec beyond its shape. The registry reader reports it with positions. */
import { formatProblem } from './date-format.ts'
import { patternProblem } from './pattern.ts'
import { isDelimited, isTable } from './table-format.ts'
import { NAME_PATTERN } from './quote.ts'
import type { ColumnSpec, Dialect, ParseSpec } from './spec.ts'

export interface SpecProblem {
  /** JSON pointer into the ParseSpec */
  readonly pointer: string
  /** in words, subject left out: `is not one ASCII character` */
  readonly text: string
}

/** Every problem; empty when the spec can be parsed with. */
export function specProblems(spec: ParseSpec): SpecProblem[] {
  const problems: SpecProblem[] = []
  const add = (pointer: string, text: string | null): void => {
    if (text !== null) problems.push({ pointer, text })
  }
  add('/sheet', sheetProblem(spec))
  for (const part of ['rows', 'control'] as const) add(`/${part}`, parquetProblem(spec, part))
  add('/dialect/delimiter', delimiterProblem(spec.dialect))
  for (const [index, { prefix }] of spec.control.entries()) {
    const isPlain = /^[\x21-\x7e]{1,32}$/.test(prefix) && !prefix.includes(spec.dialect.delimiter)
    add(`/control/${index}/prefix`, isPlain ? null : 'is not 1 to 32 printable ASCII characters')
  }
  for (const [pointer, text] of rowProblems(spec)) add(`/rows/${pointer}`, text)
  add('/encoding', encodingProblem(spec))
  if (spec.columns.length === 0) add('/columns', 'is empty')
  const seen = new Map<string, number>()
  for (const [index, column] of spec.columns.entries()) {
    const name = column.name.toLowerCase()
    const before = seen.get(name)
    if (before !== undefined) {
      add(`/columns/${index}/name`, `is the name of column ${before + 1} too (case does not count)`)
    } else seen.set(name, index)
    const found = [...columnProblems(column), ['at', placeProblem(column, spec)] as const]
    for (const [field, text] of found) add(`/columns/${index}/${field}`, text)
  }
  for (const [part, text] of monthProblems(spec)) add(`/month/${part}`, text)
  add('/stop', stopProblem(spec))
  return problems
}

/** Rows of names, at most: they are kept to tell a header that is repeated. */
const HEADER_ROWS_MAX = 20
/** A record's columns may overlap, and have this many bytes in all. */
const FIXED_BYTES_MAX = 1024 * 1024

function headerRowProblems({ rows = {}, dialect }: ParseSpec): [string, string | null][] {
  const { headerRows } = rows
  if (headerRows === undefined) return []
  const rises = headerRows.every((row, at) => row > (headerRows[at - 1] ?? 0))
  return [
    ['headerRows', rises ? null : 'does not rise from 1'],
    ['headerRows', (headerRows.at(-1) ?? 0) <= HEADER_ROWS_MAX ? null : 'goes beyond row 20'],
    ['headerRows', dialect.header ? null : 'needs a header'],
  ]
}

const sheetProblem = ({ sheet, format }: ParseSpec): string | null =>
  sheet !== undefined && format !== 'xlsx' ? 'is for workbooks' : null

/** A Parquet file has rows and names of its own. */
function parquetProblem({ format, ...spec }: ParseSpec, part: 'rows' | 'control'): string | null {
  const given = part === 'rows' ? Object.keys(spec.rows ?? {}) : spec.control
  return format === 'parquet' && given.length > 0 ? 'has no meaning for parquet' : null
}

function rowProblems(spec: ParseSpec): [string, string | null][] {
  const { rows = {}, format } = spec
  const { preamble, commentChar = '#', footnotes = [] } = rows
  const isMark = /^[\x21-\x7e]{1,16}$/.test(commentChar)
  const isFixed = format === 'fixed'
  const isText = format === undefined
  const until = preamble !== undefined && 'until' in preamble ? preamble.until : ''
  return [
    ['preamble', patternProblem(until)],
    ...headerRowProblems(spec),
    ['commentChar', isMark ? null : 'is not 1 to 16 printable ASCII characters'],
    ...footnotes.map((text, at): [string, string | null] => [
      `footnotes/${at}`,
      patternProblem(text),
    ]),
    ['trailingDelimiter', rows.trailingDelimiter && !isText ? DELIMITED : null],
    ['columnCodes', rows.columnCodes && !isDelimited(spec) ? DELIMITED : null],
    ['exactBytes', rows.exactBytes !== undefined && !isFixed ? 'is for fixed width' : null],
  ]
}
const DELIMITED = 'is for delimited text'

function encodingProblem({ encoding, format }: ParseSpec): string | null {
  if (encoding === 'utf-16' && format === 'fixed') return 'has no bytes to count columns by'
  if (encoding === undefined) return null
  if (format !== undefined && isTable({ format })) return 'is for text'
  return format === 'jsonl' ? 'is not UTF-8, and JSON is' : null
}

function placeProblem({ at }: ColumnSpec, { format, rows, columns }: ParseSpec): string | null {
  if (format !== 'fixed') return at === undefined ? null : 'is for fixed width'
  if (at === undefined) return 'is missing: a fixed-width column has its place'
  const { start, length } = at
  if (!isWithin(start, 1, FIXED_BYTES_MAX) || !isWithin(length, 1, FIXED_BYTES_MAX)) {
    return 'is not a place from byte 1'
  }
  const total = columns.reduce((sum, column) => sum + (column.at?.length ?? 0), 0)
  if (total > FIXED_BYTES_MAX) return 'makes more than 1 MiB with the other columns'
  const isIn = start - 1 + length <= (rows?.exactBytes ?? Infinity)
  return isIn ? null : 'ends after exactBytes'
}

function delimiterProblem({ delimiter, quoteChar }: Dialect): string | null {
  if (!/^[\t\x1c-\x7e]$/.test(delimiter)) return 'is not one ASCII character that can delimit'
  if (/[A-Za-z0-9]/.test(delimiter)) return 'is a letter or digit'
  return delimiter === quoteChar || delimiter === '"' ? 'is the quote character' : null
}

const enumProblem = (values: readonly string[] = []): string | null =>
  values.some((text) => text.includes('\0')) ? 'has a NUL' : null

function columnProblems(column: ColumnSpec): (readonly [string, string | null])[] {
  const { name, type, formats = [], precision = 18, scale = 2, pattern = '' } = column
  const only = (field: keyof ColumnSpec, types: readonly string[]): string | null =>
    column[field] !== undefined && !types.includes(type) ? `has no meaning for ${type}` : null
  return [
    ['name', NAME_PATTERN.test(name) ? null : 'is not [A-Za-z_][A-Za-z0-9_]*'],
    ['formats', only('formats', ['date', 'datetime'])],
    ['formats', column.formats?.length === 0 ? 'is empty' : null],
    ...formats.map((format, index) => [`formats/${index}`, formatProblem(format)] as const),
    ['precision', only('precision', ['decimal'])],
    ['precision', isWithin(precision, 1, 38) ? null : 'is not 1 to 38'],
    ['scale', only('scale', ['decimal'])],
    ['scale', isWithin(scale, 0, precision) ? null : 'is not 0 to the precision'],
    ['implied', only('implied', ['decimal'])],
    ['bare', only('bare', ['decimal'])],
    ['bare', column.bare && column.implied ? 'has no point to begin with' : null],
    ['maxLength', only('maxLength', ['string'])],
    ['maxLength', isWithin(column.maxLength ?? 1, 1, 2 ** 31) ? null : 'is not a length'],
    ['pattern', only('pattern', ['string'])],
    ['pattern', patternProblem(pattern)],
    ['enum', only('enum', ['string'])],
    ['enum', enumProblem(column.enum)],
  ]
}

const isWithin = (value: number, low: number, high: number): boolean =>
  Number.isInteger(value) && value >= low && value <= high

function stopProblem({ stop }: ParseSpec): string | null {
  if (stop === undefined) return null
  if ('count' in stop) return isWithin(stop.count, 0, 2 ** 32) ? null : 'is no number of records'
  return stop.share >= 0 && stop.share <= 1 ? null : 'is no share from 0 to 1'
}

function monthProblems({ month, columns }: ParseSpec): (readonly [string, string | null])[] {
  if ('declared' in month) return []
  const problem = (name: string, types: readonly string[], what: string): string | null => {
    const column = columns.find((one) => one.name === name)
    if (column === undefined) return 'names no column of the layout'
    return types.includes(column.type) ? null : `names a column with no ${what}`
  }
  return 'column' in month
    ? [['column', problem(month.column, ['date', 'datetime'], 'date')]]
    : [
        ['year', problem(month.year, ['integer'], 'integer')],
        ['month', problem(month.month, ['integer'], 'integer')],
      ]
}
