/**
 * The start of what was packed, from a start of the packed bytes: as much of it as they tell. What
 * lies before damage stands; whoever reads on will meet it.
 * Source: parquet-format 2.11, Compression; google/snappy format_description.txt; lz4 Block format.
 */
import { createBrotliDecompress, createGunzip, createZstdDecompress } from 'node:zlib'
import type { Transform } from 'node:stream'

/** Of parquet.thrift. Neither LZO nor the old LZ4, which has frames of its own, is unpacked. */
const CODEC = { none: 0, snappy: 1, gzip: 2, brotli: 4, zstd: 6, lz4: 7 }
/** What these streams say of bytes that are not theirs or end early. */
const OF_THE_BYTES = /^(?:Z_|ZSTD_|ERR__)/

export interface PackedStart {
  readonly codec: number
  readonly packed: Buffer
  /** unpacked at most */
  readonly bytesMax: number
}

/** Whether what a codec packed can be unpacked here. */
export const isUnpacked = (codec: number): boolean => Object.values(CODEC).includes(codec)

/** First bytes of what was packed. Asserts nothing of them; a codec that is unknown gives none. */
export async function unpackedStart(request: PackedStart): Promise<Buffer> {
  const { codec, packed, bytesMax } = request
  if (codec === CODEC.none) return packed.subarray(0, bytesMax)
  if (codec === CODEC.snappy) return snappyStart(packed, bytesMax)
  if (codec === CODEC.lz4) return lz4Start(packed, bytesMax)
  if (codec === CODEC.gzip) return streamStart(createGunzip(), request)
  if (codec === CODEC.brotli) return streamStart(createBrotliDecompress(), request)
  return codec === CODEC.zstd ? streamStart(createZstdDecompress(), request) : Buffer.alloc(0)
}

const ZSTD = { frameAt: 4, idBytes: [0, 1, 2, 4], sizeBytes: [0, 2, 4, 8] }
const ZSTD_BLOCK_HEAD_BYTES = 3
const ZSTD_KIND = { stored: 0, repeated: 1 }

/**
 * So many bytes more, or nothing more is unpacked: zstd unpacks block by block, up to 128 KiB of each,
 * unless a block is stored as it was.
 * 0: of another codec, or it is whole. Source: RFC 8878, 3.1.1.
 */
export function missingBytes(codec: number, packed: Buffer): number {
  if (codec !== CODEC.zstd) return 0
  const flags = packed[ZSTD.frameAt] ?? 0
  const isSingle = (flags & 32) !== 0
  const sizeBytes = ZSTD.sizeBytes[flags >> 6] ?? 0
  const headBytes =
    (isSingle ? Math.max(1, sizeBytes) : 1 + sizeBytes) + (ZSTD.idBytes[flags & 3] ?? 0)
  let at = ZSTD.frameAt + 1 + headBytes
  for (;;) {
    const end = at + ZSTD_BLOCK_HEAD_BYTES
    if (end > packed.length) return end - packed.length
    const head = packed.readUIntLE(at, ZSTD_BLOCK_HEAD_BYTES)
    const kind = (head >> 1) & 3
    at = end + (kind === ZSTD_KIND.repeated ? 1 : head >> 3)
    if (at > packed.length) return kind === ZSTD_KIND.stored ? 0 : at - packed.length
    if (head % 2 === 1) return 0
  }
}

async function streamStart(stream: Transform, { packed, bytesMax }: PackedStart): Promise<Buffer> {
  const blocks: Buffer[] = []
  let bytes = 0
  stream.end(packed)
  try {
    for await (const block of stream as AsyncIterable<Buffer>) {
      blocks.push(block)
      bytes += block.length
      if (bytes >= bytesMax) break
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (!OF_THE_BYTES.test(code)) throw error
  }
  return Buffer.concat(blocks).subarray(0, bytesMax)
}

/** What is unpacked so far; grows to its limit. */
class Unpacked {
  #bytes: Buffer
  #length = 0
  readonly #bytesMax: number

  constructor(packedBytes: number, bytesMax: number) {
    this.#bytesMax = bytesMax
    this.#bytes = Buffer.alloc(Math.min(bytesMax, packedBytes * 2))
  }

  get isFull(): boolean {
    return this.#length === this.#bytesMax
  }

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  add(bytes: Buffer): void {
    const count = this.#room(bytes.length)
    bytes.copy(this.#bytes, this.#length, 0, count)
    this.#length += count
  }

  /** Adds bytes that lie back from the end; those that it adds may be among them. False: none do. */
  repeat(back: number, wanted: number): boolean {
    if (back < 1 || back > this.#length) return false
    const count = this.#room(wanted)
    for (let at = this.#length; at < this.#length + count; at += 1) {
      this.#bytes[at] = this.#bytes[at - back] ?? 0
    }
    this.#length += count
    return true
  }

  #room(wanted: number): number {
    const count = Math.min(wanted, this.#bytesMax - this.#length)
    if (this.#length + count > this.#bytes.length) {
      const more = Math.min(this.#bytesMax, Math.max(this.#length + count, this.#bytes.length * 2))
      this.#bytes = Buffer.concat([this.bytes], more)
    }
    return count
  }
}

/** Where a literal's or a copy's length is in further bytes, and how many. */
const SNAPPY_SHORT_MAX = 60

function snappyStart(packed: Buffer, bytesMax: number): Buffer {
  const unpacked = new Unpacked(packed.length, bytesMax)
  // The length of all, a varint.
  let at = 0
  while ((packed[at] ?? 0) >= 128) at += 1
  at += 1
  while (at < packed.length && !unpacked.isFull) {
    const tag = packed[at] ?? 0
    at += 1
    if (tag % 4 === 0) {
      const short = tag >> 2
      const extra = Math.max(0, short - SNAPPY_SHORT_MAX + 1)
      if (at + extra > packed.length) break
      const count = (extra === 0 ? short : packed.readUIntLE(at, extra)) + 1
      at += extra
      unpacked.add(packed.subarray(at, at + count))
      at += count
      continue
    }
    const copy = snappyCopy(packed, at, tag)
    if (copy === undefined || !unpacked.repeat(copy.back, copy.count)) break
    at += copy.bytes
  }
  return unpacked.bytes
}

interface Copy {
  readonly back: number
  readonly count: number
  readonly bytes: number
}

/** undefined: it is cut off. */
function snappyCopy(packed: Buffer, at: number, tag: number): Copy | undefined {
  const bytes = [0, 1, 2, 4][tag % 4] ?? 0
  if (at + bytes > packed.length) return undefined
  const near = packed.readUIntLE(at, bytes)
  return bytes === 1
    ? { back: near + (tag >> 5) * 256, count: ((tag >> 2) & 7) + 4, bytes }
    : { back: near, count: (tag >> 2) + 1, bytes }
}

const LZ4_LONG = 15
const LZ4_MATCH_MIN = 4

function lz4Start(packed: Buffer, bytesMax: number): Buffer {
  const unpacked = new Unpacked(packed.length, bytesMax)
  let at = 0
  const length = (short: number): number => {
    let count = short
    for (let more = short === LZ4_LONG ? 255 : 0; more === 255; at += 1) {
      more = packed[at] ?? 0
      count += more
    }
    return count
  }
  while (at < packed.length && !unpacked.isFull) {
    const token = packed[at] ?? 0
    at += 1
    const literals = length(token >> 4)
    unpacked.add(packed.subarray(at, at + literals))
    at += literals
    if (at + 2 > packed.length) break
    const back = packed.readUInt16LE(at)
    at += 2
    const count = length(token & 15)
    if (at > packed.length || !unpacked.repeat(back, count + LZ4_MATCH_MIN)) break
  }
  return unpacked.bytes
}
