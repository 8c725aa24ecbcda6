import { afterAll } from 'vitest'
import { objectStoreContract } from '../contracts/object-store.ts'
import { s3Differences } from '../contracts/s3-differences.ts'
import { s3Place } from '../contracts/s3-place.ts'
import { S3_KINDS, freshBucket } from '../support/s3.ts'

for (const kind of S3_KINDS) {
  const bucket = await freshBucket(kind)
  afterAll(async () => bucket.close())
  objectStoreContract(kind, async () => s3Place(bucket))
  s3Differences(kind)
}
