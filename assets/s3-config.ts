/** How an S3 store is reached: for a store or an inbox that is `s3://bucket/prefix`. */
import { z } from 'zod'
import { EngineError } from '../engine/index.ts'
import type { Environment, Setting } from './setting.ts'
import { firstOf, fromEnvironment } from './setting.ts'

/** A slip of the hand is not kept for ever. */
const LOCK_DAYS_MAX = 36_500

/** Keys are secrets, or close to them: they come from the environment alone. */
export const s3Document = z.strictObject({
  endpoint: z
    .url({ protocol: /^https?$/ })
    .exactOptional()
    .describe('URL of the server, as http://127.0.0.1:9000; AWS itself by default'),
  region: z.string().min(1).exactOptional().describe('us-east-1 by default'),
  lock_days: z
    .int()
    .min(0)
    .max(LOCK_DAYS_MAX)
    .exactOptional()
    .describe(
      'raw files and audit anchors cannot be removed for so long, by nobody; needs a bucket with object lock; 0 by default: no lock',
    ),
})

export interface S3Config {
  /** undefined: AWS itself */
  readonly endpoint: Setting<string | undefined>
  readonly region: Setting<string>
  /** undefined: the SDK's own chain */
  readonly accessKey: Setting<string | undefined>
  readonly secretKey: Setting<string | undefined>
  /** of retention for raw files and audit anchors; 0: none */
  readonly lockDays: Setting<number>
}

const REGION = 'us-east-1'

/** Reads and merges. Throws CONFIG_INVALID. */
export function readS3Config(
  environment: Environment,
  own: z.output<typeof s3Document> = {},
): S3Config {
  const choose = <Or extends string | undefined>(
    names: readonly string[],
    written: string | undefined,
    or: Or,
  ): Setting<string | Or> =>
    firstOf(environment, names) ??
    (written === undefined
      ? { value: or, origin: 'default' }
      : { value: written, origin: 'tributary.json' })
  const endpoint = choose(['S3_ENDPOINT'], own.endpoint, undefined)
  if (
    endpoint.value !== undefined &&
    !s3Document.shape.endpoint.safeParse(endpoint.value).success
  ) {
    const reason = 'no URL that begins with http:// or https://'
    throw new EngineError('CONFIG_INVALID', { file: 'S3_ENDPOINT', reason })
  }
  const accessKey = choose(['S3_ACCESS_KEY', 'S3_ACCESS_KEY_ID'], undefined, undefined)
  const secretKey = choose(['S3_SECRET_KEY', 'S3_SECRET_ACCESS_KEY'], undefined, undefined)
  if ((accessKey.value === undefined) !== (secretKey.value === undefined)) {
    const file = accessKey.value === undefined ? 'S3_ACCESS_KEY' : 'S3_SECRET_KEY'
    throw new EngineError('CONFIG_INVALID', {
      file,
      reason: 'only the other of the two keys is set',
    })
  }
  return {
    endpoint,
    region: choose(['S3_REGION'], own.region, REGION),
    accessKey,
    secretKey: { ...secretKey, isSecret: true },
    lockDays: lockDaysOf(environment, own.lock_days),
  }
}

function lockDaysOf(environment: Environment, own: number | undefined): Setting<number> {
  const given = fromEnvironment(environment, 'S3_LOCK_DAYS')
  if (given === undefined) {
    return own === undefined
      ? { value: 0, origin: 'default' }
      : { value: own, origin: 'tributary.json' }
  }
  const found = s3Document.shape.lock_days.safeParse(Number(given))
  if (!found.success) {
    const reason = `no whole number of days from 0 to ${LOCK_DAYS_MAX}`
    throw new EngineError('CONFIG_INVALID', { file: 'S3_LOCK_DAYS', reason })
  }
  return { value: found.data, origin: 'environment' }
}

/** The settings as the client takes them. */
export function s3Settings({ endpoint, region, accessKey, secretKey }: S3Config): {
  readonly endpoint: string | undefined
  readonly region: string
  readonly credentials:
    | { readonly accessKeyId: string; readonly secretAccessKey: string }
    | undefined
} {
  const credentials =
    accessKey.value === undefined || secretKey.value === undefined
      ? undefined
      : { accessKeyId: accessKey.value, secretAccessKey: secretKey.value }
  return { endpoint: endpoint.value, region: region.value, credentials }
}
