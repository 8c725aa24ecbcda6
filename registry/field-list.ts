/**
 * The field list of a submission guide, as states and CMS publish it: a table with a row of
 * headings, in any of the words guides use, and one row a field.
 *
 * Headings are known by their words, whatever stands between them. Where several columns could be
 * the name (`field_label`, `field_name`), the one whose cells look like names is; the other is the
 * title. Blanks and line ends inside a name, as PDF tables leave them, are taken out. Pure.
 */
import type { FieldDraft, LayoutDraft } from './draft.ts'
import { doubtLines } from './draft.ts'
import { guideType } from './guide-type.ts'
import { guessMonth } from './month-guess.ts'
import { guessPhi } from './phi-guess.ts'
import { placeFaults } from './places.ts'

/** One row of a table, as a file has it. */
export interface TableRow {
  /** 1-based number of its first line, or of a sheet's row */
  readonly line: number
  readonly cells: readonly string[]
}

/** Why a table is no field list: in words, and where. */
export interface ListFault {
  readonly line: number
  /** 1-based cell of the row */
  readonly column: number
  readonly reason: string
}

type Role =
  | 'name'
  | 'start'
  | 'end'
  | 'length'
  | 'type'
  | 'scale'
  | 'required'
  | 'optional'
  | 'description'

const ROLES: readonly (readonly [Role, RegExp])[] = [
  [
    'start',
    /^(start|starting|begin|beginning|beg|from)(position|pos|column|col|byte)?$|^positions?$/,
  ],
  ['end', /^(end|ending|stop|to)(position|pos|column|col|byte)?$/],
  ['length', /^(data|field|max|maximum|element)?(length|len|size|width)$|^bytes$/],
  ['type', /^(data|field|element)?(type|format)$|^picture$|^pic$/],
  ['scale', /^decimals?(places?)?$|^scale$/],
  ['required', /^required$|^mandatory$|^isrequired$/],
  ['optional', /^optional$|^nullable$|^nullallowed$|^nulls?$/],
  [
    'description',
    /^(field|element|data)?(description|definition|descr|desc)\w*$|^comments?$|^notes?$/,
  ],
  [
    'name',
    /^(data)?(field|element|column|variable|item)?(name|label|id|code)?$|^(short|long|system)?(name|title)$|^(field|element|variable)title$/,
  ],
]
const NO = /^(n|no|false|not null)$/i
const YES = /^(y|yes|true|1|r|required|m|mandatory|x|always)$/i

const HEADINGS_WITHIN_ROWS = 50
const FIELDS_MAX = 2000
const plain = (text: string): string => text.toLowerCase().replaceAll(/[^a-z]+/g, '')
const roleOf = (heading: string): Role | undefined =>
  plain(heading) === '' ? undefined : ROLES.find(([, words]) => words.test(plain(heading)))?.[0]

interface Headings {
  /** index of the row in the table */
  readonly at: number
  readonly roles: readonly (Role | undefined)[]
}

/** The first row that names a field and says something about it. */
function headingsOf(rows: readonly TableRow[]): Headings | undefined {
  for (const [at, { cells }] of rows.slice(0, HEADINGS_WITHIN_ROWS).entries()) {
    const roles = cells.map(roleOf)
    const said = new Set(roles.filter((role) => role !== undefined))
    if (said.has('name') && said.size >= 2) return { at, roles }
  }
  return undefined
}

/** A name as guides print it: without the blanks and line ends that a narrow column put into it. */
const joined = (cell: string): string => cell.replaceAll(/\s+/g, '')
const looksLikeName = (cell: string): boolean =>
  /^[A-Za-z][A-Za-z0-9_.-]*$/.test(joined(cell)) && (/_|\d/.test(cell) || !/\s/.test(cell.trim()))

/** Reads the list, or says at which cell it stops being one. */
export function readFieldList(
  rows: readonly TableRow[],
  { title, delimiter }: { readonly title: string; readonly delimiter: string },
): LayoutDraft | ListFault {
  const headings = headingsOf(rows)
  if (headings === undefined) {
    const reason = `none of the first ${HEADINGS_WITHIN_ROWS} rows has headings for a name and for start, length, type or description`
    return { line: rows[0]?.line ?? 1, column: 1, reason }
  }
  const body = rows.slice(headings.at + 1).filter(({ cells }) => cells.some((cell) => cell.trim()))
  const names = nameColumns(headings, body)
  const read = new ListReader(headings, names)
  const listed: ListedField[] = []
  for (const row of body) {
    const field = read.field(row)
    if ('reason' in field) return field
    if (field.draft.label !== '') listed.push(field)
  }
  const [first] = listed
  if (first === undefined || listed.length > FIELDS_MAX) {
    const reason =
      first === undefined
        ? 'no field is listed below the headings'
        : `more than ${FIELDS_MAX} fields are listed`
    return { line: rows[headings.at]?.line ?? 1, column: 1, reason }
  }
  return draftOf(listed, { title, delimiter })
}

/** The columns that could be the name, the likeliest first; one of numbers alone is an order. */
function nameColumns({ roles }: Headings, body: readonly TableRow[]): readonly number[] {
  const cellsOf = (column: number): readonly string[] =>
    body.map(({ cells }) => cells[column] ?? '')
  const score = (column: number): number => cellsOf(column).filter(looksLikeName).length
  return roles
    .flatMap((role, at) => (role === 'name' ? [at] : []))
    .filter((column) => cellsOf(column).some((cell) => /[A-Za-z]/.test(cell)))
    .toSorted((a, b) => score(b) - score(a))
}

interface ListedField {
  readonly draft: FieldDraft
  readonly doubt?: string
}

class ListReader {
  readonly #roles: readonly (Role | undefined)[]
  readonly #nameColumns: readonly number[]

  constructor({ roles }: Headings, names: readonly number[]) {
    this.#roles = roles
    this.#nameColumns = names
  }

  field(row: TableRow): ListedField | ListFault {
    const at = this.#place(row)
    if (at !== undefined && 'reason' in at) return at
    const { label, title } = this.#names(row)
    const phi = guessPhi(label, title)
    const { length, scale } = widthOf(this.#cell(row, 'length'), this.#cell(row, 'scale'))
    const size = length ?? at?.length
    const { doubt, ...type } = guideType(this.#cell(row, 'type'), {
      ...(size !== undefined && { length: size }),
      ...(scale !== undefined && { scale }),
    })
    const draft: FieldDraft = {
      label,
      title,
      ...type,
      ...(type.type === 'string' && size !== undefined && { maxLength: size }),
      ...(this.#isRequired(row) && { required: true }),
      ...(at !== undefined && { at }),
      ...(phi !== undefined && { phi }),
    }
    return { draft, ...(doubt !== undefined && { doubt }) }
  }

  #names(row: TableRow): { readonly label: string; readonly title: string } {
    const [nameAt = 0, titleAt] = this.#nameColumns
    const written = row.cells[nameAt]?.trim() ?? ''
    const other =
      titleAt === undefined ? this.#cell(row, 'description') : (row.cells[titleAt] ?? '')
    return {
      label: looksLikeName(written) ? joined(written) : written.replaceAll(/\s+/g, ' '),
      title: other.replaceAll(/\s+/g, ' ').trim().slice(0, TITLE_CHARACTERS_MAX),
    }
  }

  #isRequired(row: TableRow): boolean {
    return YES.test(this.#cell(row, 'required')) || NO.test(this.#cell(row, 'optional'))
  }

  #cell({ cells }: TableRow, role: Role): string {
    const found = this.#roles.findIndex(
      (one, at) => one === role && (cells[at] ?? '').trim() !== '',
    )
    return cells[found]?.trim() ?? ''
  }

  /** Start and length, start and end, or both in one cell: `1-13`. */
  #place(row: TableRow): { start: number; length: number } | ListFault | undefined {
    const start = this.#cell(row, 'start')
    if (start === '') return undefined
    const column = this.#roles.indexOf('start') + 1
    const fault = (reason: string): ListFault => ({ line: row.line, column, reason })
    const [, first, last] = /^(\d{1,6})(?:\s*(?:-|–|to|thru)\s*(\d{1,6}))?$/.exec(start) ?? []
    if (first === undefined) return fault('a start is a number, or a range like 1-13')
    const end = last ?? this.#cell(row, 'end')
    const length = widthOf(this.#cell(row, 'length'), '').length
    if (!/^\d{1,6}$/.test(end)) {
      return length === undefined ? undefined : { start: Number(first), length }
    }
    const bytes = Number(end) - Number(first) + 1
    if (bytes < 1) return fault('the field ends before it starts')
    return { start: Number(first), length: bytes }
  }
}

const TITLE_CHARACTERS_MAX = 200

/** `8`, `10.2`, `10,2`, `12 (2)`, `up to 30`: characters, and digits after the point. */
function widthOf(cell: string, decimals: string): { length?: number; scale?: number } {
  const [, first, second] = /(\d{1,5})(?:\s*[.,(]\s*(\d{1,2})\)?)?/.exec(cell) ?? []
  const scale = /^\d{1,2}$/.test(decimals) ? decimals : second
  return {
    ...(first !== undefined && Number(first) > 0 && { length: Number(first) }),
    ...(scale !== undefined && { scale: Number(scale) }),
  }
}

function draftOf(
  listed: readonly ListedField[],
  { title, delimiter }: { readonly title: string; readonly delimiter: string },
): LayoutDraft {
  const all = listed.map(({ draft }) => draft)
  const isFixed = all.every(({ at }) => at !== undefined)
  const fields = isFixed ? all : all.map(({ at: _, ...field }) => field)
  const month = guessMonth(fields)
  const doubts = doubtLines(listed.map(({ draft, doubt }) => ({ label: draft.label, doubt })))
  const record = isFixed
    ? [
        'Bytes of each field, and that a record holds nothing else.',
        ...placeFaults(
          all.flatMap(({ label, at }) => (at === undefined ? [] : [{ label, ...at }])),
        ),
      ]
    : [
        `The delimiter, taken to be ${JSON.stringify(delimiter)}, quotes, and whether names stand in the file.`,
        ...(all.some(({ at }) => at !== undefined)
          ? ['Some fields have a position and some have none: positions were left out.']
          : []),
      ]
  return {
    title,
    fields,
    format: isFixed ? 'fixed' : 'csv',
    ...(!isFixed && { dialect: { delimiter, quoteChar: '"', header: true } }),
    ...(month !== undefined && { month }),
    verify: [...record, ...monthDoubt(month), ...PERSONAL, ...doubts],
  }
}

/** What every draft says of its month. */
export const monthDoubt = (month: LayoutDraft['month']): readonly string[] =>
  month === undefined
    ? ['No column looks like the month of a row: rows have the last month of the declared period.']
    : [
        `What dates a row: taken to be ${typeof month === 'string' ? month : `${month.year} and ${month.month}`}.`,
      ]
/** What every draft says of personal data. */
export const PERSONAL = ['Which columns are personal (x-phi): guessed by their names.'] as const
