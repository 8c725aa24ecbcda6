/**
 * A TCP proxy in front of a server, for PostgreSQL's wire. It passes bytes untouched until told
 * otherwise, and counts what it did.
 */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect, createServer } from 'node:net'

export interface TcpProxy {
  readonly port: number
  /** Connections made, and faults injected, so far. */
  readonly counts: { connections: number; faults: number }
  /**
   * The next so many times a client sends the text: it is forwarded, the server answers, and the
   * connection is cut instead of passing the answer on.
   */
  readonly loseAnswers: (text: string, times: number) => void
  /** The next so many times a client sends the text the connection is cut before the server sees it. */
  readonly cutBefore: (text: string, times: number) => void
  /** From now on nothing passes in either direction, and no connection ends: a half-open peer. */
  readonly freeze: () => void
  /** Passes again what is sent from now on; frozen connections stay dead. */
  readonly thaw: () => void
  readonly cutAll: () => void
  readonly close: () => Promise<void>
}

/** Where a PostgreSQL URL of a test leads: a socket's folder or a host and port. */
export function targetOf(url: string): { readonly path: string } | { readonly port: number } {
  const parsed = new URL(url)
  const folder = parsed.searchParams.get('host')
  const port = Number(parsed.port || 5432)
  return folder?.startsWith('/') === true ? { path: `${folder}/.s.PGSQL.${port}` } : { port }
}

/** The same URL through a proxy. */
export function through(url: string, { port }: TcpProxy): string {
  const parsed = new URL(url)
  parsed.searchParams.delete('host')
  parsed.hostname = '127.0.0.1'
  parsed.port = String(port)
  return parsed.href
}

interface Wanted {
  readonly text: Buffer
  readonly isForwarded: boolean
  times: number
}

/** Opens a proxy on a free loopback port. */
export async function openTcpProxy(
  target: { readonly path: string } | { readonly port: number },
): Promise<TcpProxy> {
  const counts = { connections: 0, faults: 0 }
  const wanted: Wanted[] = []
  const open = new Set<Socket>()
  let isFrozen = false
  const server = createServer((client) => {
    counts.connections += 1
    const upstream = connect('path' in target ? target : { host: '127.0.0.1', port: target.port })
    let isCutAtAnswer = false
    let isDead = isFrozen
    const cut = (): void => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.on('error', cut)
      socket.on('close', () => open.delete(socket))
    }
    client.on('data', (bytes) => {
      isDead ||= isFrozen
      if (isDead) return
      const hit = wanted.find(({ text, times }) => times > 0 && bytes.includes(text))
      if (hit !== undefined) {
        hit.times -= 1
        counts.faults += 1
        if (!hit.isForwarded) return cut()
        isCutAtAnswer = true
      }
      upstream.write(bytes)
    })
    upstream.on('data', (bytes) => {
      isDead ||= isFrozen
      if (isDead) return
      if (isCutAtAnswer) cut()
      else client.write(bytes)
    })
    client.on('end', () => isDead || upstream.end())
    upstream.on('end', () => isDead || client.end())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no TCP port')
  const cutAll = (): void => {
    for (const socket of open) socket.destroy()
  }
  const want = (text: string, times: number, isForwarded: boolean): void => {
    wanted.push({ text: Buffer.from(text), times, isForwarded })
  }
  return {
    port: address.port,
    counts,
    loseAnswers: (text, times) => want(text, times, true),
    cutBefore: (text, times) => want(text, times, false),
    freeze: () => {
      isFrozen = true
      counts.faults += 1
    },
    thaw: () => {
      isFrozen = false
    },
    cutAll,
    close: async () => {
      cutAll()
      server.close()
      await once(server, 'close')
    },
  }
}
