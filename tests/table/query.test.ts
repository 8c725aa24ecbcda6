import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isEngineError } from '../../engine/core/errors.ts'
import { checkPart, readFooter } from '../../engine/table/footer.ts'
import { copyParts, rowsQuery, type PartCopy } from '../../engine/table/query.ts'
import { Bench, scratchFolder } from './parsing.ts'

let bench: Bench
beforeAll(async () => {
  bench = await Bench.open()
})
afterAll(() => bench.close())

async function copyOne(copy: Omit<PartCopy, 'view' | 'parts'> & { parts?: readonly string[] }) {
  const [made] = await copyParts([{ view: 'parts', parts: [], ...copy }], { duck: bench.duck })
  if (made === undefined) throw new Error('one copy gives one file')
  return made
}

const TYPES = `SELECT 1::BIGINT AS big, 1::UINTEGER AS u, 'x' AS text, 1.5::DECIMAL(38,3) AS money,
  DATE '2024-01-01' AS day, TIMESTAMP '2024-01-01' AS at, TIMESTAMPTZ '2024-01-01 00:00:00+00' AS tz,
  true AS yes, 1.5::DOUBLE AS d, [1] AS list, 1::TINYINT AS tiny`

test('a copy is one file with the same bytes for the same rows, in any order of arrival', async () => {
  await using folder = await scratchFolder()
  const write = async (name: string, rows: string) =>
    copyOne({ select: rows, order: ['n'], out: join(folder.path, 'in', name) })
  const a = await write('a.parquet', 'SELECT range AS n, range % 7 AS m FROM range(1000)')
  const b = await write(
    'b.parquet',
    'SELECT 999 - range AS n, (999 - range) % 7 AS m FROM range(1000)',
  )
  expect({ ...b, path: '' }).toEqual({ ...a, path: '' })
  expect(a).toMatchObject({ rows: 1000, sizeBytes: (await readFile(a.path)).length })

  const joined = await copyOne({
    select: `SELECT n, k.name, parts.m FROM parts
     JOIN (VALUES (1, 'one'), (2, 'two')) AS k(m, name) USING (m)`,
    order: ['m', 'n'],
    parts: [a.path],
    out: join(folder.path, 'out', 'c.parquet'),
  })
  expect(joined.rows).toBe(286)
  const select = 'SELECT m, count(*) AS rows, min(n) AS first FROM parts GROUP BY m ORDER BY m'
  expect(await rowsQuery({ select, parts: [joined.path], duck: bench.duck })).toEqual([
    { m: 1, rows: 143, first: 1 },
    { m: 2, rows: 143, first: 2 },
  ])
})

test('parts in order, out of order and twice over the same rows give the same file, and a total order is kept', async () => {
  await using folder = await scratchFolder()
  const out = (name: string): string => join(folder.path, `${name}.parquet`)
  const rows = (from: number, until: number): string =>
    `SELECT range AS n, 'x' || range AS t FROM range(${from}, ${until})`
  const made = async (name: string, select: string) =>
    (await copyOne({ select, order: ['n'], out: out(name) })).path
  const [low, high] = [await made('low', rows(0, 3000)), await made('high', rows(3000, 5000))]
  const mixed = out('mixed')
  await bench.duck.run({
    statements: [`COPY (${rows(0, 5000)} ORDER BY hash(n)) TO '${mixed}' (FORMAT parquet)`],
    folders: [folder.path],
  })
  const copy = async (name: string, parts: readonly string[], order = ['n']) => {
    const { path: _, ...found } = await copyOne({
      select: 'SELECT t, n + 1 AS n FROM parts',
      order,
      parts,
      out: out(name),
    })
    return found
  }
  const whole = await copy('a', [low, high])
  expect(whole.rows).toBe(5000)
  expect(await copy('b', [high, low])).toEqual(whole)
  expect(await copy('c', [mixed])).toEqual(whole)
  expect(await copy('d', [mixed], ['n', 't'])).toEqual(whole)
})

test('a select cannot reach outside the folders of its parts', async () => {
  await using folder = await scratchFolder()
  await writeFile(join(folder.path, 'secret.csv'), 'a\n1\n')
  const error = await rowsQuery({
    select: `SELECT * FROM read_csv('${folder.path}/secret.csv')`,
    parts: [],
    duck: bench.duck,
  }).catch((e: unknown) => e)
  expect(isEngineError(error, 'DUCK_TASK_FAILED')).toBe(true)
})

test('a footer shows rows and types as another reader sees them', async () => {
  await using folder = await scratchFolder()
  const out = join(folder.path, 'types.parquet')
  await copyOne({ select: TYPES, order: ['big'], out })
  const footer = await readFooter(out)
  expect(footer.rows).toBe(1)
  expect(Object.fromEntries(footer.columns.map(({ name, type }) => [name, type]))).toEqual({
    big: 'BIGINT',
    u: 'UINTEGER',
    text: 'VARCHAR',
    money: 'DECIMAL(38,3)',
    day: 'DATE',
    at: 'TIMESTAMP',
    tz: 'TIMESTAMP WITH TIME ZONE',
    yes: 'BOOLEAN',
    d: 'DOUBLE',
    list: 'LIST',
    tiny: 'TINYINT',
  })
  expect(await readFooter(new Uint8Array(await readFile(out)))).toEqual(footer)
  await checkPart(out, footer)
  const columns = footer.columns.with(0, { name: 'big', type: 'VARCHAR' })
  await expect(checkPart(out, { ...footer, columns })).rejects.toThrow(
    'column big is BIGINT, not VARCHAR',
  )
  await expect(checkPart(out, { ...footer, rows: 2 })).rejects.toThrow(
    '1 rows where 2 were written',
  )
})

test('a file that is cut short or is something else has no footer', async () => {
  await using folder = await scratchFolder()
  const out = join(folder.path, 'cut.parquet')
  await copyOne({ select: TYPES, order: ['big'], out })
  const bytes = await readFile(out)
  for (const damaged of [bytes.subarray(0, -1), Buffer.from('no Parquet'), Buffer.alloc(0)]) {
    await writeFile(out, damaged)
    await expect(readFooter(out)).rejects.toThrow('no readable footer')
  }
})
