/** Rows of a query as text: aligned columns, CSV (RFC 4180), JSON, or a Markdown table. */
import { printable, printableJson } from '../core/printable.ts'
import { alignColumns } from './text.ts'

export type RowFormat = 'table' | 'csv' | 'json' | 'md'
type Row = { readonly [name: string]: unknown }

/** The whole text, without a final line end. No rows: the empty text, or `[]`. */
export function rowsText(
  rows: readonly Row[],
  { format, dim }: { readonly format: RowFormat; readonly dim: (text: string) => string },
): string {
  if (format === 'json') return printableJson(rows, 2)
  const [first] = rows
  if (first === undefined) return ''
  const names = Object.keys(first)
  const cells = rows.map((row) => names.map((name) => cellText(row[name])))
  if (format === 'csv') return [names, ...cells].map((row) => row.map(csvCell).join(',')).join('\n')
  if (format === 'md') {
    const line = (row: readonly string[]): string => `| ${row.map(mdCell).join(' | ')} |`
    return [line(names), `|${names.map(() => ' --- |').join('')}`, ...cells.map(line)].join('\n')
  }
  const columns = names.map((name) =>
    rows.every((row) => isNumeric(row[name])) ? ({ title: name, align: 'right' } as const) : name,
  )
  return alignColumns(
    columns,
    cells.map((row) => row.map(printable)),
    dim,
  ).join('\n')
}

const isNumeric = (value: unknown): boolean =>
  value === null ||
  typeof value === 'number' ||
  (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value))

/** Text as it is, nothing for nothing, everything else as JSON writes it. */
const cellText = (value: unknown): string =>
  typeof value === 'string'
    ? value
    : value === null || value === undefined
      ? ''
      : JSON.stringify(value)

const csvCell = (text: string): string =>
  /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text

const mdCell = (text: string): string => printable(text).replaceAll('|', '\\|')
