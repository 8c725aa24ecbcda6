/** A bucket's inbox keeps the contract of inboxes, on each server, with and without versions. */
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, describe, expect, test } from 'vitest'
import { askS3Inbox, openS3Inbox } from '../../minio/s3-inbox.ts'
import { inboxContract } from '../contracts/inbox.ts'
import { rejectedCode } from '../support/error-code.ts'
import { S3_KINDS, freshBucket } from '../support/s3.ts'

for (const kind of S3_KINDS) {
  for (const versioned of [false, true]) {
    const { bucket, client, settings, url, close } = await freshBucket(kind, { versioned })
    afterAll(close)
    let opened = 0
    describe(`${kind}, ${versioned ? 'with' : 'without'} versions`, () => {
      test('the inbox tells whether its bucket keeps versions', async () => {
        expect(await askS3Inbox(`${url}/in`, settings)).toEqual({ keepsVersions: versioned })
        const nowhere = askS3Inbox(`${url}-not/in`, settings)
        expect(await rejectedCode(nowhere)).toBe('STORE_UNUSABLE')
      })
      inboxContract(async () => {
        const prefix = `in box/${++opened}`
        const inbox = openS3Inbox(`${url}/${prefix}`, settings)
        const at = (path: string) => ({ Bucket: bucket, Key: `${prefix}/${path}` })
        return {
          inbox,
          put: async (path, content) => {
            await client.send(new PutObjectCommand({ ...at(path), Body: Buffer.from(content) }))
          },
          remove: async (path) => {
            await client.send(new DeleteObjectCommand(at(path)))
          },
          [Symbol.asyncDispose]: inbox.close,
        }
      })
    })
  }
}
