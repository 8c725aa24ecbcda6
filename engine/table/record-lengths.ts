/** How long the data records of a fixed-width file are, and where in them there is data. */
import { readOne } from './delivered-file.ts'
import { PACKAGE_LIMITS } from './package-limits.ts'
import { KIND } from './record-index.ts'
import { RecordReader } from './record-reader.ts'
import { RowKinds } from './row-kinds.ts'
import type { ParseSpec } from './spec.ts'

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
  /** for each span, of the records looked at: how many have more than blanks there */
  readonly filled: readonly { readonly records: number; readonly line: number }[]
}

const LIMITS = { ...PACKAGE_LIMITS, contentBytes: 1024 ** 3 }
/** Further lengths are counted as the last one. */
const LENGTHS_MAX = 1000
const BLANK = 0x20

/** What is no data is left to the parse, which says what is wrong with it. */
const IGNORED = {
  control: () => undefined,
  header: () => undefined,
  unreadable: () => undefined,
  codes: () => undefined,
  endlessPreamble: () => undefined,
}

/** Reads the file once. Throws PARSE_FAILED for a broken or too large one. */
export async function recordLengths(request: {
  readonly spec: ParseSpec
  readonly path: string
  readonly name: string
  /** the spans are looked at in records of this length only; undefined: in all */
  readonly bytes: number | undefined
  readonly spans: readonly ByteSpan[]
  readonly signal: AbortSignal
}): Promise<RecordLengths> {
  const { spec, path, name, bytes: wanted, spans, signal } = request
  const lengths = new Map<number, { records: number; line: number }>()
  const filled = spans.map(() => ({ records: 0, line: 0 }))
  const kinds = new RowKinds(spec, IGNORED)
  let number = 0
  const reader = new RecordReader(spec, (record) => {
    number += 1
    if (kinds.kindOf(record, number) !== KIND.plain) return
    const { bytes, start, end, line } = record
    const known = lengths.get(end - start)
    if (known !== undefined) known.records += 1
    else if (lengths.size < LENGTHS_MAX) lengths.set(end - start, { records: 1, line })
    if (wanted !== undefined && end - start !== wanted) return
    for (const [at, { first, last }] of spans.entries()) {
      const span = filled[at]
      const data = bytes.subarray(start + first - 1, Math.min(start + last, end))
      const isBlank = data.every((one) => one === BLANK)
      if (isBlank || span === undefined) continue
      span.records += 1
      span.line ||= line
    }
  })
  await readOne({ path, name, limits: LIMITS, signal }, async (window) => reader.push(window))
  reader.end()
  return {
    lengths: [...lengths]
      .map(([bytes, found]) => ({ bytes, ...found }))
      .toSorted((a, b) => b.records - a.records || a.bytes - b.bytes),
    filled,
  }
}
