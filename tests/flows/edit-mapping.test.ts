/** Edits of mappings and schemas: `plan` names the months they touch, and only those are built. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encounters, medicalFile } from '../support/deliveries.ts'
import type { RoadProject } from '../support/project.ts'
import { stepLines } from '../support/plan-lines.ts'
import { changedNames, partIdentities, standingRoad } from './standing-road.ts'

let standing: RoadProject
beforeAll(async () => {
  standing = await standingRoad()
})
afterAll(async () => standing[Symbol.asyncDispose]())

const STAR = 'mappings/medical_claim/star/v1.json'
const MEDICAL = 'mappings/medical/synthea/v1.json'

interface MappingFile {
  columns: Record<string, unknown>
}

/** Replaces the rule of a mapping's column. */
const rule =
  (path: string, column: string, to: unknown) =>
  (road: RoadProject): void =>
    road.edit(path, (document) => {
      const { columns } = document as unknown as MappingFile
      columns[column] = to
    })
/** A rule that gives other rows. */
const otherPayer = rule(STAR, 'payer', { source: 'claim_type_code' })

test('an edited rule rebuilds the months whose winners use its layout, and names the rule', async () => {
  await using road = await standing.clone()
  const before = partIdentities(road)
  otherPayer(road)
  const plan = await road.plan()
  expect(stepLines(plan)).toEqual([
    'gold_canonical CO/medical_claim/2024-01 build',
    'gold_canonical CO/medical_claim/2024-02 build',
  ])
  expect(plan.steps.map((step) => [step.partsToCompute, step.partsKept])).toEqual([
    [1, 0],
    [1, 1],
  ])
  expect(plan.steps[0]?.causes).toEqual([
    expect.objectContaining({
      kind: 'input',
      asset: 'mapping_month',
      key: 'medical_claim/star/2024-01',
      pointers: ['/columns/payer/source'],
    }),
  ])
  const { log, brokenPromises } = await road.run()
  expect(brokenPromises).toEqual([])
  expect(log).toEqual([
    'gold_canonical CO/medical_claim/2024-01 built',
    'gold_canonical CO/medical_claim/2024-02 built',
  ])
  expect(changedNames(before, partIdentities(road))).toEqual([
    'CO/medical_claim/2024-01/part-star_plan.parquet',
    'CO/medical_claim/2024-02/part-star_plan.parquet',
  ])
  const rows = await road.canonicalRows('CO/medical_claim/2024-02', ['submitter_id', 'payer'])
  expect(rows.map((row) => row['payer'])).toEqual(['P1', 'P1', '001', '001'])
  expect(await road.steps()).toEqual([])
})

test('a description, key order and white space are no edit', async () => {
  await using road = await standing.clone()
  road.edit(STAR, (document) => {
    document['description'] = 'other words'
    const { columns } = document as unknown as MappingFile
    const reversed = Object.fromEntries(Object.entries(columns).toReversed())
    return { columns: reversed, ...document, status: 'ACTIVE' }
  })
  road.write(MEDICAL, JSON.stringify(JSON.parse(readFileSync(road.path(MEDICAL), 'utf8')), null, 7))
  expect(await road.steps()).toEqual([])
  const { log } = await road.run()
  expect(log).toEqual([])
})

test('an edit reverted before a build is none', async () => {
  await using road = await standing.clone()
  const before = readFileSync(road.path(STAR))
  otherPayer(road)
  expect(await road.steps()).toHaveLength(2)
  road.write(STAR, before)
  expect(await road.steps()).toEqual([])
  expect((await road.run()).log).toEqual([])
})

test('an edit reverted after a build is a reuse: no row is computed', async () => {
  await using road = await standing.clone()
  const was = partIdentities(road)
  const before = readFileSync(road.path(STAR))
  otherPayer(road)
  await road.run()
  const { started } = road.platform.duck
  road.write(STAR, before)
  const verdicts = [
    'gold_canonical CO/medical_claim/2024-01 reuse',
    'gold_canonical CO/medical_claim/2024-02 reuse',
  ]
  expect(await road.steps()).toEqual(verdicts)
  await using other = await road.reopen()
  const { log } = await other.run()
  expect(log).toEqual(verdicts.map((line) => `${line}d`))
  expect([started, other.platform.duck.started]).toEqual([expect.any(Number), 0])
  // The very parts of before: locally the same inode.
  expect(changedNames(was, partIdentities(other))).toEqual([])
})

test('a rule with `since` rebuilds only the months from there', async () => {
  await using road = await standing.clone()
  rule(MEDICAL, 'description', [
    { source: 'DESCRIPTION' },
    { source: 'ENCOUNTERCLASS', since: '2024-02' },
  ])(road)
  expect((await road.run()).log).toEqual([
    'gold_canonical MA/medical/2024-02 built',
    'gold_canonical MA/medical/2024-03 built',
  ])
  const of = async (month: string) =>
    (await road.canonicalRows(`MA/medical/${month}`, ['description']))[0]?.['description']
  expect([await of('2024-01'), await of('2024-02')]).toEqual(['office visit', 'ambulatory'])
})

test('a nullable column added to a schema rebuilds every month of its type', async () => {
  await using road = await standing.clone()
  road.edit('schemas/medical/v1.json', (document) => {
    const { columns } = document as unknown as { columns: unknown[] }
    columns.push({ name: 'reason', type: 'VARCHAR' })
  })
  const months = ['2024-01', '2024-02', '2024-03'].map((month) => `MA/medical/${month} built`)
  expect((await road.run()).canonical).toEqual(months)
  expect(await road.canonicalRows('MA/medical/2024-03', ['reason'])).toHaveLength(3)
})

test('a new schema version is refused while a live layout lacks a mapping, and else rebuilds all', async () => {
  await using road = await standing.clone()
  const v1 = JSON.parse(readFileSync(road.path('schemas/medical/v1.json'), 'utf8')) as {
    columns: unknown[]
  }
  const columns = [...v1.columns, { name: 'organization', type: 'VARCHAR' }]
  road.write('schemas/medical/v2.json', JSON.stringify({ ...v1, version: 'v2', columns }))
  road.edit('schemas/medical/v1.json', (document) => ({ ...document, status: 'INACTIVE' }))
  await expect(road.plan()).rejects.toMatchObject({ code: 'REGISTRY_INVALID' })
  const mapping = JSON.parse(readFileSync(road.path(MEDICAL), 'utf8')) as MappingFile
  const rules = { ...mapping.columns, organization: { source: 'ORGANIZATION' } }
  const v2 = { ...mapping, schema: 'medical/v2', columns: rules }
  road.write('mappings/medical/synthea/v2.json', JSON.stringify(v2))
  const months = ['2024-01', '2024-02', '2024-03'].map((month) => `MA/medical/${month} built`)
  expect((await road.run()).canonical).toEqual(months)
  const rows = await road.canonicalRows('MA/medical/2024-03', [
    'organization',
    'canonical_schema_version',
  ])
  expect(rows[0]).toEqual({ organization: 'org-alpha', canonical_schema_version: 'v2' })
})

test('an edit during a build leads to one more build', async () => {
  await using road = await standing.clone()
  otherPayer(road)
  let edited = false
  const first = await road.run(undefined, {
    onEvent: (event) => {
      if (event.type !== 'started' || edited) return
      edited = true
      rule(STAR, 'payer', { const: 'another' })(road)
    },
  })
  expect(first.canonical).toHaveLength(2)
  const second = await road.run()
  expect(second.canonical).toEqual(first.canonical)
  const rows = await road.canonicalRows('CO/medical_claim/2024-01', ['payer'])
  expect(rows.map((row) => row['payer'])).toEqual(['another', 'another'])
  const queue = await road.tables.selectFrom('canonical_rebuild_queue').selectAll().execute()
  const asked = queue.filter((row) => row.atomic_month === '2024-01' && row.state === 'CO')
  expect(asked.map((row) => row.status)).toEqual(['SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED'])
})

test('a second correction of a month is built like the first', async () => {
  await using road = await standing.clone()
  for (const [at, count] of [3, 4, 5].entries()) {
    road.deliver(`beta/fix-${at}`, [
      medicalFile('2024-02', encounters('2024-02', count, `fix${at}`)),
    ])
    const { canonical, brokenPromises } = await road.run()
    expect(brokenPromises).toEqual([])
    expect(canonical).toEqual(['MA/medical/2024-02 built'])
    expect(await road.canonicalRows('MA/medical/2024-02')).toHaveLength(3 + count)
  }
})
