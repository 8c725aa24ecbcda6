/** The store in a bucket beyond the contract: what it sends, and what it makes of a bad road. */
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ObjectStore } from '../../engine/index.ts'
import { sha256 } from '../../engine/index.ts'
import { Bucket } from '../../minio/s3-bucket.ts'
import { openS3Store } from '../../minio/s3-store.ts'
import { part, stage } from '../contracts/object-store.ts'
import { S3_KINDS, freshBucket } from '../support/s3.ts'

/** Answers a request itself, or lets it pass to the server behind. */
type Answer = (asked: IncomingMessage, reply: ServerResponse) => boolean

/** A road to the server on which requests can be answered by a test. */
async function road(endpoint: string, answer: Answer): Promise<Server> {
  const server = createServer((asked, reply) => {
    if (answer(asked, reply)) return void asked.resume()
    const { method, headers } = asked
    const passed = request(new URL(asked.url ?? '', endpoint), { method, headers }, (answered) => {
      reply.writeHead(answered.statusCode ?? 500, answered.headers)
      answered.pipe(reply)
    })
    passed.on('error', () => reply.destroy())
    asked.pipe(passed)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

const refusal = (reply: ServerResponse, status: number, code: string): true => {
  reply.writeHead(status, { 'content-type': 'application/xml' })
  reply.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`)
  return true
}

for (const kind of S3_KINDS) {
  const bucket = await freshBucket(kind)
  afterAll(async () => bucket.close())

  describe(`on ${kind}`, () => {
    let folder: string
    const servers: Server[] = []
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'tributary-s3-'))
    })
    afterEach(() => {
      for (const server of servers.splice(0)) server.close().closeAllConnections()
      rmSync(folder, { recursive: true, force: true })
    })
    const open = (endpoint = bucket.settings.endpoint): ObjectStore =>
      openS3Store({
        place: { bucket: bucket.bucket, prefix: sha256(folder).slice(0, 8) },
        settings: { ...bucket.settings, endpoint },
        cache: { folder: join(folder, 'cache'), bytesMax: 1 << 30 },
      })
    const openThrough = async (answer: Answer): Promise<ObjectStore> => {
      const server = await road(bucket.settings.endpoint ?? '', answer)
      servers.push(server)
      return open(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    }

    test('bytes other than their SHA-256 says are never completed', async () => {
      const store = open()
      const wrong = { ...part('a', 'one'), sha256: sha256('two') }
      await expect(stage(store, 'gold @r1-1', [wrong])).rejects.toMatchObject({
        code: 'PART_INVALID',
      })
      const file = join(folder, 'large')
      writeFileSync(file, Buffer.alloc(20 << 20, 1))
      const large = { name: 'l', source: { file }, sizeBytes: 20 << 20, sha256: sha256('other') }
      await expect(stage(store, 'gold @r1-2', [large])).rejects.toMatchObject({
        code: 'PART_INVALID',
      })
    })

    test('a piece that arrives changed is refused, and sent again', async () => {
      let refused = 0
      const store = await openThrough((asked, reply) => {
        const isPiece = asked.method === 'PUT' && asked.url?.includes('partNumber=') === true
        if (!isPiece || ++refused > 2) return false
        return refusal(reply, 400, 'BadDigest')
      })
      const { folder: attempt, paths } = await stage(store, 'gold @r1-1', [part('a', 'one')])
      await store.sync([attempt])
      expect([await store.digest(paths[0] ?? ''), refused]).toEqual([sha256('one'), 3])
    })

    test('a busy server is asked again, and one that stays busy is told in words', async () => {
      let busy = 3
      const store = await openThrough((_asked, reply) =>
        busy-- > 0 ? refusal(reply, 503, 'SlowDown') : false,
      )
      expect(await store.lastManifest('gold')).toBe(undefined)
      busy = Infinity
      await expect(store.lastManifest('gold')).rejects.toMatchObject({
        code: 'STORE_UNUSABLE',
        context: { reason: expect.stringContaining('too busy') },
      })
    })

    test('an answer to a completion that is lost is not taken for a failure', async () => {
      let lost = 0
      const store = await openThrough((asked, reply) => {
        const isCompletion = asked.method === 'POST' && asked.url?.includes('uploadId=') === true
        if (!isCompletion || ++lost > 1) return false
        const { method, headers } = asked
        const url = new URL(asked.url ?? '', bucket.settings.endpoint)
        // It is done, and the connection breaks instead of saying so.
        asked.pipe(request(url, { method, headers }, () => reply.destroy()))
        return true
      })
      const { folder: attempt, paths } = await stage(store, 'gold @r1-1', [part('a', 'one')])
      await store.sync([attempt])
      expect([await store.sizes(paths), lost > 0]).toEqual([[3], true])
    })

    test('where a server copies nothing, the bytes go through this machine', async () => {
      let copies = 0
      const store = await openThrough((asked, reply) => {
        if (asked.headers['x-amz-copy-source'] === undefined) return false
        copies++
        return refusal(reply, 501, 'NotImplemented')
      })
      const file = join(folder, 'large')
      const bytes = Buffer.alloc(20 << 20, 7)
      writeFileSync(file, bytes)
      const large = { name: 'l', source: { file }, sizeBytes: bytes.length, sha256: sha256(bytes) }
      const first = await stage(store, 'silver @r1-1', [large, part('none', '')])
      await store.sync([first.folder])
      const [stored = '', none = ''] = first.paths
      const carried = [{ ...large, source: { stored } }, part('none', '', { stored: none })]
      const second = await stage(store, 'gold @r1-2', carried)
      await store.sync([second.folder])
      const digests = await Promise.all(second.paths.map(async (path) => store.digest(path)))
      expect([digests, copies]).toEqual([[large.sha256, sha256('')], 2])
    })

    test('a download that breaks off is begun again', async () => {
      let broken = 0
      const store = await openThrough((asked, reply) => {
        if (asked.method !== 'GET' || asked.url?.includes('.r1-1') !== true || ++broken > 1)
          return false
        reply.writeHead(200, { 'content-length': '3' })
        reply.write('o', () => reply.destroy())
        return true
      })
      const { folder: attempt, paths } = await stage(store, 'gold @r1-1', [part('a', 'one')])
      await store.sync([attempt])
      const fetched = await store.fetch({ path: paths[0] ?? '', ...part('a', 'one') })
      expect([readFileSync(fetched, 'utf8'), broken]).toEqual(['one', 2])
    })

    test('a listing has UTF-8 order over its pages, awkward keys as they are', async () => {
      const prefix = 'listed'
      const names = 'a a/b-c a-b a.b A Z _ ~ é zz 10 9 %41 a+b a=b \u{1F600} \uFF5E'.split(' ')
      const keys = [...names.filter((name) => name !== 'a'), 'a b']
      for (const key of keys) {
        await bucket.client.send(
          new PutObjectCommand({ Bucket: bucket.bucket, Key: `${prefix}/${key}`, Body: 'x' }),
        )
      }
      const listing = new Bucket(bucket.client, { bucket: bucket.bucket, prefix })
      const found: string[] = []
      for await (const page of listing.pages('', 7)) found.push(...page.map(({ key }) => key))
      const inOrder = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      expect(found).toEqual(inOrder)
    })

    test('staging a large file holds a few pieces in memory, however large it is', async () => {
      const file = join(folder, 'large')
      writeFileSync(file, Buffer.alloc(256 << 20))
      const sizeBytes = 256 << 20
      const zeros = await digestOf(file)
      const before = process.memoryUsage().rss
      let most = before
      const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 10)
      await stage(open(), 'gold @r1-1', [{ name: 'l', source: { file }, sizeBytes, sha256: zeros }])
      clearInterval(watch)
      // Four pieces of 8 MiB, and what the client and the collector keep of them for a while.
      expect(most - before).toBeLessThan(128 << 20)
    })
  })
}

async function digestOf(file: string): Promise<string> {
  const { createHash } = await import('node:crypto')
  const sum = createHash('sha256')
  for await (const block of createReadStream(file)) sum.update(block as Buffer)
  return sum.digest('hex')
}
