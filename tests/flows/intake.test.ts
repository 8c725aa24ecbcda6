/** What may lie in an inbox, and what becomes of it. */
import { gzipSync } from 'node:zlib'
import { rmSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  encounters,
  fileName,
  medicalFile,
  medications,
  pharmacyFile,
} from '../support/deliveries.ts'
import { RoadProject } from '../support/project.ts'

const JANUARY = 'MA/medical/2024-01'
const MINUTE_MS = 60_000
const january = (count: number, tag: string) =>
  medicalFile('2024-01', encounters('2024-01', count, tag))

test('without a marker a drop is taken once it has been still', async () => {
  await using road = await RoadProject.create({ quiescenceMinutes: 10 })
  road.deliver('alpha/drop', [january(2, 'a')], { marker: false })
  expect(await road.steps()).toEqual([])
  expect((await road.run()).log).toEqual([])
  road.advance(9 * MINUTE_MS)
  expect((await road.run()).log).toEqual([])
  // The other half arrives: the time counts from there.
  road.deliver('alpha/drop', [pharmacyFile('2024-01', medications('2024-01', 2))], {
    marker: false,
  })
  road.advance(2 * MINUTE_MS)
  expect((await road.run()).log).toEqual([])
  road.advance(10 * MINUTE_MS)
  const { canonical } = await road.run()
  expect(canonical).toEqual(['MA/medical/2024-01 built', 'MA/pharmacy/2024-01 built'])
  const submissions = await road.submissions()
  expect(submissions.map((row) => [row.drop_path, row.file_type, row.grouping_method])).toEqual([
    ['alpha/drop', 'medical', 'QUIESCENCE'],
    ['alpha/drop', 'pharmacy', 'QUIESCENCE'],
  ])
})

test('a marker closes its drop at once, and a stale one never closes a later upload', async () => {
  await using road = await RoadProject.create({ quiescenceMinutes: 10 })
  road.deliver('alpha/drop', [january(2, 'a')])
  expect((await road.run()).canonical).toEqual([`${JANUARY} built`])
  road.deliver('alpha/drop', [january(5, 'half')], { marker: false })
  road.advance(MINUTE_MS)
  expect((await road.run()).log).toEqual([])
  // A new marker vouches for what is there.
  rmSync(road.path('inbox/alpha/drop/_SUCCESS'))
  await road.run()
  road.advance(MINUTE_MS)
  road.write('inbox/alpha/drop/_SUCCESS', 'again')
  expect((await road.run()).canonical).toEqual([`${JANUARY} built`])
  expect(await road.canonicalRows(JANUARY)).toHaveLength(5)
})

test('a half upload under a temporary name is never read', async () => {
  await using road = await RoadProject.create()
  const file = january(3, 'a')
  road.deliver('alpha/drop', [{ ...file, name: `${file.name}.part` }], { marker: false })
  road.deliver('alpha/other', [{ ...file, name: `.${file.name}` }], { marker: false })
  expect((await road.run()).log).toEqual([])
  expect(await road.submissions()).toEqual([])
})

test('the same name delivered again with other bytes is a new submission', async () => {
  await using road = await RoadProject.create()
  for (const count of [3, 4, 5]) {
    road.deliver('alpha/monthly', [january(count, 'a')])
    expect((await road.run()).canonical).toEqual([`${JANUARY} built`])
    expect(await road.canonicalRows(JANUARY)).toHaveLength(count)
  }
  expect(await road.submissions()).toHaveLength(3)
  // A file that is only touched is the same bytes.
  road.deliver('alpha/monthly', [january(5, 'a')])
  expect((await road.run()).log).toEqual([])
  expect((await road.submissions()).at(-1)?.status).toBe('DUPLICATE')
})

test('a compressed file is read as what is in it', async () => {
  await using road = await RoadProject.create()
  const { content } = january(3, 'a')
  const name = fileName('medical', '2024-01', 'csv.gz')
  road.deliver('alpha/zipped', [{ name, content: gzipSync(content) }])
  expect((await road.run()).canonical).toEqual([`${JANUARY} built`])
  expect(await road.canonicalRows(JANUARY)).toHaveLength(3)
})

test('what is no data is put aside in words, and the rest of its drop goes on', async () => {
  await using road = await RoadProject.create()
  const page = '<!DOCTYPE html><html><body>Your session has ended</body></html>'
  road.deliver('alpha/mixed', [
    january(3, 'a'),
    pharmacyFile('2024-01', medications('2024-01', 2)),
    { name: fileName('medical', '2024-02'), content: page },
    { name: 'claims-final.csv', content: 'a,b\n1,2\n' },
  ])
  road.deliver('nobody/drop', [january(3, 'n')])
  const { report, canonical } = await road.run()
  expect(report.status).toBe('succeeded')
  expect(canonical).toEqual(['MA/medical/2024-01 built', 'MA/pharmacy/2024-01 built'])
  const found = (await road.submissions()).map((row) => [
    row.file_type,
    row.status,
    row.status_code,
  ])
  expect(found).toEqual([
    ['medical', 'VALIDATED', null],
    ['pharmacy', 'VALIDATED', null],
    ['unknown', 'NEEDS_REVIEW', 'UNKNOWN_NAME'],
    ['medical', 'QUARANTINED', expect.any(String)],
    ['medical', 'NEEDS_REVIEW', 'UNKNOWN_SUBMITTER'],
  ])
  const words = (await road.findings()).map((finding) => finding.words)
  expect(words).toEqual([
    expect.stringMatching(/^alpha\/mixed: .*matches no routing rule/),
    expect.stringMatching(/^alpha\/mixed: .*HTML/i),
    expect.stringMatching(/^nobody\/drop: .*no registered submitter/),
  ])
})

test('a submission that waits for a rule is taken up when the registry has it', async () => {
  await using road = await RoadProject.create()
  road.deliver('delta/drop', [january(3, 'd')])
  expect((await road.run()).log).toEqual([])
  road.edit('registry/submitters.json', (document) => ({
    submitters: [...(document['submitters'] as object[]), { id: 'delta', state: 'MA' }],
  }))
  const { canonical, brokenPromises } = await road.run()
  expect(brokenPromises).toEqual([])
  expect(canonical).toEqual([`${JANUARY} built`])
  expect((await road.statuses())['delta/drop']).toBe('VALIDATED')
})

test('an unchanged inbox is no work: nothing is written', async () => {
  await using road = await RoadProject.create()
  road.deliver('alpha/drop', [january(3, 'a')])
  await road.run()
  const revision = async () => (await road.plan()).basis.revision
  const before = await revision()
  const { report, log } = await road.run()
  expect([report.run, log]).toEqual([undefined, []])
  expect(await revision()).toBe(before)
})

test('a plan shows a new delivery parsed for sure, and the months it declares as maybe', async () => {
  await using road = await RoadProject.create()
  road.deliver('alpha/drop', [medicalFile(['2024-01', '2024-02'], encounters('2024-01', 3, 'a'))])
  const { plan, log, brokenPromises } = await road.run()
  const steps = plan.steps.map((step) => {
    const isSubmission = /\d{8}T\d{9}Z/.test(step.key)
    return `${step.asset} ${isSubmission ? 'alpha' : step.key} ${step.verdict}`
  })
  expect(steps).toEqual([
    'raw alpha build',
    'parse alpha build',
    expect.stringMatching(/^measure alpha (build|maybe)$/),
    expect.stringMatching(/^validation_report alpha (build|maybe)$/),
    expect.stringMatching(/^outbox alpha (build|maybe)$/),
    'gold_submitter MA/medical/alpha/2024-01 maybe',
    'gold_submitter MA/medical/alpha/2024-02 maybe',
    'gold_canonical MA/medical/2024-01 maybe',
    'gold_canonical MA/medical/2024-02 maybe',
  ])
  expect(brokenPromises).toEqual([])
  // The second month has no rows: it was listed, and there was nothing to do.
  expect(log.filter((line) => line.includes('2024-02'))).toEqual([])
})
