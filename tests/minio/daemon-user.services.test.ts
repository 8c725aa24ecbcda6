/** The whole product with the daemon's rights and no more, its inbox and store in buckets. */
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ListObjectVersionsCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { describe, expect, test } from 'vitest'
import { askStore } from '../../minio/store-tools.ts'
import { CliProject } from '../cli/cli-project.ts'
import { S3_KINDS, freshBucket } from '../support/s3.ts'
import { policyUsers } from './policy-users.ts'

describe.each(S3_KINDS)('on %s', (kind) => {
  test('a run, doctor --verify, fsck and a probe need no other right', async () => {
    const bucket = await freshBucket(kind, { locked: true })
    const inbox = await freshBucket(kind)
    const users = await policyUsers(bucket, inbox, randomBytes(2).toString('hex'))
    using project = await CliProject.create()
    const { credentials, endpoint = '' } = users.settingsOf('daemon')
    const env = {
      ...process.env,
      TRIBUTARY_STORE: `${bucket.url}/data`,
      TRIBUTARY_INBOX: inbox.url,
      S3_ENDPOINT: endpoint,
      S3_ACCESS_KEY: credentials?.accessKeyId,
      S3_SECRET_KEY: credentials?.secretAccessKey,
      S3_LOCK_DAYS: '1',
    }
    const ran = (...words: string[]): string => {
      const [file = '', ...rest] = project.command(words)
      const { status, stdout, stderr } = spawnSync(file, rest, { env, encoding: 'utf8' })
      expect([words, status, status === 0 ? '' : stderr]).toEqual([words, 0, ''])
      return stdout
    }
    const deliver = async (from: string, drop: string): Promise<void> => {
      for (const name of readdirSync(from)) {
        const Key = `${drop}/${name}`
        const Body = readFileSync(join(from, name))
        await inbox.client.send(new PutObjectCommand({ Bucket: inbox.bucket, Key, Body }))
      }
    }
    for (const submitter of ['alpha', 'beta'])
      await deliver(join(project.root, 'inbox', submitter, '2024-01'), `${submitter}/2024-01`)
    ran('materialize')
    expect(ran('status')).toContain('gold_canonical')
    ran('doctor', '--verify')
    ran('audit', 'verify')
    ran('fsck')
    const facts = await askStore(`${bucket.url}/data`, users.settingsOf('daemon'), 1)
    expect(Object.values(facts.answers).filter((answer) => /Denied|not told/.test(answer))).toEqual(
      [],
    )
    const request = { Bucket: bucket.bucket, Prefix: 'data/.tributary-probe/' }
    const left = await bucket.client.send(new ListObjectVersionsCommand(request))
    expect([...(left.Versions ?? []), ...(left.DeleteMarkers ?? [])]).toEqual([])
    await bucket.close()
    await inbox.close()
  })
})
