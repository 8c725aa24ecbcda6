/** Workbooks and Parquet files take the whole road where a layout has their format, and wait for one where none has. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { verifyProject } from '../../assets/verify/verify-project.ts'
import { encounters, medicalFile } from '../support/deliveries.ts'
import { RoadProject } from '../support/project.ts'
import { textRows, workbookOf } from '../support/workbook.ts'
import { zipOf } from '../support/zip.ts'

const JANUARY = 'MA/medical/2024-01'
const text = (count: number, tag: string) =>
  medicalFile('2024-01', encounters('2024-01', count, tag))

/** The same records as the CSV, on the second sheet of a workbook. */
function workbook(csv: string | Buffer): Buffer {
  const lines = String(csv).trimEnd().split('\n')
  return workbookOf({
    sheets: { Notes: '', Claims: textRows(lines.map((line) => line.split(','))) },
  })
}

/** Adds a layout of tables beside that of text, with its mapping. */
function addLayout({ root }: RoadProject, format: 'xlsx' | 'parquet' = 'xlsx'): void {
  const read = (path: string): Record<string, unknown> =>
    JSON.parse(readFileSync(join(root, path), 'utf8')) as Record<string, unknown>
  const layout = read('registry/layouts/medical/synthea.json')
  const [resource] = layout['resources'] as [Record<string, unknown>]
  resource['format'] = format
  delete resource['dialect']
  if (format === 'xlsx') resource['dialect'] = { sheetName: 'Claims' }
  writeFileSync(join(root, 'registry/layouts/medical/book.json'), JSON.stringify(layout))
  const mapping = read('mappings/medical/synthea/v1.json')
  const folder = join(root, 'mappings/medical/book')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'v1.json'), JSON.stringify(mapping))
}

test('a workbook waits for a layout of its format, and is taken in when there is one', async () => {
  await using road = await RoadProject.create()
  const { name, content } = text(5, 'book')
  const book = name.replace(/csv$/, 'xlsx')
  road.deliver('alpha/first', [{ name: book, content: workbook(content) }])
  await road.run()
  const [waiting] = await road.submissions()
  expect(waiting).toMatchObject({ status: 'NEEDS_REVIEW', status_code: 'LAYOUT_MISMATCH' })
  expect(waiting?.status_words).toContain('medical/synthea/v1 differs in format')
  addLayout(road)
  await road.run()
  expect(await road.canonicalRows(JANUARY)).toHaveLength(5)
  expect(
    (await verifyProject(road.platform, { deep: true })).filter(({ holds }) => !holds),
  ).toEqual([])
})

test('text, a workbook and one in a ZIP go to the layout of their format; a damaged one is put aside', async () => {
  await using road = await RoadProject.create()
  addLayout(road)
  const [csv, plain, packed] = [text(3, 'a'), text(4, 'b'), text(5, 'c')]
  road.deliver('alpha/first', [csv])
  const name = csv.name.replace(/csv$/, 'xlsx')
  road.deliver('beta/first', [{ name, content: workbook(plain.content) }])
  const zip = zipOf({ [name]: workbook(packed.content) })
  road.deliver('gamma/first', [{ name: name.replace(/xlsx$/, 'zip'), content: zip }])
  const cut = workbook(plain.content).subarray(0, 2000)
  road.deliver('beta/second', [{ name, content: cut }])
  await road.run()
  expect(await road.canonicalRows(JANUARY)).toHaveLength(12)
  const told = (await road.submissions()).map((one) => `${one.status} ${one.layout_id ?? 'none'}`)
  expect(told.toSorted()).toEqual([
    'QUARANTINED none',
    'VALIDATED medical/book/v1',
    'VALIDATED medical/book/v1',
    'VALIDATED medical/synthea/v1',
  ])
})

test('a Parquet file goes to the layout of its format, and no text does', async () => {
  await using road = await RoadProject.create()
  addLayout(road, 'parquet')
  const { name, content } = text(6, 'p')
  road.write('table/a.csv', content)
  const folder = join(road.root, 'table')
  const [from, to] = [join(folder, 'a.csv'), join(folder, 'a.parquet')]
  const copy = `COPY (FROM read_csv('${from}', all_varchar=true)) TO '${to}' (FORMAT parquet)`
  await road.platform.duck.run({ statements: [copy], folders: [folder] })
  const bytes = readFileSync(to)
  road.deliver('alpha/first', [{ name: name.replace(/csv$/, 'parquet'), content: bytes }])
  road.deliver('beta/first', [text(2, 'b')])
  const cut = Buffer.concat([bytes.subarray(0, 100), Buffer.from('PAR1')])
  road.deliver('gamma/first', [{ name: name.replace(/csv$/, 'parquet'), content: cut }])
  await road.run()
  expect(await road.canonicalRows(JANUARY)).toHaveLength(8)
  const told = (await road.submissions()).map((one) => `${one.status} ${one.layout_id ?? 'none'}`)
  expect(told.toSorted()).toEqual([
    'QUARANTINED none',
    'VALIDATED medical/book/v1',
    'VALIDATED medical/synthea/v1',
  ])
  const checked = await verifyProject(road.platform, { deep: true })
  expect(checked.filter(({ holds }) => !holds)).toEqual([])
})
