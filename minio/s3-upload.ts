/**
 * Multipart uploads as the invisible stage: a part is created, sent in pieces, and completed later.
 *
 * Every piece carries its SHA-256, which the server checks; the SHA-256 of the whole goes with the
 * object as metadata. Memory: PIECES_AT_ONCE pieces, whatever the size of a part. A copy is made by
 * the server in the same pieces as its source, so equal bytes show in equal ETags.
 */
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import type { StagePart } from '../engine/index.ts'
import { EngineError, assert, failpoint, sha256 } from '../engine/index.ts'
import { Gate } from './gate.ts'
import type { Bucket, Head } from './s3-bucket.ts'
import { SHA256_METADATA, isMissing } from './s3-bucket.ts'

const MIB = 2 ** 20
/** At least 5 MiB: S3 refuses smaller pieces, the last one apart. */
const PIECE_BYTES_MIN = 8 * MIB
/** S3 takes no more pieces than this. */
const PIECES_MAX = 10_000
const PIECES_AT_ONCE = 4
/** A piece whose bytes arrived changed is sent again. */
const SENT_MAX = 3

/** How large the pieces of an object are: a pure function of its size, so that ETags compare. */
export const pieceBytes = (sizeBytes: number): number =>
  Math.max(PIECE_BYTES_MIN, Math.ceil(sizeBytes / PIECES_MAX / MIB) * MIB)

interface Piece {
  readonly PartNumber: number
  readonly ETag: string
  readonly ChecksumSHA256?: string
}

/** A part that is staged: `complete` makes it an object. */
export interface Upload {
  readonly key: string
  readonly uploadId: string
  readonly sizeBytes: number
  /** of the whole, hex */
  readonly sha256: string
  pieces: readonly Piece[]
}

/** Staging a part; one for a store, since its gate bounds the memory of all parts at once. */
export class Uploads {
  readonly #bucket: Bucket
  readonly #gate = new Gate(PIECES_AT_ONCE)

  constructor(bucket: Bucket) {
    this.#bucket = bucket
  }

  /** Begins an upload. Nothing of it can be seen, now or later, until it is completed. */
  async create(key: string, { source, sizeBytes, sha256: digest }: StagePart): Promise<Upload> {
    const { client } = this.#bucket
    failpoint('s3.create.before')
    const { UploadId } = await this.#bucket.words(async () =>
      client.send(
        new CreateMultipartUploadCommand({
          ...this.#bucket.at(key),
          Metadata: { [SHA256_METADATA]: digest },
          // MinIO copies no piece into an upload with checksums: see `#copy`.
          ...(!('stored' in source) && { ChecksumAlgorithm: 'SHA256' }),
        }),
      ),
    )
    failpoint('s3.create.after')
    assert(UploadId !== undefined, 'a new upload has an id')
    return { key, uploadId: UploadId, sizeBytes, sha256: digest, pieces: [] }
  }

  /** Sends the bytes of a part. Throws PART_MISSING, PART_CHANGED, PART_INVALID. */
  async send(upload: Upload, { name, source }: StagePart): Promise<void> {
    if ('bytes' in source) upload.pieces = await this.#sendBytes(upload, name, source.bytes)
    else if ('file' in source) upload.pieces = await this.#sendFile(upload, name, source.file)
    else if ('stored' in source) upload.pieces = await this.#copy(upload, source.stored)
    failpoint('s3.staged')
  }

  /** Makes the upload an object, or finds that it is one: what HEAD says counts. */
  async complete(upload: Upload): Promise<void> {
    const { client } = this.#bucket
    const { key, uploadId } = upload
    failpoint('s3.complete.before')
    let refused: unknown
    try {
      const MultipartUpload = { Parts: [...upload.pieces] }
      const place = { ...this.#bucket.at(key), UploadId: uploadId }
      // Some servers put the pieces together only now.
      const requestTimeout = this.#bucket.deadlineMs(upload.sizeBytes / 100)
      const request = new CompleteMultipartUploadCommand({ ...place, MultipartUpload })
      await client.send(request, { requestTimeout })
      failpoint('s3.complete.after')
    } catch (error) {
      // Its answer may be lost while its work is done; then a second try says «no such upload».
      refused = error
    }
    const found = await this.#bucket.head(key)
    if (found !== undefined && isAsStaged(upload, found)) return
    await this.#bucket.words(async () => {
      if (refused instanceof Error) throw refused
      const reason = found === undefined ? 'a completed object is gone' : 'a new key is taken'
      throw new EngineError('STORE_UNUSABLE', { store: this.#bucket.name, reason })
    })
  }

  async #sendBytes(upload: Upload, name: string, bytes: Uint8Array): Promise<readonly Piece[]> {
    const step = pieceBytes(upload.sizeBytes)
    const pieces: Piece[] = []
    for (let at = 0; at === 0 || at < bytes.length; at += step) {
      const body = bytes.subarray(at, at + step)
      pieces.push(
        await this.#gate.run(async () => this.#sendPiece(upload, pieces.length + 1, body)),
      )
    }
    requireSame(name, upload, onlyDigest(pieces) ?? sha256(bytes))
    return pieces
  }

  async #sendFile(upload: Upload, name: string, path: string): Promise<readonly Piece[]> {
    await using file = await open(path, 'r')
    const whole = createHash('sha256')
    const step = pieceBytes(upload.sizeBytes)
    const sent: Promise<Piece>[] = []
    const failed: unknown[] = []
    for (let at = 0; at === 0 || at < upload.sizeBytes; at += step) {
      if (failed.length > 0) break
      const number = sent.length + 1
      await this.#gate.enter()
      const body = await readPiece(file, at, Math.min(step, upload.sizeBytes - at)).catch(
        (error: unknown) => {
          this.#gate.leave()
          throw error
        },
      )
      if (upload.sizeBytes > step) whole.update(body)
      const piece = this.#sendPiece(upload, number, body).finally(() => this.#gate.leave())
      // Thrown by the await below; until then it must not be unhandled.
      piece.catch((error: unknown) => failed.push(error))
      sent.push(piece)
    }
    const pieces = await Promise.all(sent)
    requireSame(name, upload, onlyDigest(pieces) ?? whole.digest('hex'))
    return pieces
  }

  async #sendPiece(upload: Upload, number: number, body: Uint8Array): Promise<Piece> {
    const { client } = this.#bucket
    const ChecksumSHA256 = createHash('sha256').update(body).digest('base64')
    const place = { ...this.#bucket.at(upload.key), UploadId: upload.uploadId }
    for (let sent = 1; ; sent++) {
      failpoint('s3.piece.before')
      try {
        const { ETag = '' } = await client.send(
          new UploadPartCommand({ ...place, PartNumber: number, Body: body, ChecksumSHA256 }),
          { requestTimeout: this.#bucket.deadlineMs(body.length) },
        )
        failpoint('s3.piece.after')
        return { PartNumber: number, ETag, ChecksumSHA256 }
      } catch (error) {
        if (sent < SENT_MAX && isChecksumRefusal(error)) continue
        return this.#bucket.words(async () => {
          throw error
        })
      }
    }
  }

  /** Copies an object of this store piece by piece, its ETag named in each, without its bytes. */
  async #copy(upload: Upload, from: string): Promise<readonly Piece[]> {
    const source = await this.#bucket.head(from)
    if (source === undefined) {
      await this.#bucket.requireBucket()
      throw new EngineError('PART_MISSING', { path: from })
    }
    const want = upload.sha256
    if (source.sizeBytes !== upload.sizeBytes || (source.sha256 ?? want) !== want) {
      const got = source.sha256 ?? `${source.sizeBytes} bytes`
      throw new EngineError('PART_CHANGED', { path: from, want, got })
    }
    const copied = await this.#copyPieces(upload, from, source)
    return copied ?? this.#gate.run(async () => this.#carry(upload, from))
  }

  /** undefined: the server copies nothing, or not these pieces. */
  async #copyPieces(
    upload: Upload,
    from: string,
    { etag, sizeBytes }: Head,
  ): Promise<readonly Piece[] | undefined> {
    const { client } = this.#bucket
    const place = { ...this.#bucket.at(upload.key), UploadId: upload.uploadId }
    const CopySource = this.#bucket.sourceAt(from)
    const step = pieceBytes(sizeBytes)
    const pieces: Piece[] = []
    for (let at = 0; at === 0 || at < sizeBytes; at += step) {
      const PartNumber = pieces.length + 1
      const CopySourceRange = `bytes=${at}-${Math.min(at + step, sizeBytes) - 1}`
      failpoint('s3.copy.before')
      try {
        const { CopyPartResult } = await client.send(
          new UploadPartCopyCommand({
            ...place,
            PartNumber,
            CopySource,
            CopySourceIfMatch: etag,
            ...(sizeBytes > step && { CopySourceRange }),
          }),
        )
        failpoint('s3.copy.after')
        pieces.push({ PartNumber, ETag: CopyPartResult?.ETag ?? '' })
      } catch (error) {
        if (isMissing(error)) throw new EngineError('PART_MISSING', { path: from })
        if (isRefused(error)) return undefined
        return this.#bucket.words(async () => {
          throw error
        })
      }
    }
    return compositeEtag(pieces) === unquoted(etag) ? pieces : undefined
  }

  /** The same through this machine, a piece at a time. */
  async #carry(upload: Upload, from: string): Promise<readonly Piece[]> {
    const { client } = this.#bucket
    const body = await this.#bucket.get(from)
    if (body === undefined) throw new EngineError('PART_MISSING', { path: from })
    const place = { ...this.#bucket.at(upload.key), UploadId: upload.uploadId }
    const whole = createHash('sha256')
    const pieces: Piece[] = []
    for await (const piece of inPieces(body, pieceBytes(upload.sizeBytes))) {
      whole.update(piece)
      const ContentMD5 = createHash('md5').update(piece).digest('base64')
      const PartNumber = pieces.length + 1
      failpoint('s3.piece.before')
      const { ETag = '' } = await this.#bucket.words(async () =>
        client.send(new UploadPartCommand({ ...place, PartNumber, Body: piece, ContentMD5 }), {
          requestTimeout: this.#bucket.deadlineMs(piece.length),
        }),
      )
      pieces.push({ PartNumber, ETag })
    }
    const got = whole.digest('hex')
    if (got === upload.sha256) return pieces
    throw new EngineError('PART_CHANGED', { path: from, want: upload.sha256, got })
  }
}

/** Blocks of a stream put together to pieces of one size, the last one apart; at least one. */
async function* inPieces(
  blocks: AsyncIterable<Uint8Array>,
  sizeBytes: number,
): AsyncIterable<Uint8Array> {
  let held: Uint8Array[] = []
  let heldBytes = 0
  let isFirst = true
  for await (const block of blocks) {
    let rest = block
    while (heldBytes + rest.length >= sizeBytes) {
      const cut = sizeBytes - heldBytes
      yield Buffer.concat([...held, rest.subarray(0, cut)])
      rest = rest.subarray(cut)
      held = []
      heldBytes = 0
      isFirst = false
    }
    held.push(rest)
    heldBytes += rest.length
  }
  if (heldBytes > 0 || isFirst) yield Buffer.concat(held)
}

async function readPiece(file: FileHandle, at: number, sizeBytes: number): Promise<Uint8Array> {
  const body = Buffer.allocUnsafe(sizeBytes)
  let read = 0
  while (read < sizeBytes) {
    const { bytesRead } = await file.read(body, read, sizeBytes - read, at + read)
    if (bytesRead === 0) break
    read += bytesRead
  }
  return body.subarray(0, read)
}

/** The digest of a whole that went in one piece, hex. */
function onlyDigest(pieces: readonly Piece[]): string | undefined {
  const [only, second] = pieces
  if (only?.ChecksumSHA256 === undefined || second !== undefined) return undefined
  return Buffer.from(only.ChecksumSHA256, 'base64').toString('hex')
}

function requireSame(part: string, { sha256: want }: Upload, got: string): void {
  if (got === want) return
  throw new EngineError('PART_INVALID', { part, what: 'its bytes changed before they were staged' })
}

const unquoted = (etag: string): string => etag.replaceAll('"', '')

/** The ETag S3 gives to an object of these pieces; a server that encrypts gives another. */
function compositeEtag(pieces: readonly Piece[]): string {
  const digests = pieces.map(({ ETag }) => Buffer.from(unquoted(ETag), 'hex'))
  return `${createHash('md5').update(Buffer.concat(digests)).digest('hex')}-${pieces.length}`
}

/** The SHA-256 S3 gives to an object of these pieces; undefined: they have none of their own. */
function compositeChecksum(pieces: readonly Piece[]): string | undefined {
  const digests = pieces.flatMap(({ ChecksumSHA256 }) =>
    ChecksumSHA256 === undefined ? [] : [Buffer.from(ChecksumSHA256, 'base64')],
  )
  if (digests.length < pieces.length) return undefined
  const sum = createHash('sha256').update(Buffer.concat(digests)).digest('base64')
  return `${sum}-${pieces.length}`
}

/** Whether the object is this upload's: its size, its SHA-256 and, where there is one, the server's. */
function isAsStaged(upload: Upload, found: Head): boolean {
  const checksum = compositeChecksum(upload.pieces)
  return (
    found.sizeBytes === upload.sizeBytes &&
    found.sha256 === upload.sha256 &&
    (checksum === undefined || found.checksum === undefined || found.checksum === checksum)
  )
}

const CHECKSUM_REFUSALS = new Set(['BadDigest', 'XAmzContentChecksumMismatch', 'InvalidDigest'])
const isChecksumRefusal = (error: unknown): boolean =>
  error instanceof Error && CHECKSUM_REFUSALS.has(error.name)

/** Answers to a copy that mean «send the bytes yourself». */
const COPY_REFUSALS = new Set([
  'AccessDenied',
  'InvalidArgument',
  'InvalidRequest',
  'MethodNotAllowed',
  'NotImplemented',
])
const isRefused = (error: unknown): boolean =>
  error instanceof Error && COPY_REFUSALS.has(error.name)
