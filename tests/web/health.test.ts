/** /healthz and /metrics: what they say, to whom, and what they never say. */
import { request } from 'node:http'
import { afterEach, expect, test } from 'vitest'
import type { HealthOptions, HealthServer } from '../../engine/web/health-server.ts'
import { serveHealth } from '../../engine/web/health-server.ts'
import type { Figures } from '../../engine/run/vitals.ts'
import { rejectedCode } from '../support/error-code.ts'

const WELL: Figures = {
  catalogFault: undefined,
  storeFault: undefined,
  leases: [{ name: 'sensor:inbox', holder: 'host:1:abc', endsInMs: 9_400 }],
  dirty: new Map([['gold_canonical', 3]]),
  queued: 2,
  running: 1,
  oldestWaitingMs: 4_200,
  requests: new Map([['PENDING', 5]]),
  slots: 4,
}

let server: HealthServer | undefined
afterEach(async () => {
  await server?.[Symbol.asyncDispose]()
  server = undefined
})

async function start(
  figures: Figures,
  options: Partial<HealthOptions> = {},
): Promise<HealthServer> {
  server = await serveHealth({
    host: '127.0.0.1',
    port: 0,
    names: ['health.example.org'],
    figures: async () => figures,
    sensors: () => [],
    isStopping: () => false,
    ...options,
  })
  return server
}

interface Answer {
  readonly status: number
  readonly body: string
}

/** By node:http: fetch does not let a Host header be given. */
async function get(path: string, host?: string): Promise<Answer> {
  const url = new URL(path, server?.url)
  return new Promise((resolve, reject) => {
    const headers = host === undefined ? {} : { host }
    const asked = request(url, { headers }, (answer) => {
      let body = ''
      answer.on('data', (chunk: Buffer) => (body += chunk.toString()))
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }))
    })
    asked.on('error', reject)
    asked.end()
  })
}

test('a daemon that is well says so, with what waits and who leads', async () => {
  await start(WELL)
  const { status, body } = await get('/healthz')
  expect(status).toBe(200)
  expect(JSON.parse(body)).toEqual({
    status: 'ok',
    catalog: 'ok',
    store: 'ok',
    leases: [{ name: 'sensor:inbox', holder: 'host:1:abc', ends_in_s: 9 }],
    dirty: { gold_canonical: 3 },
    queued: 2,
    running: 1,
    oldest_waiting_s: 4,
    requests: { PENDING: 5 },
    slots: 4,
    sensors: [],
  })
})

test.each([
  ['the catalog is away', { ...WELL, catalogFault: 'ECONNREFUSED' }, {}],
  ['the store is away', { ...WELL, storeFault: 'STORE_UNUSABLE' }, {}],
  ['it is being stopped', WELL, { isStopping: () => true }],
])('it is not well while %s', async (_, figures, options) => {
  await start(figures, options)
  expect((await get('/healthz')).status).toBe(503)
})

test('only who calls it by its name is served', async () => {
  const { url } = await start(WELL)
  const { port } = new URL(url)
  const statuses = async (hosts: readonly string[]): Promise<readonly number[]> =>
    Promise.all(hosts.map(async (host) => (await get('/healthz', host)).status))
  expect(
    await statuses([`127.0.0.1:${port}`, `localhost:${port}`, 'localhost', 'health.example.org']),
  ).toEqual([200, 200, 200, 200])
  expect(await statuses(['evil.example', '127.0.0.1.evil.example'])).toEqual([403, 403])
  expect((await get('/elsewhere')).status).toBe(404)
})

test('metrics count what was reported, under names that the program declares', async () => {
  const { observe } = await start(WELL)
  const node = { asset: 'gold_canonical', key: 'MA/medical/2024-01' }
  observe({ type: 'finished', node, outcome: 'built', ms: 120, rows: 7 })
  observe({ type: 'failed', node, code: 'PART_MISSING', text: 'a part of Jane Doe.csv is gone' })
  observe({ type: 'ticked', sensor: 'inbox', result: { kind: 'skipped', why: 'x' }, ms: 2 })
  observe({ type: 'trouble', loop: 'reconcile', code: 'ECONNRESET', retryMs: 100 })
  const { body } = await get('/metrics')
  const lines = body.split('\n')
  for (const line of [
    'tributary_builds_total{asset="gold_canonical",outcome="built"} 1',
    'tributary_builds_total{asset="gold_canonical",outcome="failed"} 1',
    'tributary_build_seconds_sum{asset="gold_canonical"} 0.12',
    'tributary_sensor_ticks_total{sensor="inbox",result="skipped"} 1',
    'tributary_troubles_total{loop="reconcile",code="ECONNRESET"} 1',
    'tributary_up{part="catalog"} 1',
    'tributary_dirty{asset="gold_canonical"} 3',
    'tributary_requests{status="PENDING"} 5',
    'tributary_queue_depth 2',
    'tributary_builds_running 1',
    'tributary_oldest_waiting_seconds 4.2',
    'tributary_worker_slots 4',
  ]) {
    expect(lines).toContain(line)
  }
  expect(body).not.toMatch(/2024-01|Jane|\.csv/)
  expect(body).toMatch(/^process_resident_memory_bytes \d+$/m)
})

test('however many scrape, the project is asked once a second', async () => {
  let asked = 0
  await start(WELL, {
    figures: async () => {
      asked += 1
      return WELL
    },
  })
  await Promise.all(Array.from({ length: 20 }, async () => get('/metrics')))
  expect(asked).toBe(1)
})

test('a port that is taken is told in words', async () => {
  const { url } = await start(WELL)
  const port = Number(new URL(url).port)
  const second = serveHealth({
    host: '127.0.0.1',
    port,
    names: [],
    figures: async () => WELL,
    sensors: () => [],
    isStopping: () => false,
  })
  expect(await rejectedCode(second)).toBe('PORT_UNUSABLE')
})
