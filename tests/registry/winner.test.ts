import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  chooseWinner,
  contentDigest,
  duplicateOf,
  nextReceivedAt,
  submissionId,
  type Candidate,
  type Earlier,
} from '../../registry/winner.ts'

const at = (minute: number): string => new Date(minute * 60_000).toISOString()

function candidate(name: string, minute: number, facts: Partial<Candidate> = {}): Candidate {
  return {
    submissionId: name,
    receivedAt: at(minute),
    status: 'VALIDATED',
    test: false,
    withdrawn: false,
    rejectedFor: false,
    confirmedFor: false,
    rows: 100,
    ...facts,
  }
}
const [a, b, c] = [candidate('a', 1), candidate('b', 2), candidate('c', 3)]

test('the latest accepted submission wins and says whom it replaced', () => {
  expect(chooseWinner({ candidates: [a, b, c] })).toEqual({
    winner: 'c',
    rows: 100,
    retired: false,
    held: [],
    replaced: 'b',
    reason: 'latest_accepted',
  })
  expect(chooseWinner({ candidates: [a] })).toMatchObject({ winner: 'a', reason: 'only' })
})

test('tests, withdrawn, rejected and unaccepted submissions never win', () => {
  const out: readonly Partial<Candidate>[] = [
    { test: true },
    { withdrawn: true },
    { rejectedFor: true },
    { status: 'PARSED' },
    { status: 'VALIDATION_FAILED' },
    { status: 'QUARANTINED' },
  ]
  for (const facts of out) {
    const later = candidate('z', 9, facts)
    expect(chooseWinner({ candidates: [a, later] }).winner).toBe('a')
    expect(chooseWinner({ candidates: [later] })).toMatchObject({ winner: null, retired: true })
  }
})

test('seven tenths of the rows are held, one row more is not', () => {
  const held = chooseWinner({ candidates: [a, candidate('b', 2, { rows: 70 })] })
  expect(held).toMatchObject({ winner: 'a', held: ['b'], rows: 100 })
  const wins = chooseWinner({ candidates: [a, candidate('b', 2, { rows: 71 })] })
  expect(wins).toMatchObject({ winner: 'b', held: [], rows: 71 })
})

test('a confirmed submission may shrink the month', () => {
  const confirmed = candidate('b', 2, { rows: 3, confirmedFor: true })
  expect(chooseWinner({ candidates: [a, confirmed] })).toMatchObject({
    winner: 'b',
    held: [],
    reason: 'confirmed',
  })
})

test('a confirmation does not make a submission newest', () => {
  const confirmed = candidate('b', 2, { rows: 3, confirmedFor: true })
  expect(chooseWinner({ candidates: [a, confirmed, c] }).winner).toBe('c')
})

test('a held submission is measured against the incumbent, not against another held one', () => {
  const candidates = [a, candidate('b', 2, { rows: 50 }), candidate('c', 3, { rows: 60 })]
  expect(chooseWinner({ candidates })).toMatchObject({ winner: 'a', held: ['b', 'c'] })
})

test('a winner without rows retires the month; anything replaces it', () => {
  const empty = candidate('a', 1, { rows: 0 })
  expect(chooseWinner({ candidates: [empty] })).toMatchObject({ winner: 'a', retired: true })
  const one = candidate('b', 2, { rows: 1 })
  expect(chooseWinner({ candidates: [empty, one] })).toMatchObject({ winner: 'b', retired: false })
  const alsoEmpty = candidate('b', 2, { rows: 0 })
  expect(chooseWinner({ candidates: [empty, alsoEmpty] })).toMatchObject({ winner: 'b', held: [] })
  const after = chooseWinner({ candidates: [a, candidate('b', 2, { rows: 0 })] })
  expect(after).toMatchObject({ winner: 'a', held: ['b'] })
})

test('a pin on a candidate wins; a pin on anything else is reported and without effect', () => {
  expect(chooseWinner({ candidates: [a, b], pin: 'a' })).toEqual({
    winner: 'a',
    rows: 100,
    retired: false,
    held: [],
    reason: 'pinned',
  })
  for (const candidates of [
    [a, b],
    [a, b, candidate('x', 3, { withdrawn: true })],
  ]) {
    const answer = chooseWinner({ candidates, pin: 'x' })
    expect(answer).toMatchObject({ winner: 'b', pinIgnored: 'x' })
  }
})

const candidates = fc
  .array(
    fc.record({
      minute: fc.nat(5),
      rows: fc.oneof(fc.constantFrom(0, 1, 7, 10, 70, 71, 100), fc.nat(1000)),
      status: fc.constantFrom(
        'VALIDATED' as const,
        'VALIDATED_WITH_WARNINGS' as const,
        'PARSED' as const,
      ),
      test: fc.boolean(),
      withdrawn: fc.boolean(),
      rejectedFor: fc.boolean(),
      confirmedFor: fc.boolean(),
    }),
    { maxLength: 8 },
  )
  .map((list) => list.map(({ minute, ...facts }, index) => candidate(`s${index}`, minute, facts)))

test('the answer does not depend on the order of the candidates', () => {
  const shuffled = candidates.chain((list) =>
    fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
  )
  fc.assert(
    fc.property(shuffled, ([list, other]) => {
      expect(chooseWinner({ candidates: other })).toEqual(chooseWinner({ candidates: list }))
    }),
  )
})

test('withdrawing or rejecting a winner gives the fold without it', () => {
  fc.assert(
    fc.property(candidates, fc.constantFrom('withdrawn', 'rejectedFor'), (list, decision) => {
      const { winner } = chooseWinner({ candidates: list })
      const decided = list.map((one) =>
        one.submissionId === winner ? { ...one, [decision]: true } : one,
      )
      const without = list.filter((one) => one.submissionId !== winner)
      expect(chooseWinner({ candidates: decided })).toEqual(chooseWinner({ candidates: without }))
    }),
  )
})

test('confirming every held submission leaves none held and the latest winning', () => {
  fc.assert(
    fc.property(candidates, (list) => {
      const all = list.map((one) => ({ ...one, confirmedFor: true }))
      const { held, winner } = chooseWinner({ candidates: all })
      expect(held).toEqual([])
      const latest = chooseWinner({ candidates: all.map((one) => ({ ...one, rows: 1 })) })
      expect(winner).toBe(latest.winner)
    }),
  )
})

test('a submission that may not win changes nothing', () => {
  fc.assert(
    fc.property(candidates, (list) => {
      const silent = candidate('silent', 3, { test: true })
      expect(chooseWinner({ candidates: [...list, silent] })).toEqual(
        chooseWinner({ candidates: list }),
      )
    }),
  )
})

const earlier = (name: string, minute: number, facts: Partial<Earlier> = {}): Earlier => ({
  submissionId: name,
  receivedAt: at(minute),
  digest: 'd1',
  submitter: 'acme',
  fileType: 'medical',
  status: 'VALIDATED',
  test: false,
  period: { first: '2023-01', last: '2023-12' },
  ...facts,
})
const repeat = (...list: readonly Earlier[]): string | null =>
  duplicateOf({ digest: 'd1', submitter: 'acme', fileType: 'medical', earlier: list })

test('the same bytes repeat an earlier submission of the submitter and type', () => {
  expect(repeat(earlier('a', 1))).toBe('a')
  expect(repeat(earlier('a', 1, { digest: 'd2' }))).toBeNull()
  expect(repeat(earlier('a', 1, { submitter: 'other' }))).toBeNull()
  expect(repeat(earlier('a', 1, { fileType: 'pharmacy' }))).toBeNull()
  expect(repeat(earlier('a', 1), earlier('b', 2, { status: 'DUPLICATE' }))).toBe('a')
})

test('the same bytes are new once the earlier submission is withdrawn or overtaken', () => {
  expect(repeat(earlier('a', 1, { status: 'WITHDRAWN' }))).toBeNull()
  const june = { digest: 'd2', period: { first: '2023-06', last: '2023-06' } }
  expect(repeat(earlier('a', 1), earlier('b', 2, june))).toBeNull()
  expect(repeat(earlier('a', 1), earlier('b', 2, { ...june, status: 'PARSED' }))).toBeNull()
  expect(repeat(earlier('a', 1), earlier('b', 2, june), earlier('c', 3))).toBe('c')
})

test('what was not accepted, is a test or covers other months does not overtake', () => {
  const facts = { digest: 'd2' }
  expect(repeat(earlier('a', 1), earlier('b', 2, { ...facts, status: 'PARSE_FAILED' }))).toBe('a')
  expect(repeat(earlier('a', 1), earlier('b', 2, { ...facts, test: true }))).toBe('a')
  expect(repeat(earlier('a', 1), earlier('b', 0, facts))).toBe('a')
  const after = { ...facts, period: { first: '2024-01', last: '2024-01' } }
  expect(repeat(earlier('a', 1), earlier('b', 2, after))).toBe('a')
})

test('a submission id is the receipt and the content, and sorts by receipt', () => {
  const digest = contentDigest(['f'.repeat(64)])
  const id = submissionId(Date.UTC(2026, 10, 21, 1, 34, 6, 123), digest)
  expect(id).toBe(`20261121T013406123Z-${digest.slice(0, 12)}`)
  expect(() => submissionId(0, 'no digest')).toThrow(
    expect.objectContaining({ code: 'PATH_INVALID' }),
  )
  expect(contentDigest(['b', 'a'])).toBe(contentDigest(['a', 'b']))
})

test('receipts strictly increase, also when the clock steps back', () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), fc.nat(20), (lastMs, nowMs, count) => {
      const given = Array.from({ length: count }, (_, index) =>
        nextReceivedAt(lastMs, nowMs, index),
      )
      for (const [index, ms] of given.entries()) {
        expect(ms).toBeGreaterThan(given[index - 1] ?? lastMs)
      }
    }),
  )
})
