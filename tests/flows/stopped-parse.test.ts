/** A layout's stop rule on the road: the file is refused early, with reasons a person can act on. */
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { verifyProject } from '../../assets/verify/verify-project.ts'
import { encounters, medicalFile } from '../support/deliveries.ts'
import { RoadProject } from '../support/project.ts'

const LAYOUT = 'registry/layouts/medical/synthea.json'
const JANUARY = 'MA/medical/2024-01'

const setStop = (road: RoadProject, stop: object | undefined): void =>
  road.edit(LAYOUT, (document) => {
    const ingest = document['x-ingest'] as Record<string, unknown>
    if (stop === undefined) delete ingest['stop']
    else ingest['stop'] = stop
  })

test('a stopped parse tells the first reasons, keeps their records, and an edit of the rule parses again', async () => {
  await using road = await RoadProject.create()
  setStop(road, { share: 0.2 })
  const rows = encounters('2024-01', 3000).map((row, at) =>
    at % 3 === 0 ? { ...row, TOTAL_CLAIM_COST: 'Ann Smith' } : row,
  )
  road.deliver('alpha/wrong', [medicalFile('2024-01', rows)])
  road.deliver('beta/good', [medicalFile('2024-01', encounters('2024-01', 3))])
  expect((await road.run()).canonical).toEqual([`${JANUARY} built`])
  const found = await road.submission('alpha/wrong')
  expect([found.status, found.status_code]).toEqual(['PARSE_FAILED', 'TOO_MANY_REJECTS'])
  expect(found.status_words).toBe(
    'medical_202401_202401.csv: 334 of its first 1000 data records do not fit the layout, ' +
      'which stops at 20 %: TYPE_DECIMAL in TOTAL_CLAIM_COST 334',
  )
  const rejects = await readFile(
    road.path(`data/rejects/alpha/medical/${found.submission_id}/part-00000.jsonl`),
    'utf8',
  )
  expect(rejects.trimEnd().split('\n')).toHaveLength(334)
  const report = await readFile(
    road.path(`data/silver/alpha/medical/${found.submission_id}/parse_report.json`),
    'utf8',
  )
  expect(JSON.parse(report)).toMatchObject({
    failed: { code: 'TOO_MANY_REJECTS' },
    stopped: {
      records: 1000,
      rejected: 334,
      reasons: [{ code: 'TYPE_DECIMAL', column: 'TOTAL_CLAIM_COST', count: 334 }],
    },
  })
  const broken = (await verifyProject(road.platform, {})).filter(({ holds }) => !holds)
  expect(broken).toEqual([])

  setStop(road, { share: 0.4 })
  await road.run()
  const again = await road.submission('alpha/wrong')
  expect([again.status, again.status_code]).toEqual(['PARSE_FAILED', null])
})
