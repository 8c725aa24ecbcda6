/**
 * A file as its decompressed bytes, hashed on the way. Gzip is told by its magic bytes, not by its
 * name; several members in a row are one stream; a stream that ends early is an error.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import type { Digest } from '../core/digest.ts'
import { EngineError } from '../core/errors.ts'
import type { ParseFailureCode } from './header.ts'

export interface ContentSource {
  readonly path: string
  /** name used in errors */
  readonly name: string
  /** decompressed bytes at most */
  readonly contentBytesMax: number
  readonly signal: AbortSignal
  /** takes the bytes in order; the next come when it has returned. `readBytes`: of the file, so far */
  readonly accept: (window: Buffer, readBytes: number) => Promise<void>
}

export interface ContentDigest {
  /** of the file as it lies there */
  readonly sizeBytes: number
  readonly sha256: Digest
  readonly isGzip: boolean
  /** decompressed */
  readonly contentBytes: number
}

/** 1 MiB: SHA-256 338 MB/s against 272 at 64 KiB, gunzip 385 MB/s against 200 at 16 KiB. */
const BLOCK_BYTES = 1024 * 1024

/** Reads the whole file once. Throws PARSE_FAILED for a broken or too large one. */
export async function readContent(source: ContentSource): Promise<ContentDigest> {
  const { path, name, signal, contentBytesMax } = source
  const isGzip = await hasGzipMagic(path)
  const sum = createHash('sha256')
  let sizeBytes = 0
  let contentBytes = 0
  const hash = new Transform({
    highWaterMark: BLOCK_BYTES,
    transform(block: Buffer, _encoding, done) {
      sum.update(block)
      sizeBytes += block.length
      done(null, block)
    },
  })
  const consume = async (windows: AsyncIterable<Buffer>): Promise<void> => {
    for await (const window of windows) {
      contentBytes += window.length
      if (contentBytes > contentBytesMax) {
        fail(name, 'TOO_LARGE', `more than ${contentBytesMax} bytes of content`)
      }
      await source.accept(window, sizeBytes)
    }
  }
  const file = createReadStream(path, { highWaterMark: BLOCK_BYTES })
  try {
    if (isGzip) {
      await pipeline(file, hash, createGunzip({ chunkSize: BLOCK_BYTES }), consume, { signal })
    } else await pipeline(file, hash, consume, { signal })
  } catch (error) {
    throw gzipFailure(error, name) ?? error
  }
  return { sizeBytes, sha256: sum.digest('hex') as Digest, isGzip, contentBytes }
}

/** Throws PARSE_FAILED: something the submitter has to correct. */
export function fail(file: string, reason: ParseFailureCode, detail: string): never {
  throw new EngineError('PARSE_FAILED', { file, reason, detail })
}

async function hasGzipMagic(path: string): Promise<boolean> {
  await using file = await open(path, 'r')
  const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0)
  return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b
}

function gzipFailure(error: unknown, file: string): EngineError | null {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (!code.startsWith('Z_')) return null
  const isShort = code === 'Z_BUF_ERROR'
  const reason: ParseFailureCode = isShort ? 'GZIP_TRUNCATED' : 'GZIP_CORRUPT'
  const detail = isShort ? 'the gzip stream ends early' : 'the gzip stream is damaged'
  return new EngineError('PARSE_FAILED', { file, reason, detail }, { cause: error })
}
