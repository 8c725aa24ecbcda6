/**
 * How a text file of any origin is cut into records and fields: as its layout says where it is
 * known, else as its first bytes look. Pure.
 */
import { isAscii } from 'node:buffer'
import { areColumnNames, plainName, sampleRecords } from '../engine/index.ts'
import type { RecordSyntax, SampleRecord, TextForm } from '../engine/index.ts'
import type { LayoutSlices } from './layout.ts'
import { ownNames } from './layout-trust.ts'
import { CONTROL_TAGS, guessDialect, holdsNames } from './sample-dialect.ts'

/** First bytes that are looked at: guessing costs eight readings of them. */
const HEAD_BYTES = 8 * 1024
/** Records that decide whether the first of them holds names. */
const RECORDS = 100

/** Of a comma file with one column: nothing else shows that a quoted line end is none. */
const ONE_COLUMN: RecordSyntax = {
  dialect: { delimiter: ',', quoteChar: '"', header: false },
}

/** The form of a layout's files. A layout whose files are no text: what the bytes look like. */
export function layoutForm(
  head: Buffer,
  { parse }: Pick<LayoutSlices, 'parse'>,
): TextForm | undefined {
  if (parse.format !== undefined && parse.format !== 'fixed') return undefined
  const { dialect, encoding, format } = parse
  const syntax: RecordSyntax = {
    dialect,
    ...(encoding !== undefined && { encoding }),
    ...(format !== undefined && { format }),
  }
  if (format === 'fixed') {
    const places = parse.columns.flatMap(({ name, at }) =>
      at === undefined ? [] : [{ name, start: at.start - 1, length: at.length }],
    )
    return { syntax, hasHeader: false, places }
  }
  const tags = parse.control.map(({ prefix }) => prefix)
  const records = sampleRecords(head.subarray(0, HEAD_BYTES), syntax, RECORDS)
  return formOf(syntax, {
    before: leading(records, parse.columns.length, tags),
    hasHeader: dialect.header,
  })
}

/** What a file's first bytes look like; undefined: lines, without fields. */
export function guessedForm(head: Buffer, name: string): TextForm | undefined {
  const start = head.subarray(0, HEAD_BYTES)
  const guess = guessDialect(start)
  if (guess === undefined) {
    return /\.csv(?:\.gz)?$/i.test(name) ? { syntax: ONE_COLUMN, hasHeader: false } : undefined
  }
  const { fieldCount } = guess
  const syntax = withQuotes(guess.syntax, start)
  const records = sampleRecords(start, syntax, RECORDS)
  const before = leading(records, fieldCount, CONTROL_TAGS)
  const [first, ...rest] = records.slice(before)
  return formOf(syntax, { before, hasHeader: first !== undefined && holdsNames(first, rest) })
}

const QUOTE = 0x22
const LF = 0x0a

/** What quotes where it is written by most programs; others take a quote as data. */
const QUOTING = [',', ';', '\t']

/** A quoted cell that the look ends in seems no sound one: it is quoted all the same. */
function withQuotes({ dialect, ...syntax }: RecordSyntax, start: Buffer): RecordSyntax {
  const isQuoting = QUOTING.includes(dialect.delimiter) && start.includes(QUOTE)
  return { ...syntax, dialect: isQuoting ? { ...dialect, quoteChar: '"' } : dialect }
}

/** Headers whose forms are remembered. */
const REMEMBERED_MAX = 1000

/**
 * Guesses forms, and remembers those of files that begin with the same header: guessing is two
 * thirds of what a sample of a small file costs. Only where nothing else of the start could say
 * otherwise: plain characters, and no quotes.
 */
export function formGuesses(): (head: Buffer, name: string) => TextForm | undefined {
  const known = new Map<string, TextForm>()
  return (head, name) => {
    const start = head.subarray(0, HEAD_BYTES)
    if (!isAscii(start) || start.includes(QUOTE)) return guessedForm(head, name)
    const header = start.toString('latin1', 0, start.indexOf(LF) + 1)
    const before = known.get(header)
    if (before !== undefined) return before
    const form = guessedForm(head, name)
    const isHeader = form?.hasHeader === true && form.preambleRecords === undefined
    if (form !== undefined && isHeader && header !== '') {
      if (known.size >= REMEMBERED_MAX) known.clear()
      known.set(header, form)
    }
    return form
  }
}

/** So many of the names are those of the layout. */
const NAMES_SHARE = 0.5

/**
 * The form, with a header only where the record surely holds names: those of the layout, else such
 * as columns have. A file that should have a header and has none begins with a person's record.
 */
export function trustedForm(
  head: Buffer,
  form: TextForm,
  layout: Pick<LayoutSlices, 'parse'> | undefined,
): TextForm {
  if (!form.hasHeader) return form
  const records = sampleRecords(head.subarray(0, HEAD_BYTES), form.syntax, RECORDS)
  const cells = records[form.preambleRecords ?? 0]?.fields ?? []
  const names = cells.map(plainName)
  const own = ownNames(layout)
  const sure = names.filter((name) => own.has(name)).length
  const isOwn = sure > 0 && sure >= names.length * NAMES_SHARE
  return isOwn || areColumnNames(cells) ? form : { ...form, hasHeader: false }
}

/** Records before the first that has as many fields as a row and is no control record. */
function leading(
  records: readonly SampleRecord[],
  fieldCount: number,
  tags: readonly string[],
): number {
  const first = records.findIndex(
    ({ fields }) => fields.length === fieldCount && !tags.includes(fields[0] ?? ''),
  )
  return Math.max(0, first)
}

const formOf = (
  syntax: RecordSyntax,
  { before, hasHeader }: { readonly before: number; readonly hasHeader: boolean },
): TextForm => ({ syntax, hasHeader, ...(before > 0 && { preambleRecords: before }) })
