/** What goes back to a submitter: the pre-check's own report, made after each intake. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { main } from '../../assets/main.ts'
import type { Precheck } from '../../assets/precheck.ts'
import { encounters, fileName, medicalFile } from '../support/deliveries.ts'
import { RoadProject } from '../support/project.ts'

const JANUARY = 'MA/medical/2024-01'
const good = (tag: string) => medicalFile('2024-01', encounters('2024-01', 3, tag))
/** 40 rows: one without a date, one of another month; a cell that nobody may see elsewhere. */
const mixed = () => {
  const rows = encounters('2024-01', 40, 'm').map((row, at) =>
    at === 4
      ? { ...row, START: 'Canary-Cell' }
      : at === 9
        ? { ...row, START: '2023-12-31T00:00:00Z' }
        : row,
  )
  return medicalFile('2024-01', rows)
}

const folderOf = async (road: RoadProject, drop: string): Promise<string> => {
  const { submitter_id: submitter, submission_id: id } = await road.submission(drop)
  return road.path(`data/outbox/${submitter}/${id}`)
}

async function reportOf(road: RoadProject, drop: string): Promise<Precheck> {
  const text = readFileSync(`${await folderOf(road, drop)}/report.json`, 'utf8')
  const { files } = JSON.parse(text) as { readonly files: readonly Precheck[] }
  const [report] = files
  if (report === undefined || files.length > 1) throw new Error(`${files.length} reports`)
  return report
}

test('a submitter gets what the pre-check says of the same file, as JSON and as a page, without values', async () => {
  await using road = await RoadProject.create()
  const { name, content } = mixed()
  road.deliver('alpha/first', [mixed()])
  expect((await road.run()).canonical).toEqual([`${JANUARY} built`])
  const report = await reportOf(road, 'alpha/first')
  expect(report).toMatchObject({
    layout: 'medical/synthea/v1',
    file: name,
    verdict: 'VALIDATED',
    records: { accepted: 39, header: 1, rejected: 1 },
    reasons: [{ code: 'TYPE_DATETIME', column: 'START', places: [{ file: name, line: 6 }] }],
    months: [
      { month: '2023-12', rows: 1, isDeclared: false },
      { month: '2024-01', rows: 38, isDeclared: true },
    ],
  })
  expect(report.next).toMatch(
    /^Accepted\. Refused: 1 record\. .* Rows of 2023-12 are outside the months it declares/,
  )
  writeFileSync(road.path(name), content)
  const out = road.path('report.json')
  const words = ['validate', 'medical/synthea', road.path(name), '--report', 'json', '--out', out]
  const silent = { write: () => true, on: () => undefined }
  await main(['--project', road.root, ...words], { stdout: silent, stderr: silent })
  const { files } = JSON.parse(readFileSync(out, 'utf8')) as { readonly files: readonly Precheck[] }
  expect(files).toEqual([{ ...report, submission: null }])
  const folder = await folderOf(road, 'alpha/first')
  const page = readFileSync(`${folder}/report.html`, 'utf8')
  expect(page).toContain('TYPE_DATETIME')
  expect(page + JSON.stringify(report)).not.toContain('Canary')
})

test('every submission of a known submitter is answered, also one that never became rows', async () => {
  await using road = await RoadProject.create()
  road.deliver('alpha/good', [good('a')])
  road.deliver('alpha/page', [
    { name: fileName('medical', '2024-02'), content: '<!doctype html><html>' },
  ])
  road.deliver('beta/unnamed', [{ name: 'whatever.csv', content: 'a,b\n1,2\n' }])
  road.deliver('beta/header', [{ name: fileName('medical', '2024-01'), content: 'Id,START\n' }])
  road.deliver('nobody/good', [good('n')])
  await road.run()
  road.deliver('alpha/again', [good('a')])
  await road.run()
  const said = async (drop: string) => {
    const { verdict, failed } = await reportOf(road, drop)
    return [verdict, failed?.code]
  }
  expect(await said('alpha/good')).toEqual(['VALIDATED', undefined])
  expect(await said('alpha/page')).toEqual(['QUARANTINED', 'NAME_AND_CONTENT_DIFFER'])
  expect(await said('beta/unnamed')).toEqual(['NEEDS_REVIEW', 'UNKNOWN_NAME'])
  expect(await said('beta/header')).toEqual(['NEEDS_REVIEW', 'LAYOUT_MISMATCH'])
  // A duplicate's bytes were answered before, and nobody may read for an unknown submitter.
  const unanswered = await Promise.all(
    ['alpha/again', 'nobody/good'].map(async (drop) => existsSync(await folderOf(road, drop))),
  )
  expect(unanswered).toEqual([false, false])
  expect(await road.steps()).toEqual([])

  const { submission_id: submission } = await road.submission('beta/unnamed')
  await road.decide({ kind: 'withdraw', submission })
  expect((await road.run()).log).toEqual([`outbox beta/unknown/${submission} retired`])
  expect(existsSync(await folderOf(road, 'beta/unnamed'))).toBe(false)
})

test('a submission that is routed later is answered anew; one withdrawn keeps what was said of it', async () => {
  await using road = await RoadProject.create()
  const { content } = good('a')
  road.deliver('alpha/odd', [{ name: 'odd.csv', content }])
  await road.run()
  const { submission_id: submission } = await road.submission('alpha/odd')
  await road.decide({
    kind: 'route',
    submission,
    state: 'MA',
    layout: 'medical/synthea/v1',
    first: '2024-01',
    last: '2024-01',
  })
  await road.run()
  const report = await reportOf(road, 'alpha/odd')
  expect([report.verdict, report.file]).toEqual(['VALIDATED', 'odd.csv'])
  await road.decide({ kind: 'withdraw', submission })
  const { log } = await road.run()
  expect(log.filter((line) => line.startsWith('outbox'))).toEqual([])
  expect(await reportOf(road, 'alpha/odd')).toEqual(report)
})

test('a report is written again only when it is judged otherwise, gives the same bytes, and moves nothing', async () => {
  await using road = await RoadProject.create()
  road.deliver('alpha/first', [mixed()])
  await road.run()
  const bytes = async () => {
    const folder = await folderOf(road, 'alpha/first')
    return ['report.html', 'report.json'].map((one) => readFileSync(`${folder}/${one}`, 'utf8'))
  }
  const before = await bytes()
  const layout = 'registry/layouts/medical/synthea.json'
  road.edit(layout, (document) => ({ ...document, title: 'Other words' }))
  expect(await road.steps()).toEqual([])
  const forced = await road.run('outbox', { force: true })
  expect(forced.log).toEqual([expect.stringMatching(/^outbox .* cutoff$/)])
  const { submission_id: id } = await road.submission('alpha/first')
  road.edit(layout, (document) => {
    const ingest = document['x-ingest'] as Record<string, unknown>
    ingest['reject'] = { count: 1 }
  })
  const judged = await road.run()
  expect(judged.log).toEqual([
    `outbox alpha/medical/${id} built`,
    `validation_report alpha/medical/${id} built`,
  ])
  expect(await bytes()).not.toEqual(before)
  road.edit(layout, (document) => {
    const ingest = document['x-ingest'] as Record<string, unknown>
    ingest['reject'] = { share: 0.05 }
  })
  await road.run()
  expect(await bytes()).toEqual(before)
})
