/**
 * What a bucket's inbox makes of answers that a well-behaved server would not give: hostile names,
 * answers cut short, refusals. The contract itself is run on real servers, in the services tier.
 */
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { afterAll, expect, test } from 'vitest'
import { closeDeliveries } from '../../registry/inbox.ts'
import { openS3Inbox } from '../../minio/s3-inbox.ts'
import { rejectedCode } from '../support/error-code.ts'

type Answer = (request: IncomingMessage, response: ServerResponse) => void
let answer: Answer = (_, response) => response.end()
const asked: string[] = []
const server = createServer((request, response) => {
  asked.push(`${request.method} ${request.url}`)
  answer(request, response)
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const address = server.address()
const port = typeof address === 'string' || address === null ? 0 : address.port
const inbox = openS3Inbox('s3://drops/in', {
  endpoint: `http://127.0.0.1:${port}`,
  region: 'us-east-1',
  credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
})
afterAll(async () => {
  await inbox.close()
  server.close()
})

const xml = (response: ServerResponse, status: number, body: string): void => {
  response.writeHead(status, { 'content-type': 'application/xml' })
  response.end(`<?xml version="1.0" encoding="UTF-8"?>${body}`)
}
const refuse =
  (status: number, code: string): Answer =>
  (_, response) =>
    xml(response, status, `<Error><Code>${code}</Code><Message>no</Message></Error>`)

/** A listing as S3 encodes it; the next page's token is its number. */
const listing = (pages: readonly (readonly string[])[]): Answer => {
  return (request, response) => {
    const asks = new URL(request.url ?? '', 'http://x').searchParams
    const at = Number(asks.get('continuation-token') ?? 0)
    const contents = (pages[at] ?? []).map(
      (key) => `<Contents><Key>${key}</Key><LastModified>2026-01-02T03:04:05.678Z</LastModified>
        <ETag>&quot;abc-2&quot;</ETag><Size>7</Size></Contents>`,
    )
    const more = at + 1 < pages.length
    const next = more ? `<NextContinuationToken>${at + 1}</NextContinuationToken>` : ''
    const body = `<EncodingType>url</EncodingType><IsTruncated>${more}</IsTruncated>${next}${contents.join('')}`
    xml(response, 200, `<ListBucketResult>${body}</ListBucketResult>`)
  }
}
const encoded = (key: string): string =>
  encodeURIComponent(key).replaceAll('%2F', '/').replaceAll('%20', '+')

const HOSTILE = [
  '../../etc/passwd',
  'acme/../../a.csv',
  'acme/./a.csv',
  '/acme/a.csv',
  'acme//a.csv',
  'acme/',
  'acme/d/',
  'acme/a\\b.csv',
  'acme/a\u0000.csv',
  'acme/a\n\u001b[31m.csv',
  'acme/\u202egnp.csv',
  `acme/${'x'.repeat(900)}`,
  `acme/${'d/'.repeat(20)}a`,
]

test('hostile keys are listed as they are, refused by name, and never asked for', async () => {
  const keys = [...HOSTILE, 'acme/good.csv'].map((path) => encoded(`in/${path}`))
  answer = listing([keys, ['in/acme/not%ZZtext.csv', 'in/']])
  asked.length = 0
  const { listed, faults } = await inbox.list()
  expect(faults).toEqual([])
  expect(listed.slice(0, -2).map(({ path }) => path)).toEqual(HOSTILE)
  const { closed, waiting } = closeDeliveries({ listed, seen: [], nowMs: 9, quiescenceMs: 0 })
  expect(closed.flatMap(({ files }) => files.map(({ path }) => path))).toEqual(['acme/good.csv'])
  expect(waiting.map(({ code }) => code)).toEqual(Array(HOSTILE.length + 1).fill('REFUSED_NAME'))
  for (const { path, why } of waiting) expect(path + why).toMatch(/^[\x20-\x7e]+$/)
  expect(new Set(waiting.map(({ path }) => path)).size).toBe(waiting.length)
  expect(asked.map((line) => line.split('?')[0])).toEqual(['GET /drops', 'GET /drops'].map(slashed))
})
/** The client may ask for the bucket with or without a closing slash. */
const slashed = (line: string): unknown => expect.stringMatching(new RegExp(`^${line}/?$`))

test('a listing that does not move on is a store that cannot be used', async () => {
  answer = (_, response) => {
    const body = `<IsTruncated>true</IsTruncated><NextContinuationToken>again</NextContinuationToken>`
    xml(response, 200, `<ListBucketResult>${body}</ListBucketResult>`)
  }
  expect(await rejectedCode(inbox.list())).toBe('STORE_UNUSABLE')
})

test('a version is its ETag, size and change; no time of the store counts as how old it is', async () => {
  answer = listing([['in/acme/a.csv']])
  const { listed } = await inbox.list()
  expect(listed).toEqual([
    {
      path: 'acme/a.csv',
      sizeBytes: 7,
      changedToken: `abc-2:7:${Date.UTC(2026, 0, 2, 3, 4, 5, 678)}`,
    },
  ])
  expect(inbox.sourceOf({ path: 'acme/a.csv', changedToken: 'abc-2:7:1' })).toBe(
    's3://drops/in/acme/a.csv?etag=abc-2',
  )
})

const source = inbox.sourceOf({ path: 'acme/a.csv', changedToken: 'abc-2:7:1' })
const read = async () => buffer(inbox.read(source))

test('reading asks for the version, and says what came in between', async () => {
  answer = (request, response) => {
    expect(request.headers['if-match']).toBe('"abc-2"')
    response.writeHead(200, { 'content-length': '7' })
    response.end('1234567')
  }
  expect((await read()).toString()).toBe('1234567')
  answer = refuse(412, 'PreconditionFailed')
  expect(await rejectedCode(read())).toBe('INPUT_CHANGED')
  answer = refuse(404, 'NoSuchKey')
  expect(await rejectedCode(read())).toBe('INPUT_UNREADABLE')
  answer = refuse(403, 'AccessDenied')
  expect(await rejectedCode(read())).toBe('INPUT_UNREADABLE')
})

test('an answer that is cut short is no file', async () => {
  answer = (_, response) => {
    response.writeHead(200, { 'content-length': '7' })
    response.write('123', () => response.destroy())
  }
  expect(await rejectedCode(read())).toBe('STORE_UNUSABLE')
})

test('a bucket that cannot be listed is a store that cannot be used', async () => {
  for (const [status, code] of [
    [404, 'NoSuchBucket'],
    [403, 'AccessDenied'],
  ] as const) {
    answer = refuse(status, code)
    expect(await rejectedCode(inbox.list())).toBe('STORE_UNUSABLE')
  }
})

test('a file put between the two requests of a removal is hidden for a moment, and comes back', async () => {
  const changed = Date.UTC(2026, 0, 2, 3, 4, 5)
  const version = { path: 'acme/a.csv', changedToken: `abc-2:7:${changed}` }
  /** What lies under the marker that the delete made. */
  const remove = async (underneath: string): Promise<string> => {
    answer = (request, response) => {
      if (request.method === 'HEAD') {
        response.writeHead(200, {
          'content-length': '7',
          etag: '"abc-2"',
          'last-modified': new Date(changed).toUTCString(),
          'x-amz-version-id': 'landed',
        })
        return response.end()
      }
      if (request.method === 'DELETE') {
        response.writeHead(204, { 'x-amz-delete-marker': 'true', 'x-amz-version-id': 'marker' })
        return response.end()
      }
      const entry = (name: string, id: string) =>
        `<${name}><Key>in/acme/a.csv</Key><VersionId>${id}</VersionId></${name}>`
      const body = `${entry('DeleteMarker', 'marker')}${entry('Version', underneath)}${entry('Version', 'landed')}`
      return xml(response, 200, `<ListVersionsResult>${body}</ListVersionsResult>`)
    }
    asked.length = 0
    const removal = await inbox.remove(version)
    const deletes = asked.filter((line) => line.startsWith('DELETE'))
    return `${removal}, ${deletes.filter((line) => line.includes('versionId=marker')).length} undone`
  }
  expect(await remove('landed')).toBe('removed, 0 undone')
  expect(await remove('newer')).toBe('changed, 1 undone')
})
