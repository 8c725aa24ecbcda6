/**
 * The members of a tar stream, in its order, in one pass.
 *
 * tar has no directory and no checksum of its content: an archive that was cut off between two
 * members looks whole but for the two blocks of zeros at its end, which are therefore asked for.
 * Source: POSIX.1-2017 pax, ustar interchange format.
 */
import { extract as tarExtract, type Extract, type Header } from 'tar-stream'
import { EngineError } from '../core/errors.ts'
import type { Member, PackageRequest } from './member.ts'
import { fail } from './parse-failure.ts'

const END_BYTES = 1024
const CORRUPT = 'the tar archive is damaged or cut off: send it again'

/** Yields the data members. Throws PARSE_FAILED. */
export async function* tarMembers(
  {
    bytes,
    packageBytes,
  }: { readonly bytes: AsyncIterable<Buffer>; readonly packageBytes: () => number },
  { file, gate }: PackageRequest,
): AsyncGenerator<Member> {
  const extract = tarExtract()
  const end = new StreamEnd()
  const feeding = feed(bytes, extract, end).catch((error: unknown) => {
    extract.destroy(error instanceof Error ? error : new Error('the stream failed'))
  })
  try {
    for await (const entry of extract) {
      const name = memberName(entry.header, file)
      const isData = name !== '' && gate.admits(name)
      if (isData) {
        const open = () => entryBytes(entry as AsyncIterable<Buffer>, `${file}!${name}`)
        yield { name, open, packageBytes }
      }
      entry.resume()
    }
    await feeding
  } catch (error) {
    throw tarFailure(error, file)
  } finally {
    extract.destroy()
    await feeding
  }
  if (!end.isZero) fail(file, 'PACKAGE_CORRUPT', 'the tar archive has no end: it was cut off')
  gate.finish()
}

/** The name to ask about; '' for the folder everything lies in. */
function memberName({ name, type }: Header, file: string): string {
  const own = name.replace(/^(?:\.\/)+/, '')
  if (type === 'directory') return own === '' ? '' : `${own.replace(/\/$/, '')}/`
  if (type === 'file' || type === 'contiguous-file') return own
  return fail(
    file,
    'PACKAGE_MEMBERS',
    'a member is a link or a device, no file; pack the file itself',
  )
}

async function* entryBytes(entry: AsyncIterable<Buffer>, member: string): AsyncGenerator<Buffer> {
  const blocks = entry[Symbol.asyncIterator]()
  try {
    // No `for await`: leaving one early destroys the entry, and with it the whole archive.
    for (let next = await blocks.next(); next.done !== true; next = await blocks.next()) {
      yield next.value
    }
  } catch (error) {
    throw tarFailure(error, member)
  }
}

async function feed(bytes: AsyncIterable<Buffer>, extract: Extract, end: StreamEnd): Promise<void> {
  for await (const block of bytes) {
    if (extract.destroyed) return
    end.look(block)
    if (!extract.write(block)) await drained(extract)
  }
  extract.end(null)
}

async function drained(extract: Extract): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      extract.off('drain', done)
      extract.off('close', done)
      resolve()
    }
    extract.on('drain', done)
    extract.on('close', done)
  })
}

/** The last bytes of a stream. */
class StreamEnd {
  #bytes: Buffer = Buffer.alloc(0)

  look(block: Buffer): void {
    const last = block.subarray(-END_BYTES)
    const before = last.length < END_BYTES ? this.#bytes : Buffer.alloc(0)
    this.#bytes = Buffer.concat([before, last]).subarray(-END_BYTES)
  }

  get isZero(): boolean {
    return this.#bytes.length === END_BYTES && this.#bytes.every((byte) => byte === 0)
  }
}

/** What tar-stream throws has no code; faults of the machine do. */
function tarFailure(error: unknown, file: string): unknown {
  if (!(error instanceof Error) || error instanceof EngineError || 'code' in error) return error
  const context = { file, reason: 'PACKAGE_CORRUPT', detail: CORRUPT }
  return new EngineError('PARSE_FAILED', context, { cause: error })
}
