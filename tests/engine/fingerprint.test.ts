import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ContentId, Slot } from '../../engine/index.ts'
import { fingerprint, partsContentId, slotChanges, valueContentId } from '../../engine/index.ts'

const contentId = fc.constantFrom('a', 'b', 'c').map((text) => valueContentId(text))
const slot: fc.Arbitrary<Slot> = fc.record({
  asset: fc.constantFrom('silver', 'gold', 'silver[1]', 'recipe'),
  key: fc.constantFrom('1', '12', '2', '', '1]silver[2'),
  contentId,
  value: fc.constant(undefined),
})
/** Slots as a build has them: one a node. */
const slots = fc.uniqueArray(slot, {
  maxLength: 6,
  selector: ({ asset, key }) => `${asset}\n${key}`,
})
const target = fc.record({
  asset: fc.constantFrom('a', 'ab'),
  key: fc.constantFrom('x', 'bx', ''),
  part: fc.option(fc.constantFrom('p', 'q'), { nil: undefined }),
  slots,
})
type Target = Parameters<typeof fingerprint>[0]
const withPart = ({ part, ...rest }: { part: string | undefined } & Omit<Target, 'part'>): Target =>
  part === undefined ? rest : { ...rest, part }

/** What a build reads, as text that cannot be taken for another: the slots in any order. */
const meaning = ({ asset, key, part, slots: read }: Target): string =>
  JSON.stringify([
    asset,
    key,
    part ?? null,
    read.map((one) => JSON.stringify([one.asset, one.key, one.contentId])).toSorted(),
  ])

test('two builds have one fingerprint exactly when they read the same', () => {
  fc.assert(
    fc.property(target.map(withPart), target.map(withPart), (one, two) => {
      expect(fingerprint(one) === fingerprint(two)).toBe(meaning(one) === meaning(two))
    }),
    { numRuns: 5_000 },
  )
})

test('no two of ten thousand random slot sets share a fingerprint', () => {
  const seen = new Map<string, string>()
  fc.assert(
    fc.property(target.map(withPart), (one) => {
      const print = fingerprint(one)
      expect(seen.get(print) ?? meaning(one)).toBe(meaning(one))
      seen.set(print, meaning(one))
    }),
    { numRuns: 10_000 },
  )
})

test('every declared input flips the fingerprint, and the order of slots does not', () => {
  fc.assert(
    fc.property(target.map(withPart), fc.nat(5), (one, at) => {
      const print = fingerprint(one)
      expect(fingerprint({ ...one, slots: one.slots.toReversed() })).toBe(print)
      expect(fingerprint({ ...one, asset: `${one.asset}c` })).not.toBe(print)
      expect(fingerprint({ ...one, key: `${one.key}c` })).not.toBe(print)
      expect(fingerprint({ ...one, part: `${one.part ?? ''}c` })).not.toBe(print)
      const chosen = one.slots[at]
      if (chosen === undefined) return
      const others = one.slots.filter((other) => other !== chosen)
      expect(fingerprint({ ...one, slots: others })).not.toBe(print)
      const changed = { ...chosen, contentId: valueContentId('another') }
      expect(fingerprint({ ...one, slots: [...others, changed] })).not.toBe(print)
    }),
  )
})

test('a value beside a content id is no input of its own', () => {
  fc.assert(
    fc.property(target.map(withPart), (one) => {
      const slotsWithValues = one.slots.map((read) => ({ ...read, value: { any: 'thing' } }))
      expect(fingerprint({ ...one, slots: slotsWithValues })).toBe(fingerprint(one))
    }),
  )
})

test('the slot diff is empty exactly when the fingerprints are equal', () => {
  fc.assert(
    fc.property(slots, slots, (before, after) => {
      const print = (read: readonly Slot[]) => fingerprint({ asset: 'a', key: 'k', slots: read })
      expect(slotChanges(before, after).length === 0).toBe(print(before) === print(after))
    }),
    { numRuns: 2_000 },
  )
})

test('fp/1 and the content ids are frozen: these values never change', () => {
  const read: Slot = {
    asset: 'silver',
    key: 'x/2024-01',
    contentId: valueContentId({ n: 1 }),
    value: undefined,
  }
  const recipe: Slot = { asset: 'recipe', key: 'gold', contentId: valueContentId('1'), value: '1' }
  expect({
    value: valueContentId({ b: [1, null], a: 'é' }),
    parts: partsContentId([
      { name: 'p', sizeBytes: 3, sha256: 'aa' },
      { name: 'q', sizeBytes: 0, sha256: 'bb' },
    ]),
    nothing: fingerprint({ asset: 'gold', key: 'MA/2024-01', slots: [] }),
    build: fingerprint({ asset: 'gold', key: 'MA/2024-01', slots: [read, recipe] }),
    part: fingerprint({ asset: 'gold', key: 'MA/2024-01', part: 'aetna', slots: [recipe, read] }),
  }).toMatchInlineSnapshot(`
    {
      "build": "0c1e5bb9f099dfe22d8f4867d6ec6a23e4af0fc1f5797a9e8a695d1985babb86",
      "nothing": "e2c00db40fc41096e25816f9b305e1dd23458a48c6a40e35fb9c3a147fb26b88",
      "part": "31e220a56f65c5051f32ffe3854ab17b5c2063c14ee2024d2073fc8244938a4f",
      "parts": "50def0b4ac520e5a6e9e91ab9d84509052325a5693c309b6cd3238ee5403c55b",
      "value": "b5c37fe79af0d57f318665b0037c2b5712ec851bf60fd04b594b564dc75fab04",
    }
  `)
})

test('part boundaries cannot be moved without another content id', () => {
  const id = (parts: readonly (readonly [string, number, string])[]): ContentId =>
    partsContentId(parts.map(([name, sizeBytes, sha256]) => ({ name, sizeBytes, sha256 })))
  expect(
    new Set([
      id([['a', 1, 'bc']]),
      id([
        ['a', 1, 'b'],
        ['c', 0, ''],
      ]),
      id([['a1', 1, 'bc']]),
      id([['', 1, 'abc']]),
      id([]),
    ]).size,
  ).toBe(5)
})
