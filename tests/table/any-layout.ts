/** A layout for a file that nobody described. */
import { recordFields, RecordReader } from '../../engine/table/record-reader.ts'
import type { Dialect, ParseSpec } from '../../engine/table/spec.ts'
import { column, parseSpec } from './parsing.ts'

/** Fields of the first record that can be read; 1 where there is none. */
function fieldCount(bytes: Buffer, dialect: Dialect): number {
  let count = 0
  const reader = new RecordReader({ dialect }, (record) => {
    if (count > 0 || record.faults !== 0 || record.start === record.end) return
    count = recordFields(record, dialect.delimiter).length
  })
  reader.push(bytes)
  reader.end()
  return Math.max(count, 1)
}

/** A layout of text columns, as many as the file's first record has. */
export function anyLayout(bytes: Buffer, delimiter: string): ParseSpec {
  const dialect: Dialect = { delimiter, quoteChar: '"', header: false }
  const names = Array.from({ length: fieldCount(bytes, dialect) }, (_, at) => `c${at}`)
  return parseSpec(dialect, { control: [], columns: names.map((name) => column(name)) })
}
