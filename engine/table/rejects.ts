/**
 * Why records did not arrive, and the rejects file: the only place raw text of a file may go.
 */
import { isUtf8 } from 'node:buffer'
import { open, type FileHandle } from 'node:fs/promises'
import { assert, EngineError } from '../core/errors.ts'
import type { Splitter } from './fixed.ts'
import type { FieldGrammar, Reason, RecordReason } from './grammar.ts'
import { plainFields, fieldText, readQuoted } from './quoted.ts'
import { KIND, type IndexedRecord } from './record-index.ts'
import { FAULT } from './record-reader.ts'

/** One line of the rejects file. `raw` is text, `raw_base64` bytes that are not UTF-8. */
export interface RejectedRecord {
  readonly file: string
  /** unique in the submission; a silver row has the same number as `line_number` */
  readonly record: number
  /** first line in the decompressed file, from 1 */
  readonly line: number
  /** in the decompressed file, end exclusive, line end included */
  readonly byteStart: number
  readonly byteEnd: number
  readonly reasons: readonly Reason[]
  readonly raw?: string
  readonly raw_base64?: string
  /** only the beginning is kept: the record is TOO_LONG */
  readonly rawTruncated?: true
}

const FAULT_REASONS: readonly (readonly [number, RecordReason])[] = [
  [FAULT.long, 'TOO_LONG'],
  [FAULT.encoding, 'ENCODING'],
  [FAULT.nul, 'NUL_BYTE'],
  [FAULT.stray, 'CONTROL_CHARACTER'],
  [FAULT.quote, 'QUOTE'],
  [FAULT.header, 'REPEATED_HEADER'],
  [FAULT.short, 'LENGTH_SHORT'],
  [FAULT.beyond, 'LENGTH_LONG'],
  [FAULT.json, 'JSON'],
]

/** The faults the landing pass found in a record. */
export const faultReasons = (faults: number): Reason[] =>
  FAULT_REASONS.filter(([bit]) => (faults & bit) !== 0).map(([, code]) => ({ code, column: null }))

export interface FileGrammar {
  /** compiled layout column of each field in file order; null: unnamed, must be empty */
  readonly fields: readonly (FieldGrammar | null)[]
  readonly delimiter: string
  /** of a format without delimiters */
  readonly split: Splitter | null
}

/** Every fault the grammar finds in a data record; empty when it finds none. */
export function explain(raw: Buffer, record: IndexedRecord, grammar: FileGrammar): Reason[] {
  const { fields } = grammar
  const texts = recordTexts(raw, record, grammar)
  const hasExtra = fields.some((field, at) => field === null && texts[at] !== '')
  if (texts.length !== fields.length || hasExtra) return [{ code: 'FIELD_COUNT', column: null }]
  return fields.flatMap((field, at) => {
    if (field === null) return []
    const column = field.column.name
    return field.reasons(texts[at] as string).map((code) => ({ code, column }))
  })
}

/** The fields of a data record without faults of its own. */
export function recordTexts(raw: Buffer, { kind }: IndexedRecord, grammar: FileGrammar): string[] {
  const { delimiter, split } = grammar
  if (split !== null) {
    const { bytes, ranges } = split({ bytes: raw, start: 0, end: raw.length }).fields
    return ranges.map((range) => fieldText(bytes, range))
  }
  return kind === KIND.split ? quotedTexts(raw, delimiter) : plainFields(raw, delimiter)
}

function quotedTexts(raw: Buffer, delimiter: string): string[] {
  // The text was read as one record before, so whichever byte ends lines, it reads so again.
  for (const newline of [0x0a, 0x0d]) {
    const options = { delimiter: delimiter.charCodeAt(0), newline, isLast: true }
    const record = readQuoted(raw, 0, options)
    if (record.kind === 'record' && record.next === raw.length) {
      return record.fields.map((field) => fieldText(raw, field))
    }
  }
  throw new EngineError('ASSERTION', { what: 'a quoted record cannot be read a second time' })
}

export interface RefusedRecord {
  readonly file: string
  readonly number: number
  readonly record: IndexedRecord
  readonly reasons: readonly Reason[]
  readonly raw: Buffer
}

/** A line of the rejects file. */
export const rejectLine = ({
  file,
  number,
  record,
  reasons,
  raw,
}: RefusedRecord): RejectedRecord => ({
  file,
  record: number,
  line: record.line,
  byteStart: record.byteStart,
  byteEnd: record.byteEnd,
  reasons,
  ...rawMembers(raw, record.faults),
})

/** The members of a reject that hold its raw text. */
function rawMembers(
  raw: Buffer,
  faults: number,
): Pick<RejectedRecord, 'raw' | 'raw_base64' | 'rawTruncated'> {
  const text = isUtf8(raw) ? { raw: raw.toString('utf8') } : { raw_base64: raw.toString('base64') }
  return (faults & FAULT.long) === 0 ? text : { ...text, rawTruncated: true }
}

const BLOCK_BYTES = 256 * 1024

/** Reads slices of a file at rising offsets, a block at a time. */
export class SliceReader {
  readonly #file: FileHandle
  #buffer = Buffer.alloc(0)
  /** what of it was read */
  #block = Buffer.alloc(0)
  #blockStart = 0

  private constructor(file: FileHandle) {
    this.#file = file
  }
  static async open(path: string): Promise<SliceReader> {
    return new SliceReader(await open(path, 'r'))
  }

  /** The bytes of one slice; they are valid until the next call. */
  async read(offset: number, sizeBytes: number): Promise<Buffer> {
    const within = offset - this.#blockStart
    if (within >= 0 && within + sizeBytes <= this.#block.length) {
      return this.#block.subarray(within, within + sizeBytes)
    }
    if (this.#buffer.length < sizeBytes || this.#buffer.length === 0) {
      this.#buffer = Buffer.allocUnsafe(Math.max(BLOCK_BYTES, sizeBytes))
    }
    const { bytesRead } = await this.#file.read(this.#buffer, 0, this.#buffer.length, offset)
    assert(bytesRead >= sizeBytes, 'a chunk file is shorter than its index says')
    this.#block = this.#buffer.subarray(0, bytesRead)
    this.#blockStart = offset
    return this.#block.subarray(0, sizeBytes)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close()
  }
}
