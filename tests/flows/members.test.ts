/** Rosters: a file is the roster of the last month it declares, in either of Synthea's layouts. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { membersFile, people } from '../support/deliveries.ts'
import { RoadProject } from '../support/project.ts'
import { dataFolder } from '../support/scenario.ts'

test('both layouts of members reach one canonical month', async () => {
  await using road = await RoadProject.create()
  road.deliver('alpha/old', [membersFile('2024-03', 20, people(4, 'a'))])
  road.deliver('beta/new', [membersFile(['2024-01', '2024-03'], 28, people(3, 'b'))])
  const { canonical, brokenPromises } = await road.run()
  expect(brokenPromises).toEqual([])
  expect(canonical).toEqual(['MA/members/2024-03 built'])
  const layouts = (await road.submissions()).map((row) => row.layout_id)
  expect(layouts).toEqual(['members/synthea-20/v1', 'members/synthea/v1'])
  const columns = ['submitter_id', 'member_id', 'zip', 'source_layout_id']
  const rows = await road.canonicalRows('MA/members/2024-03', columns)
  expect(rows).toHaveLength(7)
  expect(rows[0]).toEqual({
    submitter_id: 'alpha',
    member_id: 'a-1',
    zip: '01462',
    source_layout_id: 'members/synthea-20/v1',
  })
  expect(rows[6]).toMatchObject({ submitter_id: 'beta', source_layout_id: 'members/synthea/v1' })
})

const real = dataFolder('real/synthea')

test.runIf(real)('a real export of patients reaches canonical, row for row', async () => {
  await using road = await RoadProject.create()
  const patients = readFileSync(join(real ?? '', 'patients.csv'))
  road.deliver('alpha/roster', [{ name: 'members_202412_202412.csv', content: patients }])
  const { canonical, report } = await road.run()
  expect(report.failures).toEqual([])
  expect(canonical).toEqual(['MA/members/2024-12 built'])
  const rows = await road.canonicalRows('MA/members/2024-12', ['member_id', 'zip'])
  const lines = patients.toString('utf8').trimEnd().split('\n').slice(1)
  expect(rows.map((row) => row['member_id'])).toEqual(
    lines.map((line) => line.slice(0, line.indexOf(','))).toSorted(),
  )
  // Leading zeros are Massachusetts: what was read as a number would have lost them.
  expect(rows.map((row) => row['zip'])).toContainEqual(expect.stringMatching(/^0/))
})
