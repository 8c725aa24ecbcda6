/** The sample of a tar archive: a list of what it holds. Nothing of its content is in it. */
import { printable } from '../../core/printable.ts'
import type { Sample, SampleRequest } from './contract.ts'
import { describedSample } from './described.ts'
import { HeldRanges, ReadLimit } from './held-ranges.ts'
import { hiddenNames } from './hidden-text.ts'
import { listTar, type TarBytes, type TarEnd, type TarEntry } from './tar-listing.ts'

/** Members that a list names. */
const LISTED_MAX = 1000
/** Of a stream, unpacked: content cannot be stepped over without unpacking it. */
const STREAM_BYTES_MAX = 256 * 1024 ** 2
/** Read at once where members are small, so that a store is not asked for each header. */
const AHEAD_BYTES = 8 * 1024

export interface TarSampleRequest extends Pick<SampleRequest, 'mask'> {
  readonly file: { readonly name: string; readonly sizeBytes: number }
}

/** Lists a plain archive; of each member its header alone is read. */
export async function sampleTar({
  file,
  readBytesMax,
  mask,
}: Pick<SampleRequest, 'file' | 'readBytesMax' | 'mask'>): Promise<Sample> {
  const ranges = new HeldRanges(file, readBytesMax)
  return listed({ file, mask }, new RangedTar(ranges), () => ranges.readBytes)
}

/** Lists an archive that comes unpacked as a stream, until it ends or 256 MiB have come. */
export async function sampleTarStream(
  archive: TarSampleRequest,
  blocks: AsyncIterable<Buffer>,
  readBytes: () => number,
): Promise<Sample> {
  const source = blocks[Symbol.asyncIterator]()
  try {
    return await listed(archive, new StreamedTar(source), readBytes)
  } finally {
    await source.return?.()
  }
}

async function listed(
  { file, mask }: TarSampleRequest,
  bytes: TarBytes,
  readBytes: () => number,
): Promise<Sample> {
  const { entries, end } = await listTar(bytes, LISTED_MAX)
  const head = Buffer.alloc(0)
  if (entries.length === 0 && (end === 'damaged' || end === 'cut')) {
    const detail = 'the tar archive is damaged, or its first header was not reached'
    return describedSample({
      file,
      kind: 'tar',
      reason: 'corrupt',
      detail,
      readBytes: readBytes(),
      head,
    })
  }
  return {
    bytes: Buffer.from(listText(mask === undefined ? entries : hidden(entries), end, bytes.at)),
    extension: '.txt',
    format: 'tar',
    records: entries.length,
    isWhole: false,
    isCut: end === 'cut',
    readBytes: readBytes(),
    head,
    columns: [],
  }
}

/** A member may be called by a person's name. */
function hidden(entries: readonly TarEntry[]): readonly TarEntry[] {
  const names = hiddenNames(entries.map(({ name }) => name))
  return entries.map((entry, at) => ({ ...entry, name: names[at] as string }))
}

function listText(entries: readonly TarEntry[], end: TarEnd, at: number): string {
  const closing: Readonly<Record<TarEnd, readonly string[]>> = {
    end: [],
    members: ['… and more'],
    cut: [`… cut after ${at} bytes`],
    damaged: [`… damaged after ${at} bytes`],
  }
  const lines = entries.map(
    ({ name, sizeBytes, type }) => `${printable(name)}\t${sizeBytes}\t${type}`,
  )
  return [`name\tsize\ttype`, ...lines, ...closing[end], ''].join('\n')
}

/** Steps over content by not reading it. */
class RangedTar implements TarBytes {
  readonly #ranges: HeldRanges
  #skipped = 0
  at = 0

  constructor(ranges: HeldRanges) {
    this.#ranges = ranges
  }

  async take(count: number): Promise<Buffer> {
    const from = this.at
    const isNear = this.#skipped <= AHEAD_BYTES
    if (isNear && !this.#ranges.isHeld(from, from + count)) {
      await this.#hold(from, from + Math.max(count, AHEAD_BYTES))
    }
    const bytes = await this.#hold(from, from + count)
    this.at = from + bytes.length
    this.#skipped = 0
    return bytes
  }

  async skip(count: number): Promise<void> {
    this.#skipped = count
    this.at += count
  }

  /** Nothing where the limit is. */
  async #hold(from: number, to: number): Promise<Buffer> {
    try {
      return await this.#ranges.read(from, to)
    } catch (error) {
      if (error instanceof ReadLimit) return Buffer.alloc(0)
      throw error
    }
  }
}

/** Steps over content by letting it go by. */
class StreamedTar implements TarBytes {
  readonly #source: AsyncIterator<Buffer>
  #rest: Buffer = Buffer.alloc(0)
  at = 0

  constructor(source: AsyncIterator<Buffer>) {
    this.#source = source
  }

  async take(count: number): Promise<Buffer> {
    const parts: Buffer[] = []
    for await (const part of this.#parts(count)) parts.push(part)
    return Buffer.concat(parts)
  }

  async skip(count: number): Promise<void> {
    let left = count
    for await (const part of this.#parts(count)) left -= part.length
    if (left > 0) this.#rest = Buffer.alloc(0)
  }

  async *#parts(count: number): AsyncGenerator<Buffer> {
    for (let left = count; left > 0;) {
      if (this.#rest.length === 0 && !(await this.#more())) return
      const part = this.#rest.subarray(0, left)
      this.#rest = this.#rest.subarray(part.length)
      this.at += part.length
      left -= part.length
      yield part
    }
  }

  async #more(): Promise<boolean> {
    if (this.at >= STREAM_BYTES_MAX) return false
    const next = await this.#source.next()
    if (next.done === true) return false
    this.#rest = next.value
    // An empty block is no end.
    return true
  }
}
