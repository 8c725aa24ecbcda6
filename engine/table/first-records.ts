/** The first records of a file in some layout: what routing looks at before anything is parsed. */
import type { ControlReading } from './control.ts'
import { isDelimited } from './table-format.ts'
import { KIND } from './record-index.ts'
import { RecordReader, recordFields, type RawRecord } from './record-reader.ts'
import { RowKinds } from './row-kinds.ts'
import type { ParseSpec } from './spec.ts'

export interface FirstRecordsRead {
  readonly control: readonly ControlReading[]
  /** the names of the header, else the fields of the first sound data record, if any was found */
  readonly fields?: readonly string[]
  /** fixed: bytes of the first data record, line end excluded */
  readonly recordBytes?: number
}

/** Control records, then one other, are looked for in this many records. */
const RECORDS_MAX = 200

function foundIn(record: RawRecord, spec: ParseSpec) {
  if (isDelimited(spec)) return { fields: recordFields(record, spec.dialect.delimiter) }
  return spec.format === 'fixed' ? { recordBytes: record.end - record.start } : {}
}

/** Reads from the first bytes (decompressed, at most a few hundred KB); the last record may be cut. */
export function firstRecords(head: Buffer, spec: ParseSpec): FirstRecordsRead {
  const control: ControlReading[] = []
  let found: Omit<FirstRecordsRead, 'control'> | null = null
  let number = 0
  const kinds = new RowKinds(spec, {
    control: (reading) => control.push(reading),
    header: (names) => (found ??= { fields: names }),
    unreadable: () => undefined,
    codes: () => undefined,
    endlessPreamble: () => undefined,
  })
  const reader = new RecordReader(spec, (record) => {
    if (found !== null || number >= RECORDS_MAX) return
    number += 1
    if (kinds.kindOf(record, number) !== KIND.plain) return
    found ??= foundIn(record, spec)
  })
  reader.push(head)
  reader.end()
  return { control, ...(found as Omit<FirstRecordsRead, 'control'> | null) }
}
