/**
 * The landing pass: one streaming look at a file that numbers its records and cuts chunk files.
 *
 * It alone judges bytes, line ends and quotes; it decides which records are preamble, header,
 * control, comment or blank, which cannot be data at all, and hands the rest to DuckDB. Every byte of the decompressed
 * file belongs to exactly one record of the index. Memory is bounded by a window (1 MiB), a record
 * (4 MiB) and the index of the open chunk. Order of calls: `landFile` per file, in order.
 */
import { assert } from '../core/errors.ts'
import type { Chunk, ChunkWriter } from './chunk-writer.ts'
import type { ContentDigest } from './content-stream.ts'
import type { ControlReading } from './control.ts'
import type { LogicalFile } from './delivered-file.ts'
import type { Splitter } from './fixed.ts'
import { readHeader } from './header.ts'
import type { OtherEncoding } from './other-encoding.ts'
import { fail, type ParseFailureCode } from './parse-failure.ts'
import { splitterOf } from './record-format.ts'
import { KIND, type Kind } from './record-index.ts'
import { FAULT, recordFields, RecordReader, type RawRecord } from './record-reader.ts'
import { PREAMBLE_RECORDS_MAX, RowKinds } from './row-kinds.ts'
import type { ColumnSpec, ParseSpec } from './spec.ts'
import type { TableFinding } from './table-findings.ts'

export interface LandingRequest {
  readonly file: LogicalFile
  /** position in the submission, from 0 */
  readonly fileIndex: number
  /** number of its first record: records of one submission are numbered through */
  readonly firstRecord: number
  readonly spec: ParseSpec
  readonly writer: ChunkWriter
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
  /** undefined: it was delivered by itself */
  readonly member: string | undefined
  readonly firstRecord: number
  readonly records: number
  /** data records, whether they can be read or not */
  readonly dataRecords: number
  readonly control: readonly ControlReading[]
  /** columns in file order, null for an unnamed one; null without a header record */
  readonly header: { readonly line: number; readonly columns: readonly (string | null)[] } | null
  readonly missingColumns: readonly string[]
  /** what its bytes look like instead; null: nothing speaks against the layout */
  readonly otherEncoding: OtherEncoding | null
  /** of a workbook; absent: it is none */
  readonly cells?: readonly TableFinding[]
}

/** Control records whose values are kept, per file. */
const CONTROL_KEPT_MAX = 100
/** line_number is a UINTEGER. */
const RECORDS_MAX = 2 ** 32 - 1

/** Lands one file. Throws PARSE_FAILED for what its submitter has to correct. */
export async function landFile(request: LandingRequest): Promise<LandedFile> {
  const { file, writer } = request
  const pass = new LandingPass(request)
  const reader = new RecordReader(request.spec, (record) => pass.accept(record))
  const mark = new ByteOrderMark(request)
  const flush = async (readBytes: number): Promise<void> => {
    for await (const chunk of writer.drain()) {
      await request.accept({ chunk, fields: pass.fields, readBytes })
    }
  }
  const content = await file.read(async (window, readBytes) => {
    mark.look(window)
    reader.push(window)
    await flush(readBytes)
  })
  reader.end()
  writer.cut()
  await flush(content.sizeBytes)
  return pass.finish(content, reader.otherEncoding)
}

class LandingPass {
  readonly #request: LandingRequest
  readonly #kinds: RowKinds
  readonly #split: Splitter | null
  readonly #control: ControlReading[] = []
  #header: LandedFile['header'] = null
  #missing: readonly string[] = []
  #number: number
  #dataRecords = 0
  #fields: readonly (ColumnSpec | null)[]

  constructor(request: LandingRequest) {
    const { spec } = request
    this.#request = request
    this.#split = splitterOf(spec)
    this.#number = request.firstRecord - 1
    this.#fields = spec.dialect.header ? [] : this.#closed(spec.columns)
    this.#kinds = new RowKinds(spec, {
      control: (reading) => {
        if (this.#control.length < CONTROL_KEPT_MAX) this.#control.push(reading)
      },
      header: (names, record) => this.#readHeader(names, record),
      unreadable: ({ line }) =>
        this.#fail('HEADER_UNREADABLE', `line ${line}: the header record is not clean text`),
      codes: (record) => this.#checkCodes(record),
      endlessPreamble: () =>
        this.#fail('PREAMBLE_ENDLESS', `no end in its first ${PREAMBLE_RECORDS_MAX} records`),
    })
  }

  /** layout column of each field, in file order */
  get fields(): readonly (ColumnSpec | null)[] {
    return this.#fields
  }

  accept(found: RawRecord): void {
    this.#number += 1
    assert(this.#number <= RECORDS_MAX, 'more records than line_number can count')
    const { writer, fileIndex } = this.#request
    const number = this.#number
    const { kind, record } = this.#judged(found, this.#kinds.kindOf(found, number))
    writer.add(record, { number, kind, fileIndex })
    if (kind === KIND.plain || kind === KIND.split || kind === KIND.rejected) {
      this.#dataRecords += 1
    }
  }

  /** Data is split where the format says so; what is rejected has a fault. */
  #judged(found: RawRecord, kind: Kind): { kind: Kind; record: RawRecord } {
    if (kind === KIND.rejected && found.faults === 0) {
      return { kind, record: { ...found, faults: FAULT.header } }
    }
    if (kind !== KIND.plain) return { kind, record: found }
    if (this.#split === null) {
      return { kind: found.fields === null ? KIND.plain : KIND.split, record: found }
    }
    const record = { ...found, ...this.#split(found) }
    return { kind: record.faults === 0 ? KIND.split : KIND.rejected, record }
  }

  finish(content: ContentDigest, otherEncoding: OtherEncoding | null): LandedFile {
    const { file, firstRecord, spec } = this.#request
    if (!this.#kinds.isPastPreamble) {
      this.#fail('PREAMBLE_ENDLESS', 'no record ends its preamble')
    }
    if (spec.dialect.header && this.#header === null) {
      this.#fail('HEADER_MISSING', 'it has no header record')
    }
    return {
      ...content,
      name: file.name,
      member: file.member,
      firstRecord,
      records: this.#number - firstRecord + 1,
      dataRecords: this.#dataRecords,
      control: this.#control,
      header: this.#header,
      missingColumns: this.#missing,
      otherEncoding,
    }
  }

  #readHeader(names: readonly string[], { line }: RawRecord): void {
    const result = readHeader(names, this.#request.spec.columns)
    if (result.kind === 'failed') this.#fail(result.code, `line ${line}: ${result.detail}`)
    this.#fields = this.#closed(result.fields)
    this.#missing = result.missing
    this.#header = { line, columns: result.fields.map((field) => field?.name ?? null) }
  }

  /** With the empty field that a trailing delimiter makes of its own. */
  #closed(fields: readonly (ColumnSpec | null)[]): readonly (ColumnSpec | null)[] {
    const hasTrailing = this.#request.spec.rows?.trailingDelimiter === true
    return hasTrailing && fields.at(-1) !== null ? [...fields, null] : fields
  }

  #checkCodes(record: RawRecord): void {
    const found = recordFields(record, this.#request.spec.dialect.delimiter).length
    const wanted = this.#fields.length
    if (found === wanted) return
    const where = `line ${record.line}`
    this.#fail('HEADER_UNREADABLE', `${where}: ${found} column codes for ${wanted} columns`)
  }

  #fail(code: ParseFailureCode, detail: string): never {
    fail(this.#request.file.name, code, detail)
  }
}

/** The first two bytes of a file, which must agree with the layout about UTF-16. */
class ByteOrderMark {
  readonly #request: LandingRequest
  #first: Buffer = Buffer.alloc(0)

  constructor(request: LandingRequest) {
    this.#request = request
  }

  look(window: Buffer): void {
    if (this.#first.length >= 2) return
    this.#first = Buffer.concat([this.#first, window.subarray(0, 2)]).subarray(0, 2)
    if (this.#first.length < 2) return
    const { file, spec } = this.#request
    const mark = this.#first.readUInt16BE()
    const isUtf16 = mark === 0xfffe || mark === 0xfeff
    if (isUtf16 === (spec.encoding === 'utf-16')) return
    const detail = isUtf16
      ? `it is UTF-16, not ${spec.encoding ?? 'UTF-8'}`
      : 'its layout says UTF-16, and it has no byte order mark'
    fail(file.name, 'ENCODING_UNSUPPORTED', detail)
  }
}
