/**
 * The last records of a text too long to be read from its beginning. A window at its end is read
 * twice: as if it began outside of quotes, and as if it began within them. The reading that gives
 * more records of the right length is the true one; its first record, which the window may have
 * cut, is dropped.
 */
import { RecordReader } from '../record-reader.ts'
import type { TextForm } from './contract.ts'
import type { CountedFile } from './counted-file.ts'
import { encodeText } from '../encoding.ts'
import { fieldsOf, textRecord, type TextCoding, type TextRecord } from './text-record.ts'

/** The first window; each further one is twice as long, until the limit of bytes. */
const WINDOW_BYTES = 128 * 1024

export interface TailRequest {
  readonly file: CountedFile
  readonly form: TextForm
  readonly coding: TextCoding
  /** undefined: as most records of the window have */
  readonly fieldCount: number | undefined
  readonly records: number
}

export interface LastRecords {
  readonly records: readonly TextRecord[]
  readonly isCut: boolean
  /** bytes of the file, of the records */
  readonly source: (from: number, to: number) => Buffer
}

/** Reads from the end, until the records are found or the limit is reached. */
export async function lastRecords(request: TailRequest): Promise<LastRecords> {
  const { file, records: wanted } = request
  const windows: Buffer[] = []
  let [from, sizeBytes] = [file.sizeBytes, WINDOW_BYTES]
  for (;;) {
    // UTF-16 has two bytes a unit: the window begins at one
    const start = Math.max(0, from - Math.min(sizeBytes, file.leftBytes))
    const next = start + (start % 2)
    if (next < from) windows.unshift(await file.read(next, from))
    const isAtLimit = next >= from
    from = Math.min(next, from)
    const window = Buffer.concat(windows)
    const offsetBytes = from
    const records = bestReading(window, { ...request, offsetBytes })
    if (records.length >= wanted || isAtLimit) {
      return {
        records: records.slice(-wanted),
        isCut: records.length < wanted,
        source: (start_, end) => window.subarray(start_ - offsetBytes, end - offsetBytes),
      }
    }
    sizeBytes *= 2
  }
}

type Window = TailRequest & { readonly offsetBytes: number }

function bestReading(window: Buffer, request: Window): readonly TextRecord[] {
  const outside = reading(window, request, '')
  if (request.form.syntax.dialect.quoteChar === null) return outside
  const within = reading(window, request, '"')
  return share(within, request) > share(outside, request) ? within : outside
}

/** The records of a window, but for the first and blank ones, when `lead` stands before it. */
function reading(window: Buffer, request: Window, lead: '' | '"'): TextRecord[] {
  const { form, coding, offsetBytes } = request
  const mark = coding.encoding === 'utf-16' ? '\ufeff' : ''
  const before = encodeText(mark + lead, coding)
  const records: TextRecord[] = []
  let isFirst = true
  const reader = new RecordReader(form.syntax, (record) => {
    const isBlank = record.end === record.start && record.faults === 0
    if (!isFirst && !isBlank) records.push(textRecord(record, offsetBytes - before.length, coding))
    isFirst = false
  })
  reader.push(before)
  reader.push(window)
  reader.end()
  return records
}

/** Share of the records that are as they should be. */
function share(records: readonly TextRecord[], { form, fieldCount }: Window): number {
  const lengths = records.map((record) =>
    record.isFaulty ? -1 : fieldsOf(record, form.syntax).length,
  )
  const counts = new Map<number, number>()
  for (const length of lengths) if (length >= 0) counts.set(length, (counts.get(length) ?? 0) + 1)
  const right =
    fieldCount === undefined ? Math.max(0, ...counts.values()) : (counts.get(fieldCount) ?? 0)
  return records.length === 0 ? 0 : right / records.length
}
