/** What a parse finds about a file as a whole is a finding until the parse after it finds it no more. */
import { expect, test } from 'vitest'
import { encounters, medicalFile } from '../support/deliveries.ts'
import { RoadProject } from '../support/project.ts'

test('a file in another encoding than its layout says is a finding until the layout is right', async () => {
  await using road = await RoadProject.create()
  const setEncoding = (encoding: string): void =>
    road.edit('registry/layouts/medical/synthea.json', (document) => {
      const [resource] = document['resources'] as Record<string, unknown>[]
      if (resource !== undefined) resource['encoding'] = encoding
    })
  setEncoding('windows-1252')
  const [row = {}, ...rows] = encounters('2024-01', 5, 'a')
  road.deliver('alpha/first', [
    medicalFile('2024-01', [{ ...row, PAYER: 'Krankenversicherung Süd' }, ...rows]),
  ])
  await road.run()
  const open = async () =>
    road.tables
      .selectFrom('finding')
      .select(['code', 'subject', 'severity', 'words'])
      .where('closed_ms', 'is', null)
      .execute()
  const { submission_id: subject, status } = await road.submission('alpha/first')
  expect(status).toBe('VALIDATED')
  const [found, ...others] = await open()
  expect(others).toEqual([])
  expect(found).toMatchObject({ code: 'ENCODING_DIFFERS', subject, severity: 'warning' })
  expect(found?.words).toContain('medical_202401_202401.csv:2: ')
  expect(found?.words).not.toContain('Kranken')

  setEncoding('utf-8')
  await road.run()
  expect(await open()).toEqual([])
})
