/** Result rows as plain data, without loss: see DuckValue. */
import {
  DuckDBListValue,
  DuckDBArrayValue,
  DuckDBMapValue,
  DuckDBStructValue,
  type DuckDBResultReader,
  type DuckDBValue,
} from '@duckdb/node-api'
import accessors from '@duckdb/node-api/lib/vectors/dataAccessors.js'
import type { DuckRow, DuckValue } from './duck-protocol.ts'

// The client's own decoder drops a byte order mark that begins a text: a value of files that were
// put together, each with its mark, would come back unlike what was written.
Object.assign(accessors, { textDecoder: new TextDecoder('utf-8', { ignoreBOM: true }) })

/** All rows a reader holds, as objects by column name. */
export function duckRows(reader: DuckDBResultReader): DuckRow[] {
  return reader.getRowObjects().map((row) => plainObject(row))
}

const plainObject = (row: Readonly<Record<string, DuckDBValue>>): Record<string, DuckValue> =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plainValue(value)]))

function plainValue(value: DuckDBValue): DuckValue {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value === 'bigint') {
    return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  }
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) {
    return value.items.map((entry) => plainValue(entry))
  }
  if (value instanceof DuckDBStructValue) return plainObject(value.entries)
  if (value instanceof DuckDBMapValue) {
    return value.entries.map((entry) => ({
      key: plainValue(entry.key),
      value: plainValue(entry.value),
    }))
  }
  return String(value)
}
