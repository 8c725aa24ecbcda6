/** Raw files and audit anchors in a bucket with object lock: not even its owner removes a version. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DeleteObjectCommand, ListObjectVersionsCommand } from '@aws-sdk/client-s3'
import { afterEach, describe, expect, test } from 'vitest'
import type { ObjectStore } from '../../engine/index.ts'
import { sha256 } from '../../engine/index.ts'
import { openS3Store } from '../../minio/s3-store.ts'
import { rejectedCode } from '../support/error-code.ts'
import type { FreshBucket } from '../support/s3.ts'
import { S3_KINDS, freshBucket } from '../support/s3.ts'

const closing: (() => Promise<unknown> | void)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

async function locking(
  kind: (typeof S3_KINDS)[number],
  locked: boolean,
): Promise<{ readonly bucket: FreshBucket; readonly store: ObjectStore }> {
  const bucket = await freshBucket(kind, { locked })
  const folder = mkdtempSync(join(tmpdir(), 'tributary-lock-'))
  closing.push(bucket.close, () => rmSync(folder, { recursive: true, force: true }))
  const store = openS3Store({
    place: { bucket: bucket.bucket, prefix: 'data' },
    settings: bucket.settings,
    cache: { folder, bytesMax: 1 << 20 },
    lockDays: 1,
  })
  return { bucket, store }
}

async function write(store: ObjectStore, path: string): Promise<void> {
  const bytes = Buffer.from(`in ${path}`)
  const folder = store.folderFor(path, '@r1-1')
  const part = {
    name: 'part.csv',
    source: { bytes },
    sizeBytes: bytes.length,
    sha256: sha256(bytes),
  }
  await store.stage(folder, [part], async () => undefined)
  await store.sync([folder])
}

describe.each(S3_KINDS)('%s', (kind) => {
  test('a version of a raw file or an anchor stays, whoever removes it; one of silver goes', async () => {
    const { bucket, store } = await locking(kind, true)
    await write(store, 'raw/acme/medical/1')
    await write(store, 'silver/acme/medical/1')
    await store.writeManifest('_audit', 20_260_131, '{}')
    const request = { Bucket: bucket.bucket }
    const { Versions = [] } = await bucket.client.send(new ListObjectVersionsCommand(request))
    const outcomes: Record<string, string> = {}
    for (const { Key = '', VersionId } of Versions) {
      const removal = bucket.client.send(new DeleteObjectCommand({ ...request, Key, VersionId }))
      outcomes[Key] = await removal.then(
        () => 'removed',
        () => 'refused',
      )
    }
    expect(outcomes).toEqual({
      'data/_audit/_manifest/0020260131.json': 'refused',
      'data/raw/acme/medical/1/part.r1-1.csv': 'refused',
      'data/silver/acme/medical/1/part.r1-1.csv': 'removed',
    })
  })

  test('a bucket without object lock refuses the write: nothing is kept less well than asked', async () => {
    const { store } = await locking(kind, false)
    await write(store, 'silver/acme/medical/1')
    expect(await rejectedCode(write(store, 'raw/acme/medical/1'))).toBe('STORE_UNUSABLE')
  })
})
