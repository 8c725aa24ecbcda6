/** F1 for the care of a store: whatever fails on the way, the next call ends it. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { fsck, projectJournal, repairStore } from '../../engine/index.ts'
import type { RoadProject } from '../support/project.ts'
import { flipByte, removePart } from '../verify/damage.ts'
import { soundRoad, verdictOn } from '../verify/verified-road.ts'
import { countFault } from './support/count.ts'
import { sweptBy } from './support/failpoint-names.ts'
import { installFaults } from './support/fault-plan.ts'

let road: RoadProject
beforeAll(async () => {
  road = await soundRoad()
})
afterAll(async () => road[Symbol.asyncDispose]())
afterEach(() => installFaults('').remove())

const ACTOR = { name: 'test', reason: 'a test' }
const named = (family: string): readonly string[] =>
  sweptBy('care.test.ts').filter((name) => name.startsWith(`${family}.`))

test.each(named('fsck'))(
  'an error at %s: a second repair mends what the first left',
  async (name) => {
    await using clone = await road.clone()
    await flipByte(clone, 'gold_canonical')
    await removePart(clone, 'silver')
    const { injected, remove } = installFaults(`${name}=error:EIO@1`)
    await expect(repairStore(clone.project, { actor: ACTOR })).rejects.toThrow('injected')
    remove()
    countFault('F1', injected[name] ?? 0)
    await repairStore(clone.project, { actor: ACTOR })
    expect((await clone.run()).report.failures).toEqual([])
    expect((await fsck(clone.project)).faults).toEqual([])
    expect((await verdictOn(clone, { deep: true })).broken).toEqual([])
  },
)

test.each(named('journal'))(
  'an error at %s: the decision stands, and the store is told by the next call',
  async (name) => {
    await using clone = await road.clone()
    const { submission_id: submission } = await clone.submission('beta/february')
    const { injected, remove } = installFaults(`${name}=error:EIO@1`)
    await expect(clone.decide({ kind: 'withdraw', submission })).rejects.toThrow('injected')
    remove()
    countFault('F1', injected[name] ?? 0)
    expect((await clone.submission('beta/february')).status).toBe('WITHDRAWN')
    expect(await projectJournal(clone.project)).toBe(1)
    expect(await projectJournal(clone.project)).toBe(0)
  },
)
