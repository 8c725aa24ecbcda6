/**
 * One bucket of an S3 store: the requests protocol P makes, each with its limits.
 *
 * Keys are relative to the place's prefix. Retries are the client's; what is still wrong after them
 * comes out as STORE_UNUSABLE with words. Answers that mean «not there» are values, not errors.
 */
import type {
  ListMultipartUploadsCommandInput,
  ListMultipartUploadsCommandOutput,
  ListObjectsV2CommandInput,
  ListObjectsV2CommandOutput,
  S3Client,
} from '@aws-sdk/client-s3'
import {
  AbortMultipartUploadCommand,
  CopyObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { addAbortSignal } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { EngineError, failpoint, sha256 } from '../engine/index.ts'
import type { S3Place } from './s3-client.ts'
import { REQUEST_TIMEOUT_MS } from './s3-client.ts'

/** What HEAD says of an object. */
export interface Head {
  readonly sizeBytes: number
  readonly etag: string
  /** of the whole object, hex, as its writer declared it */
  readonly sha256: string | undefined
  /** the server's own, base64; of several pieces: of their digests, with `-N` behind */
  readonly checksum: string | undefined
}

export interface Listed {
  readonly key: string
  readonly sizeBytes: number
  /** its ETag and when it was written, by the server: another object has another */
  readonly written: string
}

export interface OpenUpload {
  readonly key: string
  readonly uploadId: string
  readonly initiatedMs: number
}

/** Where the SHA-256 of a whole object is kept beside it. */
export const SHA256_METADATA = 'sha256'

/** What S3 takes and gives at most in one request. */
const DELETE_MAX = 1000
/** 64 KB/s: a body that comes slower than this is given up, beyond a request's time limit. */
const BODY_BYTES_PER_MS_MIN = 64
const PAGE_KEYS = 1000

export interface BucketOptions {
  readonly except?: string | undefined
  /** of a request; default 30 s */
  readonly timeoutMs?: number | undefined
}

/** A bucket's requests; see the file's head. */
export class Bucket {
  /** without secrets, for people */
  readonly name: string
  readonly client: S3Client
  readonly #bucket: string
  readonly #prefix: string
  /** keys of somebody else's below the prefix, with closing slash */
  readonly #except: string | undefined
  readonly #timeoutMs: number

  constructor(client: S3Client, { bucket, prefix }: S3Place, options: BucketOptions = {}) {
    this.client = client
    this.#except = options.except
    this.#timeoutMs = options.timeoutMs ?? REQUEST_TIMEOUT_MS
    this.#bucket = bucket
    this.#prefix = prefix === '' ? '' : `${prefix}/`
    this.name = `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}`
  }

  /** How long a request may take that moves so many bytes, drop by drop if need be. */
  deadlineMs(sizeBytes: number): number {
    return this.#timeoutMs + Math.ceil(sizeBytes / BODY_BYTES_PER_MS_MIN)
  }

  /** A key's place, as commands name it. */
  at(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#bucket, Key: `${this.#prefix}${key}` }
  }

  /** An object's name as a copy's source. */
  sourceAt(key: string): string {
    return [this.#bucket, ...this.at(key).Key.split('/')].map(encodeURIComponent).join('/')
  }

  /** Runs requests; what fails comes out in words. */
  async words<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work()
    } catch (error) {
      throw unusable(this.name, error)
    }
  }

  /** Throws STORE_UNUSABLE when there is no such bucket: a HEAD cannot tell it from a lost key. */
  async requireBucket(): Promise<void> {
    await this.words(async () => this.client.send(new HeadBucketCommand({ Bucket: this.#bucket })))
  }

  async head(key: string): Promise<Head | undefined> {
    return this.words(async () =>
      orMissing(async () => {
        const found = await this.client.send(
          new HeadObjectCommand({ ...this.at(key), ChecksumMode: 'ENABLED' }),
        )
        return {
          sizeBytes: found.ContentLength ?? 0,
          etag: found.ETag ?? '',
          sha256: found.Metadata?.[SHA256_METADATA],
          checksum: found.ChecksumSHA256,
        }
      }),
    )
  }

  /** The whole object as a stream; undefined: not there. */
  async get(key: string): Promise<Readable | undefined> {
    failpoint('s3.get')
    return this.words(async () =>
      orMissing(async () => {
        const { Body, ContentLength = 0 } = await this.client.send(
          new GetObjectCommand(this.at(key)),
        )
        // A body that drips never pauses long enough for the client's own limits.
        const endMs = this.deadlineMs(ContentLength)
        return addAbortSignal(AbortSignal.timeout(endMs), Body as Readable)
      }),
    )
  }

  /** Bytes `[from, to)` of an object, fewer at its end; undefined: not there. */
  async getRange(key: string, from: number, to: number): Promise<Buffer | undefined> {
    if (to <= from) return Buffer.alloc(0)
    return this.words(async () =>
      orMissing(async () => {
        const Range = `bytes=${from}-${to - 1}`
        const { Body } = await this.client.send(new GetObjectCommand({ ...this.at(key), Range }))
        const bytes = await Body?.transformToByteArray()
        return Buffer.from(bytes ?? [])
      }),
    )
  }

  async put(key: string, body: string): Promise<void> {
    const Body = Buffer.from(body)
    const ChecksumSHA256 = Buffer.from(sha256(Body), 'hex').toString('base64')
    failpoint('s3.put.before')
    await this.words(async () => {
      await this.client.send(new PutObjectCommand({ ...this.at(key), Body, ChecksumSHA256 }))
      failpoint('s3.put.after')
    })
  }

  /** Writes a file of at most 5 GiB, checked by the server against its SHA-256. */
  async putFile(key: string, file: string): Promise<void> {
    const sum = createHash('sha256')
    await pipeline(createReadStream(file), sum)
    const digest = sum.digest()
    const { size: ContentLength } = await stat(file)
    await this.words(async () => {
      await this.client.send(
        new PutObjectCommand({
          ...this.at(key),
          Body: createReadStream(file),
          ContentLength,
          ChecksumSHA256: digest.toString('base64'),
          Metadata: { [SHA256_METADATA]: digest.toString('hex') },
        }),
      )
    })
  }

  /** Copies an object of at most 5 GiB, its metadata with it; false: it is not there. */
  async copy(from: string, to: string): Promise<boolean> {
    return this.words(async () => {
      const CopySource = this.sourceAt(from)
      const copied = await orMissing(async () =>
        this.client.send(new CopyObjectCommand({ ...this.at(to), CopySource })),
      )
      return copied !== undefined
    })
  }

  /** Removes keys, a thousand a request; one that is not there is no error. */
  async remove(keys: readonly string[]): Promise<void> {
    for (let from = 0; from < keys.length; from += DELETE_MAX) {
      const Objects = keys.slice(from, from + DELETE_MAX).map((key) => ({ Key: this.at(key).Key }))
      failpoint('s3.remove.before')
      await this.words(async () => {
        const request = { Bucket: this.#bucket, Delete: { Objects, Quiet: true } }
        const { Errors = [] } = await this.client.send(new DeleteObjectsCommand(request))
        const left = Errors.find(({ Code }) => Code !== 'NoSuchKey')
        if (left !== undefined) throw named(left.Code ?? 'an object was not removed')
        failpoint('s3.remove.after')
      })
    }
  }

  /** Keys under a prefix of keys, in UTF-8 order, a page of at most 1,000 at a time. */
  async *pages(under: string, keysMax = PAGE_KEYS): AsyncIterable<readonly Listed[]> {
    let after: Pick<ListObjectsV2CommandInput, 'ContinuationToken'> | undefined = {}
    while (after !== undefined) {
      const request: ListObjectsV2CommandInput = {
        Bucket: this.#bucket,
        Prefix: this.at(under).Key,
        EncodingType: 'url',
        MaxKeys: keysMax,
        ...after,
      }
      const page: ListObjectsV2CommandOutput = await this.words(async () =>
        this.client.send(new ListObjectsV2Command(request)),
      )
      const decode = decoding(page.EncodingType)
      const listed = (page.Contents ?? []).map(
        ({ Key = '', Size = 0, ETag = '', LastModified }) => ({
          key: decode(Key).slice(this.#prefix.length),
          sizeBytes: Size,
          written: `${ETag} ${LastModified?.toISOString()}`,
        }),
      )
      yield listed.filter(({ key }) => this.#isOwn(key))
      const ContinuationToken = page.NextContinuationToken
      after = ContinuationToken === undefined ? undefined : { ContinuationToken }
    }
  }

  #isOwn(key: string): boolean {
    return this.#except === undefined || !key.startsWith(this.#except)
  }

  /** Aborts an upload; one that is not there is no error. Its OK proves nothing: see Stages. */
  async abortUpload(key: string, uploadId: string): Promise<void> {
    await this.words(async () =>
      orMissing(async () =>
        this.client.send(new AbortMultipartUploadCommand({ ...this.at(key), UploadId: uploadId })),
      ),
    )
  }

  /**
   * Open uploads as far as the server lists them, so never what a correct program needs. Without a
   * prefix: by folder MinIO lists none.
   */
  async *uploads(): AsyncIterable<OpenUpload> {
    let after: Pick<ListMultipartUploadsCommandInput, 'KeyMarker' | 'UploadIdMarker'> | undefined =
      {}
    while (after !== undefined) {
      const request: ListMultipartUploadsCommandInput = { Bucket: this.#bucket, ...after }
      const page: ListMultipartUploadsCommandOutput = await this.words(async () =>
        this.client.send(new ListMultipartUploadsCommand(request)),
      )
      for (const { Key = '', UploadId = '', Initiated } of page.Uploads ?? []) {
        if (!Key.startsWith(this.#prefix)) continue
        const key = Key.slice(this.#prefix.length)
        if (!this.#isOwn(key)) continue
        yield { key, uploadId: UploadId, initiatedMs: Initiated?.getTime() ?? 0 }
      }
      const { NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = page
      // A page that does not move on is the last one, whatever it says.
      const moves: boolean =
        KeyMarker !== after.KeyMarker || UploadIdMarker !== after.UploadIdMarker
      after =
        page.IsTruncated === true && moves && KeyMarker !== undefined
          ? { KeyMarker, ...(UploadIdMarker !== undefined && { UploadIdMarker }) }
          : undefined
    }
  }
}

/** An error of one of the names that servers share, or told in words. */
export const named = (name: string): Error => Object.assign(new Error(name), { name })

/** Only servers that say so have encoded their keys. */
const decoding = (encoding: string | undefined): ((key: string) => string) =>
  encoding === 'url' ? (key) => decodeURIComponent(key.replaceAll('+', ' ')) : (key) => key

const MISSING = new Set(['NoSuchKey', 'NotFound', 'NoSuchUpload'])

/** Whether an answer says that the object or upload asked for is not there. */
export const isMissing = (error: unknown): boolean =>
  error instanceof Error && MISSING.has(error.name)

async function orMissing<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await work()
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** What an answer means to a person. Servers differ in words, these names they share. */
const REASONS: Readonly<Record<string, string>> = {
  NoSuchBucket: 'there is no such bucket',
  NotFound: 'there is no such bucket',
  AccessDenied: 'access is denied (AccessDenied)',
  Forbidden: 'access is denied (403)',
  InvalidAccessKeyId: 'the access key is not known (InvalidAccessKeyId)',
  SignatureDoesNotMatch: 'the secret key is wrong (SignatureDoesNotMatch)',
  CredentialsProviderError: 'no credentials: set S3_ACCESS_KEY and S3_SECRET_KEY',
  RequestTimeTooSkewed: 'the clocks of this machine and the server differ (RequestTimeTooSkewed)',
  SlowDown: 'the server is too busy (SlowDown)',
  ServiceUnavailable: 'the server is too busy (ServiceUnavailable)',
  TimeoutError: 'the server did not answer in time',
  AbortError: 'the server sent its answer too slowly',
  ECONNREFUSED: 'nothing answers at its endpoint (ECONNREFUSED)',
  ENOTFOUND: 'its endpoint has no address (ENOTFOUND)',
  NoSuchUpload: 'a staged upload is gone: it expired, or somebody aborted it (NoSuchUpload)',
  BadDigest: 'bytes arrived other than they were sent (BadDigest)',
  XAmzContentChecksumMismatch: 'bytes arrived other than they were sent (checksum mismatch)',
  ENOSPC: 'no space left for the cache on this machine (ENOSPC)',
}

/** What went wrong with a store, in words for a person. */
export function unusable(store: string, error: unknown): unknown {
  if (error instanceof EngineError || !(error instanceof Error)) return error
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  const reason = REASONS[error.name] ?? REASONS[code ?? ''] ?? code ?? error.name
  return new EngineError('STORE_UNUSABLE', { store, reason }, { cause: error })
}
