/** The asset `sample`: where a project wants it, the graph makes what the sampler would. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { main } from '../../assets/main.ts'
import { encounters, medicalFile } from '../support/deliveries.ts'
import { RoadProject } from '../support/project.ts'
import { filesBelow } from '../support/sampled-folder.ts'

const LAYOUT = 'registry/layouts/medical/synthea.json'
const NAME = 'medical_202401_202401'
const january = (count: number, tag: string) =>
  medicalFile('2024-01', encounters('2024-01', count, tag))
const samplesOf = (log: readonly string[]): readonly string[] =>
  log.filter((line) => line.startsWith('sample '))

/** Marks the columns as personal. */
function classify(road: RoadProject, names: readonly string[]): void {
  road.edit(LAYOUT, (document) => {
    const { resources } = document as {
      resources: { schema: { fields: { name: string; 'x-phi'?: string }[] } }[]
    }
    for (const field of resources[0]?.schema.fields ?? []) {
      if (names.includes(field.name)) field['x-phi'] = 'direct'
    }
  })
}

async function doctor(root: string): Promise<number> {
  const silent = { write: () => true, on: () => undefined }
  return main(['--project', root, 'doctor', '--verify', '--deep'], {
    stdout: silent,
    stderr: silent,
  })
}

test('it is not there unless a project asks for it', async () => {
  await using road = await RoadProject.create()
  road.deliver('alpha/first', [january(3, 'a')])
  expect(samplesOf((await road.run()).log)).toEqual([])
  const nodes = await road.project.catalog.db.selectFrom('node').select('asset').execute()
  expect(nodes.map(({ asset }) => asset)).not.toContain('sample')
  expect(existsSync(road.path('data/samples'))).toBe(false)
})

test('each submission is sampled once, masked; a class of a column remakes those of its layout alone, and says why', async () => {
  await using road = await RoadProject.create({ samples: { asset: true, records: 2 } })
  road.deliver('alpha/first', [january(5, 'a')])
  road.deliver('beta/first', [january(4, 'b')])
  const ran = await road.run()
  const ids = await Promise.all(
    ['alpha', 'beta'].map(async (who) => {
      const { submission_id: id } = await road.submission(`${who}/first`)
      return `${who}/medical/${id}`
    }),
  )
  expect(samplesOf(ran.log)).toEqual(ids.map((id) => `sample ${id} built`))
  expect(ran.brokenPromises).toEqual([])
  const folder = road.path(`data/samples/${ids[0]}`)
  const files = filesBelow(folder).filter((name) => name.includes('_sample'))
  expect(files).toEqual([`data/${NAME}_sample.csv`, `data/${NAME}_sample.csv.profile.json`])
  const read = (): string => readFileSync(join(folder, `data/${NAME}_sample.csv`), 'utf8')
  const before = read().split('\n')
  expect([before.length, before[1]?.split(',')[4]]).toEqual([1 + 2 + 1, 'org-a'])
  expect(before[1]).not.toContain(',p-1,')
  const profile = readFileSync(join(folder, `data/${NAME}_sample.csv.profile.json`), 'utf8')
  expect(profile).not.toMatch(/org-a|office visit|p-1/)

  expect((await road.run()).log).toEqual([])
  classify(road, ['ORGANIZATION'])
  const plan = await road.plan()
  const steps = plan.steps.map(({ asset, key, verdict }) => `${asset} ${key} ${verdict}`)
  expect(steps.toSorted()).toEqual(ids.map((id) => `sample ${id} build`))
  const why = plan.steps.flatMap(({ causes }) =>
    causes.map(({ asset, key, pointers }) => `${asset} ${key} ${pointers?.join()}`),
  )
  expect(why).toEqual(ids.map(() => 'layout_phi medical/synthea/v1 /ORGANIZATION'))
  const again = await road.run()
  expect([again.log, again.brokenPromises]).toEqual([ids.map((id) => `sample ${id} built`), []])
  expect(read()).not.toContain('org-a')
  expect(await doctor(road.root)).toBe(0)

  // A correction is a submission of its own; the first one's sample stands.
  road.deliver('alpha/second', [january(6, 'c')])
  expect(samplesOf((await road.run()).log)).toHaveLength(1)
  // What was landed stays landed when it is withdrawn, and so does its sample.
  const { submission_id: submission } = await road.submission('alpha/second')
  await road.decide({ kind: 'withdraw', submission })
  expect(samplesOf((await road.run()).log)).toEqual([])
  expect(await doctor(road.root)).toBe(0)
})
