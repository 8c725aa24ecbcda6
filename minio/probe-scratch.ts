/**
 * A prefix in a bucket that a probe has for itself: requests in few words, a bound on their number,
 * and an end that leaves nothing behind.
 */
import { createHash } from 'node:crypto'
import type {
  CompleteMultipartUploadCommandInput,
  HeadObjectCommandOutput,
  PutObjectCommandInput,
  S3Client,
} from '@aws-sdk/client-s3'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetObjectLockConfigurationCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import type { S3Place } from './s3-client.ts'

export interface ProbeOptions {
  readonly client: S3Client
  readonly place: S3Place
  /** of the scratch prefix: nobody else's */
  readonly token: string
  readonly nowMs: number
  readonly signal: AbortSignal
}

/** More requests than this are a defect of the probe. */
const REQUESTS_MAX = 600
const EMPTY_TIMEOUT_MS = 30_000
/** A probe leaves fewer objects than this. */
const LEFT_MAX = 1_000

interface Written {
  readonly Bucket: string
  readonly Key: string
  readonly VersionId?: string
}

interface Upload {
  readonly key: string
  readonly id: string
  readonly etag: string
  readonly checksum: string | undefined
  readonly body: string
}

/** The name of what a server answered: `ok`, an S3 error's name, or a driver's code. */
export function answerName(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  return error.name === 'Error' ? (code ?? error.message) : error.name
}

const digest = (body: string): string => createHash('sha256').update(body).digest('base64')

/** See the file's head. Keys are relative to the scratch prefix. */
export class ProbeScratch {
  /** what the server calls itself, once it has answered */
  server: string | undefined
  readonly #client: S3Client
  readonly #bucket: string
  readonly #prefix: string
  #signal: AbortSignal
  readonly #uploads = new Map<string, string>()
  /** what was written: of the keys `a` and `a/b` one may be missing from every listing */
  readonly #written: Written[] = []
  #requests = 0

  constructor({ client, place, token, signal }: ProbeOptions) {
    this.#client = client
    this.#bucket = place.bucket
    this.#prefix = `${place.prefix === '' ? '' : `${place.prefix}/`}.tributary-probe/${token}/`
    this.#signal = signal
    client.middlewareStack.add(
      (next) => async (args) => {
        const answer = await next(args)
        const { headers } = answer.response as {
          readonly headers?: Readonly<Record<string, string>>
        }
        this.server ??= headers?.['server']
        return answer
      },
      { step: 'deserialize', priority: 'high' },
    )
  }

  /** `ok`, or the name of the error. */
  async outcome(work: () => Promise<unknown>): Promise<string> {
    return work().then(() => 'ok', answerName)
  }

  /** Writes an object; returns its ETag. */
  async put(
    key: string,
    body: string,
    how: Pick<PutObjectCommandInput, 'IfMatch' | 'IfNoneMatch' | 'ChecksumSHA256'> = {},
  ): Promise<string> {
    const request = { ...this.#at(key), Body: Buffer.from(body), ...how }
    const { ETag, VersionId } = await this.#send((client, options) =>
      client.send(new PutObjectCommand(request), options),
    )
    this.#note(key, VersionId)
    return ETag ?? ''
  }

  async read(key: string): Promise<string> {
    const { Body } = await this.#send((client, options) =>
      client.send(new GetObjectCommand(this.#at(key)), options),
    )
    return (await Body?.transformToString()) ?? ''
  }

  async head(key: string): Promise<HeadObjectCommandOutput> {
    const request = { ...this.#at(key), ChecksumMode: 'ENABLED' } as const
    return this.#send((client, options) => client.send(new HeadObjectCommand(request), options))
  }

  async copy(from: string, to: string): Promise<void> {
    const CopySource = `${this.#bucket}/${this.#prefix}${from}`
    await this.#send((client, options) =>
      client.send(new CopyObjectCommand({ ...this.#at(to), CopySource }), options),
    )
  }

  /** Keys under a prefix, as they come, in pages. */
  async list(under: string, pageKeys = LEFT_MAX): Promise<readonly string[]> {
    const keys: string[] = []
    let token: string | undefined
    do {
      const request = {
        Bucket: this.#bucket,
        Prefix: this.#prefix + under,
        MaxKeys: pageKeys,
        ...(token !== undefined && { ContinuationToken: token }),
      }
      const page = await this.#send((client, options) =>
        client.send(new ListObjectsV2Command(request), options),
      )
      keys.push(...(page.Contents ?? []).map(({ Key = '' }) => Key.slice(this.#prefix.length)))
      token = page.NextContinuationToken
    } while (token !== undefined)
    return keys
  }

  async remove(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      await this.#send((client, options) =>
        client.send(new DeleteObjectCommand(this.#at(key)), options),
      )
    }
  }

  /** Stages an upload of one part; another SHA-256 may be declared for it. */
  async upload(key: string, checksum?: string): Promise<Upload> {
    const { UploadId: id = '' } = await this.#send((client, options) =>
      client.send(
        new CreateMultipartUploadCommand({ ...this.#at(key), ChecksumAlgorithm: 'SHA256' }),
        options,
      ),
    )
    this.#uploads.set(id, key)
    const body = `upload of ${key}`
    const part = await this.#send((client, options) =>
      client.send(
        new UploadPartCommand({
          ...this.#at(key),
          UploadId: id,
          PartNumber: 1,
          Body: Buffer.from(body),
          ChecksumSHA256: checksum ?? digest(body),
        }),
        options,
      ),
    )
    return { key, id, etag: part.ETag ?? '', checksum: part.ChecksumSHA256, body }
  }

  async complete(
    { key, id, etag, checksum }: Upload,
    how: Pick<CompleteMultipartUploadCommandInput, 'IfNoneMatch'> = {},
  ): Promise<void> {
    const part = {
      PartNumber: 1,
      ETag: etag,
      ...(checksum !== undefined && { ChecksumSHA256: checksum }),
    }
    await this.#send((client, options) =>
      client.send(
        new CompleteMultipartUploadCommand({
          ...this.#at(key),
          UploadId: id,
          MultipartUpload: { Parts: [part] },
          ...how,
        }),
        options,
      ),
    )
    this.#uploads.delete(id)
  }

  async abort({ key, id }: Pick<Upload, 'key' | 'id'>): Promise<void> {
    await this.#send((client, options) =>
      client.send(new AbortMultipartUploadCommand({ ...this.#at(key), UploadId: id }), options),
    )
    this.#uploads.delete(id)
  }

  /** Keys of open uploads, as the server lists them under a prefix. */
  async openUploads(under: string): Promise<readonly string[]> {
    const request = { Bucket: this.#bucket, Prefix: this.#prefix + under }
    const { Uploads = [] } = await this.#send((client, options) =>
      client.send(new ListMultipartUploadsCommand(request), options),
    )
    return Uploads.map(({ Key = '' }) => Key.slice(this.#prefix.length))
  }

  /** `on` or `off`. */
  async versioning(): Promise<string> {
    const { Status } = await this.#send((client, options) =>
      client.send(new GetBucketVersioningCommand({ Bucket: this.#bucket }), options),
    )
    return Status === 'Enabled' ? 'on' : 'off'
  }

  /** `on` or `off`. */
  async objectLock(): Promise<string> {
    const { ObjectLockConfiguration } = await this.#send((client, options) =>
      client.send(new GetObjectLockConfigurationCommand({ Bucket: this.#bucket }), options),
    )
    return ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled' ? 'on' : 'off'
  }

  /** Days after which the bucket's rules remove open uploads; `none`. */
  async uploadExpiry(): Promise<string> {
    const { Rules = [] } = await this.#send((client, options) =>
      client.send(new GetBucketLifecycleConfigurationCommand({ Bucket: this.#bucket }), options),
    )
    const days = Rules.filter(({ Status }) => Status === 'Enabled').flatMap(
      (rule) => rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation ?? [],
    )
    return days.length === 0 ? 'none' : String(Math.min(...days))
  }

  /** Removes what was left, old versions too. What a lock holds stays until the lock ends. */
  async empty(): Promise<void> {
    // A probe that was given up is cleared away all the same, within a time of its own.
    this.#signal = AbortSignal.timeout(EMPTY_TIMEOUT_MS)
    for (const [id, key] of this.#uploads) {
      await this.outcome(async () => this.abort({ id, key }))
    }
    const listed = await this.#versions().catch(() => []) // some stores have no such listing
    const left = [...this.#written, ...listed].slice(0, LEFT_MAX)
    for (const request of left) {
      await this.outcome(async () =>
        this.#send((client, options) => client.send(new DeleteObjectCommand(request), options)),
      )
    }
  }

  async #versions(): Promise<readonly Written[]> {
    const request = { Bucket: this.#bucket, Prefix: this.#prefix, MaxKeys: LEFT_MAX }
    const { Versions = [], DeleteMarkers = [] } = await this.#send((client, options) =>
      client.send(new ListObjectVersionsCommand(request), options),
    )
    const all = [...Versions, ...DeleteMarkers]
    const written = new Set(this.#written.map(({ Key, VersionId }) => `${VersionId} ${Key}`))
    return all
      .map(({ Key = '', VersionId }) => this.#version(Key, VersionId))
      .filter(({ Key, VersionId }) => !written.has(`${VersionId} ${Key}`))
  }

  #note(key: string, version: string | undefined): void {
    this.#written.push(this.#version(this.#prefix + key, version))
  }

  #version(key: string, version: string | undefined): Written {
    return {
      Bucket: this.#bucket,
      Key: key,
      ...(version !== undefined && version !== 'null' && { VersionId: version }),
    }
  }

  #at(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#bucket, Key: this.#prefix + key }
  }

  async #send<Answer>(
    request: (client: S3Client, options: { readonly abortSignal: AbortSignal }) => Promise<Answer>,
  ): Promise<Answer> {
    this.#requests += 1
    if (this.#requests > REQUESTS_MAX) throw new Error('a probe makes a bounded number of requests')
    return request(this.#client, { abortSignal: this.#signal })
  }
}
