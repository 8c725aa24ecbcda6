/**
 * Values in and out of the buffers of an Arrow column, as their bytes. Pure.
 * Source: Apache Arrow, format/Columnar.rst.
 */
import { Data, DataType, type Vector } from 'apache-arrow'

interface Words {
  readonly buffer: ArrayBufferLike
  readonly byteOffset: number
  readonly byteLength: number
  readonly BYTES_PER_ELEMENT: number
}
type WordsOf = new (buffer: ArrayBufferLike, byteOffset: number, length: number) => Words

const isVariable = (type: DataType): boolean =>
  DataType.isUtf8(type) ||
  DataType.isLargeUtf8(type) ||
  DataType.isBinary(type) ||
  DataType.isLargeBinary(type)

const bytesOf = (words: Words): Buffer =>
  Buffer.from(words.buffer, words.byteOffset, words.byteLength)

/** Of a value in a column of a fixed width; 0: values have none. */
export function widthBytes({ type, stride, values }: Data): number {
  if (isVariable(type)) return 0
  return DataType.isBool(type) ? 1 : stride * (values as Words).BYTES_PER_ELEMENT
}

/** The bytes of a value that is there, not copied; a truth is one byte. */
export function valueAt(data: Data, row: number): Buffer {
  const bytes = bytesOf(data.values as Words)
  if (DataType.isBool(data.type)) return Buffer.from([((bytes[row >> 3] ?? 0) >> (row & 7)) & 1])
  const width = widthBytes(data)
  if (width > 0) return bytes.subarray(row * width, (row + 1) * width)
  return bytes.subarray(Number(data.valueOffsets[row]), Number(data.valueOffsets[row + 1]))
}

/** A column of the same type with other values; null: not there. */
export function valuesData(data: Data, values: readonly (Buffer | null)[]): Data {
  const { type } = data
  const validity = bitsOf(values.map((value) => value !== null))
  const nulls = values.filter((value) => value === null).length
  const like = data.values as Words
  if (DataType.isBool(type)) {
    const bits = bitsOf(values.map((value) => value?.[0] === 1))
    return new Data(type, 0, values.length, nulls, [undefined, bits, validity] as never)
  }
  const width = widthBytes(data)
  const bytes = Buffer.concat(values.map((value) => value ?? Buffer.alloc(width)))
  const words = wordsLike(like, bytes)
  const offsets =
    width > 0
      ? undefined
      : offsetsLike(
          data,
          values.map((value) => value?.length ?? 0),
        )
  return new Data(type, 0, values.length, nulls, [offsets, words, validity] as never)
}

/** A column of the same type with other parts; `lengths` of lists whose length is their own. */
export function nestedData(
  data: Data,
  isThere: readonly boolean[],
  parts: { readonly children: readonly Data[]; readonly lengths?: readonly number[] | undefined },
): Data {
  const { children, lengths } = parts
  const nulls = isThere.filter((is) => !is).length
  const offsets = lengths === undefined ? undefined : offsetsLike(data, lengths)
  const buffers = [offsets, undefined, bitsOf(isThere)] as never
  return new Data(data.type, 0, isThere.length, nulls, buffers, [...children])
}

/** The same keys' column with another dictionary. */
export function withDictionary(keys: Data, dictionary: Vector): Data {
  const { type, length, nullCount, values, nullBitmap } = keys
  const buffers = [undefined, values, nullBitmap] as never
  return new Data(type, 0, length, nullCount, buffers, [], dictionary)
}

function bitsOf(bits: readonly boolean[]): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(bits.length / 8))
  for (const [at, bit] of bits.entries())
    if (bit) bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (1 << (at & 7))
  return bytes
}

function wordsLike(like: Words, bytes: Buffer): Words {
  const aligned = new Uint8Array(bytes)
  const Kind = like.constructor as WordsOf
  return new Kind(aligned.buffer, 0, aligned.length / like.BYTES_PER_ELEMENT)
}

function offsetsLike(data: Data, lengths: readonly number[]): Int32Array | BigInt64Array {
  const offsets = [0]
  let at = 0
  for (const length of lengths) offsets.push((at += length))
  return (data.valueOffsets as Words) instanceof BigInt64Array
    ? BigInt64Array.from(offsets, BigInt)
    : Int32Array.from(offsets)
}
