/** A place in a bucket as the contract suites use it. */
import { DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ObjectStore } from '../../engine/index.ts'
import { openS3Store } from '../../minio/s3-store.ts'
import type { FreshBucket } from '../support/s3.ts'
import type { StorePlace } from './object-store.ts'

/** A prefix of its own in a bucket, each process with a cache of its own. */
export async function s3Place(
  { bucket, client, settings }: FreshBucket,
  how: { readonly staleUploadMs?: number } = {},
): Promise<StorePlace & { readonly prefix: string }> {
  const prefix = `at/${randomBytes(4).toString('hex')}`
  const folder = mkdtempSync(join(tmpdir(), 'tributary-s3-'))
  let opened = 0
  const reopen = (): ObjectStore =>
    openS3Store({
      place: { bucket, prefix },
      settings,
      cache: { folder: join(folder, `cache-${++opened}`), bytesMax: 1 << 30 },
      ...how,
    })
  const at = (path: string) => ({ Bucket: bucket, Key: `${prefix}/${path}` })
  return {
    store: reopen(),
    reopen,
    prefix,
    folder,
    visible: async () => {
      const page = await client.send(
        new ListObjectsV2Command({ Bucket: bucket, Prefix: `${prefix}/` }),
      )
      return (page.Contents ?? [])
        .map(({ Key = '' }) => Key.slice(prefix.length + 1))
        .filter((key) => !key.includes('/_manifest/'))
        .map((key) => key.replace(/\.r\d+-\d+(?=(?:\.[^./]*)?$)/, ''))
        .toSorted()
    },
    damage: async (path, bytes) => {
      await (bytes === undefined
        ? client.send(new DeleteObjectCommand(at(path)))
        : client.send(new PutObjectCommand({ ...at(path), Body: Buffer.from(bytes) })))
    },
    close: async () => rmSync(folder, { recursive: true, force: true }),
  }
}
