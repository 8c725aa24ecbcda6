/** Errors at failpoints of a living process: what a driver, a disk or a socket would throw. */
import { expect } from 'vitest'
import { AFTER, openJob } from '../engine-job.ts'
import type { EngineWhole } from './engine-whole.ts'
import { installFaults } from './fault-plan.ts'

/**
 * Runs the job's second state under a plan, then again in the same process without one, and expects
 * everything to be as if nothing had happened. Returns how many faults were injected.
 */
export async function expectSurvived(whole: EngineWhole, plan: string): Promise<number> {
  const root = whole.copy()
  const job = await openJob(root)
  const { injected, remove } = installFaults(plan)
  try {
    // An error ends the run or fails a build; whoever started it is told, one way or the other.
    const outcome = await job.run('*', { facts: AFTER }).then(
      ({ status }) => status,
      () => 'thrown' as const,
    )
    const times = Object.values(injected).reduce((sum, count) => sum + count, 0)
    if (times > 0 && outcome === 'succeeded') await whole.expectWhole(job, root)
    if (times === 0) expect(outcome).toBe('succeeded')
    remove()
    // A lease whose end was not written runs out by itself; the test does not wait for it.
    await job.project.catalog.db.updateTable('lease').set({ expires_ms: 0 }).execute()
    await whole.expectAfterNextRun(root, job)
    return times
  } catch (error) {
    throw new Error(`under ${plan}`, { cause: error })
  } finally {
    remove()
  }
}
