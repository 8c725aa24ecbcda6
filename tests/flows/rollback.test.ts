/** A month goes back to a version that is kept, stays there, and goes on when a person says so. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AsOf } from '../../engine/cli/query-tables.ts'
import { findTables } from '../../engine/cli/query-tables.ts'
import type { NodeName } from '../../engine/index.ts'
import { auditTrace, clearRollback, loadDefinitions, rollBack } from '../../engine/index.ts'
import { encounters, medicalFile } from '../support/deliveries.ts'
import { RoadProject } from '../support/project.ts'

const JANUARY = 'MA/medical/2024-01'
const MONTH: NodeName = { asset: 'gold_canonical', key: JANUARY }
const ACTOR = { name: 'steward', reason: 'bad file' }

let standing: RoadProject
beforeAll(async () => {
  standing = await RoadProject.create()
  for (const [drop, count] of [
    ['alpha/first', 10],
    ['alpha/second', 11],
  ] as const) {
    standing.deliver(drop, [medicalFile('2024-01', encounters('2024-01', count, drop.slice(6)))])
    await standing.run()
  }
})
afterAll(async () => standing[Symbol.asyncDispose]())

const rowCount = async (road: RoadProject): Promise<number> =>
  (await road.canonicalRows(JANUARY)).length
const third = (road: RoadProject): void =>
  road.deliver('alpha/third', [medicalFile('2024-01', encounters('2024-01', 12, 'third'))])
const traceFaults = async ({ project }: RoadProject) =>
  project.catalog.read(async (db) => {
    const snapshot = { db, dialect: project.catalog.dialect }
    return (await auditTrace(snapshot, await loadDefinitions(project.graph, snapshot, false)))
      .faults
  })

test('a rollback shows the earlier rows without computing one, and waits as a hold', async () => {
  await using road = await standing.clone()
  await rollBack(road.project, { node: MONTH, commitNumber: 1, actor: ACTOR })
  const { canonical, brokenPromises } = await road.run()
  expect([canonical, brokenPromises]).toEqual([[`${JANUARY} reused`], []])
  expect(await rowCount(road)).toBe(10)
  expect(road.platform.duck.started).toBe(0)
  const { steps, waiting } = await road.plan()
  expect(steps).toEqual([])
  expect(waiting).toEqual([
    { ...MONTH, kind: 'hold', why: expect.stringContaining('commit 1 by steward: bad file') },
  ])
  expect(await traceFaults(road)).toEqual([])
})

test('while it stands new inputs move everything but the month', async () => {
  await using road = await standing.clone()
  await rollBack(road.project, { node: MONTH, commitNumber: 1, actor: ACTOR })
  await road.run()
  third(road)
  const { canonical, brokenPromises } = await road.run()
  expect([canonical, brokenPromises]).toEqual([[`${JANUARY} cutoff`], []])
  expect(await rowCount(road)).toBe(10)
  expect(await road.steps()).toEqual([])
  expect(await traceFaults(road)).toEqual([])
})

test('cleared, the month is what its inputs say', async () => {
  await using road = await standing.clone()
  await rollBack(road.project, { node: MONTH, commitNumber: 1, actor: ACTOR })
  await road.run()
  await clearRollback(road.project, { node: MONTH, actor: ACTOR })
  const again = await road.run()
  expect([again.canonical, again.brokenPromises]).toEqual([[`${JANUARY} reused`], []])
  expect(await rowCount(road)).toBe(11)
  expect((await road.plan()).waiting).toEqual([])
  expect(await traceFaults(road)).toEqual([])
})

test('a month that lost all its submitters stays while it is rolled back, then retires', async () => {
  await using road = await standing.clone()
  await rollBack(road.project, { node: MONTH, commitNumber: 1, actor: ACTOR })
  for (const drop of ['alpha/first', 'alpha/second']) {
    const { submission_id: submission } = await road.submission(drop)
    await road.decide({ kind: 'withdraw', submission })
  }
  expect((await road.run()).canonical).toEqual([`${JANUARY} reused`])
  expect(await rowCount(road)).toBe(10)
  await clearRollback(road.project, { node: MONTH, actor: ACTOR })
  const { canonical, brokenPromises } = await road.run()
  expect([canonical, brokenPromises]).toEqual([[`${JANUARY} retired`], []])
})

test('a rollback takes effect although what the month reads is stale', async () => {
  await using road = await standing.clone()
  third(road)
  await road.run('+silver')
  await rollBack(road.project, { node: MONTH, commitNumber: 1, actor: ACTOR })
  const { canonical, log } = await road.run(`gold_canonical/${JANUARY}`)
  expect([canonical, log.length]).toEqual([[`${JANUARY} reused`], 1])
  expect(await rowCount(road)).toBe(10)
  expect(await road.steps()).toContain(`gold_canonical ${JANUARY} maybe`)
  const { canonical: later, brokenPromises } = await road.run()
  expect([later, brokenPromises]).toEqual([[`${JANUARY} cutoff`], []])
})

test('what is no longer kept, and what others are made of, cannot be gone back to', async () => {
  await using road = await standing.clone()
  const to = (node: NodeName, commitNumber: number) =>
    rollBack(road.project, { node, commitNumber, actor: ACTOR })
  await expect(to(MONTH, 7)).rejects.toMatchObject({
    code: 'VERSION_GONE',
    context: { kept: [2, 1] },
  })
  const gold = { asset: 'gold_submitter', key: 'MA/medical/alpha/2024-01' }
  await expect(to(gold, 1)).rejects.toMatchObject({ code: 'ROLLBACK_REFUSED' })
  await expect(clearRollback(road.project, { node: MONTH, actor: ACTOR })).rejects.toMatchObject({
    code: 'ROLLBACK_REFUSED',
  })
})

test('on PostgreSQL too, with the tables as they were', async () => {
  await using road = await RoadProject.create({ database: 'postgres' })
  for (const count of [4, 5]) {
    road.deliver(`alpha/${count}`, [medicalFile('2024-01', encounters('2024-01', count))])
    await road.run()
  }
  const rowsAsOf = async (asOf?: AsOf) => {
    const query = { tables: [{ asset: 'gold_canonical', by: 'file_type' }] }
    const tables = await findTables({ project: road.project, query }, asOf)
    return tables.map(({ rows, gone }) => [rows, gone.length])
  }
  expect(await rowsAsOf({ run: 1, text: '' })).toEqual([[4, 0]])
  await rollBack(road.project, { node: MONTH, commitNumber: 1, actor: ACTOR })
  expect((await road.run()).canonical).toEqual([`${JANUARY} reused`])
  expect([await rowsAsOf(), await rowsAsOf({ run: 2, text: '' })]).toEqual([[[4, 0]], [[5, 0]]])
  expect(await rowsAsOf({ atMs: 1, text: '' })).toEqual([])
  await clearRollback(road.project, { node: MONTH, actor: ACTOR })
  expect((await road.run()).canonical).toEqual([`${JANUARY} reused`])
  expect(await traceFaults(road)).toEqual([])
})
