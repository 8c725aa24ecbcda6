/** Users of a bucket, one for each component, with their policies as each server wants them. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { S3Client } from '@aws-sdk/client-s3'
import { bootstrapBucket } from '../../minio/bootstrap.ts'
import type { Component, PolicyPlaces, Principals } from '../../minio/policies.ts'
import { COMPONENTS, bucketPolicy, userPolicy } from '../../minio/policies.ts'
import type { S3Settings } from '../../minio/s3-client.ts'
import { s3Client } from '../../minio/s3-client.ts'
import { needTool } from '../support/go-tools.ts'
import type { FreshBucket } from '../support/s3.ts'

const run = promisify(execFile)

/** The submitter's access key is its id, which its zone of the inbox is named for. */
const keyOf = (component: Component, suffix: string): string => `${component}-${suffix}`
const SECRET = 'a-secret-of-this-test'

export interface PolicyUsers {
  readonly places: PolicyPlaces
  /** the folder of the inbox that is the submitter's */
  readonly submitter: string
  readonly settingsOf: (component: Component) => S3Settings
  readonly clientOf: (component: Component) => S3Client
}

/** Makes a user for each component and gives it its policy. */
export async function policyUsers(
  bucket: FreshBucket,
  inbox: FreshBucket,
  suffix: string,
): Promise<PolicyUsers> {
  const places = {
    store: { bucket: bucket.bucket, prefix: 'data' },
    inbox: { bucket: inbox.bucket, prefix: '' },
  }
  if (bucket.kind === 'minio') await minioUsers(bucket, suffix, places)
  else await principals(bucket, suffix, places)
  const settingsOf = (component: Component): S3Settings => ({
    ...bucket.settings,
    credentials: { accessKeyId: keyOf(component, suffix), secretAccessKey: SECRET },
  })
  return {
    places,
    submitter: keyOf('submitter', suffix),
    settingsOf,
    clientOf: (component) => s3Client(settingsOf(component)),
  }
}

async function minioUsers(
  { settings }: FreshBucket,
  suffix: string,
  places: PolicyPlaces,
): Promise<void> {
  const { endpoint = '', credentials } = settings
  const folder = mkdtempSync(join(tmpdir(), 'tributary-mc-'))
  const binary = await needTool('mc')
  const mc = async (...words: readonly string[]): Promise<unknown> =>
    run(binary, ['--config-dir', folder, '--quiet', ...words])
  try {
    const { accessKeyId = '', secretAccessKey = '' } = credentials ?? {}
    await mc('alias', 'set', 'store', endpoint, accessKeyId, secretAccessKey)
    for (const component of COMPONENTS) {
      const key = keyOf(component, suffix)
      const file = join(folder, `${component}.json`)
      writeFileSync(file, JSON.stringify(userPolicy(component, places)))
      await mc('admin', 'user', 'add', 'store', key, SECRET)
      await mc('admin', 'policy', 'create', 'store', key, file)
      await mc('admin', 'policy', 'attach', 'store', key, '--user', key)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function principals(
  bucket: FreshBucket,
  suffix: string,
  places: PolicyPlaces,
): Promise<void> {
  const { endpoint = '', credentials } = bucket.settings
  const { accessKeyId = '', secretAccessKey = '' } = credentials ?? {}
  const binary = await needTool('versitygw')
  const owner = ['admin', '--access', accessKeyId, '--secret', secretAccessKey]
  for (const component of COMPONENTS) {
    const user = ['--access', keyOf(component, suffix), '--secret', SECRET, '--role', 'user']
    await run(binary, [...owner, '--endpoint-url', endpoint, 'create-user', ...user])
  }
  const keys: Principals = Object.fromEntries(
    COMPONENTS.map((component) => [keyOf(component, suffix), component]),
  )
  for (const place of [places.store, places.inbox]) {
    await bootstrapBucket({
      client: s3Client(bucket.settings),
      place,
      isStore: place === places.store,
      policy: bucketPolicy(place.bucket, keys, places),
    })
  }
}
