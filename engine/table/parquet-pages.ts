/**
 * The pages of a Parquet file: they lie where its footer says, and have their checksums.
 *
 * What decodes the pages here does not look at checksums, so a damaged one would be read as other
 * data. Memory: the footer, and one page. Cost: one pass over the bytes.
 * Source: parquet-format 2.11, parquet.thrift.
 */
import { open } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { PAGE } from './parquet-fields.ts'
import {
  bytesAt,
  corrupt,
  numberOf,
  ParquetFault,
  readParquetFooter,
  undamaged,
  type ColumnChunk,
  type ParquetBytes,
} from './parquet-footer.ts'
import { ThriftFault, ThriftReader, type ThriftStruct } from './thrift.ts'

export const PARQUET_LIMITS = {
  footerBytes: 64 * 1024 ** 2,
  /** of one page, unpacked */
  pageBytes: 512 * 1024 ** 2,
} as const
/** Headers hold the least and the largest value of their page. */
const HEADER_BYTES = [4096, 1024 ** 2] as const
const BLOCK_BYTES = 1024 ** 2

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
