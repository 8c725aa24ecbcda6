/**
 * The pages of a Parquet file: they lie where its footer says, and have their checksums.
 *
 * What decodes the pages here does not look at checksums, so a damaged one would be read as other
 * data. Memory: the footer, and one page. Cost: one pass over the bytes.
 * Source: parquet-format 2.11, parquet.thrift.
 */
import { open } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { CHUNK, COLUMN, FILE, GROUP, PAGE } from './parquet-fields.ts'
import {
  isStruct,
  structs,
  ThriftFault,
  ThriftReader,
  type StructPlace,
  type ThriftStruct,
  type ThriftValue,
} from './thrift.ts'

/** Why a file is refused; in words that quote nothing of it. */
export class ParquetFault extends Error {
  readonly kind: 'CORRUPT' | 'TOO_LARGE' | 'ENCRYPTED'

  constructor(kind: ParquetFault['kind'], message: string) {
    super(message)
    this.kind = kind
  }
}
/** Bytes that are no sound Parquet; `what` quotes none of them. */
export const corrupt = (what: string): ParquetFault => new ParquetFault('CORRUPT', what)

export const PARQUET_LIMITS = {
  footerBytes: 64 * 1024 ** 2,
  /** of one page, unpacked */
  pageBytes: 512 * 1024 ** 2,
} as const
const TAIL_BYTES = 8
const MAGIC = 'PAR1'
const ENCRYPTED_MAGIC = 'PARE'
/** Headers hold the least and the largest value of their page. */
const HEADER_BYTES = [4096, 1024 ** 2] as const
const BLOCK_BYTES = 1024 ** 2

/** Where the bytes of a Parquet file come from: `[from, to)`, fewer at its end. */
export interface ParquetBytes {
  readonly sizeBytes: number
  readonly read: (from: number, to: number) => Promise<Buffer>
}

/** What the footer tells, and where it does. */
export interface ParquetFooter {
  readonly bytes: Buffer
  readonly struct: ThriftStruct
  /** of every structure in it */
  readonly places: ReadonlyMap<ThriftStruct, StructPlace>
  /** in file order */
  readonly groups: readonly RowGroup[]
}

export interface RowGroup {
  readonly struct: ThriftStruct
  readonly rows: number
  readonly chunks: readonly ColumnChunk[]
}

/** The pages of a column in a group: bytes `[from, to)` of the file. */
export interface ColumnChunk {
  readonly struct: ThriftStruct
  readonly metadata: ThriftStruct
  readonly from: number
  readonly to: number
}

/** Throws ParquetFault for a file with a page that is not sound, whatever is in it. */
export async function checkPages(path: string): Promise<void> {
  await using file = await open(path)
  const { size } = await file.stat()
  const source: ParquetBytes = {
    sizeBytes: size,
    read: async (from, to) => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(to - from), 0, to - from, from)
      return buffer.subarray(0, bytesRead)
    },
  }
  const { groups } = await readParquetFooter(source, PARQUET_LIMITS.footerBytes)
  for (const { chunks } of groups) {
    for (const chunk of chunks) await checkChunk(source, chunk, PARQUET_LIMITS.pageBytes)
  }
}

/** Reads the footer alone. Throws ParquetFault. */
export async function readParquetFooter(
  file: ParquetBytes,
  footerBytesMax: number,
): Promise<ParquetFooter> {
  const bytes = await footerOf(file, footerBytesMax)
  const places = new Map<ThriftStruct, StructPlace>()
  const struct = await undamaged(async () => new ThriftReader(bytes, 0, places).struct())
  if (struct.has(FILE.encryption)) throw new ParquetFault('ENCRYPTED', 'a part of it is encrypted')
  const groups = structs(struct.get(FILE.rowGroups)).map((group) => ({
    struct: group,
    rows: numberOf(group.get(GROUP.rows)),
    chunks: structs(group.get(GROUP.columns)).map((chunk) =>
      columnChunk(chunk, file.sizeBytes - TAIL_BYTES),
    ),
  }))
  return { bytes, struct, places, groups }
}

/** Throws ParquetFault where a page lies outside, lost its checksum or unpacks to too much. */
export async function checkChunk(
  file: ParquetBytes,
  { from, to }: Pick<ColumnChunk, 'from' | 'to'>,
  pageBytesMax: number,
): Promise<void> {
  await undamaged(async () => {
    for (let at = from; at < to;) at = await checkPage(file, { from: at, to }, pageBytesMax)
  })
}

async function undamaged<Found>(read: () => Promise<Found>): Promise<Found> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof ThriftFault) throw corrupt('its footer or a page header is damaged')
    throw error
  }
}

async function footerOf(file: ParquetBytes, footerBytesMax: number): Promise<Buffer> {
  const size = file.sizeBytes
  if (size < MAGIC.length + TAIL_BYTES) throw corrupt('it is cut off')
  const tail = await bytesAt(file, size - TAIL_BYTES, TAIL_BYTES)
  const magic = tail.toString('latin1', 4)
  if (magic === ENCRYPTED_MAGIC) throw new ParquetFault('ENCRYPTED', 'its footer is encrypted')
  if (magic !== MAGIC) throw corrupt('it has no footer')
  const bytes = tail.readUInt32LE()
  if (bytes > footerBytesMax)
    throw new ParquetFault('TOO_LARGE', `its footer is over ${footerBytesMax} bytes`)
  if (bytes + TAIL_BYTES + MAGIC.length > size) throw corrupt('its footer is cut off')
  return bytesAt(file, size - TAIL_BYTES - bytes, bytes)
}

function columnChunk(chunk: ThriftStruct, endMax: number): ColumnChunk {
  if (chunk.has(CHUNK.encryption))
    throw new ParquetFault('ENCRYPTED', 'a column of it is encrypted')
  if (chunk.has(CHUNK.file)) throw corrupt('a column of it lies in another file')
  const metadata = chunk.get(CHUNK.metadata)
  if (!isStruct(metadata)) throw corrupt('a column has no description')
  const bytes = numberOf(metadata.get(COLUMN.compressedBytes))
  const places = [metadata.get(COLUMN.dictionaryAt), metadata.get(COLUMN.dataAt)]
  // Some writers say 0 where there is none.
  const [start = 0] = places
    .flatMap((at) => (typeof at === 'number' && at > 0 ? [at] : []))
    .toSorted((a, b) => a - b)
  const end = start + bytes
  if ((start === 0 && bytes > 0) || bytes < 0 || end > endMax)
    throw corrupt('a column lies outside of it')
  return { struct: chunk, metadata, from: start, to: end }
}

/** Where the page ends. */
async function checkPage(
  file: ParquetBytes,
  { from: at, to: end }: Pick<ColumnChunk, 'from' | 'to'>,
  pageBytesMax: number,
): Promise<number> {
  const { header, bytes: headerBytes } = await pageHeader(file, at, end)
  const packed = numberOf(header.get(PAGE.packedBytes))
  if (numberOf(header.get(PAGE.unpackedBytes)) > pageBytesMax) {
    throw new ParquetFault('TOO_LARGE', `a page of it unpacks to more than ${pageBytesMax} bytes`)
  }
  const start = at + headerBytes
  if (packed < 0 || start + packed > end) throw corrupt('a page lies outside its column')
  const sum = header.get(PAGE.sum)
  if (typeof sum === 'number' && sum >>> 0 !== (await sumOf(file, start, packed))) {
    throw corrupt('a page does not have its checksum')
  }
  return start + packed
}

async function pageHeader(
  file: ParquetBytes,
  at: number,
  end: number,
): Promise<{ readonly header: ThriftStruct; readonly bytes: number }> {
  for (const most of HEADER_BYTES) {
    const reader = new ThriftReader(await bytesAt(file, at, Math.min(most, end - at)))
    try {
      return { header: reader.struct(), bytes: reader.at }
    } catch (error) {
      const isShort = error instanceof ThriftFault && most !== HEADER_BYTES[1] && end - at > most
      if (!isShort) throw error
    }
  }
  throw corrupt('a page header is over 1 MiB')
}

async function sumOf(file: ParquetBytes, start: number, count: number): Promise<number> {
  let sum = 0
  for (let at = 0; at < count; at += BLOCK_BYTES) {
    sum = crc32(await bytesAt(file, start + at, Math.min(BLOCK_BYTES, count - at)), sum)
  }
  return sum
}

async function bytesAt(file: ParquetBytes, at: number, count: number): Promise<Buffer> {
  const bytes = await file.read(at, at + count)
  if (bytes.length < count) throw corrupt('it is cut off')
  return bytes
}

/** A whole number of the footer or a head. Throws ParquetFault for anything else. */
export function numberOf(value: ThriftValue | undefined): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  throw corrupt('a size or a place is missing')
}
