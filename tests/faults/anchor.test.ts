/** F1 for the audit's anchor: whatever fails on the way, a day has one link, and it is written. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { anchorAudit, verifyAudit } from '../../engine/index.ts'
import { upper, wordFact } from '../support/engine-assets.ts'
import type { EngineProject } from '../support/engine-project.ts'
import { engineProject } from '../support/engine-project.ts'
import { countFault } from './support/count.ts'
import { sweptBy } from './support/failpoint-names.ts'
import { installFaults } from './support/fault-plan.ts'

const DAY_MS = 86_400_000
let at: EngineProject
const say = async (text: string) =>
  at.run(undefined, { facts: { 'word/1': { text, shelves: [] } } })
beforeEach(async () => {
  at = await engineProject({ assets: [wordFact, upper] })
  await say('one')
  await say('two')
})
afterEach(async () => {
  installFaults('').remove()
  await at.close()
})

test.each(sweptBy('anchor.test.ts'))(
  'an error at %s: the same link is anchored later',
  async (name) => {
    const { project } = at
    const tomorrow = {
      ...project,
      clock: { ...project.clock, nowMs: () => project.clock.nowMs() + DAY_MS },
    }
    const { injected, remove } = installFaults(`${name}=error:EIO@1`)
    await expect(anchorAudit(tomorrow)).rejects.toThrow('injected')
    remove()
    countFault('F1', injected[name] ?? 0)
    // The chain goes on meanwhile; the day's link stays what it was.
    await say('three')
    await anchorAudit(tomorrow)
    const anchors = project.catalog.db.selectFrom('audit_anchor').select(['seq', 'written'])
    const last = await anchors.orderBy('day', 'desc').executeTakeFirst()
    expect(last).toEqual({ seq: 4, written: 1 })
    expect(await anchorAudit(tomorrow)).toBeUndefined()
    expect(await verifyAudit(project)).toMatchObject({ rows: 6, anchors: 2, faults: [] })
  },
)
