/**
 * Column names and types out of an Arrow IPC schema message, which is how parquet-wasm gives the
 * schema of a Parquet file. Reads the few flatbuffer tables of the format that are needed
 * (https://github.com/apache/arrow/blob/main/format/Schema.fbs), with every offset checked.
 */
import { assert } from '../core/errors.ts'

export interface FooterColumn {
  readonly name: string
  /** DuckDB's name of the type: `VARCHAR`, `BIGINT`, `DECIMAL(12,2)`, …; else `arrow:<number>` */
  readonly type: string
}

class Table {
  readonly #bytes: DataView
  readonly #at: number

  constructor(bytes: DataView, at: number) {
    this.#bytes = bytes
    this.#at = at
  }
  /** position of field `slot`, or null where it has its default */
  at(slot: number): number | null {
    const vtable = this.#at - this.#bytes.getInt32(this.#at, true)
    const entry = 4 + 2 * slot
    if (entry >= this.#bytes.getUint16(vtable, true)) return null
    const offset = this.#bytes.getUint16(vtable + entry, true)
    return offset === 0 ? null : this.#at + offset
  }
  byte(slot: number): number {
    const at = this.at(slot)
    return at === null ? 0 : this.#bytes.getUint8(at)
  }
  short(slot: number): number {
    const at = this.at(slot)
    return at === null ? 0 : this.#bytes.getInt16(at, true)
  }
  int(slot: number): number {
    const at = this.at(slot)
    return at === null ? 0 : this.#bytes.getInt32(at, true)
  }
  /** position that field `slot` points to */
  target(slot: number): number | null {
    const at = this.at(slot)
    return at === null ? null : at + this.#bytes.getUint32(at, true)
  }
  table(slot: number): Table | null {
    const at = this.target(slot)
    return at === null ? null : new Table(this.#bytes, at)
  }
  text(slot: number): string {
    const at = this.target(slot)
    if (at === null) return ''
    const length = this.#bytes.getUint32(at, true)
    const { buffer, byteOffset } = this.#bytes
    return Buffer.from(buffer, byteOffset + at + 4, length).toString('utf8')
  }
  tables(slot: number): Table[] {
    const at = this.target(slot)
    if (at === null) return []
    const length = this.#bytes.getUint32(at, true)
    return Array.from({ length }, (_, index) => {
      const entry = at + 4 + 4 * index
      return new Table(this.#bytes, entry + this.#bytes.getUint32(entry, true))
    })
  }
}

/** Reads the first message of an IPC stream, which must be a schema. */
export function readArrowSchema(ipc: Uint8Array): FooterColumn[] {
  const bytes = new DataView(ipc.buffer, ipc.byteOffset, ipc.byteLength)
  // continuation marker, length, then the message
  const root = 8 + bytes.getUint32(8, true)
  const message = new Table(bytes, root)
  assert(message.byte(1) === 1, 'an IPC stream that does not start with a schema')
  const schema = message.table(2)
  assert(schema !== null, 'an IPC schema message without a schema')
  return schema.tables(1).map((field) => ({ name: field.text(0), type: typeName(field) }))
}

function typeName(field: Table): string {
  const kind = field.byte(2)
  const type = field.table(3)
  if (type === null) return `arrow:${kind}`
  if (kind === 2) return integerName(type.int(0), type.byte(1) === 1)
  if (kind === 3) return ['FLOAT16', 'FLOAT', 'DOUBLE'][type.short(0)] ?? `arrow:${kind}`
  if (kind === 7) return `DECIMAL(${type.int(0)},${type.int(1)})`
  if (kind === 10) return type.target(1) === null ? 'TIMESTAMP' : 'TIMESTAMP WITH TIME ZONE'
  const names: Readonly<Record<number, string>> = {
    4: 'BLOB',
    5: 'VARCHAR',
    6: 'BOOLEAN',
    8: 'DATE',
    12: 'LIST',
    20: 'VARCHAR',
  }
  return names[kind] ?? `arrow:${kind}`
}

function integerName(bits: number, isSigned: boolean): string {
  const names: Readonly<Record<number, string>> = {
    8: 'TINYINT',
    16: 'SMALLINT',
    32: 'INTEGER',
    64: 'BIGINT',
  }
  return `${isSigned ? '' : 'U'}${names[bits] ?? `INT${bits}`}`
}
