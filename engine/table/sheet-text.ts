/**
 * Rows of a sheet as lines of delimited text: comma, double quote, line feed.
 *
 * Line n is row n: a row without cells, or that is not there, is a blank line; rows behind the last
 * one with a value are left out. A row has as many fields as the widest of the first 1,024, at least
 * `fieldsMin`, and more where it is wider. Pure; memory is those first rows.
 */
import type { CellMark, ReadRow } from './workbook-sheet.ts'

/** How often a mark was met in a column, and the line of the first. */
export interface ColumnMark {
  readonly mark: CellMark
  /** from 0 */
  readonly column: number
  readonly cells: number
  readonly line: number
}

const FIRST_ROWS = 1024
/** Cells of the first rows that are kept: fewer rows are looked at where they are wide. */
const FIRST_CELLS = 1_000_000
const BATCH_CHARACTERS = 256 * 1024
const NEEDS_QUOTES = /[",\r\n]/

/** A field as RFC 4180 writes it. */
export const quotedField = (text: string): string =>
  NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text

/** Rows in, in order; text out, batch by batch; then `end`. */
export class SheetText {
  readonly #fieldsMin: number
  readonly #marks = new Map<string, { -readonly [Key in keyof ColumnMark]: ColumnMark[Key] }>()
  #first: { line: number; fields: string[] }[] | null = []
  #firstCells = 0
  #width = 0
  /** of the last line written */
  #line = 0
  #text = ''

  constructor(fieldsMin: number) {
    this.#fieldsMin = fieldsMin
  }

  /** by column, then mark */
  get marks(): readonly ColumnMark[] {
    const order = (one: ColumnMark): string => `${String(one.column).padStart(6, '0')}${one.mark}`
    return [...this.#marks.values()].toSorted((a, b) => (order(a) < order(b) ? -1 : 1))
  }

  add({ line, cells }: ReadRow): void {
    const width = cells.findLastIndex((cell) => cell !== undefined && cell.text !== '') + 1
    for (const [column, cell] of cells.entries()) {
      if (cell?.mark !== undefined) this.#mark(cell.mark, column, line)
    }
    if (width === 0) return
    const fields = cells.slice(0, width).map((cell) => cell?.text ?? '')
    if (this.#first === null) return this.#write(line, fields)
    this.#first.push({ line, fields })
    this.#firstCells += width
    if (this.#first.length >= FIRST_ROWS || this.#firstCells >= FIRST_CELLS) this.#settle()
  }

  /** The text that is complete, once there is a batch of it; '' before. */
  drain(): string {
    return this.#text.length < BATCH_CHARACTERS ? '' : this.#takeText()
  }

  /** The rest of the text. */
  end(): string {
    this.#settle()
    return this.#takeText()
  }

  #takeText(): string {
    const text = this.#text
    this.#text = ''
    return text
  }

  #settle(): void {
    const first = this.#first ?? []
    this.#first = null
    const widest = first.reduce((most, { fields }) => Math.max(most, fields.length), 0)
    this.#width = Math.max(widest, this.#fieldsMin, this.#width)
    for (const { line, fields } of first) this.#write(line, fields)
  }

  #write(line: number, fields: readonly string[]): void {
    const missing = Math.max(0, this.#width - fields.length)
    this.#text += '\n'.repeat(line - this.#line - 1)
    this.#text += `${fields.map(quotedField).join(',')}${','.repeat(missing)}\n`
    this.#line = line
  }

  #mark(mark: CellMark, column: number, line: number): void {
    const key = `${mark} ${column}`
    const known = this.#marks.get(key)
    if (known === undefined) this.#marks.set(key, { mark, column, cells: 1, line })
    else known.cells += 1
  }
}
