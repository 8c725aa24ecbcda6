/**
 * The rows of one sheet, out of its XML: each cell as text. Pure; see workbook.ts for the package.
 *
 * Text is kept as it is. A number is printed by decimalText, a date as ISO, a truth as `true` or
 * `false`, an error as its name (`#N/A`). What a text cannot tell is marked.
 * Source: ECMA-376 part 1, §18.3.1.4, §18.3.1.73, §22.9.2.19 (ST_Xstring).
 */
import { decimalText, hasLeadingZeros, momentText, type NumberFormat } from './number-format.ts'
import { XmlFault, type Attributes, type XmlSink } from './xml-reader.ts'

/** What a reader of the text would not see. */
export type CellMark =
  /** a number whose format says nothing about leading zeros */
  | 'NUMBER'
  /** more digits than a workbook's number keeps */
  | 'LONG_NUMBER'
  | 'ERROR'
  /** a formula without its value: nothing was calculated when the file was saved */
  | 'FORMULA'

export interface SheetCell {
  readonly text: string
  readonly mark: CellMark | undefined
}

export interface ReadRow {
  /** as the sheet counts, from 1 */
  readonly line: number
  /** from column A; a place without a cell is undefined */
  readonly cells: readonly (SheetCell | undefined)[]
}

/** What cells refer to. */
export interface SheetContext {
  readonly strings: readonly string[]
  /** by style number */
  readonly formats: readonly NumberFormat[]
  readonly is1904: boolean
}

export const SHEET_LIMITS = { rows: 1_048_576, columns: 16_384 } as const

/** Digits that a workbook's number keeps. */
const DIGITS_KEPT = 15
const PLACE = /^([A-Z]{1,3})([1-9]\d{0,6})$/
const LETTERS = 26

function columnOf(letters: string): number {
  let number = 0
  for (const letter of letters) number = number * LETTERS + letter.charCodeAt(0) - 64
  return number
}

/** `_x000D_` stands for a character that XML cannot hold. */
export const plainString = (text: string): string =>
  text.includes('_x')
    ? text.replace(/_x([0-9A-Fa-f]{4})_/g, (_, hex: string) =>
        String.fromCharCode(Number.parseInt(hex, 16)),
      )
    : text

interface OpenCell {
  readonly column: number
  readonly type: string
  readonly style: number
  value: string
  inline: string
  hasFormula: boolean
}

/** Takes the XML of a sheet; `take` what is complete. Throws XmlFault. */
export class SheetSink implements XmlSink {
  readonly #context: SheetContext
  #rows: ReadRow[] = []
  #line = 0
  #cells: (SheetCell | undefined)[] | null = null
  #cell: OpenCell | null = null
  #into: 'value' | 'inline' | null = null
  #phonetic = 0
  #isData = false
  /** a sheet has its data once, even when it is empty */
  isSheet = false

  constructor(context: SheetContext) {
    this.#context = context
  }

  take(): readonly ReadRow[] {
    const rows = this.#rows
    if (rows.length > 0) this.#rows = []
    return rows
  }

  readonly open = (name: string, attributes: Attributes): void => {
    if (name === 'sheetData') {
      if (this.isSheet) throw new XmlFault('a sheet has its data twice')
      this.isSheet = this.#isData = true
    }
    if (!this.#isData) return
    const cell = this.#cell
    if (name === 'row') this.#openRow(attributes)
    else if (name === 'c') this.#openCell(attributes)
    else if (cell === null) return
    else if (name === 'v') this.#into = 'value'
    else if (name === 'f') cell.hasFormula = true
    else if (name === 'rPh') this.#phonetic += 1
    else if (name === 't' && this.#phonetic === 0) this.#into = 'inline'
  }

  readonly close = (name: string): void => {
    if (name === 'sheetData') this.#isData = false
    if (!this.#isData) return
    if (name === 'row') this.#closeRow()
    else if (name === 'c') this.#closeCell()
    else if (name === 'rPh') this.#phonetic -= 1
    else if (name === 'v' || name === 't') this.#into = null
  }

  readonly text = (text: string): void => {
    const cell = this.#cell
    if (cell !== null && this.#into !== null) cell[this.#into] += text
  }

  #openRow(attributes: Attributes): void {
    const given = attributes('r')
    const line = given === undefined ? this.#line + 1 : Number(given)
    if (!Number.isInteger(line) || line <= this.#line || this.#cells !== null) {
      throw new XmlFault('its rows are not in order')
    }
    this.#line = line
    this.#cells = []
  }

  #closeRow(): void {
    this.#rows.push({ line: this.#line, cells: this.#cells ?? [] })
    this.#cells = null
  }

  #openCell(attributes: Attributes): void {
    const cells = this.#cells
    if (cells === null || this.#cell !== null) throw new XmlFault('a cell outside a row')
    const place = attributes('r')
    const [, letters = '', line] = place === undefined ? [] : (PLACE.exec(place) ?? [])
    const column = place === undefined ? cells.length + 1 : columnOf(letters)
    const isThere = place === undefined || Number(line) === this.#line
    if (!isThere || column <= cells.length || column > SHEET_LIMITS.columns) {
      throw new XmlFault('its cells are not in order')
    }
    this.#cell = {
      column,
      type: attributes('t') ?? 'n',
      style: Number(attributes('s') ?? 0),
      value: '',
      inline: '',
      hasFormula: false,
    }
  }

  #closeCell(): void {
    const [cells, cell] = [this.#cells, this.#cell]
    this.#cell = null
    if (cells === null || cell === null) throw new XmlFault('a cell outside a row')
    while (cells.length < cell.column - 1) cells.push(undefined)
    cells.push(this.#read(cell))
  }

  #read({ type, value, inline, style, hasFormula }: OpenCell): SheetCell | undefined {
    if (type === 'inlineStr') return { text: plainString(inline), mark: undefined }
    if (value === '')
      return hasFormula && type !== 'str' ? { text: '', mark: 'FORMULA' } : undefined
    if (type === 's') {
      const text = /^\d+$/.test(value) ? this.#context.strings[Number(value)] : undefined
      if (text === undefined) throw new XmlFault('a cell names a text that is not there')
      return { text, mark: undefined }
    }
    if (type === 'n') return this.#number(value, style)
    if (type === 'b')
      return { text: /^(?:1|true)$/.test(value) ? 'true' : 'false', mark: undefined }
    return { text: plainString(value), mark: type === 'e' ? 'ERROR' : undefined }
  }

  #number(value: string, style: number): SheetCell {
    const { formats, is1904 } = this.#context
    const format = formats[style]
    const date = format && momentText(value, format, is1904)
    if (date !== undefined) return { text: date, mark: undefined }
    const text = decimalText(value, format)
    if (text === undefined) throw new XmlFault('a number that is none')
    const digits = value.replace(/^[+-]?0*/, '')
    if (/^\d+$/.test(digits) && digits.length > DIGITS_KEPT) return { text, mark: 'LONG_NUMBER' }
    return { text, mark: format && hasLeadingZeros(format) ? undefined : 'NUMBER' }
  }
}
