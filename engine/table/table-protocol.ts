/** What a table child is asked and answers. */
import type { ColumnMark } from './sheet-text.ts'
import type { SheetChoice, WorkbookFaultKind } from './workbook.ts'

/** Absolute paths; texts are comma, double quote, line feed. */
export type TableRequest =
  /** a whole sheet as a text file */
  | {
      readonly task: 'text'
      readonly path: string
      readonly out: string
      readonly sheet: SheetChoice
      readonly fieldsMin: number
      /** of the text */
      readonly bytesMax: number
      /** unpacked bytes of a part for each packed one */
      readonly ratio: number
    }
  /** the first lines of the first sheets */
  | {
      readonly task: 'heads'
      readonly path: string
      readonly sheetsMax: number
      readonly rowsMax: number
      /** of each text */
      readonly bytesMax: number
    }
  /** the footer of a Parquet file, checked; its pages too where `pages` */
  | { readonly task: 'footer'; readonly path: string; readonly pages: boolean }
  /** the first rows of one sheet */
  | {
      readonly task: 'rows'
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

export interface SheetHead {
  readonly name: string
  readonly text: string
}

export interface TableReplies {
  readonly text: {
    readonly marks: readonly ColumnMark[]
    /** sheets that were not read */
    readonly left: { readonly count: number; readonly names: readonly string[] }
  }
  readonly heads: { readonly heads: readonly SheetHead[] }
  readonly footer: { readonly columns: readonly string[]; readonly rows: number }
  readonly rows: { readonly rows: readonly SheetRow[] }
}

/** `what`: in words, nothing of the file in them. LOST: the child ended, or had to be ended. */
export interface TableFault {
  readonly fault: WorkbookFaultKind | 'LOST' | 'DISK_FULL'
  readonly what: string
}
