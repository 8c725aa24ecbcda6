/**
 * Structures of Thrift's compact protocol, written field by field. Pure.
 * Source: thrift/doc/specs/thrift-compact-protocol.md.
 */

/** Kinds of values as they are written. */
export const THRIFT_KIND = { i32: 5, i64: 6, text: 8, list: 9, struct: 12 } as const

/** A field: its value's bytes, without a head. */
export interface ThriftField {
  readonly id: number
  readonly kind: number
  readonly bytes: Buffer
}

/** A field farther from the one before has its number in full. */
const STEP_MAX = 15
/** A list of more tells its length in full. */
const SHORT_LIST_MAX = 14
const NONE = Buffer.alloc(0)

/** A structure of these fields. */
export function thriftStruct(fields: readonly ThriftField[]): Buffer {
  const parts: Buffer[] = []
  let before = 0
  for (const { id, kind, bytes } of fields.toSorted((a, b) => a.id - b.id)) {
    const step = id - before
    const isNear = step > 0 && step <= STEP_MAX
    parts.push(Buffer.from([isNear ? step * 16 + kind : kind]), isNear ? NONE : zigzag(id), bytes)
    before = id
  }
  return Buffer.concat([...parts, Buffer.alloc(1)])
}

/** A list of structures. */
export function thriftList(structs: readonly Buffer[]): Buffer {
  const { length } = structs
  const isShort = length <= SHORT_LIST_MAX
  const head = Buffer.from([(isShort ? length : SHORT_LIST_MAX + 1) * 16 + THRIFT_KIND.struct])
  return Buffer.concat([head, isShort ? NONE : varint(length), ...structs])
}

/** A field of a number up to 2^53. */
export const thriftNumber = (id: number, value: number): ThriftField => ({
  id,
  kind: THRIFT_KIND.i64,
  bytes: zigzag(value),
})

/** A field of a number that is a signed one of 32 bits to who reads it. */
export const thriftInt = (id: number, value: number): ThriftField => ({
  id,
  kind: THRIFT_KIND.i32,
  bytes: zigzag(value),
})

/** A field of a text. */
export function thriftText(id: number, text: string): ThriftField {
  const bytes = Buffer.from(text)
  return { id, kind: THRIFT_KIND.text, bytes: Buffer.concat([varint(bytes.length), bytes]) }
}

const zigzag = (value: number): Buffer => varint(value < 0 ? -value * 2 - 1 : value * 2)

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  while (rest >= 128) {
    bytes.push((rest % 128) + 128)
    rest = Math.floor(rest / 128)
  }
  return Buffer.from([...bytes, rest])
}
