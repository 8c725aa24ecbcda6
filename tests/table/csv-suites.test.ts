/** Files that other people's readers are tested with, from the shared data beside the clone. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dataFolder } from '../support/scenario.ts'
import { anyLayout } from './any-layout.ts'
import { expectConservation } from './conservation.ts'
import { Bench, column, parseSpec } from './parsing.ts'

let bench: Bench
beforeAll(async () => {
  bench = await Bench.open()
})
afterAll(() => bench.close())

/**
 * What csv-spectrum gives as the content of one of its files is not what the file says: a list of
 * one and another telephone number.
 */
const SLIPS = { location_coordinates: { from: '1234567890', to: '2095257564' } }

test('csv-spectrum: twelve of twelve files give the values that they hold', async (context) => {
  const folder = dataFolder('suites/csv-spectrum')
  if (folder === undefined)
    return context.skip('the folder ../shared/data is not beside this clone')
  const names = (await readdir(join(folder, 'csvs'))).map((name) => name.replace('.csv', ''))
  expect(names.length).toBe(12)
  for (const name of names) {
    const bytes = await readFile(join(folder, `csvs/${name}.csv`))
    let json = await readFile(join(folder, `json/${name}.json`), 'utf8')
    if (name in SLIPS)
      json = json.replace(SLIPS.location_coordinates.from, SLIPS.location_coordinates.to)
    const wanted = [JSON.parse(json) as Record<string, string>].flat()
    const headers = Object.keys(wanted[0] ?? {})
    const spec = parseSpec(
      { delimiter: ',', quoteChar: '"', header: true },
      { control: [], columns: headers.map((header, at) => column(`c${at}`, 'string', { header })) },
    )
    const parsed = await bench.parse(bytes, spec)
    expectConservation(bytes, parsed)
    const found = parsed.rows.map((row) => headers.map((_, at) => row[`c${at}`] ?? ''))
    expect({ name, found }).toEqual({
      name,
      found: wanted.map((row) => headers.map((h) => row[h])),
    })
  }
})

test('CleverCSV: every case and file keeps its records, whatever its delimiter', async (context) => {
  const folder = dataFolder('suites/clevercsv-sniff')
  if (folder === undefined)
    return context.skip('the folder ../shared/data is not beside this clone')
  const cases = JSON.parse(await readFile(join(folder, 'dialect-cases.json'), 'utf8')) as {
    readonly text: string
    readonly expect: { readonly delimiter?: string }
  }[]
  expect(cases.length).toBe(11)
  const files = (await readdir(folder)).filter((name) => name.endsWith('.csv'))
  const texts = [
    ...cases.map(
      ({ text, expect: dialect }) => [Buffer.from(text), dialect.delimiter ?? ','] as const,
    ),
    ...(await Promise.all(
      files.map(async (name) => [await readFile(join(folder, name)), ','] as const),
    )),
  ]
  for (const [bytes, delimiter] of texts) {
    const parsed = await bench.parse(bytes, anyLayout(bytes, delimiter))
    expectConservation(bytes, parsed)
    expect(parsed.rows.length).toBeGreaterThan(0)
  }
})
