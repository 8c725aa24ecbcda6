import { appendFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { catalogRevision, rollBack, verifyStore } from '../../engine/index.ts'
import { encounters, medicalFile } from '../support/deliveries.ts'
import type { RoadProject } from '../support/project.ts'
import { removePart } from './damage.ts'
import { soundRoad, verdictOn } from './verified-road.ts'

let road: RoadProject
beforeAll(async () => {
  road = await soundRoad()
})
afterAll(async () => road[Symbol.asyncDispose]())

test('a healthy project holds every invariant, deep too, and nothing of it is changed', async () => {
  const revision = await catalogRevision(road.project.catalog.db)
  for (const deep of [false, true]) {
    const verdict = await verdictOn(road, { deep })
    expect(verdict.broken.map((id) => verdict.of(id).words)).toEqual([])
  }
  expect(await catalogRevision(road.project.catalog.db)).toBe(revision)
  expect((await road.plan()).steps).toEqual([])
})

test('what was looked at is counted', async () => {
  const verdict = await verdictOn(road)
  expect(verdict.of('I1').evidence).toMatchObject({ submissions: 4, months: 3 })
  expect(verdict.of('I6').evidence).toMatchObject({ records: 59, months: 3 })
  expect(verdict.of('I7').evidence).toEqual({ winners: 6 })
  expect(verdict.of('I15').evidence['canaries']).toBeGreaterThan(5)
  expect(verdict.of('I16').evidence).toMatchObject({ runs: 3, stale: 0, submissions: 4 })
})

test('work that waits is no fault: it is named, and what it may change is not judged', async () => {
  await using clone = await road.clone()
  const { submission_id: submission } = await clone.submission('beta/february')
  await clone.decide({ kind: 'withdraw', submission })
  const verdict = await verdictOn(clone)
  expect(verdict.broken).toEqual([])
  expect(verdict.of('I8').words).toMatch(/^partitions are dirty: \d+ steps? planned/)
  expect(verdict.of('I1').evidence['months']).toBe(2)
})

test('a file that arrived and was not taken in yet is no fault either', async () => {
  await using clone = await road.clone()
  clone.write('inbox/beta/later/medical_202404_202404.csv', 'Id\n')
  expect((await verdictOn(clone)).broken).toEqual([])
})

test('values of the inbox and of raw may lie there', async () => {
  await using clone = await road.clone()
  appendFileSync(clone.path('inbox/note.txt'), 'synthetic-person-000001\n')
  expect((await verdictOn(clone)).broken).toEqual([])
})

test('on PostgreSQL too, and what is lost there is found and made again', async () => {
  await using server = await soundRoad('postgres')
  expect((await verdictOn(server, { deep: true })).broken).toEqual([])
  await removePart(server, 'silver')
  await removePart(server, 'gold_canonical')
  expect((await verdictOn(server)).broken).toEqual(['I3'])
  const { log } = await server.run(undefined, { also: [await verifyStore(server.project)] })
  expect(log).toHaveLength(2)
  expect((await verdictOn(server, { deep: true })).broken).toEqual([])
})

test('a month that is rolled back is held to its decision, whatever its inputs became', async () => {
  await using clone = await road.clone()
  const node = { asset: 'gold_canonical', key: 'MA/medical/2024-02' }
  await rollBack(clone.project, { node, commitNumber: 1, actor: { name: 'jo', reason: 'late' } })
  await clone.run()
  const rows = encounters('2024-02', 7, 'later')
  clone.deliver('beta/later', [medicalFile('2024-02', rows)])
  await clone.run()
  const verdict = await verdictOn(clone, { deep: true })
  expect(verdict.broken.map((id) => verdict.of(id).words)).toEqual([])
  expect(verdict.of('I1').evidence).toMatchObject({ months: 2, rolled_back: 1 })
})
