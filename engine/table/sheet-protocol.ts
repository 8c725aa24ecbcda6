/** What a sheet child is asked and answers. */

export interface SheetRequest {
  /** of a workbook: XLSX */
  readonly path: string
  /** undefined: the first */
  readonly sheet: string | undefined
  readonly rowsMax: number
  readonly cellsMax: number
}

export interface SheetRow {
  /** as the workbook counts, from 1 */
  readonly line: number
  /** texts; an empty cell is empty */
  readonly cells: readonly string[]
}

export type SheetReply =
  | { readonly rows: readonly SheetRow[] }
  | { readonly fault: 'TOO_LARGE' | 'UNREADABLE' }
