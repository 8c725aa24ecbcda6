/**
 * I4 in a bucket: readers of manifests, and of plain listings, that never stop looking, through deaths
 * at every step of a commit and answers that are lost.
 */
import type { S3Client } from '@aws-sdk/client-s3'
import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { FreshDatabase } from '../support/postgres.ts'
import { freshDatabase } from '../support/postgres.ts'
import type { FreshBucket } from '../support/s3.ts'
import { freshBucket } from '../support/s3.ts'
import { PLACE_FILE } from './engine-job.ts'
import { MONTHS, PART_NAMES, pathOf } from './months-job.ts'
import { runNode } from './support/child.ts'
import { countFault } from './support/count.ts'
import { sweptBy } from './support/failpoint-names.ts'
import type { Look } from './support/month-reader.ts'
import { readMonths } from './support/month-reader.ts'
import type { S3Proxy } from './support/s3-proxy.ts'
import { of, openS3Proxy } from './support/s3-proxy.ts'

const CHILD = fileURLToPath(new URL('months-child.ts', import.meta.url))
const PREFIX = 'at'
const STEPS = sweptBy('s3-kill.services.test.ts').filter((name) =>
  /^(commit|s3\.(complete|remove))\./.test(name),
)

let root: string
let database: FreshDatabase
let bucket: FreshBucket
let proxy: S3Proxy
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'tributary-readers-'))
  database = await freshDatabase()
  bucket = await freshBucket('minio')
  proxy = await openS3Proxy(bucket.settings.endpoint ?? '')
  const s3 = { ...bucket.settings, endpoint: proxy.endpoint }
  const place = { catalog: database.url, store: `${bucket.url}/${PREFIX}`, s3 }
  writeFileSync(join(root, PLACE_FILE), JSON.stringify(place))
})
afterAll(async () => {
  await proxy.close()
  await bucket.close()
  await database.close()
  rmSync(root, { recursive: true, force: true })
})

const textOf = async (client: S3Client, Key: string): Promise<string> => {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket.bucket, Key }))
  return (await Body?.transformToString()) ?? ''
}

const keysUnder = async (path: string): Promise<readonly string[]> => {
  const Prefix = `${PREFIX}/${path}/`
  const page = await bucket.client.send(new ListObjectsV2Command({ Bucket: bucket.bucket, Prefix }))
  return (page.Contents ?? []).map(({ Key = '' }) => Key)
}

interface Manifest {
  readonly parts: readonly { readonly name: string; readonly path: string }[]
}

/** The parts that the highest manifest names. */
const lookByManifest: Look = async (path) => {
  const last = (await keysUnder(`${path}/_manifest`)).toSorted().at(-1)
  if (last === undefined) return undefined
  const { parts } = JSON.parse(await textOf(bucket.client, last)) as Manifest
  const read = parts.map(
    async (part) => [part.name, await textOf(bucket.client, `${PREFIX}/${part.path}`)] as const,
  )
  return new Map(await Promise.all(read))
}

test('a month is never missing, mixed or older by its manifest, and never empty by a listing', async () => {
  const byManifest = readMonths(lookByManifest)
  const emptied: string[] = []
  const published = new Set<string>()
  const stopping = new AbortController()
  const byListing = (async () => {
    while (!stopping.signal.aborted) {
      for (const month of MONTHS) {
        const parts = (await keysUnder(pathOf(month))).filter((key) => !key.includes('/_manifest/'))
        if (parts.length >= PART_NAMES.length) published.add(month)
        else if (published.has(month)) emptied.push(`${month} has ${parts.length} parts`)
      }
      await setTimeout(20)
    }
  })()
  let edition = 1
  const run = async (plan: string): Promise<string | null> => {
    const words = [CHILD, root, String(edition), String(edition + 1), plan]
    edition += 2
    return (await runNode(words)).signal
  }
  expect(await run('run.planned=pause:1@1')).toBe(null)
  for (const name of STEPS) if ((await run(`${name}=crash@2`)) === 'SIGKILL') countFault('F1')
  for (const operation of ['complete', 'put', 'remove'] as const) {
    proxy.inject({ when: of(operation), times: 3, injury: { do: 'lose-answer' } })
    expect(await run('run.planned=pause:1@1')).toBe(null)
    countFault('F13', proxy.heal())
  }
  stopping.abort()
  await byListing
  await byManifest.stop()
  expect([byManifest.offences, emptied]).toEqual([[], []])
  expect(byManifest.seen()).toBeGreaterThan(STEPS.length)
  for (const month of MONTHS) {
    const parts = (await keysUnder(pathOf(month))).filter((key) => !key.includes('/_manifest/'))
    const texts = await Promise.all(parts.map(async (key) => textOf(bucket.client, key)))
    expect(texts).toContain(String(edition - 1))
  }
})
