/**
 * The landing pass: one streaming look at a file that numbers its records and cuts chunk files.
 *
 * It alone judges bytes, line ends and quotes; it decides which records are header, control or
 * blank, which cannot be data at all, and hands the rest to DuckDB. Every byte of the decompressed
 * file belongs to exactly one record of the index. Memory is bounded by a window (1 MiB), a record
 * (4 MiB) and the index of the open chunk. Order of calls: `landFile` per file, in order.
 */
import { assert } from '../core/errors.ts'
import type { Chunk, ChunkWriter } from './chunk-writer.ts'
import { fail, readContent, type ContentDigest } from './content-stream.ts'
import { readControl, type ControlReading } from './control.ts'
import { readHeader } from './header.ts'
import { KIND, type Kind } from './record-index.ts'
import { FAULT, recordFields, RecordReader, type RawRecord } from './record-reader.ts'
import type { ColumnSpec, ParseSpec } from './spec.ts'

export interface LandingRequest {
  readonly file: { readonly name: string; readonly path: string }
  /** position in the submission, from 0 */
  readonly fileIndex: number
  /** number of its first record: records of one submission are numbered through */
  readonly firstRecord: number
  readonly spec: ParseSpec
  readonly writer: ChunkWriter
  readonly contentBytesMax: number
  readonly signal: AbortSignal
  /** takes chunks as they are complete; the pass waits for it */
  readonly accept: (landed: LandedChunk) => Promise<void>
}

export interface LandedChunk {
  readonly chunk: Chunk
  /** layout column of each field, in file order */
  readonly fields: readonly (ColumnSpec | null)[]
  /** of the file as it lies there, read so far */
  readonly readBytes: number
}

export interface LandedFile extends ContentDigest {
  readonly name: string
  readonly firstRecord: number
  readonly records: number
  /** data records, whether they can be read or not */
  readonly dataRecords: number
  readonly control: readonly ControlReading[]
  /** columns in file order, null for an unnamed one; null without a header record */
  readonly header: { readonly line: number; readonly columns: readonly (string | null)[] } | null
  readonly missingColumns: readonly string[]
}

/** Control records whose values are kept, per file. */
const CONTROL_KEPT_MAX = 100
/** line_number is a UINTEGER. */
const RECORDS_MAX = 2 ** 32 - 1

/** Lands one file. Throws PARSE_FAILED for what its submitter has to correct. */
export async function landFile(request: LandingRequest): Promise<LandedFile> {
  const { file, signal, writer, contentBytesMax } = request
  const pass = new LandingPass(request)
  const reader = new RecordReader(request.spec.dialect, (record) => pass.accept(record))
  const flush = async (readBytes: number): Promise<void> => {
    for await (const chunk of writer.drain()) {
      await request.accept({ chunk, fields: pass.fields, readBytes })
    }
  }
  const content = await readContent({
    ...file,
    signal,
    contentBytesMax,
    accept: async (window, readBytes) => {
      reader.push(window)
      await flush(readBytes)
    },
  })
  reader.end()
  writer.cut()
  await flush(content.sizeBytes)
  return pass.finish(content)
}

class LandingPass {
  readonly #request: LandingRequest
  readonly #control: ControlReading[] = []
  #header: { line: number; text: Buffer; columns: (string | null)[] } | null = null
  #missing: readonly string[] = []
  #number: number
  #dataRecords = 0
  #fields: readonly (ColumnSpec | null)[]

  constructor(request: LandingRequest) {
    this.#request = request
    this.#number = request.firstRecord - 1
    this.#fields = request.spec.dialect.header ? [] : request.spec.columns
  }

  /** layout column of each field, in file order */
  get fields(): readonly (ColumnSpec | null)[] {
    return this.#fields
  }

  accept(record: RawRecord): void {
    this.#number += 1
    assert(this.#number <= RECORDS_MAX, 'more records than line_number can count')
    if (record.byteStart === 0) this.#refuseUtf16(record)
    const { writer, fileIndex } = this.#request
    const number = this.#number
    const kind = this.#kindOf(record)
    if (kind === KIND.rejected && record.faults === 0) {
      writer.add({ ...record, faults: FAULT.header }, { number, kind, fileIndex })
    } else writer.add(record, { number, kind, fileIndex })
    if (kind === KIND.plain || kind === KIND.quoted || kind === KIND.rejected) {
      this.#dataRecords += 1
    }
  }

  finish(content: ContentDigest): LandedFile {
    const { file, firstRecord, spec } = this.#request
    if (spec.dialect.header && this.#header === null) {
      fail(file.name, 'HEADER_MISSING', 'it has no header record')
    }
    const header = this.#header
    return {
      ...content,
      name: file.name,
      firstRecord,
      records: this.#number - firstRecord + 1,
      dataRecords: this.#dataRecords,
      control: this.#control,
      header: header === null ? null : { line: header.line, columns: header.columns },
      missingColumns: this.#missing,
    }
  }

  #kindOf(record: RawRecord): Kind {
    const { spec } = this.#request
    if (record.faults === 0) {
      if (record.start === record.end) return KIND.blank
      const control = readControl(record, spec, this.#number)
      if (control !== null) {
        if (this.#control.length < CONTROL_KEPT_MAX) this.#control.push(control)
        return KIND.control
      }
    }
    if (spec.dialect.header && this.#header === null) return this.#readHeader(record)
    if (record.faults !== 0 || this.#repeatsHeader(record)) return KIND.rejected
    return record.quoted === null ? KIND.plain : KIND.quoted
  }

  #readHeader(record: RawRecord): Kind {
    const { file, spec } = this.#request
    const where = `line ${record.line}`
    if (record.faults !== 0) {
      fail(file.name, 'HEADER_UNREADABLE', `${where}: the header record is not clean text`)
    }
    const names = recordFields(record, spec.dialect.delimiter)
    const result = readHeader(names, spec.columns)
    if (result.kind === 'failed') fail(file.name, result.code, `${where}: ${result.detail}`)
    this.#fields = result.fields
    this.#missing = result.missing
    this.#header = {
      line: record.line,
      text: Buffer.from(record.bytes.subarray(record.start, record.end)),
      columns: result.fields.map((field) => field?.name ?? null),
    }
    return KIND.header
  }

  #repeatsHeader({ bytes, start, end }: RawRecord): boolean {
    const text = this.#header?.text
    return text?.length === end - start && text.compare(bytes, start, end) === 0
  }

  #refuseUtf16({ bytes, start }: RawRecord): void {
    const [first, second] = [bytes[start], bytes[start + 1]]
    const isUtf16 = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)
    if (isUtf16) fail(this.#request.file.name, 'ENCODING_UNSUPPORTED', 'it is UTF-16, not UTF-8')
  }
}
