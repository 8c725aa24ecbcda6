/**
 * Layouts: what a submitter's file looks like, as a Frictionless Data Package v2 descriptor.
 *
 * One resource with a Table Dialect and a Table Schema, plus one extension: `x-ingest` on the
 * package, `x-at`, `x-decimal`, `x-formats`, `x-header`, `x-phi` and `x-trim` on a field. A layout's identity is
 * its path, `registry/layouts/{file_type}/{layout}.json`, and the package's `version` (v1 by
 * default). Further versions lie beside it as `{layout}.{version}.json`; several may be active,
 * each with its effective window. It compiles to slices, so that an edit touches only
 * what it changes: `parse` (bytes to rows), `route` (which layout a file has), `judge` (how many
 * rejects are too many) and `phi` (which columns are masked in samples).
 * Source of the format: https://datapackage.org/standard/data-package/ (v2).
 */
import { z } from 'zod'
import type {
  ColumnSpec,
  ColumnType,
  ControlField,
  Dialect,
  MonthRule,
  PackageSpec,
  ParseSpec,
  RowRules,
  StopRule,
  TableFormat,
} from '../engine/index.ts'
import { leaf, pattern, threshold } from './fields.ts'
import { LAYOUT_VERSION } from './names.ts'
import { closed, exactlyOne, wholeDocument } from './shape.ts'
import type { Threshold } from './fields.ts'

const CONTROL_FIELDS = [
  'submitter',
  'payor',
  'fileType',
  'periodBegin',
  'periodEnd',
  'recordCount',
  'testFlag',
  'layoutVersion',
  'created',
  'comment',
] as const satisfies readonly ControlField[]

/** The position of a field, or the bytes it has in a fixed-width record: `3-10`. */
const CONTROL_PLACE = /^[1-9]\d{0,2}$|^[1-9]\d{0,4}-[1-9]\d{0,4}$/

const strings = z.array(z.string()).min(1)

const fieldShape = closed({
  name: leaf.column.describe(
    'the column in silver, and in the header unless x-header says otherwise',
  ),
  title: z.string().exactOptional(),
  example: z.string().exactOptional(),
  type: z.enum(['string', 'integer', 'number', 'date', 'datetime', 'boolean']),
  format: z.string().max(60).exactOptional().describe('date, datetime: default or like %Y-%m-%d'),
  constraints: closed({
    required: z.boolean().exactOptional(),
    maxLength: z.int().min(1).max(65_536).exactOptional(),
    pattern: pattern('data').exactOptional().describe('the whole value'),
    enum: strings.exactOptional(),
  }).exactOptional(),
  'x-header': z.string().min(1).max(128).exactOptional(),
  'x-formats': strings.exactOptional().describe('further date formats, tried in order'),
  'x-decimal': closed({
    precision: z.int().min(1).max(38),
    scale: z.int().min(0).max(38),
    implied: z
      .literal(true)
      .exactOptional()
      .describe('digits without a point; scale says where it is'),
    bare: z.literal(true).exactOptional().describe('.50 is allowed beside 0.50'),
  }).exactOptional(),
  'x-at': closed({ start: z.int().min(1), length: z.int().min(1) })
    .exactOptional()
    .describe('fixed: first byte of the record, from 1, and bytes'),
  'x-trim': z.literal(true).exactOptional().describe('blanks around the value are no part of it'),
  'x-phi': z.enum(['none', 'direct', 'quasi', 'sensitive']).exactOptional(),
})
export type FieldDocument = z.output<typeof fieldShape>
/** `direct` identifies a person alone, `quasi` with other columns, `sensitive` is about health. */
export type PhiClass = NonNullable<FieldDocument['x-phi']>

const resource = closed({
  name: z.string(),
  title: z.string().exactOptional(),
  type: z.literal('table').exactOptional(),
  path: z.string().exactOptional().describe('the name of an example file; not read'),
  format: z
    .enum(['csv', 'fixed', 'jsonl', 'xlsx', 'parquet'])
    .exactOptional()
    .describe('csv: delimited text, the default; jsonl: one JSON object a line; xlsx: one sheet'),
  encoding: z
    .enum(['utf-8', 'utf-16', 'windows-1252', 'iso-8859-1'])
    .exactOptional()
    .describe('utf-8 by default; what a file seems to be instead is a finding'),
  dialect: closed({
    delimiter: z.string().exactOptional().describe('one ASCII character; a comma by default'),
    quoteChar: z.literal('"').nullable().exactOptional().describe('null: quotes are data'),
    header: z.boolean().exactOptional().describe('a record with the column names; true by default'),
    headerRows: z
      .array(z.int().min(1))
      .min(1)
      .exactOptional()
      .describe('which records after the preamble hold names; they are joined by column'),
    headerJoin: z.string().max(8).exactOptional().describe('between joined names; a space'),
    sheetName: z.string().min(1).max(31).exactOptional().describe('xlsx: the sheet by its name'),
    sheetNumber: z.int().min(1).max(1000).exactOptional().describe('xlsx: by its place; 1'),
    commentChar: z.string().exactOptional().describe('a record that starts with it is no data'),
  }).exactOptional(),
  schema: closed({
    fields: z.array(fieldShape).min(1).max(2000),
    missingValues: z.tuple([z.literal('')]).exactOptional(),
  }),
})

const detect = closed({
  fileNames: z.array(pattern('name')).min(1).exactOptional().describe('whole name, case ignored'),
  states: z.array(leaf.state).min(1).exactOptional(),
  headerVersion: z.string().exactOptional().describe('the layoutVersion of a control record'),
  controlFileTypes: strings.exactOptional().describe('what control records call the file type'),
  columnCount: z.int().min(1).exactOptional().describe('the number of fields by default'),
  header: z.array(z.string()).exactOptional().describe('the names of the fields by default'),
})

const rowsShape = closed({
  preamble: exactlyOne(
    closed({
      records: z.int().min(1).max(1000).exactOptional(),
      until: pattern('data').exactOptional().describe('the first record after it, as a whole'),
    }),
    ['records', 'until'],
  ).exactOptional(),
  footnotes: z
    .array(pattern('data'))
    .min(1)
    .max(50)
    .exactOptional()
    .describe('whole records that are no data, wherever they stand'),
  columnCodes: z.literal(true).exactOptional().describe('the record after the header holds codes'),
  trailingDelimiter: z.literal(true).exactOptional().describe('data records end with a delimiter'),
  exactBytes: z.int().min(1).exactOptional().describe('fixed: bytes of every data record'),
})

const ingestShape = closed({
  status: leaf.status,
  effective: closed({ from: leaf.month.exactOptional(), to: leaf.month.exactOptional() })
    .exactOptional()
    .describe('months of the declared period, both inclusive'),
  control: z
    .array(
      closed({
        role: z.enum(['header', 'trailer']),
        prefix: z.string().min(1).max(16),
        fields: z.record(z.string().regex(CONTROL_PLACE), z.enum(CONTROL_FIELDS)),
      }),
    )
    .max(2)
    .exactOptional(),
  package: closed({
    members: pattern('name')
      .exactOptional()
      .describe('of a ZIP or tar: which members are data, by whole names without folders'),
    contentBytes: z.int().min(1).exactOptional().describe('unpacked, all files together; 50 GiB'),
    ratio: z.int().min(1).exactOptional().describe('unpacked bytes for each packed one; 200'),
  })
    .exactOptional()
    .describe('absent: a package holds one file'),
  rows: rowsShape.exactOptional().describe('records that are no data'),
  month: exactlyOne(
    closed({
      column: leaf.column.exactOptional().describe('a date or datetime'),
      columns: closed({ year: leaf.column, month: leaf.column })
        .exactOptional()
        .describe('two integers: the year, and the month of the year'),
      declared: z
        .enum(['first', 'last'])
        .exactOptional()
        .describe('every row has that month of the declared period'),
    }),
    ['column', 'columns', 'declared'],
  ),
  reject: threshold.describe('records that may be rejected before the parse fails'),
  stop: threshold
    .exactOptional()
    .describe(
      'rejects past which a parse ends at once with the first reasons; a share is judged from 1,000 records on. An edit parses again',
    ),
  detect: detect.exactOptional(),
})

export const layoutDocument = wholeDocument({
  name: z.string().exactOptional(),
  version: z
    .string()
    .regex(LAYOUT_VERSION, 'a version is v1, or numbers like 2019.0.0')
    .exactOptional()
    .describe('what the file name says after the layout, else v1'),
  title: z.string().exactOptional(),
  homepage: z.string().exactOptional(),
  keywords: z.array(z.string()).exactOptional(),
  resources: z.tuple([resource]),
  'x-ingest': ingestShape,
})
export type LayoutDocument = z.output<typeof layoutDocument>

/** Which files have this layout. Every signal that is there counts; see design §6.4. */
export interface LayoutRoute {
  readonly status: 'ACTIVE' | 'INACTIVE'
  /** months `YYYY-MM`, inclusive; a missing end is open */
  readonly effective: { readonly from?: string; readonly to?: string }
  /** patterns of whole file names, case ignored: see fileNamePattern */
  readonly fileNames: readonly string[]
  /** empty: any state */
  readonly states: readonly string[]
  readonly columnCount: number
  /** null: this layout has no record of column names */
  readonly headerNames: readonly string[] | null
  readonly headerVersion: string | null
  /** what control records call the file type; absent: not compared */
  readonly controlFileTypes?: readonly string[]
  /** absent: text */
  readonly format?: TableFormat
  /** fixed: bytes of each record; absent: they differ, or there are delimiters */
  readonly recordBytes?: number
}

export interface LayoutSlices {
  readonly parse: ParseSpec
  readonly route: LayoutRoute
  readonly judge: { readonly reject: Threshold }
  /** of columns that say it; one that does not is detected */
  readonly phi: Readonly<Record<string, PhiClass>>
}

export interface Layout {
  readonly fileType: string
  readonly layout: string
  readonly version: string
  /** `{file_type}/{layout}/{version}`: a row's source_layout_id */
  readonly id: string
  readonly slices: LayoutSlices
}

const COLUMN_TYPES: Readonly<Record<FieldDocument['type'], ColumnType>> = {
  string: 'string',
  integer: 'integer',
  number: 'decimal',
  date: 'date',
  datetime: 'datetime',
  boolean: 'boolean',
}
/** What `default` means for the two types that have formats. */
const DEFAULT_FORMAT = { date: '%Y-%m-%d', datetime: '%Y-%m-%dT%H:%M:%SZ' } as const

/** The name a column has in the file's header. */
export const headerName = (field: FieldDocument): string => field['x-header'] ?? field.name

/** The strptime formats of a date or datetime field, in the order they are tried; else undefined. */
function fieldFormats(field: FieldDocument): readonly string[] | undefined {
  if (field.type !== 'date' && field.type !== 'datetime') return undefined
  const first = field.format ?? 'default'
  const format = first === 'default' ? DEFAULT_FORMAT[field.type] : first
  return [format, ...(field['x-formats'] ?? [])]
}

function columnSpec(field: FieldDocument): ColumnSpec & { readonly header?: string } {
  const { required = false, maxLength, pattern: form, enum: values } = field.constraints ?? {}
  const formats = fieldFormats(field)
  const header = headerName(field)
  return {
    name: field.name,
    type: COLUMN_TYPES[field.type],
    required,
    ...(header !== field.name && { header }),
    ...(formats !== undefined && { formats }),
    ...(field['x-decimal'] !== undefined && {
      precision: field['x-decimal'].precision,
      scale: field['x-decimal'].scale,
      ...(field['x-decimal'].implied === true && { implied: true as const }),
      ...(field['x-decimal'].bare === true && { bare: true as const }),
    }),
    ...(field['x-at'] !== undefined && { at: field['x-at'] }),
    ...(field['x-trim'] === true && { trim: true as const }),
    ...(maxLength !== undefined && { maxLength }),
    ...(form !== undefined && { pattern: form }),
    ...(values !== undefined && { enum: values }),
  }
}

function stopRule(stop: Threshold): StopRule {
  return stop.count === undefined ? { share: stop.share ?? 0 } : { count: stop.count }
}

/** Fields of formats without delimiters are parted by it in chunk files. */
const UNIT_SEPARATOR = '\u001f'

function parseSlice(document: LayoutDocument): ParseSpec {
  const [{ format, encoding, schema, dialect = {} }] = document.resources
  const ingest = document['x-ingest']
  const control = ingest.control ?? []
  const rows = rowRules(document)
  return {
    ...(format !== undefined && format !== 'csv' && { format }),
    ...(encoding !== undefined && encoding !== 'utf-8' && { encoding }),
    ...sheetOf(dialect),
    ...(rows !== undefined && { rows }),
    ...(ingest.package !== undefined && { package: packageSpec(ingest.package) }),
    dialect: dialectOf(document),
    control: control.map(({ role, prefix, fields }) => ({ role, prefix, fields })),
    columns: schema.fields.map(columnSpec),
    month: monthRule(ingest.month),
    ...(ingest.stop !== undefined && { stop: stopRule(ingest.stop) }),
  }
}

function sheetOf({
  sheetName: name,
  sheetNumber: number,
}: NonNullable<LayoutDocument['resources'][0]['dialect']>): Pick<ParseSpec, 'sheet'> {
  if (name !== undefined) return { sheet: { name } }
  return number === undefined ? {} : { sheet: { number } }
}

function packageSpec({
  members,
  ...limits
}: NonNullable<LayoutDocument['x-ingest']['package']>): PackageSpec {
  return {
    ...(members !== undefined && { members }),
    ...(Object.keys(limits).length > 0 && { limits }),
  }
}

function monthRule({ column, columns, declared }: LayoutDocument['x-ingest']['month']): MonthRule {
  if (column !== undefined) return { column }
  if (columns !== undefined) return { year: columns.year, month: columns.month }
  return { declared: declared ?? 'last' }
}

function dialectOf({ resources: [{ format, dialect = {} }] }: LayoutDocument): Dialect {
  if (format === 'fixed' || format === 'jsonl') {
    return { delimiter: UNIT_SEPARATOR, quoteChar: null, header: false }
  }
  return {
    delimiter: dialect.delimiter ?? ',',
    quoteChar: dialect.quoteChar === undefined ? '"' : dialect.quoteChar,
    header: dialect.header ?? true,
  }
}

/** Absent where a layout has none of them. */
function rowRules({ resources: [{ dialect = {} }], ...document }: LayoutDocument) {
  const { preamble, ...rest } = document['x-ingest'].rows ?? {}
  const { headerRows, headerJoin, commentChar } = dialect
  const before =
    preamble?.until === undefined ? { records: preamble?.records ?? 0 } : { until: preamble.until }
  const rules: RowRules = {
    ...rest,
    ...(preamble !== undefined && { preamble: before }),
    ...(headerRows !== undefined && { headerRows }),
    ...(headerJoin !== undefined && { headerJoin }),
    ...(commentChar !== undefined && { commentChar }),
  }
  return Object.keys(rules).length === 0 ? undefined : rules
}

const tableOf = (format: LayoutDocument['resources'][0]['format']): Pick<LayoutRoute, 'format'> =>
  format === 'xlsx' || format === 'parquet' ? { format } : {}

function routeSlice(document: LayoutDocument): LayoutRoute {
  const [{ schema, format }] = document.resources
  const { status: active, effective = {}, detect: signals = {} } = document['x-ingest']
  const names = dialectOf(document).header ? schema.fields.map(headerName) : null
  const recordBytes = document['x-ingest'].rows?.exactBytes
  return {
    status: active,
    effective: {
      ...(effective.from !== undefined && { from: effective.from }),
      ...(effective.to !== undefined && { to: effective.to }),
    },
    fileNames: signals.fileNames ?? [],
    states: signals.states ?? [],
    columnCount: signals.columnCount ?? schema.fields.length,
    headerNames: signals.header ?? names,
    headerVersion: signals.headerVersion ?? null,
    ...(signals.controlFileTypes !== undefined && { controlFileTypes: signals.controlFileTypes }),
    ...tableOf(format),
    ...(recordBytes !== undefined && { recordBytes }),
  }
}

/** A layout document compiled: what parses read, what routing reads, what judging reads. */
export function layoutSlices(document: LayoutDocument): LayoutSlices {
  const phi = document.resources[0].schema.fields.flatMap((field) => {
    const kind = field['x-phi']
    return kind === undefined ? [] : [[field.name, kind] as const]
  })
  return {
    parse: parseSlice(document),
    route: routeSlice(document),
    judge: { reject: stopRule(document['x-ingest'].reject) },
    phi: Object.fromEntries(phi),
  }
}
