/**
 * What a person should know of a file that was read: it looks like another encoding than its
 * layout's, its cells tell more than their text, or its control records and its rows tell different
 * months. Nothing is refused for it.
 */
import type { ChunkOutcome } from './chunk-outcome.ts'
import type { ControlReading } from './control.ts'
import type { LandedFile } from './landing.ts'
import type { Encoding, MonthRule } from './spec.ts'
import type { TableFinding } from './table-findings.ts'

/** Every code there is. */
export const PARSE_FINDINGS = [
  'CELL_ERRORS', // of a workbook, as the next three
  'CELL_FORMULAS_EMPTY',
  'CELL_NUMBERS_CUT',
  'CELL_NUMBERS_UNFORMATTED',
  'ENCODING_DIFFERS',
  'PERIOD_DIFFERS', // two control records declare different months
  'PERIOD_MONTH_EMPTY', // a declared month has no row
  'PERIOD_OUTSIDE', // a row's month is not declared
  'PERIOD_UNREADABLE',
] as const
type ParseFindingCode = (typeof PARSE_FINDINGS)[number]

export interface ParseFinding {
  readonly code: ParseFindingCode
  readonly file: string
  /** the first line that shows it; null: it is about the file as a whole */
  readonly line: number | null
  /** what it is and what to do; months, counts and names, no value of a row */
  readonly words: string
}

/** Of all files in order, those of a file in order of codes. */
export function parseFindings(
  files: readonly LandedFile[],
  outcomes: readonly ChunkOutcome[],
  layout: { readonly month: MonthRule; readonly encoding?: Encoding },
): readonly ParseFinding[] {
  return files.flatMap((file) => {
    const own = outcomes.filter((outcome) => outcome.file === file.name)
    const months = 'declared' in layout.month ? null : rowsByMonth(own)
    const cells = cellFindings(file)
    return [...cells, ...encodingFinding(file, layout.encoding), ...periodFindings(file, months)]
  })
}

const CELL_WORDS: Readonly<Record<TableFinding['kind'], string>> = {
  CELL_ERRORS: 'are errors, and are read as their names; correct them',
  CELL_FORMULAS_EMPTY:
    'are formulas that were saved without a value, and are empty; open the workbook and save it',
  CELL_NUMBERS_CUT:
    'are numbers of more than 15 digits, of which a workbook keeps 15; write them as text',
  CELL_NUMBERS_UNFORMATTED:
    'are numbers where the layout has text: leading zeros may be lost; write them as text',
}

function cellFindings({ name: file, cells = [] }: LandedFile): readonly ParseFinding[] {
  return cells
    .toSorted((a, b) => (a.kind < b.kind ? -1 : a.kind > b.kind ? 1 : 0))
    .map(({ kind: code, column, cells: count, line }) => ({
      code,
      file,
      line,
      words: `${count} cells of column ${column} ${CELL_WORDS[code]}`,
    }))
}

function encodingFinding(
  { name, otherEncoding: other }: LandedFile,
  encoding: Encoding | undefined,
): readonly ParseFinding[] {
  if (other === null) return []
  const { found, records, line } = other
  const what =
    records === 0
      ? `it begins with the byte order mark of ${found}`
      : records === 1
        ? `this record looks like ${found}`
        : `${records} records, this the first, look like ${found}`
  const said = encoding ?? 'utf-8'
  const words = `${what}, and its layout says ${said}; ask for ${said}, or set the layout's encoding to ${found}`
  return [{ code: 'ENCODING_DIFFERS', file: name, line, words }]
}

type Months = ReadonlyMap<string, number>

/** Rows that have a month, by it. */
function rowsByMonth(outcomes: readonly ChunkOutcome[]): Months {
  const rows = new Map<string, number>()
  for (const part of outcomes.flatMap(({ parts }) => parts)) {
    if (!MONTH.test(part.month)) continue
    rows.set(part.month, (rows.get(part.month) ?? 0) + part.rows)
  }
  return rows
}

const MONTH = /^\d{4}-\d\d$/
const DECLARED = /^(\d{4})(0[1-9]|1[0-2])$/
/** Months named in a finding. */
const NAMED_MAX = 5
/** A declared period that is longer is not gone through month by month. */
const PERIOD_MONTHS_MAX = 120

interface Period {
  readonly line: number
  readonly first: string
  readonly last: string
}

function periodFindings(
  { name: file, control }: LandedFile,
  months: Months | null,
): readonly ParseFinding[] {
  const declaring = control.filter(({ values }) => values.periodBegin ?? values.periodEnd)
  const periods = declaring.flatMap((reading) => periodOf(reading) ?? [])
  const unread = declaring.find((reading) => periodOf(reading) === null)
  const [one] = periods
  const other = periods.find(({ first, last }) => first !== one?.first || last !== one.last)
  const found: ParseFinding[] = []
  const add = (code: ParseFindingCode, line: number, words: string): void => {
    found.push({ code, file, line, words })
  }
  if (one !== undefined && other !== undefined) {
    const words = `it declares ${other.first} to ${other.last}, the record in line ${one.line} ${one.first} to ${one.last}; correct one of them`
    add('PERIOD_DIFFERS', other.line, words)
  }
  if (one !== undefined && other === undefined && months !== null) {
    const { line, first, last } = one
    const empty = monthsOf(one).filter((month) => !months.has(month))
    const outside = [...months.keys()].filter((month) => month < first || month > last).toSorted()
    const rows = outside.reduce((sum, month) => sum + (months.get(month) ?? 0), 0)
    const declared = `the declared ${first} to ${last}`
    if (empty.length > 0) {
      const words = `no accepted row is of ${named(empty)}, of ${declared}; see whether rows are missing`
      add('PERIOD_MONTH_EMPTY', line, words)
    }
    if (outside.length > 0) {
      const words = `${rows} rows are of ${named(outside)}, outside ${declared}; correct the period or the rows`
      add('PERIOD_OUTSIDE', line, words)
    }
  }
  if (unread !== undefined) {
    const words = 'its period is no two months as CCYYMM, the first before the last; correct it'
    add('PERIOD_UNREADABLE', unread.line, words)
  }
  return found
}

/** The period that a control record declares; null: what it says is none. One month may be both. */
function periodOf({ line, values }: ControlReading): Period | null {
  const [first, last] = [values.periodBegin, values.periodEnd].map((text) => monthOf(text))
  const begin = first ?? (values.periodBegin === undefined ? last : undefined)
  const end = last ?? (values.periodEnd === undefined ? first : undefined)
  if (begin === undefined || end === undefined || begin > end) return null
  return { line, first: begin, last: end }
}

function monthOf(text: string | undefined): string | undefined {
  const [, year, month] = DECLARED.exec(text ?? '') ?? []
  return year === undefined ? undefined : `${year}-${month}`
}

function monthsOf({ first, last }: Period): readonly string[] {
  const index = (month: string): number =>
    Number(month.slice(0, 4)) * 12 + Number(month.slice(5)) - 1
  const from = index(first)
  const count = index(last) - from + 1
  if (count > PERIOD_MONTHS_MAX) return []
  return Array.from({ length: count }, (_, at) => {
    const [year, month] = [Math.floor((from + at) / 12), ((from + at) % 12) + 1]
    return `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}`
  })
}

function named(months: readonly string[]): string {
  const rest = months.length - NAMED_MAX
  const some = months.slice(0, NAMED_MAX).join(', ')
  return rest > 0 ? `${some} and ${rest} more` : some
}
