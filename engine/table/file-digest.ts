/** The SHA-256 of a file, read once in blocks of 256 KiB. */
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import type { Digest } from '../core/digest.ts'

export interface FileDigest {
  readonly sizeBytes: number
  readonly sha256: Digest
}

const BLOCK_BYTES = 256 * 1024

/** Size and SHA-256 of what lies at `path`. Rejects with ENOENT when nothing does. */
export async function fileDigest(path: string): Promise<FileDigest> {
  const sum = createHash('sha256')
  await using file = await open(path, 'r')
  const { size } = await file.stat()
  // A block no larger than the file: parts are often small, and V8 is slow to give buffers back.
  const block = Buffer.allocUnsafe(Math.min(BLOCK_BYTES, Math.max(size, 1) + 1))
  let sizeBytes = 0
  for (;;) {
    const { bytesRead } = await file.read(block, 0, block.length, sizeBytes)
    if (bytesRead === 0) break
    sum.update(block.subarray(0, bytesRead))
    sizeBytes += bytesRead
  }
  return { sizeBytes, sha256: sum.digest('hex') as Digest }
}
