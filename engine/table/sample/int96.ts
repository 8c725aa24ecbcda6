/**
 * Old timestamps, INT96, which reach further than the nanoseconds they are read as: 9999-12-31 would
 * come out as a day of 1816. Such columns are read as microseconds where a value of them needs it.
 * Only columns that are no part of another one.
 * Source: parquet-format, Encodings and `ARROW:schema`, as arrow-rs takes them.
 */
import {
  DataType,
  Field,
  Schema,
  Table,
  tableFromIPC,
  tableToIPC,
  TimestampMicrosecond,
  TimeUnit,
} from 'apache-arrow'
import { COLUMN } from '../parquet-fields.ts'
import type { RowGroup } from '../parquet-footer.ts'

const INT96 = 3
const NANOSECONDS_MAX = 2n ** 63n - 1n

/** Metadata of a file. */
export interface SchemaHint {
  readonly key: string
  readonly value: string
}

/** What makes a reader take INT96 for microseconds; undefined: the group has none, or none now. */
export function microsecondHint(group: RowGroup, stream: Uint8Array): SchemaHint | undefined {
  const names = new Set(
    group.chunks.flatMap(({ metadata }) => {
      const path = metadata.get(COLUMN.path)
      const isOld = metadata.get(COLUMN.type) === INT96 && Array.isArray(path) && path.length === 1
      return isOld ? [String(path[0])] : []
    }),
  )
  if (names.size === 0) return undefined
  const { fields } = tableFromIPC(stream).schema
  const isOld = ({ name, type }: Field): boolean =>
    names.has(name) && DataType.isTimestamp(type) && type.unit === TimeUnit.NANOSECOND
  if (!fields.some(isOld)) return undefined
  const schema = new Schema(
    fields.map((field) =>
      isOld(field)
        ? new Field(field.name, new TimestampMicrosecond(), field.nullable)
        : new Field(field.name, field.type, field.nullable),
    ),
  )
  const bytes = tableToIPC(new Table(schema), 'stream')
  return { key: 'ARROW:schema', value: Buffer.from(bytes).toString('base64') }
}

/** Whether a timestamp of microseconds has no place among nanoseconds. */
export function isPastNanoseconds(stream: Uint8Array): boolean {
  const { batches } = tableFromIPC(stream)
  return batches.some(({ data }) =>
    data.children.some((column) => {
      if (!DataType.isTimestamp(column.type) || column.type.unit !== TimeUnit.MICROSECOND) {
        return false
      }
      const values = Array.from(column.values as BigInt64Array)
      return values.some(
        (value, row) => column.getValid(row) && abs(value) * 1000n > NANOSECONDS_MAX,
      )
    }),
  )
}

const abs = (value: bigint): bigint => (value < 0n ? -value : value)
