/**
 * Makes a bucket what the product wants of it, as far as its server goes: it exists, keeps versions,
 * can lock objects, forgets uploads left open and old versions of what can be built again.
 *
 * Safe to repeat: what is there is left. What a server accepts and then does not have is told, since
 * MinIO drops the rule for uploads left open without a word.
 */
import type { LifecycleRule, S3Client } from '@aws-sdk/client-s3'
import {
  CreateBucketCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketPolicyCommand,
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
  HeadBucketCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectLockConfigurationCommand,
} from '@aws-sdk/client-s3'
import type { BootstrapStep } from '../engine/index.ts'
import { EngineError, canonicalJson } from '../engine/index.ts'
import type { Policy } from './policies.ts'
import { answerName } from './probe-scratch.ts'
import type { S3Place } from './s3-client.ts'

export interface BootstrapOptions {
  /** of a user who owns the bucket, or may make it */
  readonly client: S3Client
  readonly place: S3Place
  /** false: an inbox's, whose files leave it once they are in raw */
  readonly isStore: boolean
  /** the bucket's own policy, for servers with principals; MinIO's is its users' */
  readonly policy?: Policy
}

/** Recovery is done long before; AWS's own advice. */
const UPLOAD_DAYS = 7
/** Time to put back what somebody removed by mistake. */
const OLD_VERSION_DAYS = 30
/** Made again from raw: their old versions need not stay. */
const DERIVED = ['silver', 'rejects', 'outbox', 'gold_submitter', 'gold_canonical']

/** Brings one bucket to what it should be, step by step. Throws STORE_UNUSABLE. */
export async function bootstrapBucket(
  options: BootstrapOptions,
): Promise<readonly BootstrapStep[]> {
  const { client, place, isStore, policy } = options
  try {
    return [
      await bucketStep(client, place),
      await versioningStep(client, place),
      await lockStep(client, place),
      ...(await ruleSteps(client, place, isStore ? DERIVED : [''])),
      ...(policy === undefined ? [] : [await policyStep(client, place, policy)]),
    ]
  } catch (error) {
    if (error instanceof EngineError) throw error
    const store = `s3://${place.bucket}`
    throw new EngineError('STORE_UNUSABLE', { store, reason: answerName(error) }, { cause: error })
  } finally {
    client.destroy()
  }
}

const done = (what: string): BootstrapStep => ({ outcome: 'done', what })
const there = (what: string): BootstrapStep => ({ outcome: 'there', what })
const missing = (what: string): BootstrapStep => ({ outcome: 'missing', what })

async function bucketStep(client: S3Client, { bucket }: S3Place): Promise<BootstrapStep> {
  try {
    await client.send(new HeadBucketCommand({ Bucket: bucket }))
    return there(`bucket ${bucket}`)
  } catch (error) {
    const name = answerName(error)
    if (name !== 'NotFound' && name !== 'NoSuchBucket') throw error
  }
  // Some servers allow object lock at a bucket's birth only.
  const request = { Bucket: bucket, ObjectLockEnabledForBucket: true }
  try {
    await client.send(new CreateBucketCommand(request))
  } catch (error) {
    if (!isUnknown(error)) throw error
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
  }
  return done(`bucket ${bucket} made`)
}

async function versioningStep(client: S3Client, { bucket }: S3Place): Promise<BootstrapStep> {
  const request = { Bucket: bucket }
  try {
    const { Status } = await client.send(new GetBucketVersioningCommand(request))
    if (Status === 'Enabled') return there('versioning is on')
    const VersioningConfiguration = { Status: 'Enabled' } as const
    await client.send(new PutBucketVersioningCommand({ ...request, VersioningConfiguration }))
  } catch (error) {
    if (!isUnknown(error)) throw error
    return missing('this store keeps no old versions: what somebody deletes is gone')
  }
  return done('versioning switched on')
}

async function lockStep(client: S3Client, { bucket }: S3Place): Promise<BootstrapStep> {
  const Bucket = bucket
  const isOn = await client.send(new GetObjectLockConfigurationCommand({ Bucket })).then(
    ({ ObjectLockConfiguration: found }) => found?.ObjectLockEnabled === 'Enabled',
    (error: unknown) => {
      if (isUnknown(error) || answerName(error) === NO_LOCK) return false
      throw error
    },
  )
  if (isOn) return there('object lock is on')
  try {
    const ObjectLockConfiguration = { ObjectLockEnabled: 'Enabled' } as const
    await client.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration }))
    return done('object lock switched on')
  } catch (error) {
    const reason = answerName(error)
    return missing(
      `object lock cannot be switched on here (${reason}): raw files and audit anchors can be removed by an owner; a new bucket may have it`,
    )
  }
}
const NO_LOCK = 'ObjectLockConfigurationNotFoundError'

/** Rules are set one list a bucket: ours are put beside those of others. */
async function ruleSteps(
  client: S3Client,
  { bucket, prefix }: S3Place,
  zones: readonly string[],
): Promise<readonly BootstrapStep[]> {
  const wanted = rulesFor(prefix, zones)
  const before = await rulesOf(client, bucket)
  const isThere = (found: readonly LifecycleRule[], { id, holds }: WantedRule): boolean =>
    found.some((rule) => rule.ID === id && holds(rule))
  // A list with a rule that a server does not know is refused whole: each is tried with what stands.
  const steps: BootstrapStep[] = []
  let standing = before ?? []
  for (const one of wanted) {
    if (isThere(standing, one)) {
      steps.push(there(one.words))
      continue
    }
    const Rules = [...standing.filter((rule) => rule.ID !== one.id), one.rule]
    const LifecycleConfiguration = { Rules }
    const refused = await client
      .send(new PutBucketLifecycleConfigurationCommand({ Bucket: bucket, LifecycleConfiguration }))
      .then(() => undefined, answerName)
    const after = refused === undefined ? await rulesOf(client, bucket) : undefined
    if (isThere(after ?? [], one)) {
      standing = Rules
      steps.push(done(one.words))
    } else {
      const how = refused === undefined ? 'accepted, and not kept' : `refused (${refused})`
      steps.push(missing(`${one.words}: ${how} by this store; ${one.without}`))
    }
  }
  return steps
}

interface WantedRule {
  readonly id: string
  readonly rule: LifecycleRule
  readonly words: string
  /** what it means that it is not there */
  readonly without: string
  readonly holds: (rule: LifecycleRule) => boolean
}

function rulesFor(prefix: string, zones: readonly string[]): readonly WantedRule[] {
  const under = prefix === '' ? '' : `${prefix}/`
  const uploads: WantedRule = {
    id: 'tributary-uploads',
    rule: {
      ID: 'tributary-uploads',
      Status: 'Enabled',
      Filter: { Prefix: under },
      // Delete markers with nothing behind them; a rule must do something that a server knows.
      Expiration: { ExpiredObjectDeleteMarker: true },
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: UPLOAD_DAYS },
    },
    words: `uploads left open go after ${UPLOAD_DAYS} days`,
    without: 'doctor says what it does with them instead',
    holds: (rule) => rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation === UPLOAD_DAYS,
  }
  const versions = zones.map((zone): WantedRule => {
    const id = `tributary-old-${zone === '' ? 'inbox' : zone.replace('_', '-')}`
    return {
      id,
      rule: {
        ID: id,
        Status: 'Enabled',
        Filter: { Prefix: zone === '' ? under : `${under}${zone}/` },
        NoncurrentVersionExpiration: { NoncurrentDays: OLD_VERSION_DAYS },
      },
      words: `old versions in ${zone === '' ? 'the inbox' : `${zone}/`} go after ${OLD_VERSION_DAYS} days`,
      without: 'they stay until somebody removes them',
      holds: (rule) => rule.NoncurrentVersionExpiration?.NoncurrentDays === OLD_VERSION_DAYS,
    }
  })
  return [...versions, uploads]
}

/** undefined: this store has no rules. */
async function rulesOf(
  client: S3Client,
  bucket: string,
): Promise<readonly LifecycleRule[] | undefined> {
  try {
    const request = { Bucket: bucket }
    const { Rules } = await client.send(new GetBucketLifecycleConfigurationCommand(request))
    return Rules ?? []
  } catch (error) {
    const name = answerName(error)
    if (name === 'NoSuchLifecycleConfiguration') return []
    if (isUnknown(error)) return undefined
    throw error
  }
}

async function policyStep(
  client: S3Client,
  { bucket }: S3Place,
  policy: Policy,
): Promise<BootstrapStep> {
  const request = { Bucket: bucket }
  const found = await client.send(new GetBucketPolicyCommand(request)).then(
    ({ Policy: text }) => text,
    (error: unknown) => {
      if (answerName(error) === 'NoSuchBucketPolicy') return undefined
      throw error
    },
  )
  const wanted = canonicalJson(policy)
  if (found !== undefined && canonicalJson(JSON.parse(found)) === wanted)
    return there('the bucket’s policy')
  const text = JSON.stringify(policy)
  try {
    await client.send(new PutBucketPolicyCommand({ ...request, Policy: text }))
  } catch (error) {
    const name = answerName(error)
    if (name !== 'InternalError' && name !== 'EntityTooLarge' && name !== 'PolicyTooLarge')
      throw error
    return missing(
      `the bucket’s policy, ${text.length} bytes: refused (${name}) by this store; versitygw over ext4 has 4 KB for it and all else it notes of a bucket, more with --sidecar`,
    )
  }
  return done('the bucket’s policy set')
}

/** Whether a server says that it does not know this kind of request. */
const isUnknown = (error: unknown): boolean =>
  ['NotImplemented', 'MethodNotAllowed', 'XNotImplemented', 'InvalidRequest'].includes(
    answerName(error),
  )
