/**
 * The beginning of what is inside gzip, as far as a limit goes: RFC 1952, several members are one
 * content. What lies before damage is kept to the last byte that can be told.
 */
import { createGunzip, gzipSync, type Gunzip } from 'node:zlib'
import { gzipFailure } from '../gunzip.ts'
import type { ContentEnd, ContentSource } from './content.ts'
import type { CountedFile } from './counted-file.ts'

/** So much is unpacked at a time: DEFLATE makes at most 1,032 bytes of one. */
const SLICE_BYTES = 4 * 1024
/** In a slice that is damaged it is tried in such pieces, one size after the other. */
const PIECE_BYTES = [128, 1]
const BLOCK_BYTES = 64 * 1024
/** Bytes of content, for each byte that may be read of the file. */
const CONTENT_RATIO_MAX = 4
/** Byte 9 of the header names the system that packed it; 255 is none in particular. */
const SYSTEM = { at: 9, unknown: 255 } as const

/** The content of a gzip file. */
export function gzipContent(file: CountedFile): ContentSource {
  let end: ContentEnd = 'limit'
  return {
    sizeBytes: undefined,
    end: () => end,
    windows: async function* () {
      const limitBytes = file.readBytesMax * CONTENT_RATIO_MAX
      let sizeBytes = 0
      for await (const { bytes, ended } of unpacked(file)) {
        const kept = bytes.subarray(0, limitBytes - sizeBytes)
        sizeBytes += kept.length
        if (ended !== undefined) end = ended
        if (kept.length > 0) yield kept
        if (sizeBytes === limitBytes) {
          end = 'limit'
          return
        }
      }
    },
  }
}

/** Bytes as a gzip file that is always the same. */
export function gzipped(bytes: Buffer): Buffer {
  const packed = gzipSync(bytes)
  packed[SYSTEM.at] = SYSTEM.unknown
  return packed
}

interface Unpacked {
  readonly bytes: Buffer
  readonly ended?: ContentEnd
}

async function* unpacked(file: CountedFile): AsyncGenerator<Unpacked> {
  const packed: Buffer[] = []
  const inflate = new Inflate()
  try {
    let packedBytes = 0
    for await (const slice of slicesOf(file)) {
      packed.push(slice)
      packedBytes += slice.length
      await inflate.feed(slice)
      if (inflate.isDamaged) {
        yield { bytes: await beforeDamage(packed, inflate), ended: 'damaged' }
        return
      }
      yield { bytes: inflate.take() }
      if (inflate.hasEnded) break
    }
    const isCut = !inflate.hasEnded && packedBytes < file.sizeBytes && file.leftBytes === 0
    if (!isCut) await inflate.finish()
    const ended = isCut ? 'limit' : inflate.hasEnded ? 'whole' : 'damaged'
    yield { bytes: inflate.take(), ended }
  } finally {
    inflate.close()
  }
}

async function* slicesOf(file: CountedFile): AsyncGenerator<Buffer> {
  for await (const window of file.windows()) {
    for (let at = 0; at < window.length; at += SLICE_BYTES) {
      yield window.subarray(at, at + SLICE_BYTES)
    }
  }
}

interface Sound {
  readonly packedBytes: number
  readonly bytes: Buffer
}

/** What zlib had made before it failed, and did not give: it is asked again in smaller pieces. */
async function beforeDamage(read: readonly Buffer[], failed: Inflate): Promise<Buffer> {
  const packed = Buffer.concat(read)
  let sound: Sound = { packedBytes: failed.soundBytes, bytes: Buffer.alloc(0) }
  for (const pieceBytes of PIECE_BYTES) {
    sound = await inPieces(packed, sound.packedBytes, pieceBytes)
  }
  return sound.bytes.subarray(failed.takenBytes)
}

async function inPieces(packed: Buffer, soundBytes: number, pieceBytes: number): Promise<Sound> {
  const inflate = new Inflate()
  const blocks: Buffer[] = []
  try {
    for (let at = 0; at < packed.length && !inflate.isDamaged;) {
      const next = at < soundBytes ? Math.min(at + SLICE_BYTES, soundBytes) : at + pieceBytes
      await inflate.feed(packed.subarray(at, next))
      blocks.push(inflate.take())
      at = next
    }
  } finally {
    inflate.close()
  }
  return { packedBytes: inflate.soundBytes, bytes: Buffer.concat(blocks) }
}

/** zlib, a slice at a time. */
class Inflate {
  readonly #gunzip: Gunzip = createGunzip({ chunkSize: BLOCK_BYTES })
  #blocks: Buffer[] = []
  #settle: () => void = () => undefined
  /** of the packed bytes, before those that failed */
  soundBytes = 0
  takenBytes = 0
  hasEnded = false
  isDamaged = false
  #failure: unknown = undefined

  constructor() {
    this.#gunzip.on('data', (block: Buffer) => this.#blocks.push(block))
    this.#gunzip.on('end', () => {
      this.hasEnded = true
      this.#settle()
    })
    this.#gunzip.on('error', (error) => {
      if (gzipFailure(error, '') === null) this.#failure = error
      else this.isDamaged = true
      this.#settle()
    })
  }

  /** Takes the next bytes of the file. zlib may also end here: nothing but zeros follows. */
  async feed(packed: Buffer): Promise<void> {
    await this.#settled((done) =>
      this.#gunzip.write(packed, (error) => {
        if (error == null) done()
      }),
    )
    if (!this.isDamaged) this.soundBytes += packed.length
  }

  /** The file has ended. */
  async finish(): Promise<void> {
    if (!this.hasEnded) await this.#settled(() => this.#gunzip.end())
  }

  take(): Buffer {
    const bytes = Buffer.concat(this.#blocks)
    this.#blocks = []
    this.takenBytes += bytes.length
    return bytes
  }

  close(): void {
    this.#gunzip.destroy()
  }

  async #settled(act: (done: () => void) => void): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#settle = resolve
      act(resolve)
    })
    if (this.#failure !== undefined) throw this.#failure
  }
}
