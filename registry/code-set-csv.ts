/**
 * A code set as a CSV file: the same document and positions as its JSON would give.
 *
 * Commas, `"` around a field where it must be (doubled within), one record a line, a header with
 * `code` and any of `from`, `to`, `description`. Empty fields are left out. Pure.
 */
import { nearestName, shown } from '../engine/index.ts'
import type { Json, Position } from '../engine/index.ts'
import type { Issue, Path, RegistryFile, Source } from './source.ts'
import { textFault } from './source.ts'

const COLUMNS = ['code', 'from', 'to', 'description'] as const
const MISSHAPED = 'a field with a comma or a quote stands in quotes, its own quotes doubled'

interface Cell {
  readonly text: string
  /** from 1 */
  readonly column: number
}
interface Row {
  /** from 1 */
  readonly line: number
  readonly cells: readonly Cell[]
}

/** A CSV file's document and positions, or every fault of its form. */
export function readCodeSetCsv(file: RegistryFile): Source | { readonly faults: readonly Issue[] } {
  const { path } = file
  const long = textFault(file)
  if (long !== undefined) return { faults: [long] }
  const faults: Issue[] = []
  const fault = (line: number, column: number, text: string): void =>
    void faults.push({ file: path, line, column, kind: 'error', text })
  const [header, ...rows] = readRows(file.text.replace(/^\ufeff/, ''), fault)
  const names = header?.cells.map(({ text }) => text) ?? []
  for (const [at, cell] of (header?.cells ?? []).entries()) {
    if (!isColumn(cell.text)) fault(1, cell.column, unknownColumn(cell.text))
    else if (names.indexOf(cell.text) < at) fault(1, cell.column, 'this column is there twice')
  }
  if (!names.includes('code')) fault(1, 1, 'the header has no column code')
  for (const { line, cells } of rows) {
    if (cells.length === names.length) continue
    fault(line, 1, `this record has ${cells.length} fields, the header ${names.length}`)
  }
  return faults.length > 0 ? { faults } : sourceOf(path, names, rows)
}

const isColumn = (name: string): boolean => COLUMNS.some((column) => column === name)

function unknownColumn(name: string): string {
  const nearest = nearestName(name, COLUMNS)
  const hint = nearest === undefined ? `known: ${COLUMNS.join(', ')}` : `did you mean ${nearest}?`
  return `unknown column ${shown(name)}; ${hint}`
}

function sourceOf(path: string, names: readonly string[], rows: readonly Row[]): Source {
  const entries = rows.map(({ cells }) =>
    Object.fromEntries(
      cells.flatMap(({ text }, at) => (text === '' ? [] : [[names[at] ?? '', text] as const])),
    ),
  )
  const json: Json = { codes: entries }
  const at = ([, row, name]: Path): Position => {
    const found = typeof row === 'number' ? rows[row] : undefined
    const cell = found?.cells[names.indexOf(String(name))]
    return { file: path, line: found?.line ?? 1, column: cell?.column ?? 1 }
  }
  return { path, json, at, within: at }
}

/** The records of a text; blank lines are none. */
function readRows(
  text: string,
  fault: (line: number, column: number, text: string) => void,
): readonly Row[] {
  return text.split(/\r?\n/).flatMap((written, index) => {
    if (written.trim() === '') return []
    const cells: Cell[] = []
    const cell = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y
    let isLast = false
    while (!isLast) {
      const start = cell.lastIndex
      const found = cell.exec(written)
      if (found === null) {
        fault(index + 1, start + 1, MISSHAPED)
        return []
      }
      const [, quoted, plain = '', end] = found
      cells.push({ text: quoted?.replaceAll('""', '"') ?? plain.trim(), column: start + 1 })
      isLast = end === ''
    }
    return [{ line: index + 1, cells }]
  })
}
