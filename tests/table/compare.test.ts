/** Two versions of a table, compared in a DuckDB child: counts that can be checked by hand. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CompareRequest } from '../../engine/table/compare.ts'
import { compareTables } from '../../engine/table/compare.ts'
import { DuckPool } from '../../engine/table/duck-pool.ts'

let folder: string
let duck: DuckPool
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-compare-'))
  duck = new DuckPool({ size: 1, folder: join(folder, 'scratch') })
})
afterAll(async () => {
  await duck[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

const run = async (statements: readonly string[]) =>
  (await duck.run({ statements, folders: [folder] })).rows

let files = 0
/** Writes a Parquet file of a SELECT. */
async function side(select: string, rows: number) {
  files += 1
  const file = join(folder, `${files}.parquet`)
  await run([`COPY (${select}) TO '${file}' (FORMAT parquet)`, 'SELECT 1'])
  return { files: [file], rows }
}

type Given = Pick<CompareRequest, 'before' | 'after'> & Partial<CompareRequest>
const compare = async (given: Given) =>
  compareTables({ key: ['id'], apart: [], sample: 0, run, ...given })

test('a key without a value, and one that is there twice, pair their rows in order', async () => {
  const before = await side(`FROM (VALUES (NULL, 'x'), (1, 'a'), (1, 'b'), (2, NULL)) t(id, v)`, 4)
  const after = await side(`FROM (VALUES (NULL, 'y'), (1, 'b'), (1, 'a'), (1, 'c')) t(id, v)`, 4)
  const { added, removed, changed, unchanged, sample } = await compare({ before, after, sample: 9 })
  expect([added, removed, changed, unchanged]).toEqual([1, 1, 1, 2])
  expect(sample).toEqual([
    { kind: 'added', key: { id: '1' }, columns: [] },
    { kind: 'removed', key: { id: '2' }, columns: [] },
    { kind: 'changed', key: { id: null }, columns: [{ column: 'v', from: 'x', to: 'y' }] },
  ])
})

test('without a key equal rows are counted as often as they are there', async () => {
  const before = await side(`FROM (VALUES (1, 'a'), (1, 'a'), (2, NULL)) t(id, v)`, 3)
  const after = await side(`FROM (VALUES (1, 'a'), (2, NULL), (2, NULL)) t(id, v)`, 3)
  const found = await compare({ before, after, key: undefined })
  expect(found).toMatchObject({ added: 1, removed: 1, changed: 0, unchanged: 2, columns: [] })
})

test('buckets add up to the whole, and a column that came, went or became text is told', async () => {
  const rows = 2_000
  const before = await side(
    `SELECT range AS id, range % 7 AS v, 1 AS old FROM range(${rows})`,
    rows,
  )
  const after = await side(
    `SELECT range + 10 AS id, CAST((range + 10) % 7 AS VARCHAR) AS v, 1 AS fresh FROM range(${rows})
     UNION ALL SELECT 5000, 'x', 1`,
    rows + 1,
  )
  const whole = await compare({ before, after, sample: 3 })
  expect(whole).toMatchObject({ added: 11, removed: 10, changed: 0, unchanged: 1_990 })
  expect([whole.columnsAdded, whole.columnsRemoved]).toEqual([['fresh'], ['old']])
  const { sample, ...counts } = await compare({ before, after, sample: 3, bucketRows: 500 })
  expect(counts).toEqual({ ...whole, sample: undefined, ...counts })
  expect(sample).toHaveLength(3)
})

test('a version without rows has everything added or removed', async () => {
  const before = { files: [], rows: 0 }
  const after = await side(`SELECT 1 AS id, 2 AS v`, 1)
  expect(await compare({ before, after })).toMatchObject({ added: 1, removed: 0 })
  expect(await compare({ before: after, after: before })).toMatchObject({ added: 0, removed: 1 })
})
