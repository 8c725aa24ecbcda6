/** The data records of one chunk by number: their text and what the grammar says of them. */
import type { ChunkContext, ChunkJob } from './chunk-context.ts'
import type { Reason } from './grammar.ts'
import { splitterOf } from './record-format.ts'
import { KIND, type IndexedRecord } from './record-index.ts'
import { explain, faultReasons, recordTexts, SliceReader, type FileGrammar } from './rejects.ts'

/** Reads a chunk's two files; at its best where numbers rise. Close it with `await using`. */
export class ChunkRecords {
  readonly #job: ChunkJob
  readonly #grammar: FileGrammar
  readonly #lines: SliceReader
  readonly #raws: SliceReader

  private constructor(job: ChunkJob, grammar: FileGrammar, readers: readonly SliceReader[]) {
    this.#job = job
    this.#grammar = grammar
    ;[this.#lines, this.#raws] = readers as [SliceReader, SliceReader]
  }
  static async open(job: ChunkJob, { spec, grammars }: ChunkContext): Promise<ChunkRecords> {
    const { chunk, fields } = job
    const grammar: FileGrammar = {
      delimiter: spec.dialect.delimiter,
      split: splitterOf(spec),
      fields: fields.map((field) => (field && grammars.get(field.name)) ?? null),
    }
    const lines = await SliceReader.open(chunk.path)
    return new ChunkRecords(job, grammar, [lines, await SliceReader.open(chunk.rawPath)])
  }

  /** The numbers of data records from `first` on, rejected ones included, at most `countMax`. */
  *data(first: number, countMax: number): Generator<number> {
    const { index } = this.#job.chunk
    let count = 0
    for (let number = first; number <= index.lastRecord && count < countMax; number += 1) {
      if (!isData(index.kindOf(number))) continue
      count += 1
      yield number
    }
  }

  /** The bytes of a record as they came; valid until the next call. */
  async raw(record: IndexedRecord): Promise<Buffer> {
    const source = record.kind === KIND.plain ? this.#lines : this.#raws
    return source.read(record.rawOffset, record.rawBytes)
  }

  /** Every fault of a data record; empty when it is sound. `raw` is its text. */
  reasons(record: IndexedRecord, raw: Buffer): readonly Reason[] {
    return record.faults === 0 ? explain(raw, record, this.#grammar) : faultReasons(record.faults)
  }

  /** The value of each layout column of a sound record, as DuckDB prints it; null for none. */
  values(record: IndexedRecord, raw: Buffer): ReadonlyMap<string, string | null> {
    const { fields } = this.#grammar
    const texts = recordTexts(raw, record, this.#grammar)
    const named = fields.flatMap((field, at) =>
      field === null ? [] : [[field.column.name, field.value(texts[at] ?? '')] as const],
    )
    return new Map(named)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lines[Symbol.asyncDispose]()
    await this.#raws[Symbol.asyncDispose]()
  }
}

/** Whether a record is a row, accepted or not. */
export const isData = (kind: IndexedRecord['kind']): boolean =>
  kind === KIND.plain || kind === KIND.split || kind === KIND.rejected
