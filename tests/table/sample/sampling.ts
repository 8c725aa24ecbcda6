/** Files as the sampler reads them, and requests with what most tests want. */
import { open } from 'node:fs/promises'
import { basename } from 'node:path'
import type {
  RangedFile,
  Sample,
  SampleRequest,
  TextForm,
} from '../../../engine/table/sample/contract.ts'
import { sampleFile } from '../../../engine/table/sample/sample-file.ts'

export const READ_BYTES_MAX = 1_000_000
export const MODIFIED_AT = '2024-01-02T03:04:05Z'

/** Delimited text with quotes. */
export const form = (delimiter = ',', more: Partial<TextForm> = {}): TextForm => ({
  syntax: { dialect: { delimiter, quoteChar: '"', header: false } },
  hasHeader: true,
  ...more,
})

export type Wanted = Partial<Omit<SampleRequest, 'file'>> & { readonly form?: TextForm }

const request = (file: RangedFile, { form: textForm, ...wanted }: Wanted): SampleRequest => ({
  file,
  records: 100,
  strategy: 'head',
  seed: 'seed',
  readBytesMax: READ_BYTES_MAX,
  mask: undefined,
  textForm: () => textForm ?? form(),
  ...wanted,
})

/** The sample of bytes that are a file of this name. */
export const sampleBytes = (name: string, bytes: Buffer, wanted: Wanted = {}): Promise<Sample> => {
  const read = (from: number, to: number): Promise<Buffer> =>
    Promise.resolve(Buffer.from(bytes.subarray(from, to)))
  return sampleFile(
    request({ name, sizeBytes: bytes.length, modifiedAt: MODIFIED_AT, read }, wanted),
  )
}

/** The sample of a file, and the bytes that were read of it. */
export async function samplePath(
  path: string,
  wanted: Wanted = {},
): Promise<Sample & { readonly counted: number }> {
  await using handle = await open(path)
  const { size: sizeBytes } = await handle.stat()
  let counted = 0
  const read = async (from: number, to: number): Promise<Buffer> => {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(to - from), 0, to - from, from)
    counted += bytesRead
    return buffer.subarray(0, bytesRead)
  }
  const sample = await sampleFile(request({ name: basename(path), sizeBytes, read }, wanted))
  return { ...sample, counted }
}
