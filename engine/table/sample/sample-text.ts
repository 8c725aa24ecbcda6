/** The sample of a text whose records follow one another: delimited, fixed width, JSON lines. */
import { RecordReader, recordFields, type RawRecord } from '../record-reader.ts'
import type { Prefix } from './content.ts'
import type { MaskColumns, Sample, SampledColumn, SampleRequest, TextForm } from './contract.ts'
import type { CountedFile } from './counted-file.ts'
import { jsonColumns, maskedJson } from './json-columns.ts'
import { fixedFields, rewrittenFixed } from './fixed-text.ts'
import { leafTexts, readJson } from './json-leaves.ts'
import { maskedText, masksOf } from './masks.ts'
import { choiceOf, isCutAt, type Candidate, type Choice } from './strategies.ts'
import {
  isDataInName,
  looksLikeData,
  nameText,
  scrambledBytes,
  scrambledText,
} from './hidden-text.ts'
import {
  encodedRecord,
  fieldsOf,
  rewritten,
  textCoding,
  textRecord,
  type ReplaceField,
  type TextCoding,
  type TextRecord,
} from './text-record.ts'
import { lastRecords } from './text-tail.ts'

/** What a sample says whatever the file around the content is. */
export type ContentSample = Pick<
  Sample,
  'bytes' | 'format' | 'records' | 'isWhole' | 'isCut' | 'columns'
>

export interface TextContent {
  readonly prefix: Prefix
  readonly form: TextForm
  readonly format: 'text' | 'jsonl'
  /** the content is the file itself: its end can be read without what is before it */
  readonly file?: CountedFile
}

/** Fields of a record that are columns; a record with more is not trusted to have any. */
const COLUMNS_MAX = 10_000

/** Lines without fields: a byte that no text has cuts them. */
export const LINES: TextForm = {
  syntax: { dialect: { delimiter: '\u001f', quoteChar: null, header: false } },
  hasHeader: false,
}

/** The same of a text in UTF-16. */
const WIDE_LINES: TextForm = { ...LINES, syntax: { ...LINES.syntax, encoding: 'utf-16' } }

/** The form of a text of which nothing is known. */
export const linesOf = (head: Buffer): TextForm =>
  textCoding(head, WIDE_LINES.syntax).markBytes > 0 ? WIDE_LINES : LINES

/** Takes the records that the request wants. */
export async function sampleText(
  content: TextContent,
  request: SampleRequest,
): Promise<ContentSample> {
  const picked = await pick(content, request)
  const { records, header } = picked
  if (content.format === 'jsonl') {
    const values = records.map(({ bytes, isFaulty }) =>
      isFaulty ? null : readJson(bytes.toString()),
    )
    const found = jsonColumns(values, request.mask?.ownNames)
    const masks = masksOf(request.mask, found.columns)
    if (masks === undefined) return finished(content, picked, { columns: found.columns })
    const texts = values.map((value) => (value === null ? null : maskedJson(value, found, masks)))
    return finished(content, picked, {
      columns: found.columns,
      written: (_, at) => texts[at] ?? null,
    })
  }
  const rows = textRows(records, header, content.form)
  const shownName = nameShown(request.mask)
  const columns = textColumns(rows, { header, shownName }, content.form)
  const masks = masksOf(request.mask, columns)
  if (masks === undefined) return finished(content, picked, { columns })
  const { form } = content
  const { syntax, places } = form
  return finished(content, picked, {
    columns,
    written: (record, at) => {
      if (record === header) {
        return rewritten(record, fieldsOf(record, syntax), { syntax, replace: shownName })
      }
      const fields = rows[at] ?? null
      if (fields === null) return null
      const replace: ReplaceField = (text, column) => maskedText(masks, column, text)
      return places === undefined
        ? rewritten(record, fields, { syntax, replace })
        : rewrittenFixed(record, { form, places }, replace)
    },
  })
}

interface Picked {
  /** what stands before the records of data, and is always shown */
  readonly lead: readonly TextRecord[]
  /** undefined: there is none, or none that can be trusted */
  readonly header: TextRecord | undefined
  readonly records: readonly TextRecord[]
  readonly isWhole: boolean
  readonly isCut: boolean
  /** nothing but blank lines lies between the records */
  readonly keepsBlanks: boolean
  /** of the content as it lies there; of the records */
  readonly source: (from: number, to: number) => Buffer
  readonly coding: TextCoding
}

async function pick(content: TextContent, request: SampleRequest): Promise<Picked> {
  const { prefix, form, file } = content
  const choice = choiceOf<TextRecord>(request)
  const coding = textCoding(prefix.head, form.syntax)
  const pass = new TextPass(content, coding, choice)
  const isLate =
    file !== undefined && request.strategy === 'tail' && file.sizeBytes > request.readBytesMax
  await pass.read(prefix, isLate)
  const { lead } = pass
  const header = trustedHeader(pass.header, form)
  const before = { lead, header, coding }
  if (isLate) {
    const fieldCount = header === undefined ? undefined : fieldsOf(header, form.syntax).length
    const late = await lastRecords({ file, form, coding, fieldCount, records: request.records })
    return { ...before, ...late, isWhole: false, keepsBlanks: false }
  }
  const records = choice.chosen()
  const last = records.at(-1) ?? lead.at(-1)
  const isWhole = prefix.end === 'whole' && pass.isAll(records.length, last?.byteEnd ?? 0, prefix)
  return {
    ...before,
    records,
    isWhole,
    isCut: isCutAt(prefix, request, choice),
    keepsBlanks: isWhole || request.strategy === 'head',
    source: (from, to) => prefix.bytes.subarray(from, to),
  }
}

/** A record of data where the header should be is not shown as names. */
function trustedHeader(
  header: TextRecord | undefined,
  { syntax }: TextForm,
): TextRecord | undefined {
  if (header === undefined || header.isFaulty) return undefined
  return looksLikeData(fieldsOf(header, syntax)) ? undefined : header
}

/** Tells preamble and header from data, and offers the data. */
class TextPass {
  readonly lead: TextRecord[] = []
  header: TextRecord | undefined
  readonly #content: Pick<TextContent, 'form' | 'format'>
  readonly #coding: TextCoding
  readonly #choice: Choice<TextRecord>
  #preambleLeft: number
  #offered = 0

  constructor(
    content: Pick<TextContent, 'form' | 'format'>,
    coding: TextCoding,
    choice: Choice<TextRecord>,
  ) {
    this.#content = content
    this.#coding = coding
    this.#choice = choice
    this.#preambleLeft = content.form.preambleRecords ?? 0
  }

  get #wantsMoreLead(): boolean {
    return this.#preambleLeft > 0 || (this.#content.form.hasHeader && this.header === undefined)
  }

  /** Reads until enough is chosen; `onlyLead`: until what stands before the data is known. */
  async read(prefix: Prefix, onlyLead: boolean): Promise<void> {
    const reader = new RecordReader(this.#content.form.syntax, (record) => this.#accept(record))
    const isDone = (): boolean => (onlyLead ? !this.#wantsMoreLead : this.#choice.isFull)
    reader.push(prefix.bytes)
    while (!isDone()) {
      const window = await prefix.grow()
      if (window === null) break
      reader.push(window)
    }
    if (prefix.end === 'whole') reader.end()
    else reader.cut()
  }

  /** Whether nothing but blank lines was left out. */
  isAll(records: number, lastEnd: number, prefix: Prefix): boolean {
    return records === this.#offered && (!this.#choice.isFull || lastEnd === prefix.bytes.length)
  }

  #candidate(record: RawRecord, keep: () => TextRecord): Candidate<TextRecord> {
    const { form, format } = this.#content
    if (format === 'jsonl') {
      const fields = (): string[] => leafTexts(keep().bytes)
      return { isFaulty: () => record.faults !== 0 || fields().length === 0, fields, keep }
    }
    const fields = (): string[] =>
      form.places === undefined
        ? recordFields(record, form.syntax.dialect.delimiter)
        : fixedFields(keep(), form, form.places)
    return { isFaulty: () => record.faults !== 0, fields, keep }
  }

  #accept(record: RawRecord): void {
    if (this.#choice.isFull) return
    const keep = (): TextRecord => textRecord(record, 0, this.#coding)
    const isBlank = record.end === record.start && record.faults === 0
    if (this.#preambleLeft > 0) {
      this.#preambleLeft -= 1
      this.lead.push(keep())
    } else if (isBlank) {
      return
    } else if (this.#wantsMoreLead) {
      this.header = keep()
      this.lead.push(this.header)
    } else {
      this.#offered += 1
      this.#choice.offer(this.#candidate(record, keep))
    }
  }
}

/** The fields of each record; null: it has a fault, or not as many fields as there are columns. */
function textRows(
  records: readonly TextRecord[],
  header: TextRecord | undefined,
  form: TextForm,
): readonly (readonly string[] | null)[] {
  const { syntax, places } = form
  const fields = (record: TextRecord): string[] =>
    places === undefined ? fieldsOf(record, syntax) : fixedFields(record, form, places)
  const read = records.map((record) => (record.isFaulty ? [] : fields(record)))
  const named = header === undefined ? undefined : fieldsOf(header, syntax).length
  const count = places?.length ?? named ?? mostFrequent(read.map(({ length }) => length))
  return read.map((row) =>
    row.length > 0 && row.length === count && row.length <= COLUMNS_MAX ? row : null,
  )
}

function mostFrequent(lengths: readonly number[]): number | undefined {
  const counts = new Map<number, number>()
  for (const length of lengths) if (length > 0) counts.set(length, (counts.get(length) ?? 0) + 1)
  return [...counts].toSorted(([, a], [, b]) => b - a)[0]?.[0]
}

/** How a cell of the header is shown; of a sample that is not masked, in what is told of it. */
function nameShown(mask: MaskColumns | undefined): (name: string) => string {
  if (mask === undefined) return (name) => (isDataInName(name) ? scrambledText(name) : name)
  const own = mask.ownNames ?? new Set()
  return (name) => nameText(name, own)
}

interface Names {
  readonly header: TextRecord | undefined
  readonly shownName: (name: string) => string
}

function textColumns(
  rows: readonly (readonly string[] | null)[],
  { header, shownName }: Names,
  { syntax, places }: TextForm,
): SampledColumn[] {
  const written = header === undefined ? undefined : fieldsOf(header, syntax).map(shownName)
  const names = places?.map(({ name }) => name) ?? written
  const first = names ?? rows.find((fields) => fields !== null) ?? []
  if (first.length > COLUMNS_MAX) return []
  return first.map((_, column) => ({
    name: names?.[column],
    texts: rows.map((fields) => fields?.[column] ?? null),
    type: 'text',
  }))
}

interface Written {
  readonly columns: readonly SampledColumn[]
  /**
   * the record's text with masks, by its place among the records of data, -1 of what stands before;
   * null: nothing of it may survive. Absent: as it lies there
   */
  readonly written?: (record: TextRecord, at: number) => string | null
}

function finished(content: TextContent, picked: Picked, how: Written): ContentSample {
  const { records, isWhole, isCut } = picked
  return {
    bytes: Buffer.concat([...pieces(content, picked, how.written)]),
    format: content.format,
    records: records.length,
    isWhole,
    isCut,
    columns: how.columns,
  }
}

/** Byte order mark, lead, records; blank lines where what stands around them is shown. */
function* pieces(
  { prefix }: TextContent,
  { lead, records, isWhole, keepsBlanks, source, coding }: Picked,
  written: Written['written'],
): Generator<Buffer> {
  const piece = (record: TextRecord, at: number, bytes: Buffer): Buffer => {
    if (written === undefined) return bytes
    const text = written(record, at)
    return text === null ? scrambledBytes(bytes, coding) : encodedRecord(text, bytes, coding)
  }
  let end = coding.markBytes
  yield prefix.bytes.subarray(0, end)
  for (const record of lead) {
    yield prefix.bytes.subarray(end, record.byteStart)
    yield piece(record, -1, prefix.bytes.subarray(record.byteStart, record.byteEnd))
    end = record.byteEnd
  }
  for (const [at, record] of records.entries()) {
    if (keepsBlanks) yield source(end, record.byteStart)
    yield piece(record, at, source(record.byteStart, record.byteEnd))
    end = record.byteEnd
  }
  if (isWhole) yield source(end, prefix.bytes.length)
}
