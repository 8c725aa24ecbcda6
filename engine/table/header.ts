/** The header record: which layout column each field of a file is. */
import type { ParseFailureCode } from './parse-failure.ts'
import type { ColumnSpec } from './spec.ts'

export type HeaderResult =
  | {
      readonly kind: 'fields'
      /** layout column of each field in file order; null: unnamed, must be empty */
      readonly fields: readonly (ColumnSpec | null)[]
      /** columns that are not required and not in the file: NULL in every row */
      readonly missing: readonly string[]
    }
  | { readonly kind: 'failed'; readonly code: ParseFailureCode; readonly detail: string }

/** Positions or names named in a detail. */
const NAMED_MAX = 10

const some = (list: readonly (string | number)[]): string =>
  list.length <= NAMED_MAX
    ? list.join(', ')
    : `${list.slice(0, NAMED_MAX).join(', ')} and ${list.length - NAMED_MAX} more`

/**
 * Matches the names of a header record with the columns of the layout, in any order.
 *
 * A name that several columns have stands for them in layout order. Empty names at the end belong
 * to delimiters that end every line. A file without a header would
 * show a person's data here, so details name layout columns and positions, never what was read.
 */
export function readHeader(names: readonly string[], columns: readonly ColumnSpec[]): HeaderResult {
  const byName = Map.groupBy(columns, (column) => column.header ?? column.name)
  const named = names.findLastIndex((name) => name !== '') + 1
  const seen = new Map<string, number>()
  const twice: string[] = []
  const fields = names.map((name, at): ColumnSpec | null => {
    const own = at < named ? byName.get(name) : undefined
    if (own === undefined) return null
    const nth = seen.get(name) ?? 0
    seen.set(name, nth + 1)
    const [first] = own
    if (nth >= own.length && first !== undefined) twice.push(first.name)
    return own[nth] ?? null
  })
  const failed = (code: ParseFailureCode, detail: string): HeaderResult => ({
    kind: 'failed',
    code,
    detail,
  })
  const unknown = names.flatMap((name, at) => (at < named && !byName.has(name) ? [at + 1] : []))
  if (unknown.length === named) {
    return failed('HEADER_UNREADABLE', 'none of its names is a column of the layout')
  }
  if (twice.length > 0) return failed('HEADER_COLUMN_TWICE', `twice in the header: ${some(twice)}`)
  if (unknown.length > 0) {
    return failed('HEADER_COLUMN_UNKNOWN', `no column of the layout: field ${some(unknown)}`)
  }
  const absent = columns.filter((column) => !fields.includes(column))
  const needed = absent.filter((column) => column.required).map((column) => column.name)
  if (needed.length > 0)
    return failed('HEADER_COLUMN_MISSING', `not in the header: ${some(needed)}`)
  return { kind: 'fields', fields, missing: absent.map((column) => column.name) }
}
