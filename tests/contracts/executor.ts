/** What every executor promises, whatever hands the jobs out. */
import { hostname } from 'node:os'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { BuildTask, Executor, Job } from '../../engine/index.ts'
import { Rollback } from '../../engine/index.ts'
import type { Database, EngineProject } from '../support/engine-project.ts'
import { engineProject } from '../support/engine-project.ts'
import { wordFact } from '../support/engine-assets.ts'
import { openExecutor } from '../support/workers.ts'

const task = (node: number, place = 1): BuildTask => ({
  node,
  asset: 'upper',
  key: String(node),
  run: 1,
  place,
  group: '',
  pool: '',
})
const nodes = (jobs: readonly Job[]): readonly number[] => jobs.map((job) => job.task.node)
/** A worker of this machine, and one whose process is gone. */
const WORKER = `${hostname()}:${process.pid}:contract`

/** Registers the suite's tests for one executor on one database. */
export function executorContract(name: Executor['name'], database: Database): void {
  let at: EngineProject
  let executor: Executor
  beforeEach(async () => {
    at = await engineProject({ assets: [wordFact], database })
    executor = await openExecutor(at, name)
  })
  afterEach(async () => {
    await executor[Symbol.asyncDispose]()
    await at.close()
  })

  const enqueue = async (...tasks: readonly BuildTask[]): Promise<void> =>
    at.project.catalog.write(async (trx) => executor.enqueue(trx, tasks))
  const complete = async (jobs: readonly Job[]): Promise<void> =>
    at.project.catalog.write(async (trx) => executor.complete(trx, jobs))
  const left = async (): Promise<readonly (readonly [number, boolean])[]> =>
    (await executor.outstanding(at.project.catalog.db))
      .map(({ task: { node }, isTaken }) => [node, isTaken] as const)
      .toSorted(([a], [b]) => a - b)

  test('a node that is queued twice is one job', async () => {
    await enqueue(task(1), task(2))
    await enqueue(task(1))
    expect(await left()).toEqual([
      [1, false],
      [2, false],
    ])
    const jobs = await executor.take(WORKER, 10)
    await enqueue(task(1))
    expect(new Set(nodes(jobs))).toEqual(new Set([1, 2]))
    expect(await executor.take(WORKER, 10)).toEqual([])
    await complete(jobs)
    await enqueue(task(1))
    expect(nodes(await executor.take(WORKER, 10))).toEqual([1])
  })

  test('what a transaction queued or ended is gone with it', async () => {
    await enqueue(task(1))
    const jobs = await executor.take(WORKER, 1)
    await at.project.catalog.write(async (trx) => {
      await executor.complete(trx, jobs)
      await executor.enqueue(trx, [task(2)])
      throw new Rollback(undefined)
    })
    expect(await left()).toEqual([[1, true]])
  })

  test('first things go first, and no job goes to two', async () => {
    const all = Array.from({ length: 40 }, (_, node) => task(node + 1, 40 - node))
    await enqueue(...all)
    expect(nodes(await executor.take(WORKER, 3)).toSorted((a, b) => b - a)).toEqual([40, 39, 38])
    const taken = await Promise.all(
      Array.from({ length: 8 }, async (_, worker) => executor.take(`${WORKER}.${worker}`, 10)),
    )
    const seen = taken.flatMap(nodes)
    expect(seen.toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 37 }, (_, at37) => at37 + 1),
    )
    expect(await executor.depth(at.project.catalog.db)).toEqual({ queued: 0, taken: 40 })
  })

  test('what is given back is taken again at once, and its first taking ends nothing', async () => {
    await enqueue(task(1))
    const first = await executor.take(WORKER, 1)
    await executor.release(first)
    const second = await executor.take(`${WORKER}.2`, 1)
    expect(nodes(second)).toEqual([1])
    await complete(first)
    expect(await left()).toEqual([[1, true]])
    await complete(second)
    expect(await left()).toEqual([])
  })

  test('cancelling takes back what is queued and leaves what is taken', async () => {
    await enqueue(task(1), task(2, 2))
    await executor.take(WORKER, 1)
    await at.project.catalog.write(async (trx) => executor.cancel(trx, [1, 2]))
    expect(await left()).toEqual([[1, true]])
  })
}
