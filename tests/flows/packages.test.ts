/** Deliveries in packages take the whole road: each member is a logical file of its submission. */
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { verifyProject } from '../../assets/verify/verify-project.ts'
import { encounters, medicalFile } from '../support/deliveries.ts'
import { RoadProject } from '../support/project.ts'
import { tarOf, zipOf } from '../support/zip.ts'

const JANUARY = 'MA/medical/2024-01'
const month = (count: number, tag: string) =>
  medicalFile('2024-01', encounters('2024-01', count, tag))
const named = (file: { readonly name: string }, ending: string): string =>
  file.name.replace(/[.]csv$/, ending)

test('a ZIP archive, a tar in gzip and a hostile archive: two are built, one is put aside', async () => {
  await using road = await RoadProject.create()
  const [first, second] = [month(10, 'zip'), month(7, 'tar')]
  const zip = zipOf({ [first.name]: first.content })
  const tar = gzipSync(tarOf({ [second.name]: second.content }))
  const hostile = zipOf({ '../../escape.csv': first.content })
  road.deliver('alpha/first', [{ name: named(first, '.zip'), content: zip }])
  road.deliver('beta/first', [{ name: named(second, '.tgz'), content: tar }])
  road.deliver('gamma/first', [{ name: named(first, '.zip'), content: hostile }])
  await road.run()
  expect(await road.canonicalRows(JANUARY)).toHaveLength(17)
  const { db } = road.project.catalog
  const findings = await road.tables.selectFrom('finding').select('words').execute()
  expect(findings.map(({ words }) => words)).toContainEqual(expect.stringContaining('PACKAGE_NAME'))
  expect(await db.selectFrom('dirty').selectAll().execute()).toEqual([])
  const results = await verifyProject(road.platform)
  expect(results.filter(({ holds }) => !holds)).toEqual([])
})

test('a layout with a pattern reads several members; their rows are numbered through', async () => {
  await using road = await RoadProject.create()
  road.edit('registry/layouts/medical/synthea.json', (document) => {
    const ingest = (document as unknown as { 'x-ingest': Record<string, unknown> })['x-ingest']
    ingest['package'] = { members: 'part-.*[.]csv' }
  })
  const parts = { 'part-1.csv': month(3, 'a').content, 'part-2.csv': month(4, 'b').content }
  const content = zipOf({ ...parts, 'notes.txt': 'no data' })
  road.deliver('alpha/first', [{ name: named(month(1, 'x'), '.zip'), content }])
  await road.run()
  const rows = await road.canonicalRows(JANUARY)
  expect(rows).toHaveLength(7)
  expect((await verifyProject(road.platform)).filter(({ holds }) => !holds)).toEqual([])
})
