/** What a workbook's cells do not tell as text, by column of the layout. Pure. */
import type { ColumnMark } from './sheet-text.ts'
import type { ParseSpec } from './spec.ts'

export interface TableFinding {
  readonly kind:
    /** numbers, where the layout has text, whose format keeps no leading zeros */
    | 'CELL_NUMBERS_UNFORMATTED'
    /** numbers of more than 15 digits, of which a workbook keeps 15 */
    | 'CELL_NUMBERS_CUT'
    /** errors, such as `#N/A` */
    | 'CELL_ERRORS'
    /** formulas that were saved without their value: the field is empty */
    | 'CELL_FORMULAS_EMPTY'
  readonly column: string
  /** of the column on the sheet, whatever their row is */
  readonly cells: number
  /** of the first */
  readonly line: number
}

const KINDS = {
  NUMBER: 'CELL_NUMBERS_UNFORMATTED',
  LONG_NUMBER: 'CELL_NUMBERS_CUT',
  ERROR: 'CELL_ERRORS',
  FORMULA: 'CELL_FORMULAS_EMPTY',
} as const

/** By place of the column on the sheet, then kind. */
export function tableFindings(
  marks: readonly ColumnMark[],
  { header }: { readonly header: { readonly columns: readonly (string | null)[] } | null },
  { columns }: ParseSpec,
): readonly TableFinding[] {
  return marks.flatMap(({ mark, column: at, cells, line }) => {
    const name = header === null ? columns[at]?.name : header.columns[at]
    const column = columns.find((one) => one.name === name)
    if (column === undefined || (mark === 'NUMBER' && column.type !== 'string')) return []
    return [{ kind: KINDS[mark], column: column.name, cells, line }]
  })
}
