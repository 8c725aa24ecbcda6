/**
 * PostgreSQL and MinIO for a person to play with, until Ctrl-C: `npm run services`.
 *
 * They are the servers of the tests, found or built as there (CONTRIBUTING.md); what is in them goes
 * with them. Standard output is what a shell exports, so `npm run --silent services > .env` works.
 */
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { once } from 'node:events'
import { s3Client } from '../minio/s3-client.ts'
import { openTestPostgres } from '../tests/support/postgres-cluster.ts'
import { openTestS3 } from '../tests/support/s3-server.ts'

const BUCKET = 'tributary'
const REGION = 'us-east-1'

/** A SIGINT reaches the whole group, this process and the shell that started it. */
const stopped = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])

await using closing = new AsyncDisposableStack()
const postgres = await openTestPostgres()
closing.defer(postgres.close)
const minio = await openTestS3('minio')
closing.defer(minio.close)
const { endpoint, accessKey, secretKey } = minio
const credentials = { accessKeyId: accessKey, secretAccessKey: secretKey }
const client = s3Client({ endpoint, region: REGION, credentials })
await client.send(new CreateBucketCommand({ Bucket: BUCKET })).catch((error: unknown) => {
  // A server of the environment keeps its buckets.
  if (!(error instanceof Error && error.name === 'BucketAlreadyOwnedByYou')) throw error
})
client.destroy()

const variables = {
  TRIBUTARY_CATALOG: postgres.url,
  TRIBUTARY_STORE: `s3://${BUCKET}/store`,
  TRIBUTARY_INBOX: `s3://${BUCKET}/inbox`,
  S3_ENDPOINT: endpoint,
  S3_REGION: REGION,
  S3_ACCESS_KEY: accessKey,
  S3_SECRET_KEY: secretKey,
}
for (const [name, value] of Object.entries(variables)) console.log(`export ${name}='${value}'`)
console.error(`\nPostgreSQL: ${postgres.origin}\nMinIO: ${minio.origin}`)
console.error('Paste the lines above into another terminal. Ctrl-C here ends both, and their data.')
await stopped
