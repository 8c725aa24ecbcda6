/**
 * F1 without a death: an error at a failpoint, once or from then on, and the process lives. The next
 * run in it ends what was left. The full sweep is nightly.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AFTER, openJob } from './engine-job.ts'
import { countFault } from './support/count.ts'
import { expectSurvived } from './support/engine-errors.ts'
import { EngineWhole } from './support/engine-whole.ts'
import { sweptBy } from './support/failpoint-names.ts'
import { installFaults } from './support/fault-plan.ts'

const NAMES = sweptBy('engine-kill.test.ts').filter((name) => !name.startsWith('recover.'))

let whole: EngineWhole
let hits: Readonly<Record<string, number>>

beforeAll(async () => {
  whole = await EngineWhole.create()
  const job = await openJob(whole.copy())
  const counted = installFaults('')
  await job.run('*', { facts: AFTER })
  counted.remove()
  await job.close()
  hits = counted.hits
})
afterAll(() => whole[Symbol.dispose]())

test.each(NAMES)('an error at %s leaves nothing that the next run does not end', async (name) => {
  const last = hits[name] ?? 0
  for (const hit of new Set([1, Math.ceil(last / 2), last])) {
    const times = await expectSurvived(whole, `${name}=error:EIO@${hit}`)
    expect([name, hit, times]).toEqual([name, hit, 1])
    countFault('F1', times)
  }
})

test.each(NAMES)('errors from %s on leave nothing that the next run does not end', async (name) => {
  const times = await expectSurvived(whole, `${name}=error:EIO@1+`)
  expect(times).toBeGreaterThan(0)
  countFault('F1', times)
})

test.each(['catalog.committed', 'store.manifest.written', 'store.link.made', 'commit.published'])(
  'an answer lost after %s is not taken for a failure of what was done',
  async (name) => {
    for (const hit of [1, Math.ceil((hits[name] ?? 0) / 2)]) {
      countFault('F1', await expectSurvived(whole, `${name}=lose_ack@${hit}`))
    }
  },
)
