import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DuckPool } from '../../engine/table/duck-pool.ts'
import type { ParseOutcome } from '../../engine/table/parse.ts'
import type { StopRule } from '../../engine/table/spec.ts'
import { isPastStop } from '../../engine/table/stop.ts'
import { Bench, codes, column, parseSpec, scratchFolder } from './parsing.ts'

let bench: Bench
beforeAll(async () => {
  bench = await Bench.open(2)
})
afterAll(() => bench.close())

const spec = (stop?: StopRule) =>
  parseSpec({}, { columns: [column('n', 'integer')], ...(stop && { stop }) })

/** Records, of which the ones that `isBad` says do not fit. */
const text = (records: number, isBad: (at: number) => boolean): string =>
  `${Array.from({ length: records }, (_, at) => (isBad(at) ? 'Ann' : at)).join('\n')}\n`

const stopped = (outcome: ParseOutcome) =>
  outcome.kind === 'failed' ? outcome : expect.fail('it was parsed')

test.each([
  [undefined, [5000, 5000], false],
  [{ count: 10 }, [11, 10], false],
  [{ count: 10 }, [11, 11], true],
  [{ count: 0 }, [1, 1], true],
  [{ share: 0.1 }, [999, 999], false],
  [{ share: 0.1 }, [1000, 100], false],
  [{ share: 0.1 }, [1000, 101], true],
] as const)('the rule %j of %j records and rejects: %s', (stop, [records, rejected], isPast) => {
  expect(isPastStop(stop, { records, rejected })).toBe(isPast)
})

test('a file of another layout is refused after 1,000 records, before DuckDB is started', async () => {
  await using folder = await scratchFolder()
  await using duck = new DuckPool({ size: 2, folder: folder.path })
  const options = { chunkBytes: 5000, duck }
  const lines = text(20_000, (at) => at % 2 === 0)
  const { outcome, rejects } = await bench.parse(lines, spec({ share: 0.2 }), options)
  expect(stopped(outcome)).toMatchObject({
    code: 'TOO_MANY_REJECTS',
    file: 'a',
    detail:
      '500 of its first 1000 data records do not fit the layout, which stops at 20 %: TYPE_INTEGER in n 500',
    stopped: {
      records: 1000,
      rejected: 500,
      reasons: [{ code: 'TYPE_INTEGER', column: 'n', count: 500 }],
    },
  })
  expect(duck.started).toBe(0)
  expect(rejects.map(({ record }) => record).slice(0, 3)).toEqual([1, 3, 5])
  expect(new Set(codes(rejects))).toEqual(new Set(['TYPE_INTEGER:n']))
  expect(JSON.stringify(stopped(outcome))).not.toContain('Ann')
})

test('where a parse stops depends on the file alone, and it keeps the first 1,000 rejects', async () => {
  await using folder = await scratchFolder()
  await using one = new DuckPool({ size: 1, folder: folder.path })
  const lines = text(30_000, (at) => at > 5000)
  const rule = spec({ share: 0.3 })
  const first = await bench.parse(lines, rule, { chunkBytes: 20_000 })
  const second = await bench.parse(lines, rule, { chunkBytes: 20_000, duck: one })
  const { rejects: _, ...told } = stopped(first.outcome)
  expect(stopped(second.outcome)).toMatchObject(told)
  const { records, rejected } = told.stopped ?? expect.fail('nothing is told')
  expect(records).toBeLessThan(15_000)
  expect(rejected / records).toBeGreaterThan(0.3)
  expect(first.rejects).toHaveLength(1000)
  expect(second.rejects).toEqual(first.rejects)
  expect(first.rejects[0]).toMatchObject({ record: 5002, line: 5002 })
})

test('without a rule, and within it, a file is read to its end', async () => {
  const lines = text(3000, (at) => at % 10 === 9)
  for (const rule of [undefined, { share: 0.1 }, { count: 300 }]) {
    const { outcome } = await bench.parse(lines, spec(rule), { chunkBytes: 2000 })
    expect(outcome).toMatchObject({ kind: 'parsed', report: { accepted: 2700, rejected: 300 } })
  }
})

test('a parse that stopped leaves no chunk file and no unfinished part', async () => {
  await using folder = await scratchFolder()
  const options = { scratch: join(folder.path, 's'), out: join(folder.path, 'o') }
  const lines = text(30_000, (at) => at > 5000)
  await bench.parse(lines, spec({ share: 0.3 }), { ...options, chunkBytes: 20_000 })
  const left = await readdir(folder.path, { recursive: true })
  expect(left.filter((name) => /chunk-\d/.test(name))).toEqual([])
})
