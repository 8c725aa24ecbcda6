/** The first records of a file in some dialect: what routing looks at before anything is parsed. */
import type { ControlReading } from './control.ts'
import { readControl } from './control.ts'
import type { RawRecord } from './record-reader.ts'
import { RecordReader, recordFields } from './record-reader.ts'
import type { ParseSpec } from './spec.ts'

export interface FirstRecordsRead {
  readonly control: readonly ControlReading[]
  /** fields of the first sound record that is no control record; undefined: there is none */
  readonly fields: readonly string[] | undefined
}

/** Control records, then one other, are looked for in this many records. */
const RECORDS_MAX = 20

/** Reads from the first bytes (decompressed, at most a few hundred KB); the last record may be cut. */
export function firstRecords(head: Buffer, spec: ParseSpec): FirstRecordsRead {
  const records: RawRecord[] = []
  const reader = new RecordReader(spec.dialect, (record) => {
    if (records.length < RECORDS_MAX && record.end > record.start) records.push(record)
  })
  reader.push(head)
  reader.end()
  const control: ControlReading[] = []
  for (const [at, record] of records.entries()) {
    if (record.faults !== 0) continue
    const reading = readControl(record, spec, at + 1)
    if (reading !== null) {
      control.push(reading)
      continue
    }
    return { control, fields: recordFields(record, spec.dialect.delimiter) }
  }
  return { control, fields: undefined }
}
