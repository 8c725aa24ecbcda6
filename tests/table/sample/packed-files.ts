/** What the tests of packed formats share: files of bytes, and a request for their first records. */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { RangedFile, SampleRequest } from '../../../engine/table/sample/contract.ts'

export function fileOf(bytes: Buffer, name = 'file'): RangedFile {
  return { name, sizeBytes: bytes.length, read: async (from, to) => bytes.subarray(from, to) }
}

export const fileAt = (path: string): RangedFile => fileOf(readFileSync(path), basename(path))

/** A file of `sizeBytes`, zero but for what lies at the given places; counts what is read. */
export function sparseFile(
  sizeBytes: number,
  parts: readonly (readonly [at: number, bytes: Buffer])[],
): { readonly file: RangedFile; readonly readBytes: () => number } {
  let readBytes = 0
  const read = async (from: number, to: number): Promise<Buffer> => {
    const bytes = Buffer.alloc(Math.min(to, sizeBytes) - from)
    readBytes += bytes.length
    for (const [at, part] of parts) {
      const start = Math.max(from, at)
      const end = Math.min(from + bytes.length, at + part.length)
      if (start < end) part.copy(bytes, start - from, start - at, end - at)
    }
    return bytes
  }
  return { file: { name: 'sparse', sizeBytes, read }, readBytes: () => readBytes }
}

export const requestOf = (file: RangedFile, how: Partial<SampleRequest> = {}): SampleRequest => ({
  file,
  records: 100,
  strategy: 'head',
  seed: 'seed',
  readBytesMax: 1_000_000,
  mask: undefined,
  textForm: () => undefined,
  ...how,
})

/** What a described sample says it is described for; undefined: it is no description. */
export function reasonOf({ format, bytes }: { format: string; bytes: Buffer }): string | undefined {
  if (format !== 'described') return undefined
  return String((JSON.parse(bytes.toString()) as Record<string, unknown>)['reason'])
}
