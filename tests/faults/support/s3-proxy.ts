/**
 * An HTTP proxy in front of an S3 server that knows what the requests mean.
 *
 * It passes requests and answers untouched (the Host header too, which is signed) until a fault wants
 * one. Its trace is in order, and counts the operations of a run.
 */
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Agent, createServer, request as httpRequest } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { setTimeout } from 'node:timers/promises'

/** What a request asks for, as the store means it. */
export type S3Operation =
  | 'abort'
  | 'complete'
  | 'copy-piece'
  | 'create'
  | 'get'
  | 'head'
  | 'list'
  | 'other'
  | 'piece'
  | 'put'
  | 'remove'

export interface S3Request {
  /** 1 for the first that the proxy saw */
  readonly ordinal: number
  readonly operation: S3Operation
  /** bucket and key */
  readonly path: string
  readonly query: URLSearchParams
  readonly atMs: number
  status: number
  /** what was done to it; undefined: nothing */
  fault: string | undefined
}

/** What may be done to a request or its answer. */
export type S3Injury =
  | {
      readonly do: 'status'
      readonly status: number
      readonly code: string
      readonly retryAfterS?: number
    }
  /** the connection ends after so many bytes of the request; the server never sees it */
  | { readonly do: 'cut-request' }
  /** the server does it, and the connection ends instead of its answer */
  | { readonly do: 'lose-answer' }
  | { readonly do: 'cut-answer'; readonly afterBytes: number }
  | { readonly do: 'flip'; readonly atByte: number }
  /** fewer bytes than there are, and a length that says so */
  | { readonly do: 'shorten'; readonly byBytes: number }
  | { readonly do: 'drip'; readonly bytesPerS: number }
  /** nothing is answered, and the connection stays */
  | { readonly do: 'hang' }
  | { readonly do: 'rewrite'; readonly body: (body: string, request: S3Request) => string }

export interface S3Fault {
  readonly when: (request: S3Request) => boolean
  /** how often; default once */
  readonly times?: number
  readonly injury: S3Injury
}

export interface S3Proxy {
  readonly endpoint: string
  readonly trace: readonly S3Request[]
  /** Wants faults from now on; the first that fits a request is done to it. */
  readonly inject: (...faults: readonly S3Fault[]) => void
  /** Wants none any more; returns how many were injected since the last call. */
  readonly heal: () => number
  readonly close: () => Promise<void>
}

interface Wanted extends S3Fault {
  left: number
}

/** Opens a proxy on a free loopback port. */
export async function openS3Proxy(upstream: string): Promise<S3Proxy> {
  const target = new URL(upstream)
  const agent = new Agent({ keepAlive: true })
  const trace: S3Request[] = []
  let wanted: Wanted[] = []
  let injected = 0
  const server = createServer((incoming, outgoing) => {
    const seen = seenAs(incoming, trace.length + 1)
    trace.push(seen)
    const fault = wanted.find(({ when, left }) => left > 0 && when(seen))
    if (fault !== undefined) {
      fault.left -= 1
      injected += 1
      seen.fault = fault.injury.do
    }
    // A connection that a fault or the client ended is no error of the proxy.
    serve({ incoming, outgoing, seen, target, agent }, fault?.injury).catch(() =>
      outgoing.destroy(),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no TCP port')
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    trace,
    inject: (...faults) => {
      wanted = faults.map((fault) => ({ ...fault, left: fault.times ?? 1 }))
    },
    heal: () => {
      wanted = []
      const count = injected
      injected = 0
      return count
    },
    close: async () => {
      agent.destroy()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function seenAs({ method = '', url = '', headers }: IncomingMessage, ordinal: number): S3Request {
  const { pathname, searchParams } = new URL(url, 'http://proxy')
  const has = (name: string): boolean => searchParams.has(name)
  const operation = ((): S3Operation => {
    if (method === 'HEAD') return 'head'
    if (method === 'GET') return has('list-type') ? 'list' : has('uploads') ? 'other' : 'get'
    if (method === 'PUT' && has('partNumber')) {
      return headers['x-amz-copy-source'] === undefined ? 'piece' : 'copy-piece'
    }
    if (method === 'PUT') return 'put'
    if (method === 'POST' && has('uploads')) return 'create'
    if (method === 'POST' && has('uploadId')) return 'complete'
    if (method === 'POST' && has('delete')) return 'remove'
    return method === 'DELETE' && has('uploadId') ? 'abort' : 'other'
  })()
  const path = decodeURIComponent(pathname)
  return {
    ordinal,
    operation,
    path,
    query: searchParams,
    atMs: performance.now(),
    status: 0,
    fault: undefined,
  }
}

interface Exchange {
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
  readonly seen: S3Request
  readonly target: URL
  readonly agent: Agent
}

async function serve(exchange: Exchange, injury: S3Injury | undefined): Promise<void> {
  const { incoming, outgoing, seen } = exchange
  if (injury?.do === 'cut-request') {
    incoming.once('data', () => incoming.destroy())
    incoming.once('end', () => incoming.destroy())
    return
  }
  const body = await buffer(incoming)
  if (injury?.do === 'hang') return
  if (injury?.do === 'status') {
    seen.status = injury.status
    if (injury.retryAfterS !== undefined) outgoing.setHeader('retry-after', injury.retryAfterS)
    outgoing.writeHead(injury.status, { 'content-type': 'application/xml' })
    outgoing.end(`<Error><Code>${injury.code}</Code><Message>injected</Message></Error>`)
    return
  }
  const answer = await forward(exchange, body)
  const bytes = await buffer(answer)
  seen.status = answer.statusCode ?? 0
  await reply(exchange, { answer, bytes }, injury)
}

async function forward(
  { incoming, target, agent }: Exchange,
  body: Buffer,
): Promise<IncomingMessage> {
  const { method, url, headers } = incoming
  const options = { host: target.hostname, port: target.port, method, path: url, headers, agent }
  const sent = httpRequest(options)
  sent.end(body)
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  return answer
}

async function reply(
  { outgoing, seen }: Exchange,
  { answer, bytes }: { readonly answer: IncomingMessage; readonly bytes: Buffer },
  injury: S3Injury | undefined,
): Promise<void> {
  const head = (length?: number): void => {
    const headers = { ...answer.headers }
    if (length !== undefined) headers['content-length'] = String(length)
    outgoing.writeHead(answer.statusCode ?? 502, headers)
  }
  switch (injury?.do) {
    case 'lose-answer':
      outgoing.destroy()
      return
    case 'cut-answer':
      head()
      outgoing.write(bytes.subarray(0, injury.afterBytes), () => outgoing.destroy())
      return
    case 'flip': {
      const at = Math.min(injury.atByte, bytes.length - 1)
      if (at >= 0) bytes.writeUInt8(bytes.readUInt8(at) ^ 0x01, at)
      break
    }
    case 'shorten': {
      const kept = bytes.subarray(0, Math.max(0, bytes.length - injury.byBytes))
      head(kept.length)
      outgoing.end(kept)
      return
    }
    case 'drip':
      head()
      for (let at = 0; at < bytes.length && !outgoing.destroyed; at += 1) {
        outgoing.write(bytes.subarray(at, at + 1))
        await setTimeout(1000 / injury.bytesPerS)
      }
      outgoing.end()
      return
    case 'rewrite': {
      // The server may have refused a page token that only the rewriting knows.
      const text = injury.body(bytes.toString(), seen)
      outgoing.writeHead(200, { 'content-type': 'application/xml' })
      outgoing.end(text)
      return
    }
    default:
  }
  head()
  outgoing.end(bytes)
}

/** A condition that is true once for each path: no request meets it in all its attempts. */
export function onceEach(...operations: readonly S3Operation[]): S3Fault['when'] {
  const met = new Set<string>()
  return ({ operation, path }) => {
    const name = `${operation} ${path}`
    if (!operations.includes(operation) || met.has(name)) return false
    met.add(name)
    return true
  }
}

export const of =
  (...operations: readonly S3Operation[]): S3Fault['when'] =>
  ({ operation }) =>
    operations.includes(operation)
