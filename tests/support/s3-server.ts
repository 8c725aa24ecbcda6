/**
 * S3 servers for tests, two that disagree: MinIO, which stands for «the store», and versitygw.
 *
 * Each comes from the first of these that has one:
 * 1. for MinIO, the server at TRIBUTARY_TEST_S3_URL, with TRIBUTARY_TEST_S3_ACCESS_KEY and
 *    TRIBUTARY_TEST_S3_SECRET_KEY (its user may create buckets);
 * 2. the pinned binary of go-tools.ts, built if it is not there;
 * 3. the same version as an image, where a Docker engine answers.
 *
 * Where none works it throws and says what mends it; a test never skips for want of a server. A
 * private server listens on 127.0.0.1, keeps its data in the temporary folder, and ends with the
 * process that started it, however that ends.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { needTool } from './go-tools.ts'

export type S3Kind = 'minio' | 'versitygw'

/** A running server and its owner's keys. */
export interface TestS3 {
  readonly kind: S3Kind
  readonly endpoint: string
  readonly accessKey: string
  readonly secretKey: string
  /** where it came from, for people */
  readonly origin: string
  /** Stops a private server and deletes its data; leaves a server of the environment alone. */
  readonly close: () => Promise<void>
}

/** Opens a server. Cost: 0 with a URL, 1.2 s (MinIO) or 0.1 s once it is built. */
export async function openTestS3(kind: S3Kind): Promise<TestS3> {
  const endpoint = process.env['TRIBUTARY_TEST_S3_URL']
  if (endpoint && kind === 'minio') return named(endpoint)
  const failures: string[] = []
  for (const open of [openBinary, openContainer]) {
    try {
      return await open(kind)
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error))
    }
  }
  throw new Error(
    `these tests need ${kind} and none could be started. Install the Go client (https://go.dev/dl) ` +
      `and run \`npm run services\`, which builds it once` +
      (kind === 'minio' ? ', or set TRIBUTARY_TEST_S3_URL to an S3 server' : '') +
      `.\n  ${failures.join('\n  ')}`,
  )
}

function named(endpoint: string): TestS3 {
  return {
    kind: 'minio',
    endpoint,
    accessKey: process.env['TRIBUTARY_TEST_S3_ACCESS_KEY'] ?? '',
    secretKey: process.env['TRIBUTARY_TEST_S3_SECRET_KEY'] ?? '',
    origin: 'TRIBUTARY_TEST_S3_URL',
    close: async () => undefined,
  }
}

const START_TRIES_MAX = 3
const READY_TIMEOUT_MS = 30_000
const READY_POLL_MS = 25

const newKeys = (): { readonly accessKey: string; readonly secretKey: string } => ({
  accessKey: `test-${randomBytes(4).toString('hex')}`,
  secretKey: randomBytes(16).toString('hex'),
})

/** Staged uploads outlive any test run: a server that drops them by itself is MinIO's default. */
const MINIO_ENVIRONMENT = {
  MINIO_BROWSER: 'off',
  MINIO_UPDATE: 'off',
  MINIO_API_STALE_UPLOADS_EXPIRY: '720h',
}

async function openBinary(kind: S3Kind): Promise<TestS3> {
  const binary = await needTool(kind)
  for (let tried = 1; ; tried++) {
    const folder = await mkdtemp(join(tmpdir(), `tributary-${kind}-`))
    const keys = newKeys()
    const port = await freePort()
    const child = guarded(folder, {
      line: [binary, ...(await optionsOf(kind, folder, port))],
      environment: environmentOf(kind, keys),
    })
    const endpoint = `http://127.0.0.1:${port}`
    try {
      await untilReady(endpoint, child)
      return { kind, endpoint, ...keys, origin: binary, close: async () => end(child) }
    } catch (error) {
      const log = await readFile(join(folder, 'log'), 'utf8').catch(() => 'no log')
      await end(child)
      // The port may have been taken between its choice and the server's start.
      if (tried < START_TRIES_MAX) continue
      throw new Error(`${binary}: ${log.trim().split('\n').at(-1) ?? ''}`, { cause: error })
    }
  }
}

async function optionsOf(kind: S3Kind, folder: string, port: number): Promise<readonly string[]> {
  const at = async (name: string): Promise<string> => {
    await mkdir(join(folder, name))
    return join(folder, name)
  }
  const address = `127.0.0.1:${port}`
  return kind === 'minio'
    ? ['server', '--quiet', '--address', address, await at('data')]
    : ['--port', address, '--iam-dir', await at('iam'), '--quiet', 'posix'].concat([
        '--versioning-dir',
        await at('versions'),
        await at('data'),
      ])
}

const environmentOf = (
  kind: S3Kind,
  { accessKey, secretKey }: { readonly accessKey: string; readonly secretKey: string },
): Readonly<Record<string, string>> =>
  kind === 'minio'
    ? { ...MINIO_ENVIRONMENT, MINIO_ROOT_USER: accessKey, MINIO_ROOT_PASSWORD: secretKey }
    : { ROOT_ACCESS_KEY: accessKey, ROOT_SECRET_KEY: secretKey }

/** A shell that ends the server and its folder as soon as this process is gone: its input closes. */
const GUARD = `"$@" >"$FOLDER/log" 2>&1 &
server=$!
cat >/dev/null
kill -9 $server 2>/dev/null
wait $server 2>/dev/null
rm -rf "$FOLDER"`

function guarded(
  folder: string,
  {
    line,
    environment,
  }: {
    readonly line: readonly string[]
    readonly environment: Readonly<Record<string, string>>
  },
): ChildProcess {
  return spawn('sh', ['-c', GUARD, 'sh', ...line], {
    // Its own group: an interrupt from the terminal reaches this process, which ends it in order.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { ...process.env, ...environment, FOLDER: folder },
  })
}

async function end(guard: ChildProcess): Promise<void> {
  if (guard.exitCode !== null || guard.signalCode !== null) return
  const ended = once(guard, 'exit')
  guard.stdin?.end()
  await ended
}

/** Any answer will do: both say 403 to a stranger. */
async function untilReady(endpoint: string, guard: ChildProcess): Promise<void> {
  for (let waitedMs = 0; waitedMs < READY_TIMEOUT_MS; waitedMs += READY_POLL_MS) {
    if (guard.exitCode !== null) break
    const answer = await fetch(endpoint).catch(() => undefined) // not listening yet
    await answer?.arrayBuffer()
    // MinIO says 503 while it starts.
    if (answer !== undefined && answer.status < 500) return
    await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS))
  }
  throw new Error(`${endpoint} did not answer within ${READY_TIMEOUT_MS / 1000} s`)
}

const IMAGES: Readonly<Record<S3Kind, string>> = {
  minio: 'quay.io/minio/minio:RELEASE.2025-09-07T16-13-09Z',
  versitygw: 'ghcr.io/versity/versitygw:v1.8.0',
}
const CONTAINER_PORT = 9000

async function openContainer(kind: S3Kind): Promise<TestS3> {
  if (!existsSync('/var/run/docker.sock') && process.env['DOCKER_HOST'] === undefined) {
    throw new Error('no Docker engine answers here')
  }
  const { GenericContainer, Wait } = await import('testcontainers')
  const keys = newKeys()
  const command =
    kind === 'minio' ? ['server', '/data'] : ['--port', `:${CONTAINER_PORT}`, 'posix', '/tmp']
  const container = await new GenericContainer(IMAGES[kind])
    .withEnvironment(environmentOf(kind, keys))
    .withCommand(command)
    .withExposedPorts(CONTAINER_PORT)
    .withWaitStrategy(Wait.forListeningPorts())
    .start()
  const endpoint = `http://${container.getHost()}:${container.getMappedPort(CONTAINER_PORT)}`
  const close = async (): Promise<void> => {
    await container.stop()
  }
  return { kind, endpoint, ...keys, origin: IMAGES[kind], close }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('no free TCP port')
  return address.port
}
