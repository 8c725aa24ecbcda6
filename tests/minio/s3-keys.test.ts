import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  attemptFolder,
  insideStore,
  isPartKey,
  manifestKey,
  manifestOf,
  partKey,
} from '../../minio/s3-keys.ts'
import { errorCode } from '../support/error-code.ts'

/** Segments that come close to what keys are made of. */
const segment = fc.oneof(
  fc.constantFrom(
    'a',
    'a.csv',
    'a.r1-1',
    'a.r1-1.csv',
    'a.r1-1.d.d',
    '.r1-1',
    '_manifest',
    '0.json',
  ),
  fc.string({ unit: fc.constantFrom('a', 'b', '.', 'r1-1', '-', '_', 'é', '%41'), maxLength: 6 }),
  fc.string({ unit: fc.constantFrom('l', '.', 'é'), minLength: 200, maxLength: 260 }),
)
const name = fc
  .array(segment, { minLength: 1, maxLength: 3 })
  .map((parts) => parts.join('/'))
  .filter((text) => errorCode(() => insideStore(text)) === undefined)
  .filter((text) => Buffer.byteLength(text) < 700)
const path = fc.constantFrom('gold/m=1', 'gold/m=1/x', 'silver', 'silver/r1-2')
const attempt = fc.constantFrom('@r1-1', '@r1-2', '@r12-3')

test('keys are one to one, and no key is a folder of another, whatever the names', () => {
  const staged = fc.record({ path, attempt, name })
  fc.assert(
    fc.property(
      fc.uniqueArray(staged, { selector: (one) => JSON.stringify(one), maxLength: 12 }),
      (list) => {
        const keys = list.map((one) => partKey(attemptFolder(one.path, one.attempt), one.name))
        const all = [...keys, ...list.map((one) => manifestKey(one.path, 7))]
        const differing = new Set(list.map((one) => `${one.path}/${one.name} ${one.attempt}`))
        // Two paths may hold one another's names; then the keys are the same on purpose.
        expect(new Set(keys).size).toBe(differing.size)
        for (const key of new Set(all)) {
          expect(all.filter((other) => other.startsWith(`${key}/`))).toEqual([])
        }
        expect(keys.filter((key) => !isPartKey(key) || manifestOf(key) !== undefined)).toEqual([])
      },
    ),
    { numRuns: 500 },
  )
})

test('the attempt stands before the extension, so that readers’ globs find the part', () => {
  const folder = attemptFolder('gold_canonical/CO/medical/atomic_month=2024-01', '@r12-3')
  expect(partKey(folder, 'part-acme.parquet')).toBe(
    'gold_canonical/CO/medical/atomic_month=2024-01/part-acme.r12-3.parquet',
  )
  const raw = attemptFolder('raw/acme', '@r1-1')
  const keys = ['data/x.csv', 'manifest.generated.json', 'README', '.hidden'].map((one) =>
    partKey(raw, one),
  )
  expect(keys).toEqual([
    'raw/acme/data/x.r1-1.csv',
    'raw/acme/manifest.generated.r1-1.json',
    'raw/acme/README.r1-1',
    'raw/acme/.hidden.r1-1',
  ])
})

test('a manifest’s key says whose and which it is; nothing else reads like one', () => {
  const key = manifestKey('gold/m=1', 12)
  expect(key).toBe('gold/m=1/_manifest/0000000012.json')
  expect(manifestOf(key)).toEqual({ path: 'gold/m=1', number: 12 })
  expect(manifestOf('gold/m=1/_manifest/12.json')).toBe(undefined)
  expect(isPartKey(key)).toBe(false)
  const part = partKey(attemptFolder('gold', '@r1-1'), '_manifest/0000000012.json')
  expect([manifestOf(part), isPartKey(part)]).toEqual([undefined, true])
})

test('a published path that reads like a part or a manifest is refused', () => {
  for (const published of ['a.r1-1', 'x/a.r1-1.csv/y', 'x/_manifest']) {
    expect([published, errorCode(() => attemptFolder(published, '@r1-1'))]).toEqual([
      published,
      'ASSERTION',
    ])
  }
  expect(errorCode(() => attemptFolder('gold', 'r1-1'))).toBe('ASSERTION')
  expect(errorCode(() => insideStore('a\nb'))).toBe('PATH_INVALID')
  expect(errorCode(() => insideStore('l'.repeat(1025)))).toBe('PATH_INVALID')
})
