/** Fifteen files of 1,000 records with one defect each, from the shared data beside the clone. */
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Bench, codes, column, parseSpec } from './parsing.ts'

const FOLDER = join(import.meta.dirname, '../../../shared/data/suites/csv-conservation')
const SPEC = parseSpec(
  { delimiter: ',', quoteChar: '"', header: true },
  {
    columns: [
      column('id', 'integer', { required: true }),
      column('name'),
      column('amt', 'integer'),
    ],
  },
)
/** accepted records and reasons of the others; records are 1,000 beside the header */
const WANTED: Record<string, { accepted: number; rejects: string[]; blank?: number }> = {
  bad_int: { accepted: 998, rejects: ['TYPE_INTEGER:amt', 'TYPE_INTEGER:id'] },
  bad_utf8: { accepted: 999, rejects: ['ENCODING'] },
  blank_lines: { accepted: 998, rejects: [], blank: 2 },
  clean: { accepted: 1000, rejects: [] },
  cr_only: { accepted: 1000, rejects: [] },
  crlf_mix: { accepted: 1000, rejects: [] },
  extra_cols: { accepted: 997, rejects: ['FIELD_COUNT', 'FIELD_COUNT', 'FIELD_COUNT'] },
  few_cols: { accepted: 998, rejects: ['FIELD_COUNT', 'FIELD_COUNT'] },
  no_final_nl: { accepted: 1000, rejects: [] },
  nul: { accepted: 999, rejects: ['NUL_BYTE'] },
  quote_mid: { accepted: 1000, rejects: [] },
  stray_quote: { accepted: 999, rejects: ['QUOTE'] },
  trailing_sep: { accepted: 1000, rejects: [] },
  unbalanced_pair: { accepted: 999, rejects: ['QUOTE'] },
}

let bench: Bench
beforeAll(async () => {
  bench = await Bench.open()
})
afterAll(() => bench.close())

test('each file of the suite keeps its 1,000 records', async (context) => {
  if (!existsSync(FOLDER)) context.skip('the folder ../shared/data is not beside this clone')
  const names = (await readdir(FOLDER)).filter((name) => name.endsWith('.csv'))
  expect(names.map((name) => name.slice(0, -4)).toSorted()).toEqual(
    [...Object.keys(WANTED), 'dup_header'].toSorted(),
  )
  for (const [name, { accepted, rejects: reasons, blank = 0 }] of Object.entries(WANTED)) {
    const parsed = await bench.parse(await readFile(join(FOLDER, `${name}.csv`)), SPEC)
    const totals = parsed.outcome.report?.files[0]?.totals
    const found = {
      accepted: parsed.rows.length,
      rejects: codes(parsed.rejects),
      blank: totals?.blank.records,
    }
    expect({ name, ...found }).toEqual({ name, accepted, rejects: reasons, blank })
    expect(accepted + reasons.length + blank).toBe(1000)
  }
  const { outcome } = await bench.parse(await readFile(join(FOLDER, 'dup_header.csv')), SPEC)
  expect(outcome).toMatchObject({ kind: 'failed', code: 'HEADER_COLUMN_TWICE' })
})
