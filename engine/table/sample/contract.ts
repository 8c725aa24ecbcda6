/**
 * What a sample is made from and what it is: a small real file of the same format, and what its
 * columns hold. Every format answers the same question; a caller never asks which.
 */
import type { RecordSyntax } from '../record-reader.ts'

/** A file that is read by ranges, wherever it lies. */
export interface RangedFile {
  /** without folders; in errors, and what its extension is told from */
  readonly name: string
  readonly sizeBytes: number
  /** ISO 8601, where it is known; only written into what is described */
  readonly modifiedAt?: string | undefined
  /** bytes `[from, to)`; fewer only at the end of the file */
  readonly read: (from: number, to: number) => Promise<Buffer>
}

export const STRATEGIES = ['head', 'tail', 'reservoir', 'rejects'] as const
export type Strategy = (typeof STRATEGIES)[number]

/** How the text of a file is cut into records and fields, and whether its first one holds names. */
export interface TextForm {
  readonly syntax: RecordSyntax
  readonly hasHeader: boolean
  /** records before the header or the first data record, blank ones included; absent: none */
  readonly preambleRecords?: number
  /** fixed width: where each column lies, `start` from 0, in bytes as in a layout */
  readonly places?: readonly {
    readonly name: string
    readonly start: number
    readonly length: number
  }[]
}

/** What a column holds, in the sample. */
export interface SampledColumn {
  /** of the header; of JSON the member's path, `address.city`; undefined: the file has no names */
  readonly name: string | undefined
  /**
   * one a record; null: not there, or the record is not trusted to have columns. Of JSON one a
   * value: a list within a record has several
   */
  readonly texts: readonly (string | null)[]
  /** of formats that have types; `text` where everything is text */
  readonly type: 'text' | 'number' | 'boolean' | 'date' | 'timestamp' | 'bytes'
}

/** A value's replacement: of the same type, so that a number stays one. */
export type MaskText = (text: string) => string

/** For each column what replaces its values; null: they stay. Decided on all that was sampled. */
export interface MaskColumns {
  (columns: readonly SampledColumn[]): readonly (MaskText | null)[]
  /** names that are surely columns' (plainName), and shown; absent: none is known */
  readonly ownNames?: ReadonlySet<string>
}

export interface SampleRequest {
  readonly file: RangedFile
  /** records at most, a header not counted; 1..10,000 */
  readonly records: number
  readonly strategy: Strategy
  /** of `reservoir`: the same seed and file, the same records */
  readonly seed: string
  /**
   * bytes read at most, 64 KiB at least: of `head` and `tail` all there is to it, of the others how
   * far they look
   */
  readonly readBytesMax: number
  /** undefined: byte for byte as it lies there */
  readonly mask: MaskColumns | undefined
  /** of delimited and fixed-width text; `head` are its first bytes. Undefined: one column, lines */
  readonly textForm: (head: Buffer, name: string) => TextForm | undefined
  /** of `rejects`: whether a record is one that would be refused; undefined: those of odd length */
  readonly isReject?: (fields: readonly string[]) => boolean
}

export interface Sample {
  /** the file, complete: at most a few MB */
  readonly bytes: Buffer
  /**
   * what to put behind the stem: that of the file where the format is the same (`.csv`, `.csv.gz`),
   * `.txt` for the list of a tar archive, `.meta.json` for what is only described
   */
  readonly extension: string
  readonly format: 'text' | 'jsonl' | 'json' | 'parquet' | 'zip' | 'tar' | 'described'
  readonly records: number
  /** the whole file is in it */
  readonly isWhole: boolean
  /** the limit of bytes ended it before `records` were found */
  readonly isCut: boolean
  readonly readBytes: number
  /** first bytes of the content, unpacked, at most 64 KiB: what layouts are held against */
  readonly head: Buffer
  /** of what was sampled, before it was masked; empty where nothing has columns */
  readonly columns: readonly SampledColumn[]
}
