/** The records of a delimited text that is all in memory: guides' tables and samples. */
import type { RawRecord, RecordSyntax } from './record-reader.ts'
import { RecordReader, recordFields } from './record-reader.ts'

export interface SampleRecord {
  /** 1-based number of its first line */
  readonly line: number
  /** empty for a record with a fault */
  readonly fields: readonly string[]
  /** it cannot be read as text in this dialect: a stray quote, a NUL, another encoding */
  readonly isFaulty: boolean
  /** some field is quoted */
  readonly isQuoted: boolean
}

/** The first `limit` records that are not empty. The last may be cut where the text was. */
export function sampleRecords(text: Buffer, syntax: RecordSyntax, limit: number): SampleRecord[] {
  const records: SampleRecord[] = []
  const reader = new RecordReader(syntax, (record) => {
    if (records.length < limit && record.end > record.start) records.push(sample(record, syntax))
  })
  reader.push(text)
  reader.end()
  return records
}

function sample(record: RawRecord, { dialect }: RecordSyntax): SampleRecord {
  const isFaulty = record.faults !== 0
  return {
    line: record.line,
    fields: isFaulty ? [] : recordFields(record, dialect.delimiter),
    isFaulty,
    isQuoted: record.fields !== null,
  }
}
