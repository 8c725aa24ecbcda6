/**
 * Ways in which DuckDB, used as its documentation shows, loses rows, memory or the process, each
 * measured on claims files (design: the data plane). Here is what keeps us out of each; those of
 * single records (short and long rows, blank lines, lone CR, mixed line ends) are the cases of
 * parse-cases.test.ts, a query that is ended and DECIMAL as text those of duck-pool.test.ts, and
 * the order of rows in files those of determinism.test.ts.
 */
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DuckPool } from '../../engine/table/duck-pool.ts'
import { copyParts } from '../../engine/table/query.ts'
import { expectConservation } from './conservation.ts'
import { Bench, codes, column, parseSpec, scratchFolder } from './parsing.ts'

let bench: Bench
beforeAll(async () => {
  bench = await Bench.open()
})
afterAll(() => bench.close())

const lines = (count: number, line: (n: number) => string): string =>
  Array.from({ length: count }, (_, n) => `${line(n)}\n`).join('')

describe('records', () => {
  test('default quoting lost 92 % of a file with few quotes: where quotes are data, none is lost', async () => {
    const marks = ['"a', 'b"', '5"x7"', '"']
    const text = lines(20_000, (n) => `${n}|${n % 1500 === 7 ? marks[n % 4] : 'n'}||`)
    const parsed = await bench.parse(text, parseSpec())
    expectConservation(text, parsed)
    expect(parsed.rows.length).toBe(20_000)
    expect(parsed.rows.filter((row) => String(row['name']).includes('"')).length).toBe(14)
  })

  test('an error in a column that nobody selects is found: all columns of a record are read', async () => {
    const columns = Array.from({ length: 40 }, (_, at) =>
      column(`c${at}`, at === 39 ? 'integer' : 'string'),
    )
    const text = lines(200, (n) => `${'x|'.repeat(39)}${n === 150 ? 'y' : n}`)
    const parsed = await bench.parse(text, parseSpec({}, { columns }))
    expect(parsed.rows.length).toBe(199)
    expect(codes(parsed.rejects)).toEqual(['TYPE_INTEGER:c39'])
  })

  test('the client drops a byte order mark that begins a value: files put together keep theirs', async () => {
    const text = lines(20, (n) => `\ufeff${n}|\ufeffn||`)
    const parsed = await bench.parse(text, parseSpec())
    expectConservation(text, parsed)
    // The mark that begins the file is none of its first value.
    expect(parsed.rows.map((row) => row['id'])).toEqual(
      Array.from({ length: 20 }, (_, n) => (n === 0 ? '0' : `\ufeff${n}`)),
    )
    expect(new Set(parsed.rows.map((row) => row['name']))).toEqual(new Set(['\ufeffn']))
  })

  test('a wrong layout took 3.8 GB and a reject a missing column: one a record, in 400 MB', async () => {
    await using folder = await scratchFolder()
    await using duck = new DuckPool({ size: 1, folder: folder.path, rssBytesMax: 400 * 1024 ** 2 })
    const columns = Array.from({ length: 60 }, (_, at) => column(`c${at}`))
    const text = lines(40_000, (n) => `${n},a name,another`)
    const parsed = await bench.parse(text, parseSpec({ delimiter: ',' }, { columns }), { duck })
    expectConservation(text, parsed)
    expect(parsed.outcome).toMatchObject({ kind: 'failed', code: 'NOTHING_ACCEPTED' })
    expect(parsed.outcome.report?.reasons).toEqual([
      { code: 'FIELD_COUNT', column: null, count: 40_000 },
    ])
  })
})

describe('processes', () => {
  const spilling = `SELECT count(*) AS n FROM (SELECT repeat(range::VARCHAR, 20) AS t
    FROM range(900000) ORDER BY t DESC OFFSET 1)`

  test('two that spill into one folder corrupt each other: each has its own, and leaves nothing', async () => {
    await using folder = await scratchFolder()
    const duck = new DuckPool({ size: 2, folder: folder.path })
    const task = { statements: [spilling], folders: [], memoryMb: 80 }
    const places = new Set<string | undefined>()
    const look = async (): Promise<void> => {
      const names = await readdir(folder.path, { recursive: true }).catch(() => [])
      const spills = names.filter((name) => name.includes('duckdb_temp'))
      for (const name of spills) places.add(name.split('/')[0])
    }
    const watch = setInterval(() => void look(), 5)
    const results = await Promise.all([duck.run(task), duck.run(task)])
    clearInterval(watch)
    expect(places.size).toBe(2)
    expect(results.map(({ rows }) => rows)).toEqual([[{ n: 899_999 }], [{ n: 899_999 }]])
    await duck[Symbol.asyncDispose]()
    expect(await readdir(folder.path)).toEqual([])
  })

  test('a fifth query at once hangs one process for good: more run, each in its own', async () => {
    await using folder = await scratchFolder()
    await using duck = new DuckPool({ size: 5, folder: folder.path })
    const task = {
      statements: ['SELECT sum(range)::VARCHAR AS n FROM range(3000000)'],
      folders: [],
    }
    const results = await Promise.all(Array.from({ length: 10 }, () => duck.run(task)))
    expect(results.map(({ rows }) => rows[0]?.['n'])).toEqual(Array(10).fill('4499998500000'))
    expect(duck.started).toBe(5)
  })
})

test('twenty sorted submitters in one statement ran out of 2 GB: one copy each needs 200 MB', async () => {
  await using folder = await scratchFolder()
  const source = join(folder.path, 'in')
  await mkdir(source)
  const rows = `SELECT range AS n, md5(range::VARCHAR) AS id, repeat('x', 80) AS t FROM range(50000)`
  const [part] = await copyParts(
    [{ select: rows, order: ['n'], view: 'none', parts: [], out: join(source, 'a.parquet') }],
    { duck: bench.duck },
  )
  const copies = Array.from({ length: 20 }, (_, at) => ({
    select: `SELECT ${at} AS submitter, * FROM parts_${at}`,
    order: ['id', 'n'],
    view: `parts_${at}`,
    parts: [part?.path ?? ''],
    out: join(folder.path, 'out', `part-${at}.parquet`),
  }))
  const made = await copyParts(copies, { duck: bench.duck, memoryMb: 200 })
  expect(made.map((copy) => copy.rows)).toEqual(Array(20).fill(50_000))
})
