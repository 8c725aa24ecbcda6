/** How the records of each format are written: delimited text, fixed width, JSON lines. */
import { EngineError } from '../core/errors.ts'
import type { ColumnSpec, ControlField, ControlRecord, ParseSpec } from './spec.ts'

/** A record is `before`, its fields with `between` among them, and `behind`. */
export interface RecordForm {
  /** in the order of the file */
  readonly columns: readonly ColumnSpec[]
  readonly before: string
  readonly between: string
  readonly behind: string
  /** a text as it stands in the field of a column */
  readonly field: (text: string, column: ColumnSpec) => string
  /** what stands around so many raw bytes in the field of a column */
  readonly around: (column: ColumnSpec, bytes: number) => readonly [before: string, behind: string]
  /** whether a text can stand in the field of a column, and be read as it is */
  readonly canStand: (text: string, column: ColumnSpec) => boolean
  /** texts that careless readers trip over */
  readonly rich: readonly [string, string, string, string]
  /** a control record of these texts */
  readonly control: (record: ControlRecord, texts: Readonly<Record<ControlField, string>>) => string
}

/** The form of a layout's records. Throws USAGE for columns that lie over one another. */
export function formOf(spec: ParseSpec): RecordForm {
  if (spec.format === 'fixed') return fixedForm(spec)
  return spec.format === 'jsonl' ? jsonForm(spec) : delimitedForm(spec)
}

/** A whole record of fields as they stand in the file. */
export const recordOf = (
  { before, between, behind }: Pick<RecordForm, 'before' | 'between' | 'behind'>,
  fields: readonly string[],
): string => `${before}${fields.join(between)}${behind}`

const BREAKS_RECORDS = /[\r\n\0]/

function delimitedForm({ columns, dialect, control }: ParseSpec): RecordForm {
  const { delimiter, quoteChar } = dialect
  const isQuoted = quoteChar !== null
  const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`
  const isPlain = (text: string): boolean =>
    !isQuoted || !(text.startsWith('"') || text.includes(delimiter) || text.includes('\n'))
  return {
    columns,
    before: '',
    between: delimiter,
    behind: '',
    field: (text) => (isPlain(text) ? text : quoted(text)),
    around: () => ['', ''],
    // the control records' own words cannot, nor what quotes would need
    canStand: (text) =>
      !control.some(({ prefix }) => prefix === text) &&
      !BREAKS_RECORDS.test(text) &&
      (isQuoted || !text.includes(delimiter)),
    rich: isQuoted
      ? [`a${delimiter}b`, '"c" d', 'e\nf', 'g"h']
      : ['"a', '"b"', 'c"d', String.raw`\N`],
    control: separatedControl(delimiter),
  }
}

const separatedControl =
  (delimiter: string): RecordForm['control'] =>
  ({ prefix, fields }, texts) => {
    const last = Math.max(0, ...Object.keys(fields).map(Number))
    const cells = Array.from({ length: last }, (_, at) => {
      const field = fields[String(at + 1)]
      return field === undefined ? '' : texts[field]
    })
    return [prefix, ...cells].join(delimiter)
  }

const blanks = (count: number): string => ' '.repeat(Math.max(0, count))

function fixedForm(spec: ParseSpec): RecordForm {
  const placed = spec.columns.map((column) => {
    const { start, length } = column.at ?? { start: 1, length: 0 }
    return { column, start: start - 1, length, end: start - 1 + length }
  })
  const sorted = placed.toSorted((a, b) => a.start - b.start)
  const gaps = new Map<string, number>()
  let until = 0
  for (const { column, start, end } of sorted) {
    if (start < until) {
      const reason = `column ${column.name} lies over the one before it, and then one of them says what the other is`
      throw new EngineError('USAGE', { command: 'registry generate', reason })
    }
    gaps.set(column.name, start - until)
    until = end
  }
  const widthOf = ({ at }: ColumnSpec): number => at?.length ?? 0
  const around: RecordForm['around'] = (column, bytes) => {
    const gap = blanks(gaps.get(column.name) ?? 0)
    const rest = blanks(widthOf(column) - bytes)
    return column.type === 'string' ? [gap, rest] : [`${gap}${rest}`, '']
  }
  const [first] = sorted
  return {
    columns: sorted.map(({ column, length }) =>
      column.type === 'string'
        ? { ...column, maxLength: Math.min(length, column.maxLength ?? length) }
        : column,
    ),
    before: '',
    between: '',
    behind: blanks((spec.rows?.exactBytes ?? until) - until),
    field: (text, column) => {
      const [before, behind] = around(column, Buffer.byteLength(text))
      return `${before}${text}${behind}`
    },
    around,
    canStand: (text, column) =>
      Buffer.byteLength(text) <= widthOf(column) &&
      text.trim() === text &&
      !BREAKS_RECORDS.test(text) &&
      !(
        column.name === first?.column.name &&
        spec.control.some((one) => text.startsWith(one.prefix))
      ),
    rich: ['"a', 'b,c', 'd"e', String.raw`\N`],
    control: placedControl,
  }
}

/** By bytes, as `3-10`. */
const placedControl: RecordForm['control'] = ({ prefix, fields }, texts) => {
  const places = Object.entries(fields).map(([place, field]) => {
    const [start = 1, end = 1] = place.split('-').map(Number)
    return { start: start - 1, length: end - start + 1, text: texts[field] }
  })
  let record = prefix
  for (const { start, length, text } of places.toSorted((a, b) => a.start - b.start)) {
    record = `${record.padEnd(start)}${text.slice(0, length).padEnd(length)}`
  }
  return record
}

const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/

function jsonForm({ columns, dialect }: ParseSpec): RecordForm {
  const keyOf = ({ name, header = name }: ColumnSpec): string => `${JSON.stringify(header)}:`
  const valueOf = (text: string, { type }: ColumnSpec): string => {
    if (text === '') return 'null'
    const isNumber = (type === 'integer' || type === 'decimal') && JSON_NUMBER.test(text)
    const isTruth = type === 'boolean' && (text === 'true' || text === 'false')
    return isNumber || isTruth ? text : JSON.stringify(text)
  }
  return {
    columns,
    before: '{',
    between: ',',
    behind: '}',
    field: (text, column) => `${keyOf(column)}${valueOf(text, column)}`,
    around: (column) => [`${keyOf(column)}"`, '"'],
    canStand: (text) => !BREAKS_RECORDS.test(text),
    rich: ['a,"b"', '{"c":1}', 'e\nf', String.raw`\N`],
    control: separatedControl(dialect.delimiter),
  }
}
