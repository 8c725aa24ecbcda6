/** How long a file's records are, and where in them there is data: what fixed-width places say. */
import { readContent } from './content-stream.ts'
import { RecordReader } from './record-reader.ts'

/** Bytes of a record, 1-based, both included. */
export interface ByteSpan {
  readonly first: number
  readonly last: number
}

export interface RecordLengths {
  /** by bytes without line end: how many records, and the line of the first; most records first */
  readonly lengths: readonly {
    readonly bytes: number
    readonly records: number
    readonly line: number
  }[]
  /** for each span, of the records of `bytes`: how many have more than blanks there */
  readonly filled: readonly { readonly records: number; readonly line: number }[]
}

const CONTENT_BYTES_MAX = 1024 ** 3
/** Further lengths are counted as the last one. */
const LENGTHS_MAX = 1000
const BLANK = 0x20

/** Reads the file once. Throws PARSE_FAILED for a broken or too large one. */
export async function recordLengths(request: {
  readonly path: string
  readonly name: string
  /** the spans are looked at in records of this length only */
  readonly bytes: number
  readonly spans: readonly ByteSpan[]
  readonly signal: AbortSignal
}): Promise<RecordLengths> {
  const { path, name, bytes: wanted, spans, signal } = request
  const lengths = new Map<number, { records: number; line: number }>()
  const filled = spans.map(() => ({ records: 0, line: 0 }))
  const dialect = { delimiter: '\u001f', quoteChar: null, header: false }
  const reader = new RecordReader({ dialect }, ({ bytes, start, end, line }) => {
    if (end === start) return
    const known = lengths.get(end - start)
    if (known !== undefined) known.records += 1
    else if (lengths.size < LENGTHS_MAX) lengths.set(end - start, { records: 1, line })
    if (end - start !== wanted) return
    for (const [at, { first, last }] of spans.entries()) {
      const span = filled[at]
      const isBlank = bytes.subarray(start + first - 1, start + last).every((one) => one === BLANK)
      if (isBlank || span === undefined) continue
      span.records += 1
      span.line ||= line
    }
  })
  const accept = async (window: Buffer): Promise<void> => reader.push(window)
  await readContent({ path, name, contentBytesMax: CONTENT_BYTES_MAX, signal, accept })
  reader.end()
  return {
    lengths: [...lengths]
      .map(([bytes, found]) => ({ bytes, ...found }))
      .toSorted((a, b) => b.records - a.records || a.bytes - b.bytes),
    filled,
  }
}
