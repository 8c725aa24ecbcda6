/**
 * The client for S3-compatible stores, and the place `s3://bucket/prefix` names in one.
 *
 * Retries are the SDK's (3 attempts, jittered backoff); what a lost answer means is for the caller
 * to find out, since «no such upload» may be the echo of a completion that worked.
 */
import { S3Client } from '@aws-sdk/client-s3'
import { EngineError } from '../engine/index.ts'

export interface S3Settings {
  /** undefined: AWS itself */
  readonly endpoint: string | undefined
  readonly region: string
  /** undefined: the SDK's own chain (environment, instance role) */
  readonly credentials:
    | { readonly accessKeyId: string; readonly secretAccessKey: string }
    | undefined
}

/** A bucket, and a prefix in it without closing slash; '' for the whole bucket. */
export interface S3Place {
  readonly bucket: string
  readonly prefix: string
}

/** One request takes at most this long to answer; a body flows as long as bytes come. */
const REQUEST_TIMEOUT_MS = 30_000
const CONNECT_TIMEOUT_MS = 5_000
const ATTEMPTS_MAX = 3
/** requests in flight: beyond this they queue in the client */
const SOCKETS_MAX = 64

/** Opens no connection by itself. Destroy it when done. */
export function s3Client({ endpoint, region, credentials }: S3Settings): S3Client {
  return new S3Client({
    region,
    // Path style works with every store; virtual hosts need DNS of the store's own.
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
    ...(credentials !== undefined && { credentials }),
    maxAttempts: ATTEMPTS_MAX,
    requestHandler: {
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionTimeout: CONNECT_TIMEOUT_MS,
      throwOnRequestTimeout: true,
      httpAgent: { maxSockets: SOCKETS_MAX },
      httpsAgent: { maxSockets: SOCKETS_MAX },
    },
  })
}

const S3_URL = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*?))?\/?$/

/** Whether a setting names a place in an S3 store. */
export const isS3Url = (text: string): boolean => text.startsWith('s3://')

/** Reads `s3://bucket/prefix`. Throws CONFIG_INVALID. */
export function parseS3Url(url: string): S3Place {
  const [, bucket, prefix = ''] = S3_URL.exec(url) ?? []
  if (bucket === undefined || /(^|\/)\.{0,2}(\/|$)|\0/.test(prefix || 'none')) {
    throw new EngineError('CONFIG_INVALID', { file: 'store', reason: 'no s3://bucket/prefix' })
  }
  return { bucket, prefix }
}
