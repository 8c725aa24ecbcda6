/**
 * JSON lines: one object a record, whose members are columns by the names of the header.
 *
 * A number keeps the digits it was written with (money is never a float); null and a member that is
 * not there are empty; a member that holds an object or a list, or that no column has, is a fault
 * of its record. Of a name that occurs twice the last one counts, as RFC 8259 §4 leaves open.
 */
import type { RecordText, Splitter } from './fixed.ts'
import type { FieldRange } from './quoted.ts'
import { FAULT, type SplitFields } from './record-reader.ts'
import type { ColumnSpec } from './spec.ts'

/** A number of JSON as it was written. */
class Digits {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

const NOTHING: SplitFields = { bytes: Buffer.alloc(0), ranges: [] }

/** The splitter of a spec of JSON lines: fields in column order. */
export function jsonSplitter(columns: readonly ColumnSpec[]): Splitter {
  const places = new Map(columns.map(({ name, header = name }, at) => [header, at]))
  return (record) => {
    const members = membersOf(record)
    if (members === null) return { fields: NOTHING, faults: FAULT.json }
    const texts = columns.map(() => '')
    let faults = 0
    for (const [name, value] of Object.entries(members)) {
      const [at, text] = [places.get(name), textOf(value)]
      if (at === undefined || text === null) faults |= FAULT.json
      else texts[at] = text
    }
    if (!texts.every((text) => text.isWellFormed())) faults |= FAULT.encoding
    if (texts.some((text) => text.includes('\0'))) faults |= FAULT.nul
    return { fields: endToEnd(texts), faults }
  }
}

/** The members of the record's object; null where it is none. */
function membersOf({ bytes, start, end }: RecordText): object | null {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8', start, end), keepDigits)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject && !(value instanceof Digits) ? value : null
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

function keepDigits(_: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === 'number' ? new Digits(context?.source ?? String(value)) : value
}

/** null: it is no single value. */
function textOf(value: unknown): string | null {
  if (value === null) return ''
  if (value instanceof Digits) return value.text
  return typeof value === 'string' || typeof value === 'boolean' ? String(value) : null
}

function endToEnd(texts: readonly string[]): SplitFields {
  const pieces = texts.map((text) => Buffer.from(text))
  let at = 0
  const ranges = pieces.map(({ length }): FieldRange => {
    const start = at
    at += length
    return { start, end: at, doubled: false }
  })
  return { bytes: Buffer.concat(pieces), ranges }
}
