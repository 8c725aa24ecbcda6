import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  closeDeliveries,
  INBOX_LIMITS,
  nameFault,
  type InboxDecision,
  type Listed,
  type SeenObject,
} from '../../registry/inbox.ts'

const MINUTE = 60_000
const QUIET = 10 * MINUTE

const file = (path: string, token = '1', modifiedAtMs?: number): Listed => ({
  path,
  sizeBytes: 10,
  changedToken: token,
  ...(modifiedAtMs !== undefined && { modifiedAtMs }),
})

/** An inbox over time: what the catalog would remember between observations. */
class Inbox {
  readonly #seen = new Map<string, SeenObject>()
  #deliveries = 0

  /** Observes, stores the sightings, and claims what closed unless the intake "crashed". */
  look(nowMs: number, listed: readonly Listed[], { crash = false } = {}): InboxDecision {
    const seen = [...this.#seen.values()]
    const decision = closeDeliveries({ listed, seen, nowMs, quiescenceMs: QUIET })
    for (const row of decision.seen) this.#seen.set(row.path, row)
    for (const path of decision.forgotten) this.#seen.delete(path)
    if (crash) return decision
    for (const { claims } of decision.closed) {
      this.#deliveries += 1
      for (const path of claims) {
        const row = this.#seen.get(path)
        if (row !== undefined) {
          this.#seen.set(path, { ...row, claimedBy: `d${this.#deliveries}` })
        }
      }
    }
    return decision
  }
}

const drops = ({ closed }: InboxDecision): readonly string[] =>
  closed.map(({ drop, grouping }) => `${drop} ${grouping}`)
const codes = ({ waiting }: InboxDecision): readonly string[] =>
  waiting.map(({ path, code }) => `${path} ${code}`)

test('a new marker closes its folder at once', () => {
  const listed = [file('acme/d1/b.csv'), file('acme/d1/a.csv'), file('acme/d1/_SUCCESS')]
  const { closed, waiting } = new Inbox().look(0, listed)
  expect(waiting).toEqual([])
  expect(closed).toEqual([
    {
      drop: 'acme/d1',
      submitter: 'acme',
      name: 'd1',
      grouping: 'MARKER',
      files: [file('acme/d1/a.csv'), file('acme/d1/b.csv')],
      claims: ['acme/d1/a.csv', 'acme/d1/b.csv', 'acme/d1/_SUCCESS'],
    },
  ])
})

test('without a marker a folder closes when nothing in it changed for the quiescence', () => {
  const inbox = new Inbox()
  const both = [file('acme/d1/a.csv'), file('acme/d1/b.csv')]
  expect(codes(inbox.look(0, both.slice(0, 1)))).toEqual(['acme/d1 QUIET'])
  expect(drops(inbox.look(9 * MINUTE, both))).toEqual([])
  expect(drops(inbox.look(18 * MINUTE, both))).toEqual([])
  expect(drops(inbox.look(19 * MINUTE, both))).toEqual(['acme/d1 QUIESCENCE'])
})

test('one run over an old folder closes it by the age of its files', () => {
  const now = 100 * MINUTE
  const old = [file('acme/d1/a.csv', '1', 0), file('acme/new.csv', '1', now - MINUTE)]
  const decision = new Inbox().look(now, old)
  expect(drops(decision)).toEqual(['acme/d1 QUIESCENCE'])
  expect(codes(decision)).toEqual(['acme/new.csv QUIET'])
})

test('a file time in the future or an old time on a changed file is not believed', () => {
  const inbox = new Inbox()
  expect(drops(inbox.look(0, [file('acme/a.csv', '1', 99 * QUIET)]))).toEqual([])
  expect(drops(inbox.look(QUIET, [file('acme/a.csv', '2', 0)]))).toEqual([])
  expect(drops(inbox.look(2 * QUIET, [file('acme/a.csv', '2', 0)]))).toHaveLength(1)
})

test('a consumed marker leaves a later upload to quiescence or a rewritten marker', () => {
  const inbox = new Inbox()
  const [a, marker] = [file('acme/d1/a.csv'), file('acme/d1/_SUCCESS')]
  inbox.look(0, [a, marker])
  const [b, c] = [file('acme/d1/b.csv'), file('acme/d1/c.csv')]
  expect(codes(inbox.look(MINUTE, [a, b, marker]))).toEqual(['acme/d1 STALE_MARKER'])
  const quiet = inbox.look(MINUTE + QUIET, [a, b, marker])
  expect(quiet.closed).toMatchObject([{ grouping: 'QUIESCENCE', files: [b] }])
  const rewritten = inbox.look(2 * QUIET, [a, b, c, file('acme/d1/_SUCCESS', '2')])
  expect(rewritten.closed).toMatchObject([{ grouping: 'MARKER', files: [c] }])
})

test('a marker sighted before its files vouches for nothing', () => {
  const inbox = new Inbox()
  const marker = file('acme/d1/_SUCCESS')
  expect(inbox.look(0, [marker])).toMatchObject({ closed: [], waiting: [] })
  expect(codes(inbox.look(MINUTE, [marker, file('acme/d1/a.csv')]))).toEqual([
    'acme/d1 STALE_MARKER',
  ])
})

test('a delivery whose intake crashed closes again, the same', () => {
  const inbox = new Inbox()
  const listed = [file('acme/d1/a.csv'), file('acme/d1/_SUCCESS')]
  expect(inbox.look(0, listed, { crash: true }).closed).toEqual(inbox.look(1, listed).closed)
})

test('a kept file is not read again, changed under its name it is a new delivery', () => {
  const inbox = new Inbox()
  const listed = [file('acme/d1/a.csv'), file('acme/d1/b.csv'), file('acme/d1/_SUCCESS')]
  inbox.look(0, listed)
  for (const at of [1, 2, 3]) {
    const nothing = { closed: [], waiting: [], seen: [], forgotten: [] }
    expect(inbox.look(at * QUIET, listed)).toEqual(nothing)
  }
  const changed = [file('acme/d1/a.csv', '2'), ...listed.slice(1)]
  inbox.look(4 * QUIET, changed)
  const { closed } = inbox.look(5 * QUIET, changed)
  expect(closed.map(({ files }) => files)).toEqual([[file('acme/d1/a.csv', '2')]])
})

test('files that vanish while a share is away are not new when it is back', () => {
  const inbox = new Inbox()
  const listed = [file('acme/d1/a.csv'), file('acme/d1/_SUCCESS')]
  inbox.look(0, listed)
  inbox.look(QUIET, [])
  expect(inbox.look(2 * QUIET, listed)).toMatchObject({ closed: [], seen: [], forgotten: [] })
  inbox.look(2 * QUIET, [...listed, file('acme/unread.csv')])
  expect(inbox.look(2 * QUIET, listed).forgotten).toEqual(['acme/unread.csv'])
})

test('the nearest marker wins and makes its folder a drop of its own', () => {
  const decision = new Inbox().look(0, [
    file('acme/d1/a.csv'),
    file('acme/d1/x/b.csv'),
    file('acme/d1/x/y/c.csv'),
    file('acme/d1/x/_SUCCESS'),
  ])
  expect(decision.closed.map(({ drop, files }) => [drop, files.length])).toEqual([['acme/d1/x', 2]])
  expect(codes(decision)).toEqual(['acme/d1 QUIET'])
})

test('a loose file is a delivery of its own, named without its extension', () => {
  const now = QUIET
  const listed = [file('acme/a.b.csv', '1', 0), file('acme/c', '1', 0)]
  const { closed } = new Inbox().look(now, listed)
  expect(closed.map(({ drop, name }) => [drop, name])).toEqual([
    ['acme/a.b.csv', 'a.b'],
    ['acme/c', 'c'],
  ])
})

test('a marker directly under the submitter closes loose files and no folder', () => {
  const listed = [
    file('acme/_SUCCESS'),
    file('acme/a.csv'),
    file('acme/b.csv'),
    file('acme/d/c.csv'),
  ]
  const decision = new Inbox().look(0, listed)
  expect(drops(decision)).toEqual(['acme/a.csv MARKER', 'acme/b.csv MARKER'])
  expect(codes(decision)).toEqual(['acme/d QUIET'])
})

test('hidden and temporary names wait, and hold their drop while they still change', () => {
  const inbox = new Inbox()
  const done = file('acme/d1/a.csv', '1', 0)
  const names = ['.a.csv', 'b.csv.part', 'c.TMP', 'd.filepart'].map((name) => `acme/d1/${name}`)
  const first = inbox.look(QUIET, [done, ...names.map((name) => file(name))])
  expect(drops(first)).toEqual([])
  expect(codes(first)).toEqual(['acme/d1 QUIET', ...names.map((name) => `${name} TEMPORARY_NAME`)])
  const dead = inbox.look(2 * QUIET, [done, ...names.map((name) => file(name))])
  expect(dead.closed.map(({ claims }) => claims)).toEqual([['acme/d1/a.csv']])
})

test('hostile names are refused with words that are safe to print', () => {
  const hostile = [
    'acme/../etc/passwd',
    'acme/./a.csv',
    '/acme/a.csv',
    'acme//a.csv',
    'acme/a\\b.csv',
    'acme/a\u0000.csv',
    'acme/a\n.csv',
    'acme/\u202egnp.csv',
    'acme/\ufffd.csv',
    'acme/\ud800.csv',
    `acme/${'x'.repeat(256)}`,
    `acme/${'d/'.repeat(20)}a`,
  ]
  const { closed, waiting } = new Inbox().look(
    99 * QUIET,
    hostile.map((path) => file(path, '1', 0)),
  )
  expect(closed).toEqual([])
  expect(waiting.map(({ code }) => code)).toEqual(hostile.map(() => 'REFUSED_NAME'))
  for (const { path, why } of waiting) expect(path + why).toMatch(/^[\x20-\x7e]+$/)
})

test('spaces, other scripts and a root file are what they are', () => {
  for (const path of ['acme/a b.csv', 'acme/données été.csv', 'acme/資料.csv', "acme/o'x.csv"]) {
    expect(nameFault(path)).toBeUndefined()
  }
  expect(codes(new Inbox().look(99 * QUIET, [file('a.csv', '1', 0)]))).toEqual([
    'a.csv NO_SUBMITTER',
  ])
})

test('a drop of more files than the limit waits', () => {
  const count = INBOX_LIMITS.filesPerDeliveryMax + 1
  const listed = Array.from({ length: count }, (_, at) => file(`acme/d/${at}.csv`))
  expect(codes(new Inbox().look(0, [...listed, file('acme/d/_SUCCESS')]))).toEqual([
    'acme/d TOO_MANY_FILES',
  ])
})

const path = fc
  .array(fc.constantFrom('acme', 'd', 'x', 'a.csv', 'b.csv', '_SUCCESS', 'c.tmp'), {
    minLength: 1,
    maxLength: 4,
  })
  .map((parts) => parts.join('/'))

test('each file is in one delivery at most, whatever the order of the listing', () => {
  const listing = fc.uniqueArray(path, { maxLength: 12 })
  fc.assert(
    fc.property(listing, fc.boolean(), (paths, isOld) => {
      const listed = paths.map((name) => file(name, '1', isOld ? 0 : QUIET))
      const decision = new Inbox().look(QUIET, listed)
      expect(new Inbox().look(QUIET, listed.toReversed())).toMatchObject({
        closed: decision.closed,
        waiting: decision.waiting,
      })
      const read = decision.closed.flatMap(({ files }) => files.map((entry) => entry.path))
      expect(new Set(read).size).toBe(read.length)
      for (const name of read) expect(paths).toContain(name)
    }),
  )
})
