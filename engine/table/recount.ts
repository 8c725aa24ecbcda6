/**
 * Counts a file's records a second time, by the landing pass's reader alone: no layout, no SQL.
 *
 * Given what a report says is not a row, everything else must be the accepted rows, and every
 * range must start and end where a record does. Cost: one pass over the bytes.
 */
import { readContent, type ContentDigest } from './content-stream.ts'
import { RecordReader, type RecordSyntax } from './record-reader.ts'

/** Bytes of the decompressed file, end exclusive. */
export interface CountedRange {
  readonly byteStart: number
  readonly byteEnd: number
}

export interface RecountRequest {
  readonly path: string
  readonly syntax: RecordSyntax
  /** what is not a row, by position */
  readonly ranges: readonly CountedRange[]
  readonly signal: AbortSignal
}

export interface Recount extends ContentDigest {
  readonly records: number
  /** records outside every range */
  readonly rows: { readonly records: number; readonly bytes: number }
  /** records that lie partly in a range: none, when the ranges are right */
  readonly straddling: number
}

/** Reads the file once. Throws PARSE_FAILED for a broken gzip stream. */
export async function recountRecords(request: RecountRequest): Promise<Recount> {
  const { path, syntax, ranges, signal } = request
  const rows = { records: 0, bytes: 0 }
  let records = 0
  let straddling = 0
  let at = 0
  const reader = new RecordReader(syntax, ({ byteStart, byteEnd }) => {
    records += 1
    while (at < ranges.length && (ranges[at] as CountedRange).byteEnd <= byteStart) at += 1
    const range = ranges[at]
    if (range === undefined || range.byteStart >= byteEnd) {
      rows.records += 1
      rows.bytes += byteEnd - byteStart
    } else if (range.byteStart > byteStart || range.byteEnd < byteEnd) straddling += 1
  })
  const content = await readContent({
    path,
    name: 'data',
    contentBytesMax: Infinity,
    signal,
    accept: async (window) => reader.push(window),
  })
  reader.end()
  return { ...content, records, rows, straddling }
}
