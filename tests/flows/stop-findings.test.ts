/** `findings` says what waits: of a submission that somebody answered it says nothing any more. */
import { expect, test } from 'vitest'
import { openProblems } from '../../assets/commands/problems.ts'
import { encounters, medicalFile } from '../support/deliveries.ts'
import { RoadProject } from '../support/project.ts'

const { content } = medicalFile('2024-01', encounters('2024-01', 3, 'a'))

const openCodes = async (road: RoadProject): Promise<readonly string[]> =>
  (await openProblems(road.project.catalog.db)).map(({ code }) => code)

test('a submission that is routed by a person leaves no finding of its review', async () => {
  await using road = await RoadProject.create()
  road.deliver('alpha/odd', [{ name: 'odd.csv', content }])
  await road.run()
  expect(await openCodes(road)).toEqual(['UNKNOWN_NAME'])
  const { submission_id: submission } = await road.submission('alpha/odd')
  const months = { first: '2024-01', last: '2024-01' }
  const layout = 'medical/synthea/v1'
  await road.decide({ kind: 'route', submission, state: 'MA', layout, ...months })
  await road.run()
  expect(await openCodes(road)).toEqual([])
})

test('a submission that is withdrawn leaves no finding of why it stopped', async () => {
  await using road = await RoadProject.create()
  road.deliver('alpha/odd', [{ name: 'odd.csv', content }])
  road.deliver('alpha/page', [{ name: 'medical_202401_202401.csv', content: '<!DOCTYPE html>\n' }])
  await road.run()
  expect(await openCodes(road)).toHaveLength(2)
  for (const drop of ['alpha/odd', 'alpha/page']) {
    const { submission_id: submission } = await road.submission(drop)
    await road.decide({ kind: 'withdraw', submission })
  }
  expect(await openCodes(road)).toEqual([])
})

test('a submission that an edit of the registry routes leaves no finding of its review', async () => {
  await using road = await RoadProject.create()
  road.deliver('alpha/odd', [{ name: 'odd_202401_202401.csv', content }])
  await road.run()
  expect(await openCodes(road)).toEqual(['UNKNOWN_NAME'])
  road.edit('registry/routing/conventions.json', (document) => ({
    ...document,
    rules: [
      ...(document.rules as readonly object[]),
      { pattern: 'odd_(?<begin>[0-9]{6})_(?<end>[0-9]{6})[.]csv', file_type: 'medical' },
    ],
  }))
  await road.run()
  expect(await road.statuses()).toEqual({ 'alpha/odd': 'VALIDATED' })
  expect(await openCodes(road)).toEqual([])
})
