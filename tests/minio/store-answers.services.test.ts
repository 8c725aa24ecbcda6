/** What doctor, store bootstrap and docs/stores.md say of two real servers. */
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ListObjectVersionsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import { afterEach, describe, expect, test } from 'vitest'
import { answerRows } from '../../assets/commands/doctor-store.ts'
import { storeRemarks } from '../../engine/index.ts'
import { bootstrapBucket } from '../../minio/bootstrap.ts'
import { s3Client } from '../../minio/s3-client.ts'
import { probeStore } from '../../minio/s3-probe.ts'
import { askStore } from '../../minio/store-tools.ts'
import { CliProject } from '../cli/cli-project.ts'
import { rejectedCode } from '../support/error-code.ts'
import type { FreshBucket } from '../support/s3.ts'
import { S3_KINDS, freshBucket } from '../support/s3.ts'

const closing: (() => Promise<unknown> | void)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

async function bucketOf(kind: (typeof S3_KINDS)[number]): Promise<FreshBucket> {
  const bucket = await freshBucket(kind)
  closing.push(bucket.close)
  return bucket
}

/** A page's table about one server: question → answer. */
function pageAnswers(kind: (typeof S3_KINDS)[number]): ReadonlyMap<string, string> {
  const page = readFileSync(join(import.meta.dirname, '../../docs/stores.md'), 'utf8')
  const column = S3_KINDS.indexOf(kind) + 2
  const rows = page.split('\n').filter((line) => /^\| [a-zH]/.test(line))
  return new Map(
    rows
      .map((row) => row.split('|').map((cell) => cell.trim()))
      .map((row) => [row[1] ?? '', row[column] ?? '']),
  )
}

describe.each(S3_KINDS)('%s', (kind) => {
  test('answers as docs/stores.md says, is safe, and nothing of the probe stays', async () => {
    const bucket = await bucketOf(kind)
    const facts = await askStore(`${bucket.url}/data`, bucket.settings, 1)
    const page = pageAnswers(kind)
    // A race has its own mind each time.
    const racy = 'abort and completion at once, 8 times: both said OK'
    for (const [asked = '', answer] of answerRows(facts))
      if (asked !== racy) expect([asked, page.get(asked)]).toEqual([asked, answer])
    expect(storeRemarks(facts)[0]?.words).toMatch(/^safe for tributary/)
    const request = { Bucket: bucket.bucket }
    const objects = await bucket.client.send(new ListObjectsV2Command(request))
    const versions = await bucket.client.send(new ListObjectVersionsCommand(request))
    expect([objects.KeyCount, versions.Versions ?? [], versions.DeleteMarkers ?? []]).toEqual([
      0,
      [],
      [],
    ])
  })

  test('a versioned bucket is left without a version or marker of the probe', async () => {
    const bucket = await freshBucket(kind, { versioned: true })
    closing.push(bucket.close)
    const facts = await askStore(bucket.url, bucket.settings, 1)
    expect(facts.answers.versioning).toBe('on')
    const request = { Bucket: bucket.bucket }
    const left = await bucket.client.send(new ListObjectVersionsCommand(request))
    expect([...(left.Versions ?? []), ...(left.DeleteMarkers ?? [])]).toEqual([])
  })

  test('a bucket is prepared as far as the server goes; again, and nothing is done', async () => {
    const owner = await bucketOf(kind)
    const place = { bucket: `${owner.bucket}-new`, prefix: 'data' }
    const prepare = async () =>
      bootstrapBucket({ client: s3Client(owner.settings), place, isStore: true })
    const first = await prepare()
    const outcomes = first.map(({ outcome, what }) => `${outcome} ${what.split(':')[0]}`)
    expect(outcomes).toEqual([
      `done bucket ${place.bucket} made`,
      'there versioning is on',
      'there object lock is on',
      ...['silver', 'rejects', 'outbox', 'gold_submitter', 'gold_canonical'].map(
        (zone) =>
          `${kind === 'minio' ? 'done' : 'missing'} old versions in ${zone}/ go after 30 days`,
      ),
      'missing uploads left open go after 7 days',
    ])
    const last = first.at(-1)?.what
    expect(last).toMatch(kind === 'minio' ? /accepted, and not kept/ : /refused \(NotImplemented\)/)
    expect((await prepare()).filter(({ outcome }) => outcome === 'done')).toEqual([])
  })

  test('doctor --store prints the answers; doctor remembers them for a day', async () => {
    const bucket = await bucketOf(kind)
    using project = await CliProject.create()
    const env = { ...process.env, ...bucket.environment, TRIBUTARY_STORE: `${bucket.url}/data` }
    const ran = (...words: string[]): string => {
      const [file = '', ...rest] = project.command(words)
      const { status, stdout, stderr } = spawnSync(file, rest, { env, encoding: 'utf8' })
      expect([status, stderr]).toEqual([0, ''])
      return stdout
    }
    const asked = ran('doctor', '--store')
    expect(asked).toMatch(/^asked +answer\n/)
    expect(asked).toMatch(/complete after an abort +refused/)
    const file = join(project.root, '.tributary/store-answers.json')
    const known = readFileSync(file, 'utf8')
    const line = /store +s3:\/\/\S+: safe for tributary/
    expect(ran('doctor')).toMatch(line)
    expect(readFileSync(file, 'utf8')).toBe(known)
    rmSync(file)
    expect(ran('doctor')).toMatch(line)
    expect(readFileSync(file, 'utf8')).toContain('"abort_then_complete": "refused"')
  })

  test('a probe that is given up says so, and clears away what it wrote', async () => {
    const bucket = await bucketOf(kind)
    const stop = new AbortController()
    const client = s3Client(bucket.settings)
    // In the middle: something is written, and more was to come.
    client.middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          const answer = await next(args)
          if (commandName === 'UploadPartCommand') stop.abort()
          return answer
        },
      { step: 'initialize' },
    )
    const probed = probeStore({
      client,
      place: { bucket: bucket.bucket, prefix: 'data' },
      token: 'stopped',
      nowMs: 1,
      signal: stop.signal,
    })
    expect(await rejectedCode(probed)).toBe('STORE_UNUSABLE')
    const left = await bucket.client.send(new ListObjectsV2Command({ Bucket: bucket.bucket }))
    expect(left.KeyCount).toBe(0)
  })

  test('a bucket that is not there makes it unusable, by name', async () => {
    const bucket = await bucketOf(kind)
    const facts = await askStore('s3://tributary-test-nowhere', bucket.settings, 1)
    expect(storeRemarks(facts)).toMatchObject([
      { level: 'error', words: expect.stringContaining('NoSuchBucket') },
    ])
  })
})
