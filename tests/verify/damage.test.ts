/** One deliberate damage for each invariant: that one fails, and says where. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { InvariantId } from '../../assets/verify/invariant.ts'
import type { RoadProject } from '../support/project.ts'
import { DAMAGES } from './damages.ts'
import { PATIENT, soundRoad, verdictOn } from './verified-road.ts'

let road: RoadProject
beforeAll(async () => {
  road = await soundRoad()
})
afterAll(async () => road[Symbol.asyncDispose]())

test.each(DAMAGES)('$name: $breaks', async ({ by, breaks, words, deep = false }) => {
  await using clone = await road.clone()
  await by(clone)
  const verdict = await verdictOn(clone, { deep })
  expect(verdict.broken).toEqual(breaks)
  for (const [id, line] of Object.entries(words)) {
    expect(verdict.of(id as InvariantId).words).toMatch(line)
  }
  expect(JSON.stringify(verdict.broken.map(verdict.of))).not.toContain(PATIENT)
})

test('every invariant has a damage that breaks it', async () => {
  const ids = ['I1', 'I3', 'I5', 'I6', 'I7', 'I8', 'I9', 'I11', 'I14', 'I15', 'I16']
  const broken = new Set(DAMAGES.flatMap(({ breaks }) => breaks))
  expect(ids.filter((id) => !broken.has(id as InvariantId))).toEqual([])
})
