/** The sampler's ledger, on both databases: who reads on, who samples what, and whose word counts. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ProcessedEntry } from '../../../assets/processed-entry.ts'
import { makeAgain } from '../../../assets/samples/again.ts'
import type { Claimed, Finished } from '../../../assets/samples/ledger-claims.ts'
import {
  claimSamples,
  finishSamples,
  notePath,
  releaseClaims,
  renewClaims,
  retryMissing,
} from '../../../assets/samples/ledger-claims.ts'
import type { SampleRow } from '../../../assets/samples/ledger-tables.ts'
import { ledgerTables } from '../../../assets/samples/ledger-tables.ts'
import type { Lines } from '../../../assets/samples/ledger.ts'
import { checkpointOf, takeLines } from '../../../assets/samples/ledger.ts'
import type { Catalog } from '../../../engine/index.ts'
import { ownHolder } from '../../../engine/index.ts'
import { freshDatabase } from '../../support/postgres.ts'
import { openLedgerAt } from '../../support/sampled-folder.ts'

const MINUTE_MS = 60_000
const AT = { place: 'sp/pipe/1.0', file: 'processed.jsonl' }
const A = 'elsewhere:1:a'
const B = 'elsewhere:2:b'

describe.each(['sqlite', 'postgres'] as const)('on %s', (database) => {
  let ledger: Catalog
  let other: Catalog
  let close: () => Promise<void>
  beforeEach(async () => {
    if (database === 'sqlite') {
      const root = mkdtempSync(join(tmpdir(), 'tributary-ledger-'))
      close = async () => rmSync(root, { recursive: true, force: true })
      ledger = await openLedgerAt(join(root, 'samples.db'))
      // Of one process: two connections would wait for each other without a turn of the loop.
      other = ledger
    } else {
      const fresh = await freshDatabase()
      close = fresh.close
      ledger = await openLedgerAt(fresh.url)
      other = await openLedgerAt(fresh.url)
    }
  })
  afterEach(async () => {
    await ledger.close()
    if (other !== ledger) await other.close()
    await close()
  })

  const entry = (name: string, mtime = 1, more: Partial<ProcessedEntry> = {}): ProcessedEntry => ({
    raw: `raw/${name}`,
    bronze: `bronze/${name}`,
    mtime,
    ...more,
  })
  const take = async (
    entries: readonly ProcessedEntry[],
    { by = ledger, ...more }: Partial<Lines> & { readonly by?: Catalog } = {},
  ): Promise<boolean> => {
    const from = more.from ?? (await checkpointOf(by, AT))
    const to = more.to ?? from + entries.length
    return takeLines(by, { ...AT, faults: 0, nowMs: 0, ...more, entries, from, to })
  }
  const rows = async (): Promise<Readonly<Record<string, SampleRow>>> => {
    const all = await ledgerTables(ledger.db).selectFrom('sample').selectAll().execute()
    return Object.fromEntries(all.map((row) => [row.raw.slice('raw/'.length), row]))
  }
  const claim = async (holder: string, nowMs = 0, limit = 10): Promise<readonly Claimed[]> =>
    claimSamples(ledger, { holder, nowMs, limit })
  const names = (claimed: readonly Claimed[]): readonly string[] =>
    claimed.map(({ raw }) => raw.slice('raw/'.length))
  const outcome = (one: Claimed, more: Partial<Finished> = {}): Finished => ({
    id: one.id,
    status: 'MADE',
    code: null,
    words: null,
    attempts: one.attempts,
    retry_ms: 0,
    path: one.planned,
    format: 'text',
    records: 1,
    bytes: 2,
    read_bytes: 3,
    made_ms: 4,
    ...more,
  })

  test('a path other than planned is noted by the holder of a claim, before it is finished, and by nobody else', async () => {
    await take([entry('a')])
    const [one] = await claim('x:1:y')
    const id = one?.id ?? 0
    expect(await notePath(ledger, 'x:2:z', { id, path: 'theirs.txt' })).toBe(false)
    expect(await notePath(ledger, 'x:1:y', { id, path: 'own.txt' })).toBe(true)
    expect(Object.values(await rows()).map(({ path }) => path)).toEqual(['own.txt'])
  })

  test('of two that took the same lines in one has moved the offset, the other took nothing', async () => {
    const both = await Promise.all([
      take([entry('a'), entry('b')], { from: 0, to: 100 }),
      take([entry('a'), entry('b'), entry('c')], { from: 0, to: 150, by: other }),
    ])
    expect(both.filter((isTaken) => isTaken)).toHaveLength(1)
    expect(await checkpointOf(ledger, AT)).toBe(both[0] ? 100 : 150)
    expect(Object.keys(await rows())).toHaveLength(both[0] ? 2 : 3)
    expect(await take([entry('d')], { from: 7, to: 200 })).toBe(false)
  })

  test('of several lines about a file the last holds, and a thousand are taken at once', async () => {
    const many = Array.from({ length: 998 }, (_, at) => entry(`${at}`, at))
    expect(await take([...many, entry('0', 5), entry('0', 6, { size: 9, seq: 1 })])).toBe(true)
    const found = await rows()
    expect(Object.keys(found)).toHaveLength(998)
    expect(found['0']).toMatchObject({ mtime: 6, size: 9, seq: 1, sha256: null })
  })

  test('fractions of seconds are kept to the last bit: else a file would never be as it was told', async () => {
    const times = Array.from(
      { length: 1000 },
      (_, at) => 1_737_200_000 + at * 7919.1 + Math.PI / (at + 1),
    )
    times.splice(0, 3, 1_795_713_491.267, 1e-7, -12.000_000_1)
    await take(times.map((mtime, at) => entry(String(at), mtime)))
    const found = await rows()
    expect(times.map((_, at) => found[at]?.mtime)).toEqual(times)
  })

  test('the newest are claimed first, by one alone, and each has a path of its own', async () => {
    await take([entry('old.csv', 1), entry('new.csv', 3), entry('x/a.csv', 2)])
    expect(names(await claim(A, 0, 2))).toEqual(['new.csv', 'x/a.csv'])
    expect(names(await claim(B))).toEqual(['old.csv'])
    expect(await claim(B)).toEqual([])
    await take([{ ...entry('new.csv', 9), raw: 'new.csv' }])
    const [twin] = await claim(B)
    expect(twin?.planned).toMatch(/^new_sample~[0-9a-f]{8}\.csv$/)
    const paths = Object.values(await rows()).map(({ path }) => path)
    expect(new Set(paths).size).toBe(4)
  })

  test('two that claim at once never hold the same file', async () => {
    await take(Array.from({ length: 300 }, (_, at) => entry(`${at}.csv`, at)))
    const turns = Array.from({ length: 20 }, async (_, at) =>
      claimSamples(at % 2 === 0 ? ledger : other, { holder: `x:${at}:y`, nowMs: 0, limit: 15 }),
    )
    const claimed = (await Promise.all(turns)).flat().map(({ id }) => id)
    expect([claimed.length, new Set(claimed).size]).toEqual([300, 300])
  })

  test('a claim ends after five minutes unless it is renewed; of who is gone at once', async () => {
    await take([entry('a'), entry('b', 2), entry('c', 3)])
    await claim(A, 0, 1)
    await claim(B, 0, 1)
    const gone = ownHolder().replace(/:\d+:.*$/, ':999999999:gone')
    await claim(gone, 0, 1)
    await releaseClaims(ledger, 1)
    expect((await rows())['a']?.holder).toBe(null)
    await renewClaims(ledger, { holder: B, nowMs: 4 * MINUTE_MS })
    await releaseClaims(ledger, 5 * MINUTE_MS)
    const held = Object.values(await rows()).map(({ raw, holder }) => [raw, holder])
    expect(held).toEqual([
      ['raw/a', null],
      ['raw/b', B],
      ['raw/c', null],
    ])
    await claim(ownHolder(), 0, 2)
    await releaseClaims(ledger, 1)
    expect((await rows())['a']?.holder).toBe(ownHolder())
  })

  test('what a holder brings in after its claim ended counts for nothing, and is made once more', async () => {
    await take([entry('a.csv'), entry('b.csv', 0)])
    const [late, second] = await claim(A)
    if (late === undefined || second === undefined) throw new Error('two are claimed')
    await releaseClaims(ledger, 5 * MINUTE_MS)
    const [again] = await claim(B, 5 * MINUTE_MS, 1)
    if (again === undefined) throw new Error('it is claimed anew')
    expect(await finishSamples(ledger, B, [outcome(again)])).toEqual([])
    expect((await rows())['a.csv']).toMatchObject({ status: 'MADE', path: 'a_sample.csv' })
    const brought = [outcome(late, { bytes: 99 }), outcome(second, { status: 'FAILED' })]
    expect(await finishSamples(ledger, A, brought)).toEqual([late.id, second.id])
    const found = await rows()
    // Its file may have replaced the one that was made in time; what failed replaced nothing.
    expect(found['a.csv']).toMatchObject({ status: 'PENDING', bytes: 2, holder: null })
    expect(found['b.csv']).toMatchObject({ status: 'PENDING', code: null })
  })

  test('a line about a file that is being sampled ends its claim', async () => {
    await take([entry('a.csv')])
    const [one] = await claim(A)
    if (one === undefined) throw new Error('it is claimed')
    await take([entry('a.csv', 2)])
    expect(names(await claim(B))).toEqual(['a.csv'])
    expect(await finishSamples(ledger, A, [outcome(one)])).toEqual([one.id])
    // The same line once more changes nothing.
    const [two] = await claim(B)
    if (two === undefined) throw new Error('it is claimed')
    await take([entry('a.csv', 2)])
    expect(await finishSamples(ledger, B, [outcome(two)])).toEqual([])
  })

  test('what is missing waits for its time, keeps what was made before, and is asked for by name', async () => {
    await take([entry('a.csv')])
    const [one] = await claim(A)
    if (one === undefined) throw new Error('it is claimed')
    await finishSamples(ledger, A, [outcome(one)])
    await makeAgain(ledger, { ids: [one.id], rawUntilMs: undefined })
    await claim(A)
    const { path: _, ...nothing } = outcome(one, { status: 'MISSING', retry_ms: 60 })
    await finishSamples(ledger, A, [
      { ...nothing, format: null, records: null, bytes: null, read_bytes: null, made_ms: null },
    ])
    expect((await rows())['a.csv']).toMatchObject({ path: 'a_sample.csv', bytes: 2, made_ms: 4 })
    await retryMissing(ledger, 59)
    expect(await claim(A)).toEqual([])
    await retryMissing(ledger, 60)
    expect(names(await claim(A))).toEqual(['a.csv'])
    const byName = { holder: B, nowMs: 0, limit: 10, only: [one.id] }
    expect(await claimSamples(ledger, byName)).toEqual([])
    await makeAgain(ledger, { ids: [one.id], rawUntilMs: undefined })
    expect(names(await claimSamples(ledger, byName))).toEqual(['a.csv'])
  })
})
