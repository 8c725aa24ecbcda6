/** Every verb in every zone with every credential, on two servers, beside the table of the docs. */
import { createHash, randomBytes } from 'node:crypto'
import type { S3Client } from '@aws-sdk/client-s3'
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import matrix from '../../minio/policies/matrix.json' with { type: 'json' }
import { COMPONENTS } from '../../minio/policies.ts'
import type { FreshBucket } from '../support/s3.ts'
import { S3_KINDS, freshBucket } from '../support/s3.ts'
import type { PolicyUsers } from './policy-users.ts'
import { policyUsers } from './policy-users.ts'

const MONTH = 'data/gold_canonical/MA/medical/atomic_month=2024-01'

describe.each(S3_KINDS)('policies on %s', (kind) => {
  let bucket: FreshBucket
  let inbox: FreshBucket
  let users: PolicyUsers
  let count = 0
  beforeAll(async () => {
    bucket = await freshBucket(kind, { locked: true })
    inbox = await freshBucket(kind)
    users = await policyUsers(bucket, inbox, randomBytes(2).toString('hex'))
  })
  afterAll(async () => {
    await bucket.close()
    await inbox.close()
  })

  const bucketOf = (key: string): string => (key.startsWith('data/') ? bucket.bucket : inbox.bucket)
  const at = (Key: string) => ({ Bucket: bucketOf(Key), Key })
  const folderOf = (zone: string): string => {
    if (zone === 'inbox/x') return users.submitter
    if (zone === 'inbox/y') return 'another'
    if (zone === 'outbox/x') return `data/outbox/${users.submitter}`
    return zone === '_manifest' ? `${MONTH}/_manifest` : `data/${zone}`
  }
  /** An object that its owner put there. */
  const standing = async (zone: string): Promise<string> => {
    const key = `${folderOf(zone)}/standing-${(count += 1)}`
    await bucket.client.send(new PutObjectCommand({ ...at(key), Body: Buffer.from('owner') }))
    return key
  }
  const fresh = (zone: string): string => `${folderOf(zone)}/new-${(count += 1)}`
  const put = async (client: S3Client, key: string): Promise<unknown> =>
    client.send(new PutObjectCommand({ ...at(key), Body: Buffer.from('other') }))

  const VERBS: Readonly<Record<string, (client: S3Client, zone: string) => Promise<unknown>>> = {
    list: async (client, zone) => {
      const Prefix = `${folderOf(zone)}/`
      return client.send(new ListObjectsV2Command({ Bucket: bucketOf(Prefix), Prefix }))
    },
    get: async (client, zone) => client.send(new GetObjectCommand(at(await standing(zone)))),
    put: async (client, zone) => put(client, fresh(zone)),
    overwrite: async (client, zone) => put(client, await standing(zone)),
    delete: async (client, zone) => client.send(new DeleteObjectCommand(at(await standing(zone)))),
    multipart: async (client, zone) => {
      const object = at(fresh(zone))
      const { UploadId } = await client.send(new CreateMultipartUploadCommand(object))
      const part = { ...object, UploadId, PartNumber: 1, Body: Buffer.from('part') }
      const { ETag } = await client.send(new UploadPartCommand(part))
      const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
      return client.send(
        new CompleteMultipartUploadCommand({ ...object, UploadId, MultipartUpload }),
      )
    },
    copy: async (client, zone) => {
      const from = at(await standing(zone))
      const CopySource = `${from.Bucket}/${from.Key}`
      return client.send(new CopyObjectCommand({ ...at(fresh(zone)), CopySource }))
    },
  }

  test.each(COMPONENTS)('%s may do what the table says, and nothing else', async (component) => {
    const client = users.clientOf(component)
    const allowed = EXPECTED[component] ?? {}
    const found: Record<string, readonly string[]> = {}
    for (const zone of matrix.zones) {
      const may: string[] = []
      for (const [verb, tried] of Object.entries(VERBS)) {
        const said = await tried(client, zone).then(() => 'ok', nameOf)
        expect(['ok', 'AccessDenied'], `${verb} ${zone}`).toContain(said)
        if (said === 'ok') may.push(verb)
      }
      if (may.length > 0) found[zone] = may
    }
    client.destroy()
    expect(found).toEqual(allowed)
  })

  test('gold copies silver to gold on the server, as submitter gold is made', async () => {
    const client = users.clientOf('gold')
    const CopySource = `${bucket.bucket}/${await standing('silver')}`
    await client.send(new CopyObjectCommand({ ...at(fresh('gold_submitter')), CopySource }))
    client.destroy()
  })

  test('who writes raw files may write them with a retention', async () => {
    const lock = {
      ObjectLockMode: 'COMPLIANCE',
      ObjectLockRetainUntilDate: new Date(Date.now() + 60_000),
    } as const
    for (const component of ['intake', 'daemon'] as const) {
      const client = users.clientOf(component)
      const body = Buffer.from('kept')
      const ChecksumSHA256 = createHash('sha256').update(body).digest('base64')
      const request = { ...at(fresh('raw')), Body: body, ChecksumSHA256, ...lock }
      await client.send(new PutObjectCommand(request))
      client.destroy()
    }
  })

  test('nobody but the owner may remove an old version, so an overwrite loses nothing', async () => {
    const key = await standing('raw')
    const daemon = users.clientOf('daemon')
    await put(daemon, key)
    const request = { Bucket: bucket.bucket, Prefix: key }
    const { Versions = [] } = await bucket.client.send(new ListObjectVersionsCommand(request))
    expect(Versions).toHaveLength(2)
    const VersionId = Versions.find(({ IsLatest }) => IsLatest !== true)?.VersionId
    const removed: string[] = []
    for (const component of COMPONENTS) {
      const client = users.clientOf(component)
      const removal = client.send(new DeleteObjectCommand({ ...at(key), VersionId }))
      if ((await removal.then(() => 'ok', nameOf)) !== 'AccessDenied') removed.push(component)
      client.destroy()
    }
    expect(removed).toEqual([])
    const old = await bucket.client.send(new GetObjectCommand({ ...at(key), VersionId }))
    expect(await old.Body?.transformToString()).toBe('owner')
    daemon.destroy()
  })
})

const EXPECTED = z
  .record(z.string(), z.record(z.string(), z.array(z.string())))
  .parse(matrix.allowed)
const nameOf = (error: unknown): string => (error instanceof Error ? error.name : 'unknown')
