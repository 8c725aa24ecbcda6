/** Control records (header and trailer records with a prefix), and what they say. */
import { recordFields, type RawRecord } from './record-reader.ts'
import type { ControlField, ControlRecord, ParseSpec } from './spec.ts'

/** What one control record said. Comments are not kept: anything can stand in them. */
export interface ControlReading {
  readonly role: ControlRecord['role']
  readonly record: number
  readonly line: number
  readonly values: Readonly<Partial<Record<ControlField, string>>>
}

/** A declared count beside what was counted. */
export interface Reconciliation {
  readonly role: ControlRecord['role']
  readonly record: number
  /** null: the field is no number */
  readonly declared: number | null
  readonly counted: number
  readonly agrees: boolean
}

const VALUE_LENGTH_MAX = 200

/** The reading of a sound record, or null when it is not a control record. */
export function readControl(
  record: RawRecord,
  spec: ParseSpec,
  number: number,
): ControlReading | null {
  const { format, dialect } = spec
  const isFixed = format === 'fixed'
  const delimiter = isFixed ? null : dialect.delimiter
  const found = spec.control.find((control) => startsWith(record, control.prefix, delimiter))
  if (found === undefined) return null
  const texts = isFixed ? textAt(record) : fieldAt(record, dialect.delimiter)
  const values = Object.entries(found.fields).flatMap(([position, field]) => {
    const text = texts(position)
    if (text === '' || field === 'comment') return []
    return [[field, text.slice(0, VALUE_LENGTH_MAX)] as const]
  })
  return { role: found.role, record: number, line: record.line, values: Object.fromEntries(values) }
}

/** Text of a field by its 0-based position. */
function fieldAt(record: RawRecord, delimiter: string): (position: string) => string {
  const texts = recordFields(record, delimiter)
  return (position) => texts[Number(position)] ?? ''
}

/** Text of the bytes `3-10` of a record, without blanks around it. */
function textAt({ bytes, start, end }: RawRecord): (position: string) => string {
  const text = bytes.toString('utf8', start, end)
  return (position) => {
    const [first = 1, last = 0] = position.split('-').map(Number)
    return text.slice(first - 1, last).trim()
  }
}

/** `delimiter` null: the prefix is followed by anything. */
function startsWith(record: RawRecord, prefix: string, delimiter: string | null): boolean {
  const { bytes, fields } = record
  const start = fields?.ranges[0]?.start ?? record.start
  // prefixes are short: byte by byte beats a slice for each record of the file
  for (let at = 0; at < prefix.length; at += 1) {
    if (bytes[start + at] !== prefix.charCodeAt(at)) return false
  }
  const next = start + prefix.length
  const end = fields?.ranges[0]?.end ?? record.end
  if (delimiter === null) return next <= end
  return next === end || (fields === null && bytes[next] === delimiter.charCodeAt(0))
}

const DIGITS = /^\d{1,15}$/

/** Declared record counts against the data records of the file. */
export function reconcile(control: readonly ControlReading[], counted: number): Reconciliation[] {
  return control.flatMap(({ role, record, values }) => {
    const text = values.recordCount
    if (text === undefined) return []
    const declared = DIGITS.test(text) ? Number(text) : null
    return [{ role, record, declared, counted, agrees: declared === counted }]
  })
}
