/**
 * One S3 server of each kind per test run, started when the first test file asks for it.
 *
 * As postgres-setup.ts: this listens on a loopback port and answers each connection, which names a
 * kind, with how to reach that server. A run that needs none starts none.
 */
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { TestProject } from 'vitest/node'
import type { S3Kind, TestS3 } from './s3-server.ts'
import { openTestS3 } from './s3-server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** loopback port that answers a kind with a TestS3's data, or `{ error }`, as JSON */
    s3Port: number
  }
}

async function openOnce(kind: S3Kind): Promise<TestS3> {
  const server = await openTestS3(kind)
  process.stderr.write(`${kind} for tests: ${server.origin}\n`)
  return server
}

/** Called by vitest before the first test file; what it returns, after the last one. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const opened = new Map<S3Kind, Promise<TestS3>>()
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.once('data', (asked) => {
      const kind = asked.toString().trim() === 'versitygw' ? 'versitygw' : 'minio'
      const one = opened.get(kind) ?? openOnce(kind)
      opened.set(kind, one)
      one.then(
        ({ close: _, ...found }) => socket.end(JSON.stringify(found)),
        (error: unknown) => socket.end(JSON.stringify({ error: String(error) })),
      )
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no TCP port')
  project.provide('s3Port', address.port)
  return async () => {
    server.close()
    for (const one of opened.values()) {
      // A server that never started was reported to the tests that asked for it.
      const started = await one.catch(() => undefined)
      await started?.close()
    }
  }
}
