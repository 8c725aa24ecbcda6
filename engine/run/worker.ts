/**
 * A worker: takes jobs, claims their nodes, builds them, and commits.
 *
 *     take → [ claim · jobs that need nothing end ] → attempt → [ commit · jobs end ] → publish
 *
 * Invariants:
 * 1. What a worker builds it has claimed: an intent with its name, renewed every five seconds.
 * 2. A claim that another took over is given up at the next beat, and could commit nothing anyway.
 * 3. A job ends in the transaction that commits or gives up its build. When the outcome of a
 *    commit is not known, the worker lets go: the claim ends by itself, and recovery finds out.
 */
import type { DirtyRow } from '../catalog/nodes.ts'
import { dirtyRows } from '../catalog/nodes.ts'
import { clearObstacles } from '../catalog/obstacles.ts'
import { leaseNow } from '../catalog/leases.ts'
import { reasonOf } from '../catalog/open.ts'
import type { Actor } from '../catalog/runs.ts'
import { insertEvents } from '../catalog/runs.ts'
import { signal } from '../catalog/signals.ts'
import type { StoredAsset } from '../core/asset.ts'
import { isEngineError } from '../core/errors.ts'
import { failpoint } from '../core/failpoint.ts'
import { nodeText } from '../core/key.ts'
import type { Finished } from './attempt.ts'
import { attempt } from './attempt.ts'
import { backoffMs } from './backoff.ts'
import type { Failed } from './build-steps.ts'
import {
  claimNodes,
  commitFinished,
  recordFailures,
  releaseClaims,
  supportOf,
} from './build-steps.ts'
import type { Task } from './claim.ts'
import type { Executor, Job } from './executor.ts'
import { BEAT_MS, HOLD_MS, renewClaims, workerHold } from './hold.ts'
import { workerHolder } from './holder.ts'
import type { Project } from './project.ts'
import { loadDefinitions } from './project.ts'
import { putFailed, putUnclaimed } from './put-obstacles.ts'
import { clearIntents } from './recover.ts'
import type { Run, RunnerEvent } from './run-state.ts'
import { newRun } from './run-state.ts'
import { Wake } from './wake.ts'

export interface WorkerOptions {
  readonly executor: Executor
  /** builds at once */
  readonly slots: number
  readonly actor: Actor
  /** how often to look for jobs that no signal told of; default 1000 */
  readonly pollMs?: number
  readonly onEvent?: (event: RunnerEvent) => void
  /** the database or the store failed; the worker goes on */
  readonly onError?: (error: unknown) => void
}

/** A node that is being built. */
interface Active {
  readonly job: Job
  readonly task: Task
  readonly run: Run
  readonly abort: AbortController
  readonly row: DirtyRow
}

/** An attempt that ended well. */
interface Ready {
  readonly active: Active
  readonly finished: Finished
}

/** Attempts committed at once. */
const GROUP_MAX = 64
const POLL_MS = 1_000
/** While the database is down, a worker asks again after at most this long. */
const OUTAGE_MS = 5_000

/** Builds what an executor hands out, until it is stopped. Errors of the catalog or the store do not end it. */
export class BuildWorker implements AsyncDisposable {
  readonly holder = workerHolder()
  readonly #project: Project
  readonly #options: WorkerOptions
  readonly #wake = new Wake()
  readonly #settling = new Wake()
  readonly #active = new Map<number, Active>()
  readonly #ready: Ready[] = []
  readonly #failed: { readonly active: Active; readonly error: unknown }[] = []
  #isStopping = false
  #isTaking = true
  #isGivenUp = false
  #isBeating = false
  #beatMs: number
  #loops: Promise<unknown> = Promise.resolve()
  #heartbeat: NodeJS.Timeout | undefined
  #listener: AsyncDisposable | undefined

  private constructor(project: Project, options: WorkerOptions) {
    this.#project = project
    this.#options = options
    this.#beatMs = project.clock.elapsedMs()
  }

  /** Starts taking jobs. */
  static async start(project: Project, options: WorkerOptions): Promise<BuildWorker> {
    const worker = new BuildWorker(project, options)
    worker.#listener = await project.catalog.listen('work', worker.#wake.set)
    worker.#heartbeat = setInterval(() => void worker.#beat(), BEAT_MS)
    // Jobs of a worker that died need not wait for the first beat.
    await worker.#beat()
    worker.#loops = Promise.all([worker.#take(), worker.#settle()])
    return worker
  }

  /** builds under way */
  get active(): number {
    return this.#active.size
  }

  /**
   * Stops taking; what is running may end within the grace, and is then given up: its claims and
   * jobs are released, so that another worker goes on at once. Called again with a shorter grace, it
   * gives up sooner.
   */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true
    const giveUp = setTimeout(() => {
      this.#isGivenUp = true
      for (const { abort } of this.#active.values()) abort.abort()
    }, graceMs)
    this.#wake.set()
    await this.#loops
    clearTimeout(giveUp)
    clearInterval(this.#heartbeat)
    await this.#listener?.[Symbol.asyncDispose]()
    this.#listener = undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop(0)
  }

  async #take(): Promise<void> {
    let failures = 0
    while (!this.#isStopping) {
      const free = this.#options.slots - this.#active.size
      let taken: readonly Job[] = []
      try {
        if (free > 0) taken = await this.#options.executor.take(this.holder, free)
        await this.#begin(taken)
        failures = 0
      } catch (error) {
        this.#options.onError?.(error)
        failures++
      }
      if (failures > 0) await this.#wake.sleep(backoffMs(failures, OUTAGE_MS))
      else if (taken.length === 0) await this.#wake.sleep(this.#options.pollMs ?? POLL_MS)
    }
    this.#isTaking = false
    this.#settling.set()
  }

  /** Claims what the jobs name, an asset at a time, and starts the attempts. */
  async #begin(jobs: readonly Job[]): Promise<void> {
    if (jobs.length === 0) return
    const { catalog, graph } = this.#project
    const definitions = await loadDefinitions(graph, catalog, false)
    const lots = Map.groupBy(jobs, ({ task }) => `${task.run} ${task.asset}`)
    for (const lot of lots.values()) {
      const [{ task } = { task: undefined }] = lot
      const asset = task && graph.assets.get(task.asset)
      const run = this.#runOf(task?.run ?? 0, definitions)
      const nodes = asset?.kind === 'stored' ? lot.map((job) => job.task.node) : []
      const rows = await dirtyRows(catalog, nodes)
      if (asset?.kind === 'stored' && rows.length > 0) await this.#claim(run, { asset, rows, lot })
      else await catalog.write(async (trx) => this.#options.executor.complete(trx, lot))
    }
  }

  async #claim(
    run: Run,
    {
      asset,
      rows,
      lot,
    }: {
      readonly asset: StoredAsset
      readonly rows: readonly DirtyRow[]
      readonly lot: readonly Job[]
    },
  ): Promise<void> {
    const { tasks, rows: now } = await claimNodes(run, {
      asset,
      rows,
      worker: async (trx, claimed) => {
        const working = new Set(claimed.tasks.map((task) => task.node.row.id))
        const idle = lot.filter((job) => !working.has(job.task.node))
        await this.#options.executor.complete(trx, idle)
        const nowMs = await leaseNow(trx, this.#project.clock)
        await putUnclaimed(trx, claimed, nowMs)
        // Nodes that turned out to need nothing may have been what others wait for.
        if (idle.length > 0) await signal(trx, 'change')
      },
    })
    failpoint('worker.claimed')
    const byNode = new Map(now.map((row) => [row.id, row]))
    const jobs = new Map(lot.map((job) => [job.task.node, job]))
    for (const task of tasks) {
      const [job, row] = [jobs.get(task.node.row.id), byNode.get(task.node.row.id)]
      if (job === undefined || row === undefined) continue
      const active = { job, task, run, row, abort: new AbortController() }
      // A claim that was lost and is ours again: the older attempt could commit nothing.
      this.#active.get(row.id)?.abort.abort()
      this.#active.set(row.id, active)
      if (this.#isGivenUp) active.abort.abort()
      void this.#attempt(active)
    }
  }

  async #attempt(active: Active): Promise<void> {
    const { task, run, abort } = active
    run.options.onEvent?.({
      type: 'started',
      node: { asset: task.asset.name, key: task.node.row.key },
    })
    try {
      const finished = await attempt(task, supportOf(run, abort.signal))
      this.#ready.push({ active, finished })
    } catch (error) {
      this.#failed.push({ active, error })
    }
    this.#settling.set()
  }

  /** Commits what is ready and records what failed, one group after another. */
  async #settle(): Promise<void> {
    while (this.#isTaking || this.#active.size > 0) {
      const ready = takeRun(this.#ready, GROUP_MAX)
      const failed = takeRun(this.#failed, GROUP_MAX)
      const alone = await this.#commitOrPart(ready)
      await this.#tryGiveUp([...failed, ...alone])
      for (const { active } of [...ready, ...failed]) this.#drop(active)
      if (ready.length + failed.length > 0) this.#wake.set()
      else await this.#settling.sleep(POLL_MS)
    }
  }

  /**
   * Commits a group. Where one of it cannot be committed, each is tried by itself, and what fails for
   * a reason of its own is returned: one bad build does not hold back those beside it.
   */
  async #commitOrPart(
    ready: readonly Ready[],
  ): Promise<readonly { readonly active: Active; readonly error: unknown }[]> {
    try {
      await this.#commit(ready)
      return []
    } catch (error) {
      if (ready.length === 1 && !isOutside(error)) {
        return ready.map(({ active }) => ({ active, error }))
      }
      this.#options.onError?.(error)
      // Claims and jobs end by themselves: whether it was committed is for recovery to find out.
      if (isOutside(error)) return []
    }
    const failed = []
    for (const one of ready) failed.push(...(await this.#commitOrPart([one])))
    return failed
  }

  async #tryGiveUp(
    failed: readonly { readonly active: Active; readonly error: unknown }[],
  ): Promise<void> {
    try {
      await this.#giveUp(failed)
    } catch (error) {
      this.#options.onError?.(error)
    }
  }

  #drop(active: Active): void {
    if (this.#active.get(active.row.id) === active) this.#active.delete(active.row.id)
  }

  async #commit(ready: readonly Ready[]): Promise<void> {
    const [first] = ready
    if (first === undefined) return
    const { run } = first.active
    const nodes = ready.map(({ active }) => active.row.id)
    await commitFinished(
      run,
      ready.map(({ finished }) => finished),
      async (trx) => {
        await this.#options.executor.complete(trx, jobsOf(ready))
        await clearObstacles(trx, nodes)
        await signal(trx, 'change')
      },
    )
    await clearIntents(this.#project, run.projected.splice(0))
  }

  async #giveUp(
    failed: readonly { readonly active: Active; readonly error: unknown }[],
  ): Promise<void> {
    const [first] = failed
    if (first === undefined) return
    const { run } = first.active
    const given = failed.filter(({ active }) => active.abort.signal.aborted)
    const broken = failed.filter(({ active }) => !active.abort.signal.aborted)
    await recordFailures(run, broken.map(failedOf), async (trx, recorded) => {
      await this.#options.executor.complete(trx, jobsOf(broken))
      const rows = new Map(broken.map(({ active }) => [active.task, active.row]))
      await putFailed(trx, { recorded, rows, nowMs: await leaseNow(trx, this.#project.clock) })
      await insertEvents(
        trx,
        run.id,
        recorded.map(({ failure }) => ({
          type: 'failed',
          atMs: this.#project.clock.nowMs(),
          node: nodeText(failure.node),
          data: { code: failure.code, text: failure.text },
        })),
      )
      await signal(trx, 'change')
    })
    await releaseClaims(
      run,
      failed.map(({ active }) => active.task),
    )
    await this.#options.executor.release(jobsOf(given))
  }

  #runOf(id: number, definitions: Run['definitions']): Run {
    const { actor, slots, onEvent } = this.#options
    const options = {
      actor,
      command: 'worker',
      concurrency: slots,
      ...(onEvent && { onEvent }),
    }
    return newRun(this.#project, options, {
      id,
      hold: workerHold(this.#project, this.holder),
      definitions,
    })
  }

  /** Renews claims and jobs; gives up what another took over, and all when nothing was renewed. */
  async #beat(): Promise<void> {
    if (this.#isBeating) return
    this.#isBeating = true
    await this.#renew()
    this.#isBeating = false
  }

  async #renew(): Promise<void> {
    const active = [...this.#active.values()]
    const { clock } = this.#project
    const claimed = active.map(({ row }) => row.id)
    try {
      const lost = await renewClaims(this.#project, { holder: this.holder, claimed })
      await this.#options.executor.beat(
        this.holder,
        active.map(({ job }) => job),
      )
      // A claim that was committed meanwhile is not lost.
      for (const node of lost) if (!this.#isReady(node)) this.#active.get(node)?.abort.abort()
      this.#beatMs = clock.elapsedMs()
    } catch (error) {
      this.#options.onError?.(error)
      if (clock.elapsedMs() - this.#beatMs < HOLD_MS) return
      for (const { abort } of active) abort.abort()
    }
  }

  #isReady(node: number): boolean {
    return !this.#active.has(node) || this.#ready.some(({ active }) => active.row.id === node)
  }
}

/** The catalog, the store or another worker, and no fault of what was built. */
function isOutside(error: unknown): boolean {
  if (isEngineError(error)) return error.fault === 'upstream' || error.fault === 'conflict'
  return /^SQLITE_(BUSY|CANTOPEN|FULL|IOERR|LOCKED)/.test(reasonOf(error))
}

const jobsOf = (some: readonly { readonly active: Active }[]): readonly Job[] =>
  some.map(({ active }) => active.job)

const failedOf = ({
  active,
  error,
}: {
  readonly active: Active
  readonly error: unknown
}): Failed => ({ task: active.task, error })

/** Takes the first, and others of its run, from a queue. */
function takeRun<One extends { readonly active: Active }>(queue: One[], most: number): One[] {
  const id = queue[0]?.active.run.id
  const taken = queue.filter(({ active }) => active.run.id === id).slice(0, most)
  queue.splice(0, queue.length, ...queue.filter((one) => !taken.includes(one)))
  return taken
}
