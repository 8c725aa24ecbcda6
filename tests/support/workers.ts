/** Reconciler and workers over an engine project, until nothing is left to hand out. */
import { setTimeout as sleep } from 'node:timers/promises'
import type {
  Executor,
  Observation,
  Project,
  ReconcilerOptions,
  WorkerOptions,
} from '../../engine/index.ts'
import { BuildWorker, Reconciler, bossExecutor, EmbeddedExecutor } from '../../engine/index.ts'
import type { EngineProject } from './engine-project.ts'

/** Which executor on which database; pg-boss needs PostgreSQL. */
export const DISPATCHES = [
  ['sqlite', 'embedded'],
  ['postgres', 'embedded'],
  ['postgres', 'pg-boss'],
] as const

export const ACTOR = { name: 'test', reason: 'test' } as const

/** Opens an executor; an error of its connection fails the test that is running. */
export async function openExecutor(
  at: Pick<EngineProject, 'project' | 'url'>,
  name: Executor['name'],
): Promise<Executor> {
  if (name === 'embedded') return new EmbeddedExecutor(at.project)
  return bossExecutor({
    url: at.url,
    onError: (error) => {
      throw error
    },
  })
}

export interface Drain {
  readonly executor: Executor
  readonly workers: number
  readonly slots?: number
  readonly also?: readonly Observation[]
  readonly reconciler?: Partial<ReconcilerOptions>
  readonly worker?: Partial<WorkerOptions>
}

const PASSES_MAX = 10_000

/** Starts workers, ticks until nothing is out and nothing is ready, and stops them. */
export async function drain(project: Project, how: Drain): Promise<Reconciler> {
  const { executor, slots = 2 } = how
  const reconciler = new Reconciler(project, { executor, actor: ACTOR, ...how.reconciler })
  const failed: unknown[] = []
  const workers = await Promise.all(
    Array.from({ length: how.workers }, async () =>
      BuildWorker.start(project, {
        executor,
        slots,
        actor: ACTOR,
        pollMs: 20,
        onError: (error) => failed.push(error),
        ...how.worker,
      }),
    ),
  )
  let also = how.also ?? []
  for (let pass = 0; ; pass++) {
    if (pass === PASSES_MAX) throw new Error('the queue does not drain')
    const { plan, queued, outstanding, retryMs } = await reconciler.tick(also)
    also = []
    if (plan === undefined && queued === 0 && outstanding === 0 && retryMs === undefined) break
    await sleep(10)
  }
  await Promise.all(workers.map(async (worker) => worker.stop(1_000)))
  if (failed.length > 0) throw new AggregateError(failed, 'a worker met errors')
  return reconciler
}
