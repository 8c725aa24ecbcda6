/**
 * Thrift's compact protocol, read without a schema: structures as maps by field number. For the
 * footer and the page headers of Parquet files, which a stranger wrote. Pure.
 * Source: thrift/doc/specs/thrift-compact-protocol.md.
 */

/** Numbers beyond 2^53 lose digits: no size or offset has them. */
export type ThriftValue = number | boolean | Buffer | readonly ThriftValue[] | ThriftStruct
export type ThriftStruct = ReadonlyMap<number, ThriftValue>

/** Bytes `[from, to)`. */
export interface ThriftPlace {
  readonly from: number
  readonly to: number
}

/** A field's value without its head; of a truth, which is in the head, no bytes. */
export interface FieldPlace extends ThriftPlace {
  /** as the head tells it */
  readonly kind: number
}

/** Where a structure lies, and each of its fields. */
export interface StructPlace extends ThriftPlace {
  readonly fields: ReadonlyMap<number, FieldPlace>
}

/** The start of a structure that may be cut off. */
export interface StructStart {
  readonly fields: ReadonlyMap<number, FieldPlace>
  readonly entries: readonly ThriftPlace[]
}

/** Whether a value is a structure. */
export const isStruct = (value: ThriftValue | undefined): value is ThriftStruct =>
  value instanceof Map

/** The structures of a list; none of what is no list. */
export const structs = (value: ThriftValue | undefined): readonly ThriftStruct[] =>
  Array.isArray(value) ? value.filter(isStruct) : []

/** The bytes are no such structure, or more is needed. */
export class ThriftFault extends Error {}

const DEPTH_MAX = 32
const TYPE = {
  true: 1,
  false: 2,
  byte: 3,
  i64: 6,
  double: 7,
  binary: 8,
  list: 9,
  set: 10,
  map: 11,
  struct: 12,
}
const LONG_LIST = 15
/** A field or entry has at least one byte, but for truths in a list. */
const ENTRIES_MAX = 10_000_000

/** Reads one structure from `start`; `at` is where it ended. Throws ThriftFault. */
export class ThriftReader {
  readonly #bytes: Buffer
  readonly #places: Map<ThriftStruct, StructPlace> | undefined
  at: number

  /** `places` is told of every structure, for who wants to write the bytes anew. */
  constructor(bytes: Buffer, start = 0, places?: Map<ThriftStruct, StructPlace>) {
    this.#bytes = bytes
    this.#places = places
    this.at = start
  }

  struct(depth = 0): ThriftStruct {
    if (depth > DEPTH_MAX) throw new ThriftFault('too deep')
    const fields = new Map<number, ThriftValue>()
    const places = this.#places === undefined ? undefined : new Map<number, FieldPlace>()
    const start = this.at
    let id = 0
    for (;;) {
      const head = this.#byte()
      if (head === 0) {
        if (places !== undefined) {
          this.#places?.set(fields, { from: start, to: this.at, fields: places })
        }
        return fields
      }
      const step = head >> 4
      id = step === 0 ? this.#zigzag() : id + step
      const type = head & 15
      const isTruth = type === TYPE.true || type === TYPE.false
      const from = this.at
      fields.set(id, isTruth ? type === TYPE.true : this.#value(type, depth + 1))
      places?.set(id, { from, to: this.at, kind: type })
    }
  }

  /**
   * The fields of a structure before one that is a list, and the entries of that which are whole,
   * `entriesMax` at most. Throws ThriftFault where the list does not start within the bytes.
   */
  upTo(list: number, entriesMax: number): StructStart {
    const fields = new Map<number, FieldPlace>()
    let id = 0
    for (;;) {
      const head = this.#byte()
      if (head === 0) throw new ThriftFault('no such list')
      id = head >> 4 === 0 ? this.#zigzag() : id + (head >> 4)
      const kind = head & 15
      if (id === list && kind === TYPE.list) break
      const from = this.at
      if (kind !== TYPE.true && kind !== TYPE.false) this.#value(kind, 1)
      fields.set(id, { from, to: this.at, kind })
    }
    const { count, kind } = this.#listHead()
    const entries: ThriftPlace[] = []
    while (entries.length < Math.min(count, entriesMax)) {
      const from = this.at
      if (!this.#isWhole(kind)) break
      entries.push({ from, to: this.at })
    }
    return { fields, entries }
  }

  #isWhole(kind: number): boolean {
    try {
      this.#value(kind, 2)
      return true
    } catch (error) {
      if (error instanceof ThriftFault) return false
      throw error
    }
  }

  #value(type: number, depth: number): ThriftValue {
    if (type === TYPE.true || type === TYPE.false) return this.#byte() === TYPE.true
    if (type === TYPE.byte) return this.#byte()
    if (type > TYPE.byte && type <= TYPE.i64) return this.#zigzag()
    if (type === TYPE.double) return this.#take(8).readDoubleLE()
    if (type === TYPE.binary) return this.#take(this.#varint())
    if (type === TYPE.struct) return this.struct(depth)
    if (type === TYPE.list || type === TYPE.set) return this.#list(depth)
    if (type === TYPE.map) return this.#map(depth)
    throw new ThriftFault('an unknown type')
  }

  #list(depth: number): readonly ThriftValue[] {
    const { count, kind } = this.#listHead()
    return this.#entries(count, () => this.#value(kind, depth + 1))
  }

  #listHead(): { readonly count: number; readonly kind: number } {
    const head = this.#byte()
    return { count: head >> 4 === LONG_LIST ? this.#varint() : head >> 4, kind: head & 15 }
  }

  #map(depth: number): readonly ThriftValue[] {
    const count = this.#varint()
    if (count === 0) return []
    const types = this.#byte()
    return this.#entries(count, () => [
      this.#value(types >> 4, depth + 1),
      this.#value(types & 15, depth + 1),
    ])
  }

  #entries(count: number, read: () => ThriftValue): readonly ThriftValue[] {
    if (count > Math.min(ENTRIES_MAX, this.#bytes.length - this.at))
      throw new ThriftFault('too long')
    return Array.from({ length: count }, read)
  }

  #byte(): number {
    return this.#take(1).readUInt8()
  }

  #take(count: number): Buffer {
    const end = this.at + count
    if (end > this.#bytes.length) throw new ThriftFault('cut off')
    const bytes = this.#bytes.subarray(this.at, end)
    this.at = end
    return bytes
  }

  #varint(): number {
    let value = 0
    let scale = 1
    for (let count = 0; count < 10; count += 1) {
      const byte = this.#byte()
      value += (byte & 127) * scale
      if (byte < 128) return value
      scale *= 128
    }
    throw new ThriftFault('a number without end')
  }

  #zigzag(): number {
    const value = this.#varint()
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }
}
