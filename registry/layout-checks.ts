/** What a layout must hold true of itself. */
import { specProblems } from '../engine/index.ts'
import { lintPlaces } from './layout-lint.ts'
import { headerName } from './layout.ts'
import type { FieldDocument, Layout, LayoutDocument } from './layout.ts'
import type { Loaded } from './registry.ts'
import type { Report } from './report.ts'
import { SILVER_COLUMNS } from './silver-columns.ts'
import type { Path } from './source.ts'

type LoadedLayout = Loaded<Layout, LayoutDocument>

/** Everything wrong with one layout by itself. */
export function checkLayout(layout: LoadedLayout, report: Report): void {
  const { source, value } = layout
  for (const { pointer, text } of specProblems(value.slices.parse)) {
    const path = documentPath(pointer.slice(1).split('/'))
    report(source.at(path), `${path.findLast((name) => typeof name === 'string') ?? 'it'} ${text}`)
  }
  const fields = layout.document.resources[0].schema.fields
  for (const [at, field] of fields.entries()) checkField({ layout, field, at }, report)
  for (const { path, kind, text } of lintPlaces(value.slices.parse)) {
    report(source.at(path), text, kind)
  }
  checkTable(layout, report)
  checkNames(layout, report)
  checkIngest(layout, report)
  checkStop(layout, report)
}

const fieldPath = (at: number, ...rest: Path): Path => [
  'resources',
  0,
  'schema',
  'fields',
  at,
  ...rest,
]

const CONSTRAINTS = ['maxLength', 'pattern', 'enum']
const DECIMAL = ['precision', 'scale', 'implied', 'bare']
const DIALECT_ROWS = ['headerRows', 'headerJoin', 'commentChar']

function rowsPath(name: string, member: string | undefined): Path {
  if (DIALECT_ROWS.includes(name)) return ['resources', 0, 'dialect', name]
  if (name === 'preamble') return ['x-ingest', 'rows', name, 'until']
  return ['x-ingest', 'rows', name, ...(member === undefined ? [] : [Number(member)])]
}

/** Where a person wrote what a pointer into the parse slice names. */
function documentPath([part = '', at = '', member = '', index]: readonly string[]): Path {
  if (part === 'dialect') return ['resources', 0, 'dialect', at]
  if (part === 'encoding') return ['resources', 0, part]
  if (part === 'sheet') return ['resources', 0, 'dialect']
  if ((part === 'rows' || part === 'control') && at === '') return ['x-ingest', part]
  if (part === 'rows') return rowsPath(at, member)
  if (part === 'control') return ['x-ingest', 'control', Number(at), member]
  if (part === 'month') {
    return ['x-ingest', 'month', ...(at === 'column' ? [at] : ['columns', at])]
  }
  if (at === '') return ['resources', 0, 'schema', 'fields']
  return columnPath(Number(at), member, index)
}

function columnPath(column: number, member: string, index: string | undefined): Path {
  const field = (...rest: Path): Path => fieldPath(column, ...rest)
  if (CONSTRAINTS.includes(member)) return field('constraints', member)
  if (DECIMAL.includes(member)) return field('x-decimal', member)
  if (member === 'at') return field('x-at')
  if (member !== 'formats') return field(member)
  // The first format is the field's own, the others are its x-formats.
  return index === undefined || index === '0'
    ? field('format')
    : field('x-formats', Number(index) - 1)
}

interface FieldAt {
  readonly layout: LoadedLayout
  readonly field: FieldDocument
  readonly at: number
}

/** What compiles away silently, and so is no problem of the parse slice. */
function checkField({ layout: { source, document }, field, at }: FieldAt, report: Report): void {
  const fault = (path: Path, text: string): void => report(source.at(fieldPath(at, ...path)), text)
  const isDate = field.type === 'date' || field.type === 'datetime'
  for (const name of ['format', 'x-formats'] as const) {
    const value = field[name]
    if (isDate || value === undefined || value === 'default') continue
    fault([name], `${name} is for columns of type date or datetime`)
  }
  if ((field['x-decimal'] !== undefined) !== (field.type === 'number')) {
    const text = 'a number has x-decimal {precision, scale}, and nothing else has'
    fault(field.type === 'number' ? ['type'] : ['x-decimal'], text)
  }
  if (field['x-header'] !== undefined && !hasHeader(document)) {
    fault(['x-header'], 'this layout has no header')
  }
}

/** False where names have no place in the file. */
const hasHeader = (document: LayoutDocument): boolean => {
  const { format, dialect } = document.resources[0]
  return format === 'jsonl' || (format !== 'fixed' && dialect?.header !== false)
}

/** A table has no delimiters, and Parquet names its columns by itself. */
function checkTable({ document, source }: LoadedLayout, report: Report): void {
  const [{ format, dialect = {} }] = document.resources
  const unused =
    format === 'parquet'
      ? Object.keys(dialect)
      : ['delimiter', 'quoteChar'].filter(
          (name) => format === 'xlsx' && Object.hasOwn(dialect, name),
        )
  for (const name of unused) {
    report(source.at(['resources', 0, 'dialect', name]), `${name} has no meaning for ${format}`)
  }
  if (dialect.sheetName !== undefined && dialect.sheetNumber !== undefined) {
    report(source.at(['resources', 0, 'dialect', 'sheetNumber']), 'the sheet has its name already')
  }
}

function checkNames({ document, source }: LoadedLayout, report: Report): void {
  const headers = new Set<string>()
  for (const [at, field] of document.resources[0].schema.fields.entries()) {
    const name = field.name.toLowerCase()
    const fault = (text: string): void => report(source.at(fieldPath(at, 'name')), text)
    if (Object.hasOwn(SILVER_COLUMNS, name)) {
      fault(`every row has a column ${name} already: rename it and set x-header`)
    }
    // Only a header of several rows is known to have the same name for two columns.
    if (headers.has(headerName(field)) && !document.resources[0].dialect?.headerRows) {
      fault('this name is twice in the header')
    }
    headers.add(headerName(field))
  }
}

function checkStop({ document, source }: LoadedLayout, report: Report): void {
  const { stop, reject } = document['x-ingest']
  const isBelow =
    stop !== undefined &&
    ((stop.count ?? Infinity) < (reject.count ?? 0) || (stop.share ?? 1) < (reject.share ?? 0))
  if (isBelow)
    report(source.at(['x-ingest', 'stop']), 'a parse would stop before its rejects are too many')
}

function checkIngest({ document, source, value }: LoadedLayout, report: Report): void {
  const { effective } = value.slices.route
  if (effective.from !== undefined && effective.to !== undefined && effective.from > effective.to) {
    report(source.at(['x-ingest', 'effective']), 'the window ends before it begins')
  }
  const control = document['x-ingest'].control ?? []
  for (const [at, { role }] of control.entries()) {
    if (control.findIndex((record) => record.role === role) === at) continue
    report(source.at(['x-ingest', 'control', at, 'role']), `there is a ${role} record already`)
  }
  const roles = control.flatMap(({ fields }) => Object.values(fields))
  for (const [name, role] of [
    ['headerVersion', 'layoutVersion'],
    ['controlFileTypes', 'fileType'],
  ] as const) {
    if (document['x-ingest'].detect?.[name] === undefined || roles.includes(role)) continue
    const text = `no control record of this layout has a field ${role}`
    report(source.at(['x-ingest', 'detect', name]), text)
  }
}
