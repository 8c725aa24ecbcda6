/**
 * A bucket of its own for each test file that asks, on the server of a kind.
 *
 *     const bucket = await freshBucket('minio')
 *     afterAll(() => bucket.close())
 */
import type { ObjectIdentifier, S3Client } from '@aws-sdk/client-s3'
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
} from '@aws-sdk/client-s3'
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { inject } from 'vitest'
import type { S3Settings } from '../../minio/s3-client.ts'
import { s3Client } from '../../minio/s3-client.ts'
import type { S3Kind, TestS3 } from './s3-server.ts'

export const S3_KINDS: readonly S3Kind[] = ['minio', 'versitygw']

export interface FreshBucket {
  readonly kind: S3Kind
  readonly bucket: string
  readonly url: string
  readonly settings: S3Settings
  /** the owner's client */
  readonly client: S3Client
  /** as a project's environment names it */
  readonly environment: Readonly<Record<string, string>>
  /** Removes what is in it, versions too, and the bucket. */
  readonly close: () => Promise<void>
}

/** The run's server of a kind, started if this is the first call. Throws when none can start. */
export async function testS3(kind: S3Kind): Promise<Omit<TestS3, 'close'>> {
  const socket = connect(inject('s3Port'), '127.0.0.1')
  socket.write(`${kind}\n`)
  const { error, ...found } = JSON.parse(await text(socket)) as TestS3 & { readonly error?: string }
  if (error !== undefined) throw new Error(error)
  return found
}

/** Makes a bucket with a name nobody else has. */
export async function freshBucket(
  kind: S3Kind,
  how: { readonly versioned?: boolean; readonly locked?: boolean } = {},
): Promise<FreshBucket> {
  const { endpoint, accessKey, secretKey } = await testS3(kind)
  const settings: S3Settings = {
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
  }
  const client = s3Client(settings)
  const bucket = `tributary-test-${randomBytes(6).toString('hex')}`
  const lock = how.locked === true ? { ObjectLockEnabledForBucket: true } : {}
  await client.send(new CreateBucketCommand({ Bucket: bucket, ...lock }))
  if (how.versioned === true) {
    const VersioningConfiguration = { Status: 'Enabled' } as const
    await client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }))
  }
  return {
    kind,
    bucket,
    url: `s3://${bucket}`,
    settings,
    client,
    environment: {
      S3_ENDPOINT: endpoint,
      S3_REGION: settings.region,
      S3_ACCESS_KEY: accessKey,
      S3_SECRET_KEY: secretKey,
    },
    close: async () => {
      // What is locked stays: a private server goes with all its data.
      if (how.locked !== true) await removeBucket(client, bucket)
      client.destroy()
    },
  }
}

async function removeBucket(client: S3Client, bucket: string): Promise<void> {
  for (;;) {
    const page = await client.send(new ListObjectVersionsCommand({ Bucket: bucket }))
    const found = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])]
    if (found.length === 0) break
    const Objects: ObjectIdentifier[] = found.map(({ Key, VersionId }) => ({
      Key,
      ...(VersionId !== undefined && VersionId !== 'null' && { VersionId }),
    }))
    await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects } }))
  }
  await client.send(new DeleteBucketCommand({ Bucket: bucket }))
}
