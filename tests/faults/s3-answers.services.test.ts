/**
 * F11 to F14: a store that is busy, silent, loses its answers or cuts what is sent. Runs go on, or fail in bounded time and say so; nothing wrong is ever published.
 */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { FaultId } from './support/count.ts'
import type { DisturbedRun } from './support/disturbed-run.ts'
import { disturbedRun } from './support/disturbed-run.ts'
import type { S3Fault, S3Proxy } from './support/s3-proxy.ts'
import { of, onceEach, openS3Proxy } from './support/s3-proxy.ts'
import { seedOf, seeded } from './support/seed.ts'
import { ServicesWhole } from './support/services-whole.ts'

let whole: ServicesWhole
let proxy: S3Proxy
let undisturbed: number
beforeAll(async () => {
  whole = await ServicesWhole.create()
  proxy = await openS3Proxy(whole.endpoint)
  const { requests } = await disturbed('F11', [])
  undisturbed = requests
})
afterEach(() => proxy.heal())
afterAll(async () => {
  await proxy.close()
  await whole[Symbol.asyncDispose]()
})

const disturbed = async (id: FaultId, faults: readonly S3Fault[]): Promise<DisturbedRun> =>
  disturbedRun({ whole, proxy }, id, faults)

test('a fifth of all requests answered 500, 503 or 429: the run ends well, with few requests more', async () => {
  const seed = seedOf()
  const draw = seeded(seed)
  const drawn = (share: number) => (): boolean => draw(100) < share
  const busy = (status: number, code: string): S3Fault => ({
    when: drawn(7),
    times: Infinity,
    injury: { do: 'status', status, code },
  })
  const { report, error, injected, requests } = await disturbed('F11', [
    busy(503, 'SlowDown'),
    busy(500, 'InternalError'),
    busy(429, 'TooManyRequests'),
  ])
  expect([seed, error, report?.status]).toEqual([seed, undefined, 'succeeded'])
  expect(injected).toBeGreaterThan(5)
  expect(requests).toBeLessThan(2 * undisturbed)
})

test('a burst of SlowDown that asks to wait is waited for', async () => {
  const injury = { do: 'status', status: 503, code: 'SlowDown', retryAfterS: 1 } as const
  const when = onceEach('create', 'piece', 'complete')
  const { report, injected } = await disturbed('F11', [{ when, times: 12, injury }])
  expect([report?.status, injected]).toEqual(['succeeded', 12])
})

test('a store that is down for good: the run says so and ends', async () => {
  const injury = { do: 'status', status: 503, code: 'ServiceUnavailable' } as const
  const { report, error, requests } = await disturbed('F11', [
    { when: () => true, times: Infinity, injury },
  ])
  const codes = report?.failures.map(({ code }) => code) ?? [(error as { code?: string }).code]
  expect(new Set(codes)).toEqual(new Set(['STORE_UNUSABLE']))
  expect(requests).toBeLessThan(5 * undisturbed)
})

test.each(['create', 'piece', 'complete', 'head', 'put', 'remove'] as const)(
  'a %s that is never answered is given up and repeated',
  async (operation) => {
    const { report, injected } = await disturbed('F12', [
      { when: of(operation), times: 2, injury: { do: 'hang' } },
    ])
    expect([report?.status, injected]).toEqual(['succeeded', 2])
  },
)

test.each(['create', 'piece', 'copy-piece', 'complete', 'put', 'remove'] as const)(
  'a %s whose answer is lost is found done, or done again',
  async (operation) => {
    const { report, injected } = await disturbed('F13', [
      { when: of(operation), times: 3, injury: { do: 'lose-answer' } },
    ])
    expect([report?.status, injected > 0]).toEqual(['succeeded', true])
  },
)

test('an upload cut in its middle leaves nothing that can be seen', async () => {
  const { report, injected } = await disturbed('F14', [
    { when: onceEach('piece', 'put'), times: 6, injury: { do: 'cut-request' } },
  ])
  expect([report?.status, injected]).toEqual(['succeeded', 6])
})

test('uploads that are cut for good fail their builds, and are aborted', async () => {
  const { report, injected } = await disturbed('F14', [
    { when: of('piece'), times: Infinity, injury: { do: 'cut-request' } },
  ])
  expect(report?.failures.length).toBeGreaterThan(0)
  expect(injected).toBeGreaterThan(4)
})
