/** Gzip around a package, and the first bytes inside gzip. */
import { constants, createGunzip, type Gunzip } from 'node:zlib'
import { pipeline } from 'node:stream/promises'
import { EngineError } from '../core/errors.ts'
import type { ParseFailureCode } from './parse-failure.ts'
import type { PackageRequest } from './member.ts'
import { ContentBudget } from './package-limits.ts'

const CHUNK_BYTES = 1024 ** 2

/** A gzip stream unpacked, under the same cap for itself. Throws PARSE_FAILED. */
export async function* gunzipped(
  packed: AsyncIterable<Buffer>,
  { file, budget }: PackageRequest,
): AsyncGenerator<Buffer> {
  const own = new ContentBudget(budget.limits)
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES })
  // Its failure reaches the reader of `gunzip` as well.
  const feeding = pipeline(packed, gunzip).catch((error: unknown) => error)
  let bytes = 0
  try {
    for await (const block of gunzip as AsyncIterable<Buffer>) {
      bytes += block.length
      own.take(block.length, file)
      own.checkRatio(gunzip.bytesWritten, bytes, file)
      yield block
    }
  } catch (error) {
    throw gzipFailure(error, file) ?? error
  } finally {
    gunzip.destroy()
    await feeding
  }
}

/** Up to `count` first bytes inside a gzip stream of which `packed` is the start, sound or not. */
export async function gunzipHead(packed: Buffer, count: number): Promise<Buffer> {
  const gunzip: Gunzip = createGunzip({ finishFlush: constants.Z_SYNC_FLUSH })
  gunzip.end(packed)
  const blocks: Buffer[] = []
  let bytes = 0
  try {
    for await (const block of gunzip as AsyncIterable<Buffer>) {
      blocks.push(block)
      bytes += block.length
      if (bytes >= count) break
    }
  } catch (error) {
    // What came before the damage is what is asked for; whoever reads the file will meet it.
    if (gzipFailure(error, '') === null) throw error
  }
  return Buffer.concat(blocks).subarray(0, count)
}

/** The failure for what zlib threw; null for anything else. */
export function gzipFailure(error: unknown, file: string): EngineError | null {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (!code.startsWith('Z_')) return null
  const isShort = code === 'Z_BUF_ERROR'
  const reason: ParseFailureCode = isShort ? 'GZIP_TRUNCATED' : 'GZIP_CORRUPT'
  const detail = isShort
    ? 'the gzip stream ends early: send the whole file again'
    : 'the gzip stream is damaged: send it again'
  return new EngineError('PARSE_FAILED', { file, reason, detail }, { cause: error })
}
