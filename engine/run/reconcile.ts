/**
 * Reconciling: what is dirty becomes jobs.
 *
 *     end dead claims → observe → [ plan what moved ] → [ evaluate values · queue what is ready ]
 *
 * Level-triggered: each tick starts from what is dirty, so a job that was lost, doubled or late, a
 * worker that died and a signal nobody heard cost time only. A tick that finds nothing writes
 * nothing. Several reconcilers may run: what one queued, the other finds queued.
 *
 * A node is ready when nothing it reads, however far up, is dirty, and when no asset above its own
 * has work under way: a parse at work may yet make members of a month, and each month is built once.
 */
import type { Failure } from '../catalog/failures.ts'
import { clearBlocks, standingFailures } from '../catalog/failures.ts'
import { Contents } from '../catalog/contents.ts'
import type { DirtyRow } from '../catalog/nodes.ts'
import { dirtyNodes } from '../catalog/nodes.ts'
import type { Connection, WriteTransaction } from '../catalog/open.ts'
import { Rollback } from '../catalog/transaction.ts'
import type { Actor } from '../catalog/runs.ts'
import { catalogRevision, endRun, insertAudit, insertRun } from '../catalog/runs.ts'
import { signal } from '../catalog/signals.ts'
import type { Definitions } from '../catalog/membership.ts'
import { fairShare } from '../core/fair-share.ts'
import { failpoint } from '../core/failpoint.ts'
import type { NodeName } from '../core/key.ts'
import type { Plan } from '../core/plan.ts'
import type { Evaluation } from './evaluate.ts'
import { evaluateUnheld } from './evaluate.ts'
import type { BuildTask, Executor, Outstanding } from './executor.ts'
import { HeldBack } from './held-back.ts'
import { BOOKKEEPING, workerHold } from './hold.ts'
import { workerHolder } from './holder.ts'
import { projectJournal } from './journal.ts'
import { hasMoved, observe, planIn } from './planning.ts'
import type { Observation, Project } from './project.ts'
import { loadDefinitions } from './project.ts'
import { recover } from './recover.ts'

export interface ReconcilerOptions {
  readonly executor: Executor
  readonly actor: Actor
  /** jobs out at once; default 256 */
  readonly outMax?: number
  /** who shares workers fairly: default all alike */
  readonly groupOf?: (node: NodeName) => string
  /** what bounds builds of a kind: the pool of a node, and each pool's bound */
  readonly poolOf?: (node: NodeName) => string
  readonly pools?: Readonly<Record<string, number>>
  /** assets of which nothing is handed out while a person wants it so */
  readonly pausedAssets?: (db: Connection) => Promise<ReadonlySet<string>>
}

export interface Reconciled {
  /** what was planned, when something moved outside */
  readonly plan: Plan | undefined
  readonly queued: number
  /** jobs out, those just queued included */
  readonly outstanding: number
  /** the next time that something fails again or is tried again; undefined: only a change can help */
  readonly retryMs: number | undefined
}

const OUT_MAX = 256
/** A run that the daemon hands out; it ends when nothing of it is left to hand out. */
export const DISPATCHED = 'dispatched'

/** Turns what is dirty into jobs, a tick at a time. Cost of a tick that finds nothing: a few reads. */
export class Reconciler {
  readonly #project: Project
  readonly #options: ReconcilerOptions
  readonly #hold: ReturnType<typeof workerHold>
  /** what the last tick that queued nothing saw: the same again gives the same */
  #seen: string | undefined
  #retryMs: number | undefined

  constructor(project: Project, options: ReconcilerOptions) {
    this.#project = project
    this.#options = options
    this.#hold = workerHold(project, workerHolder())
  }

  /** One pass. `also`: further changes, as a person's decision or a sensor's find. */
  async tick(also: readonly Observation[] = []): Promise<Reconciled> {
    const { catalog, graph } = this.#project
    const definitions = await loadDefinitions(graph, catalog, false)
    await recover(this.#project, definitions, this.#hold)
    const plan = await this.#plan(also)
    return { plan, ...(await this.#handOut()) }
  }

  /** Plans what moved outside, and keeps it. */
  async #plan(also: readonly Observation[]): Promise<Plan | undefined> {
    const project = this.#project
    const observed = await observe(project, also)
    if (!(await hasMoved(project, observed))) return undefined
    const plan = await project.catalog.write(async (trx) => {
      const run = await this.#openRun(trx)
      const { actor } = this.#options
      const made = await planIn(trx, { project, options: { actor }, observed, run })
      const nowMs = project.clock.nowMs()
      await insertAudit(trx, { atMs: nowMs, actor, action: 'plan', subject: '*', run })
      await project.hooks.onPlanned?.({ trx, nowMs, actor, run })
      await clearBlocks(trx)
      await signal(trx, 'change')
      return made.plan
    })
    failpoint('reconcile.planned')
    for (const change of observed.changes) await change.mend?.(this.#hold)
    await projectJournal(project)
    return plan
  }

  /** The run that what is handed out now belongs to. */
  async #openRun(trx: WriteTransaction): Promise<number> {
    const open = trx.db.selectFrom('run').select('id').where('status', '=', DISPATCHED)
    const row = await open.orderBy('id', 'desc').limit(1).executeTakeFirst()
    if (row !== undefined) return row.id
    const atMs = this.#project.clock.nowMs()
    const run = { actor: this.#options.actor, command: 'daemon', plan: null, atMs }
    const id = await insertRun(trx, run)
    await trx.db.updateTable('run').set({ status: DISPATCHED }).where('id', '=', id).execute()
    return id
  }

  async #handOut(): Promise<Omit<Reconciled, 'plan'>> {
    const { catalog, clock } = this.#project
    const { pausedAssets } = this.#options
    const paused = (await pausedAssets?.(catalog.db)) ?? new Set<string>()
    const outstanding = await this.#stillOut(paused)
    const revision = await catalogRevision(catalog.db)
    const seen = `${revision} ${outstanding.map(({ task }) => task.node).join()}`
    const isDue = this.#retryMs !== undefined && this.#retryMs <= clock.nowMs()
    // A queue that is long enough is left alone: a pass costs what is dirty.
    const isFull = outstanding.length * 2 > (this.#options.outMax ?? OUT_MAX)
    if (isFull || (seen === this.#seen && !isDue)) {
      return { queued: 0, outstanding: outstanding.length, retryMs: this.#retryMs }
    }
    const result = await catalog.write(async (trx) => {
      const pass = await this.#pass(trx, outstanding, paused)
      if (pass.isIdle) throw new Rollback(pass)
      return pass
    })
    failpoint('reconcile.queued')
    this.#retryMs = result.retryMs
    this.#seen = result.isIdle ? seen : undefined
    const { queued, retryMs } = result
    return { queued, outstanding: outstanding.length + queued, retryMs }
  }

  /** Jobs that have not ended; those of paused assets that nobody took are called back. */
  async #stillOut(paused: ReadonlySet<string>): Promise<readonly Outstanding[]> {
    const { executor } = this.#options
    const { catalog } = this.#project
    const all = await executor.outstanding(catalog.db)
    const back = all.filter(({ task, isTaken }) => !isTaken && paused.has(task.asset))
    if (back.length === 0) return all
    const nodes = back.map(({ task }) => task.node)
    await catalog.write(async (trx) => executor.cancel(trx, nodes), BOOKKEEPING)
    return all.filter((one) => !back.includes(one))
  }

  async #pass(
    trx: WriteTransaction,
    outstanding: readonly Outstanding[],
    paused: ReadonlySet<string>,
  ): Promise<Omit<Reconciled, 'plan'> & { readonly isIdle: boolean }> {
    const project = this.#project
    const definitions = await loadDefinitions(project.graph, trx, false)
    const run = await openRunOf(trx)
    const evaluation: Evaluation = {
      trx,
      definitions,
      contents: new Contents(),
      hooks: project.hooks,
      store: project.store,
      nowMs: project.clock.nowMs(),
      run: run ?? 0,
    }
    const obstacles = await standingFailures(trx.db)
    const found = await this.#ready(evaluation, { outstanding, obstacles, paused })
    const chosen = fairShare(
      found.ready,
      outstanding.map(({ task }) => task),
      { outMax: this.#options.outMax ?? OUT_MAX, pools: this.#options.pools ?? {} },
    )
    const rest = { outstanding: outstanding.length + chosen.length, retryMs: nextRetry(obstacles) }
    if (chosen.length > 0) {
      const id = run ?? (await this.#openRun(trx))
      await this.#options.executor.enqueue(
        trx,
        chosen.map((task) => ({ ...task, run: id })),
      )
      await signal(trx, 'work')
      return { queued: chosen.length, ...rest, isIdle: false }
    }
    const isDrained = run !== undefined && outstanding.length === 0
    if (isDrained) await this.#endRun(trx, run, obstacles.size > 0)
    return { queued: 0, ...rest, isIdle: !isDrained && found.evaluated === 0 }
  }

  /** Evaluates what can be, upstream first, and finds the stored nodes that are ready. */
  async #ready(
    evaluation: Evaluation,
    {
      outstanding,
      obstacles,
      paused,
    }: {
      readonly outstanding: readonly Outstanding[]
      readonly obstacles: ReadonlyMap<number, Failure>
      readonly paused: ReadonlySet<string>
    },
  ): Promise<{ readonly ready: readonly BuildTask[]; readonly evaluated: number }> {
    const { trx, definitions, nowMs } = evaluation
    const { graph, ids } = definitions
    const back = new HeldBack(trx, definitions)
    const out = new Set(outstanding.map(({ task }) => task.node))
    const busy = new Set(outstanding.map(({ task }) => task.asset))
    const ready: BuildTask[] = []
    let evaluated = 0
    for (const [place, asset] of graph.order.entries()) {
      if (asset.kind === 'fact' || asset.kind === 'output') continue
      const rows = await dirtyNodes(trx.db, ids.idOf(asset.name))
      if (asset.kind === 'value' && rows.length > 0) {
        await evaluateUnheld(evaluation, { asset, rows, held: back.held })
        evaluated += rows.filter((row) => !back.held.has(row.id)).length
      }
      if (
        asset.kind === 'stored' &&
        !paused.has(asset.name) &&
        !isBelow(definitions, asset.name, busy)
      ) {
        const free = rows.filter(
          (row) => !back.isHeld(asset.name, row.id) && !isObstructed(obstacles.get(row.id), nowMs),
        )
        const tasks = free
          .filter((row) => !out.has(row.id))
          .map((row) => this.#task(asset.name, row, place))
        ready.push(...tasks)
        if (free.length > 0) busy.add(asset.name)
      }
      await back.add(asset.name)
    }
    return { ready, evaluated }
  }

  #task(asset: string, row: DirtyRow, place: number): BuildTask {
    const name = { asset, key: row.key }
    return {
      node: row.id,
      ...name,
      run: 0,
      place,
      group: this.#options.groupOf?.(name) ?? '',
      pool: this.#options.poolOf?.(name) ?? '',
    }
  }

  async #endRun(trx: WriteTransaction, run: number, isPartial: boolean): Promise<void> {
    const { hooks, clock } = this.#project
    const nowMs = clock.nowMs()
    const rows = await trx.db
      .selectFrom('build')
      .select(['outcome', ({ fn }) => fn.countAll<number>().as('count')])
      .where('run', '=', run)
      .groupBy('outcome')
      .execute()
    await hooks.onRunEnd?.({ trx, nowMs, run })
    const counts = Object.fromEntries(rows.map((row) => [row.outcome, row.count]))
    await endRun(trx, run, { status: isPartial ? 'partial' : 'succeeded', atMs: nowMs, counts })
  }
}

async function openRunOf({ db }: WriteTransaction): Promise<number | undefined> {
  const open = db.selectFrom('run').select('id').where('status', '=', DISPATCHED)
  return (await open.orderBy('id', 'desc').limit(1).executeTakeFirst())?.id
}

const isObstructed = (failure: Failure | undefined, nowMs: number): boolean =>
  failure !== undefined && (failure.retry_ms === null || failure.retry_ms > nowMs)

function nextRetry(obstacles: ReadonlyMap<number, Failure>): number | undefined {
  let nextMs: number | undefined
  for (const { retry_ms: ms } of obstacles.values()) {
    if (ms !== null && (nextMs === undefined || ms < nextMs)) nextMs = ms
  }
  return nextMs
}

/** Whether an asset with work under way stands anywhere above this one. */
function isBelow({ graph }: Definitions, asset: string, busy: ReadonlySet<string>): boolean {
  const seen = new Set<string>()
  const above = [...graph.parentsOf(asset)]
  for (let name = above.pop(); name !== undefined; name = above.pop()) {
    if (busy.has(name)) return true
    if (seen.has(name)) continue
    seen.add(name)
    above.push(...graph.parentsOf(name))
  }
  return false
}
