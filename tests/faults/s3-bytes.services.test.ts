/**
 * F12, F15 and F16: bytes that come slowly, changed or too few, and listings that are late, out of
 * order or in pieces. What is read is checked, and nothing depends on a listing.
 */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { disturbedRun } from './support/disturbed-run.ts'
import type { S3Injury, S3Proxy } from './support/s3-proxy.ts'
import { of, onceEach, openS3Proxy } from './support/s3-proxy.ts'
import { ServicesWhole } from './support/services-whole.ts'

let whole: ServicesWhole
let proxy: S3Proxy
beforeAll(async () => {
  whole = await ServicesWhole.create()
  proxy = await openS3Proxy(whole.endpoint)
})
afterEach(() => proxy.heal())
afterAll(async () => {
  await proxy.close()
  await whole[Symbol.asyncDispose]()
})

const INJURIES: readonly (readonly [string, S3Injury])[] = [
  ['one bit flipped', { do: 'flip', atByte: 1 }],
  ['its end missing', { do: 'shorten', byBytes: 1 }],
  ['its connection cut', { do: 'cut-answer', afterBytes: 1 }],
  ['a byte a second', { do: 'drip', bytesPerS: 0.5 }],
]

test.each(INJURIES)('a part that is read with %s, once, is read again', async (_, injury) => {
  const faults = [{ when: onceEach('get'), times: 3, injury }]
  const { report, injected } = await disturbedRun({ whole, proxy }, 'F15', faults)
  expect([report?.status, injected > 0]).toEqual(['succeeded', true])
})

test.each(INJURIES)(
  'read with %s each time, it fails the build that reads it',
  async (_, injury) => {
    const faults = [{ when: of('get'), times: Infinity, injury }]
    const { report } = await disturbedRun({ whole, proxy }, 'F15', faults)
    const codes = new Set(report?.failures.map(({ code }) => code))
    expect(report?.status).toBe('partial')
    expect([...codes].filter((code) => !/^(PART_CHANGED|STORE_UNUSABLE)$/.test(code))).toEqual([])
  },
)
