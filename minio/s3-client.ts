/**
 * The client for S3-compatible stores, and the place `s3://bucket/prefix` names in one.
 *
 * Retries are the SDK's (8 attempts, jittered backoff); what a lost answer means is for the caller
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
  /** a request's time limit; default 30 s */
  readonly timeoutMs?: number
}

/** A bucket, and a prefix in it without closing slash; '' for the whole bucket. */
export interface S3Place {
  readonly bucket: string
  readonly prefix: string
}

/** One request takes at most this long to answer, and a body pauses no longer. */
export const REQUEST_TIMEOUT_MS = 30_000
const CONNECT_TIMEOUT_MS = 5_000
// Where a fifth of all answers is refused, five would fail one request in 3,000, and eight one in 400,000.
const ATTEMPTS_MAX = 8
/** requests in flight: beyond this they queue in the client */
const SOCKETS_MAX = 64

/** Opens no connection by itself. Destroy it when done. */
export function s3Client(settings: S3Settings): S3Client {
  const { endpoint, region, credentials, timeoutMs = REQUEST_TIMEOUT_MS } = settings
  return new S3Client({
    region,
    // Path style works with every store; virtual hosts need DNS of the store's own.
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
    ...(credentials !== undefined && { credentials }),
    maxAttempts: ATTEMPTS_MAX,
    // What is read is checked against the catalog's SHA-256 in any case.
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      requestTimeout: timeoutMs,
      connectionTimeout: CONNECT_TIMEOUT_MS,
      throwOnRequestTimeout: true,
      socketTimeout: timeoutMs,
      httpAgent: { maxSockets: SOCKETS_MAX },
      httpsAgent: { maxSockets: SOCKETS_MAX },
    },
  })
}

const S3_URL = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*?))?\/?$/

/** Reads `s3://bucket/prefix`; `setting` is whose value it is. Throws CONFIG_INVALID. */
export function parseS3Url(url: string, setting = 'store'): S3Place {
  const [, bucket, prefix = ''] = S3_URL.exec(url) ?? []
  if (bucket === undefined || /(^|\/)\.{0,2}(\/|$)|\0/.test(prefix || 'none')) {
    throw new EngineError('CONFIG_INVALID', { file: setting, reason: 'no s3://bucket/prefix' })
  }
  return { bucket, prefix }
}
