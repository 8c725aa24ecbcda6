/**
 * F1 and F13 on PostgreSQL and MinIO without a death: a request fails, or its answer is lost though
 * its work is done, and the process lives. The next run in it ends what was left.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AFTER, openJob } from './engine-job.ts'
import { countFault } from './support/count.ts'
import { FAILPOINTS } from './support/failpoint-names.ts'
import { installFaults } from './support/fault-plan.ts'
import { ServicesWhole } from './support/services-whole.ts'

const NAMES = FAILPOINTS.filter((name) => name.startsWith('s3.') && !name.startsWith('s3.abort.'))
const AFTER_AN_EFFECT = NAMES.filter((name) => name.endsWith('.after'))

let whole: ServicesWhole
beforeAll(async () => {
  whole = await ServicesWhole.create()
})
afterAll(async () => whole[Symbol.asyncDispose]())

/** Runs the job under a plan, then again without one; returns how often a fault was injected. */
async function survive(plan: string): Promise<number> {
  const root = await whole.copy()
  const job = await openJob(root)
  const { injected, remove } = installFaults(plan)
  try {
    // An error ends the run or fails a build; whoever started it is told, one way or the other.
    await job
      .run('*', { facts: AFTER })
      .catch((error: unknown) => expect(error).toBeInstanceOf(Error))
  } finally {
    remove()
  }
  // A lease whose end was not written runs out by itself; the test does not wait for it.
  await job.project.catalog.db.updateTable('lease').set({ expires_ms: 0 }).execute()
  await job.close()
  await whole.expectAfterNextRun(root)
  return Object.values(injected).reduce((sum, count) => sum + count, 0)
}

test.each(NAMES)(
  'a failure at %s, once, leaves nothing that the next run does not end',
  async (name) => {
    expect(await survive(`${name}=error:ECONNREFUSED@2`)).toBe(1)
    countFault('F1')
  },
)

test.each(AFTER_AN_EFFECT)(
  'answers lost from %s on are not taken for undone work',
  async (name) => {
    const times = await survive(`${name}=lose_ack@1+`)
    expect(times).toBeGreaterThan(0)
    countFault('F13', times)
  },
)
