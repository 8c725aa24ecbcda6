/** Layouts of many columns: memory decides how their chunks are written, never what. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Bench, column, parseSpec } from './parsing.ts'

let bench: Bench
beforeAll(async () => {
  bench = await Bench.open()
})
afterAll(() => bench.close())

interface Wide {
  readonly columns: number
  readonly rows: number
  readonly months: number
  readonly memoryMb: number
}

async function parseWide({ columns, rows, months, memoryMb }: Wide) {
  const names = Array.from({ length: columns - 1 }, (_, at) => `c${at}`)
  const spec = parseSpec(
    {},
    {
      control: [],
      columns: [column('day', 'date'), ...names.map((name) => column(name))],
      month: { column: 'day' },
    },
  )
  const text = Array.from({ length: rows }, (_, row) => {
    const [year, month] = [2022 + Math.floor((row % months) / 12), ((row % months) % 12) + 1]
    const day = row === 17 ? 'x' : `${year}-${String(month).padStart(2, '0')}-15`
    const fields = names.map((_name, at) => ((row + at) % 5 === 0 ? `v${(row * 7 + at) % 97}` : ''))
    return [day, ...fields].join('|')
  }).join('\n')
  const outcome = await bench.run(`${text}\n`, spec, { memoryMb })
  if (outcome.kind === 'failed') expect.fail(outcome.detail)
  return {
    accepted: outcome.report.accepted,
    rejected: outcome.report.rejected,
    nulls: outcome.report.columns,
    months: outcome.months.map(({ month, parts }) => [month, parts.map((part) => part.sha256)]),
  }
}

test('months that do not fit at once are written some at a time, to the bytes they have together', async () => {
  const wide = { columns: 400, rows: 2000, months: 24 }
  const together = await parseWide({ ...wide, memoryMb: 1400 })
  expect(together).toMatchObject({ accepted: 1999, rejected: 1 })
  expect(together.months).toHaveLength(24)
  expect(await parseWide({ ...wide, memoryMb: 350 })).toEqual(together)
})

test('1,000 columns and 24 months fit in the memory of a task', async () => {
  const wide = { columns: 1000, rows: 1500, months: 24, memoryMb: 800 }
  const found = await parseWide(wide)
  expect(found).toMatchObject({ accepted: 1499, rejected: 1 })
  expect(found.months).toHaveLength(24)
})

test('more columns than memory has room for are the layout’s fault, in words', async () => {
  const wide = parseWide({ columns: 1100, rows: 60, months: 2, memoryMb: 60 })
  await expect(wide).rejects.toThrow(
    'a: its layout has 1100 columns, and their records do not fit in the 60 MB of a task',
  )
})
