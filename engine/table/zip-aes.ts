/**
 * Members of ZIP archives that are encrypted with AES-256.
 *
 * A member's authentication code is checked before the first of its bytes is given out, so that
 * nothing that was changed or cut is ever looked at: one pass more over the packed bytes. Source:
 * WinZip, «AES Encryption Information: Encryption Specification AE-1 and AE-2» (2009); RFC 2898.
 */
import { createCipheriv, createHmac, pbkdf2, timingSafeEqual, type Cipheriv } from 'node:crypto'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { createInflateRaw } from 'node:zlib'
import type yauzl from 'yauzl'
import type { PackageRequest } from './member.ts'
import type { PackageSecret } from './package-secret.ts'
import { fail } from './parse-failure.ts'

const derived = promisify(pbkdf2)

const METHOD_AES = 99
const METHOD = { stored: 0, deflated: 8 }
const FIELD = { id: 0x99_01, bytes: 7 }
const AES_256 = 3
/** A member is salt, check of the secret, content, authentication code. */
const SALT_BYTES = 16
const CHECK_BYTES = 2
const CODE_BYTES = 10
const HEAD_BYTES = SALT_BYTES + CHECK_BYTES
const KEY_BYTES = 32
const ROUNDS = 1000

/** How a member is encrypted, by its extra field. */
interface Encryption {
  readonly isDeflated: boolean
  /** AE-1 keeps the CRC-32 of the content; AE-2, whose code says more, keeps none */
  readonly hasChecksum: boolean
}

/** Throws PARSE_FAILED for a member that is encrypted in another way. */
export function encryptionOf(entry: yauzl.Entry, file: string): Encryption {
  const refuse = (what: string): never => {
    const detail = `member ${entry.fileName} is encrypted ${what}; pack it with AES-256`
    return fail(file, 'PACKAGE_ENCRYPTED', detail)
  }
  if (entry.compressionMethod !== METHOD_AES)
    return refuse('in the old way, which is no protection')
  const field = entry.extraFields.find(({ id }) => id === FIELD.id)?.data
  if (field?.length !== FIELD.bytes || field.toString('latin1', 2, 4) !== 'AE') {
    return refuse('in a way that it does not describe')
  }
  if (field.readUInt8(4) !== AES_256) return refuse('with a key shorter than 256 bits')
  const [version, method] = [field.readUInt16LE(0), field.readUInt16LE(5)]
  if (version !== 1 && version !== 2) return refuse('in a later version of the format')
  if (method !== METHOD.stored && method !== METHOD.deflated) {
    const detail = `member ${entry.fileName} is compressed in a way other than deflate`
    fail(file, 'PACKAGE_UNSUPPORTED', `${detail}; pack it with deflate`)
  }
  return { isDeflated: method === METHOD.deflated, hasChecksum: version === 1 }
}

/** A range of an archive's bytes, as they lie there. */
type Packed = (start: number, end: number) => AsyncIterable<Buffer>

/**
 * The content of an encrypted member, as long as it says it is. Throws PARSE_FAILED: PACKAGE_SECRET
 * when no secret opens it, PACKAGE_CORRUPT when its bytes are not those that were packed.
 */
export async function* decrypted(
  zip: yauzl.ZipFile,
  entry: yauzl.Entry,
  request: PackageRequest,
): AsyncGenerator<Buffer> {
  const { signal } = request
  const packed: Packed = async function* (start, end) {
    const raw = await zip.openReadStreamPromise(entry, { decodeFileData: false, start, end })
    for await (const block of raw as AsyncIterable<Buffer>) {
      signal.throwIfAborted()
      yield block
    }
  }
  const end = entry.compressedSize - CODE_BYTES
  if (end < HEAD_BYTES) return corrupt(entry, request)
  const key = await keyOf(packed, entry, request)
  const plain = deciphered(packed(HEAD_BYTES, end), key)
  const { isDeflated } = encryptionOf(entry, request.file)
  let bytes = 0
  for await (const block of isDeflated ? inflated(plain) : plain) {
    bytes += block.length
    if (bytes > entry.uncompressedSize) corrupt(entry, request)
    yield block
  }
  if (bytes !== entry.uncompressedSize) corrupt(entry, request)
}

function corrupt({ fileName }: yauzl.Entry, { file }: PackageRequest): never {
  return fail(`${file}!${fileName}`, 'PACKAGE_CORRUPT', 'it is not as long as the archive says')
}

/** The key of the first secret that the authentication code agrees with. */
async function keyOf(
  packed: Packed,
  entry: yauzl.Entry,
  { file, secrets }: PackageRequest,
): Promise<Buffer> {
  const end = entry.compressedSize - CODE_BYTES
  const head = await whole(packed(0, HEAD_BYTES))
  const code = await whole(packed(end, entry.compressedSize))
  const [salt, check] = [head.subarray(0, SALT_BYTES), head.subarray(SALT_BYTES)]
  const tried = await secrets()
  let isKnown = false
  for (const { bytes: secret } of tried) {
    if (secret === undefined) continue
    const keys = await derived(secret, salt, ROUNDS, 2 * KEY_BYTES + CHECK_BYTES, 'sha1')
    // Two bytes: one wrong secret in 65,536 has them as well, which the code then tells.
    if (!timingSafeEqual(keys.subarray(2 * KEY_BYTES), check)) continue
    isKnown = true
    const sum = createHmac('sha1', keys.subarray(KEY_BYTES, 2 * KEY_BYTES))
    for await (const block of packed(HEAD_BYTES, end)) sum.update(block)
    if (timingSafeEqual(sum.digest().subarray(0, CODE_BYTES), code))
      return keys.subarray(0, KEY_BYTES)
  }
  if (!isKnown) fail(file, 'PACKAGE_SECRET', unopened(entry.fileName, tried))
  const detail =
    'its authentication code does not agree: its bytes were changed since it was packed'
  return fail(`${file}!${entry.fileName}`, 'PACKAGE_CORRUPT', detail)
}

/** Why a member stays shut, with the names of secrets and never one of them. */
function unopened(member: string, tried: readonly PackageSecret[]): string {
  const start = `member ${member} is encrypted, and`
  if (tried.length === 0) {
    return `${start} its submitter has no secret_refs in registry/submitters.json; name one there`
  }
  const namesOf = (some: readonly PackageSecret[]): string =>
    some.map(({ name }) => name).join(', ')
  const unset = tried.filter(({ bytes }) => bytes === undefined)
  if (unset.length === tried.length) return `${start} no secret is set; set ${namesOf(tried)}`
  const others = unset.length === 0 ? '' : `; not set: ${namesOf(unset)}`
  const wrong = namesOf(tried.filter(({ bytes }) => bytes !== undefined))
  return `${start} ${wrong} does not open it; set what it was packed with${others}`
}

async function whole(blocks: AsyncIterable<Buffer>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(blocks))
}

const AES_BLOCK_BYTES = 16
/** Counters enciphered at once. */
const COUNTERS_MAX = 4096

/**
 * AES in counter mode with a counter that starts at 1 and counts from its lowest byte, which no
 * cipher of OpenSSL does: the counters are enciphered one by one, and what comes out is the mask.
 */
async function* deciphered(blocks: AsyncIterable<Buffer>, key: Buffer): AsyncGenerator<Buffer> {
  const cipher = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false)
  let counter = 1
  let mask: Buffer = Buffer.alloc(0)
  for await (const block of blocks) {
    const plain = Buffer.allocUnsafe(block.length)
    for (let at = 0; at < block.length;) {
      if (mask.length === 0) {
        mask = maskFrom(cipher, counter)
        counter += COUNTERS_MAX
      }
      const bytes = Math.min(mask.length, block.length - at)
      for (let i = 0; i < bytes; i += 1) {
        plain[at + i] = (block[at + i] as number) ^ (mask[i] as number)
      }
      mask = mask.subarray(bytes)
      at += bytes
    }
    yield plain
  }
}

function maskFrom(cipher: Cipheriv, first: number): Buffer {
  const counters = Buffer.alloc(COUNTERS_MAX * AES_BLOCK_BYTES)
  for (let i = 0; i < COUNTERS_MAX; i += 1) {
    counters.writeBigUInt64LE(BigInt(first + i), i * AES_BLOCK_BYTES)
  }
  return cipher.update(counters)
}

async function* inflated(packed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const inflate = createInflateRaw()
  // Its failure reaches the reader of `inflate` as well.
  const feeding = pipeline(packed, inflate).catch((error: unknown) => error)
  try {
    for await (const block of inflate as AsyncIterable<Buffer>) yield block
  } finally {
    inflate.destroy()
    await feeding
  }
}
