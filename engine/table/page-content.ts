/**
 * Pages of a Parquet column that may be cut off: what their heads tell, their levels, and as many of
 * their values as are there. Source: parquet-format 2.11, Data Pages and Encodings.
 */
import { crc32 } from 'node:zlib'
import { PAGE } from './parquet-fields.ts'
import { corrupt, numberOf } from './parquet-footer.ts'
import { isUnpacked, missingBytes, unpackedStart } from './packed-start.ts'
import type { ParquetLeaf } from './parquet-leaves.ts'
import { runsOf } from './parquet-runs.ts'
import { isStruct, ThriftFault, ThriftReader, type ThriftStruct } from './thrift.ts'
import { THRIFT_KIND, thriftInt, thriftStruct } from './thrift-writer.ts'

/** `PageType` and `Encoding` of parquet.thrift. */
const KIND = { v1: 0, dictionary: 2, v2: 3 }
/** Fields of the heads of pages. */
const V1 = { values: 1, encoding: 2, definitionEncoding: 3, repetitionEncoding: 4 }
const V2 = { rows: 3, encoding: 4, definitionBytes: 5, repetitionBytes: 6, isPacked: 7 }
const ENCODING = { plain: 0, plainDictionary: 2, runs: 3, dictionary: 8 }
export const PLAIN = ENCODING.plain
const TYPE = { boolean: 0, bytes: 6, fixedBytes: 7 }
const WIDTH_BYTES: Readonly<Record<number, number>> = { 1: 4, 2: 8, 3: 12, 4: 4, 5: 8 }
const LENGTH_BYTES = 4

/** A page, or the start of one. */
export interface PageStart {
  readonly kind: 'v1' | 'v2' | 'dictionary'
  readonly values: number
  readonly encoding: number
  readonly unpackedBytes: number
  /** the head of its kind */
  readonly own: ThriftStruct
  /** as they lie there, without the head */
  readonly body: Buffer
  /** of the whole page, with its head */
  readonly sizeBytes: number
  readonly isWhole: boolean
}

/**
 * The page that starts at a place, if its head is there; undefined: it is not, or it is a page of
 * another kind. Throws ParquetFault where the checksum of a whole page is another.
 */
export function pageStart(bytes: Buffer, at: number): PageStart | undefined {
  const reader = new ThriftReader(bytes, at)
  const head = headOf(reader)
  if (head === undefined) return undefined
  const packed = numberOf(head.get(PAGE.packedBytes))
  if (packed < 0) throw corrupt('a page has no size')
  const body = bytes.subarray(reader.at, reader.at + packed)
  const isWhole = body.length === packed
  const sum = head.get(PAGE.sum)
  if (isWhole && typeof sum === 'number' && sum >>> 0 !== crc32(body)) {
    throw corrupt('a page does not have its checksum')
  }
  const told = kindOf(head)
  if (told === undefined) return undefined
  const { kind, own } = told
  const values = numberOf(own.get(V1.values))
  if (values < 0) throw corrupt('a page has no number of values')
  return {
    kind,
    own,
    values,
    encoding: numberOf(own.get(kind === 'v2' ? V2.encoding : V1.encoding)),
    unpackedBytes: numberOf(head.get(PAGE.unpackedBytes)),
    body,
    sizeBytes: reader.at - at + packed,
    isWhole,
  }
}

function headOf(reader: ThriftReader): ThriftStruct | undefined {
  try {
    return reader.struct()
  } catch (error) {
    // It is cut off, as far as one can tell.
    if (error instanceof ThriftFault) return undefined
    throw error
  }
}

function kindOf(
  head: ThriftStruct,
): { readonly kind: PageStart['kind']; readonly own: ThriftStruct } | undefined {
  const kind = head.get(PAGE.kind)
  const [v1, v2, dictionary] = [head.get(PAGE.v1), head.get(PAGE.v2), head.get(PAGE.dictionary)]
  if (kind === KIND.v1 && isStruct(v1)) return { kind: 'v1', own: v1 }
  if (kind === KIND.v2 && isStruct(v2)) return { kind: 'v2', own: v2 }
  return kind === KIND.dictionary && isStruct(dictionary)
    ? { kind: 'dictionary', own: dictionary }
    : undefined
}

/** The rows of a page that tells them. */
export const rowsTold = ({ kind, own }: PageStart): number | undefined =>
  kind === 'v2' ? numberOf(own.get(V2.rows)) : undefined

/** What a page holds, unpacked as far as it is there. */
export interface PageContent {
  /** encoded as runs; empty: there are none */
  readonly repetition: Buffer
  readonly definition: Buffer
  readonly values: Buffer
}

export interface Unpacking {
  readonly leaf: ParquetLeaf
  readonly codec: number
  readonly unpackedBytesMax: number
}

/** So many bytes of a page more, or no more of it can be unpacked; 0: any number will do. */
export function missingOf({ own, body, kind, isWhole }: PageStart, codec: number): number {
  if (isWhole) return 0
  const levelBytes =
    kind === 'v2'
      ? numberOf(own.get(V2.repetitionBytes)) + numberOf(own.get(V2.definitionBytes))
      : 0
  if (levelBytes > body.length) return levelBytes - body.length
  return missingBytes(codec, body.subarray(levelBytes))
}

/** Why a page has no content: more of it is needed, or it is written in a way that is not read. */
export type NoContent = 'short' | 'unread'

/** Unpacks a page that is whole or cut off. Throws ParquetFault. */
export async function pageContent(
  page: PageStart,
  { leaf, codec, unpackedBytesMax: bytesMax }: Unpacking,
): Promise<PageContent | NoContent> {
  if (!isUnpacked(codec)) return 'unread'

  const { own, body } = page
  if (page.kind === 'dictionary') {
    const values = await unpackedStart({ codec, packed: body, bytesMax })
    return { repetition: Buffer.alloc(0), definition: Buffer.alloc(0), values }
  }
  if (page.kind === 'v2') {
    const repetitionBytes = numberOf(own.get(V2.repetitionBytes))
    const levelBytes = repetitionBytes + numberOf(own.get(V2.definitionBytes))
    if (repetitionBytes < 0 || levelBytes < repetitionBytes) throw corrupt('a page has no levels')
    if (levelBytes > body.length) return 'short'
    const packed = body.subarray(levelBytes)
    const isPacked = own.get(V2.isPacked) !== false
    return {
      repetition: body.subarray(0, repetitionBytes),
      definition: body.subarray(repetitionBytes, levelBytes),
      values: await unpackedStart({ codec: isPacked ? codec : 0, packed, bytesMax }),
    }
  }
  const bytes = await unpackedStart({ codec, packed: body, bytesMax })
  const encodings = [
    leaf.repetitionMax > 0 ? own.get(V1.repetitionEncoding) : ENCODING.runs,
    leaf.definitionMax > 0 ? own.get(V1.definitionEncoding) : ENCODING.runs,
  ]
  if (encodings.some((encoding) => encoding !== ENCODING.runs)) return 'unread'
  const repetition = levelsAt(bytes, 0, leaf.repetitionMax)
  const definition = levelsAt(bytes, repetition?.end ?? 0, leaf.definitionMax)
  if (repetition === undefined || definition === undefined) return 'short'
  const values = bytes.subarray(definition.end)
  return { repetition: repetition.bytes, definition: definition.bytes, values }
}

/** Levels with their length before them; undefined: not all are there. */
function levelsAt(
  bytes: Buffer,
  at: number,
  levelMax: number,
): { readonly bytes: Buffer; readonly end: number } | undefined {
  if (levelMax === 0) return { bytes: Buffer.alloc(0), end: at }
  const start = at + LENGTH_BYTES
  if (start > bytes.length) return undefined
  const end = start + bytes.readUInt32LE(at)
  return end > bytes.length ? undefined : { bytes: bytes.subarray(start, end), end }
}

export interface ValuesRequest {
  readonly values: Buffer
  readonly encoding: number
  readonly leaf: ParquetLeaf
  /** counted at most */
  readonly countMax: number
  /** places from here on are in no dictionary that is there */
  readonly dictionaryValues: number
}

/** How many values are there, and in how many bytes. */
export interface ValuesThere {
  readonly count: number
  readonly bytes: number
  /** the next value is there, but what it names in the dictionary is not */
  readonly isPastDictionary: boolean
}

/** undefined: where a value ends cannot be told from the values before it. */
export function valuesThere(request: ValuesRequest): ValuesThere | undefined {
  const { values, encoding, countMax, dictionaryValues } = request
  if (encoding === ENCODING.plain) return plainThere(request)
  if (encoding !== ENCODING.dictionary && encoding !== ENCODING.plainDictionary) return undefined
  const { numbers, bytes } = runsOf(values.subarray(1), values[0] ?? 0, countMax)
  const past = numbers.findIndex((place) => place >= dictionaryValues)
  return {
    count: past === -1 ? numbers.length : past,
    bytes: bytes + 1,
    isPastDictionary: past !== -1,
  }
}

function plainThere({ values, leaf, countMax }: ValuesRequest): ValuesThere | undefined {
  const isPastDictionary = false
  if (leaf.type === TYPE.boolean) {
    const count = Math.min(countMax, values.length * 8)
    return { count, bytes: Math.ceil(count / 8), isPastDictionary }
  }
  if (leaf.type === TYPE.bytes) {
    let [count, at] = [0, 0]
    for (; count < countMax && at + LENGTH_BYTES <= values.length; count += 1) {
      const end = at + LENGTH_BYTES + values.readUInt32LE(at)
      if (end > values.length) break
      at = end
    }
    return { count, bytes: at, isPastDictionary }
  }
  const width = leaf.type === TYPE.fixedBytes ? leaf.widthBytes : (WIDTH_BYTES[leaf.type] ?? 0)
  if (width <= 0) return undefined
  const count = Math.min(countMax, Math.floor(values.length / width))
  return { count, bytes: count * width, isPastDictionary }
}

/** Pages that are unpacked, written anew. */
export interface NewPage extends PageContent {
  readonly kind: 'v1' | 'dictionary'
  /** nulls among them */
  readonly count: number
  readonly encoding: number
}

/** The page with its head, for a column without a codec. */
export function newPage({ kind, count, encoding, ...content }: NewPage): Buffer {
  const body = Buffer.concat([
    ...withLength(content.repetition),
    ...withLength(content.definition),
    content.values,
  ])
  const own = [thriftInt(V1.values, count), thriftInt(V1.encoding, encoding)]
  const levels = [V1.definitionEncoding, V1.repetitionEncoding].map((field) =>
    thriftInt(field, ENCODING.runs),
  )
  const bytes = thriftStruct(kind === 'v1' ? [...own, ...levels] : own)
  const head = thriftStruct([
    thriftInt(PAGE.kind, KIND[kind]),
    thriftInt(PAGE.unpackedBytes, body.length),
    thriftInt(PAGE.packedBytes, body.length),
    { id: PAGE[kind], kind: THRIFT_KIND.struct, bytes },
  ])
  return Buffer.concat([head, body])
}

function withLength(levels: Buffer): readonly Buffer[] {
  if (levels.length === 0) return []
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt32LE(levels.length)
  return [length, levels]
}
