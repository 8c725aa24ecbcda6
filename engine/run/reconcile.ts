/**
 * Reconciling: what is dirty becomes jobs.
 *
 *     end dead claims → observe → [ plan what moved ] → [ evaluate values · queue what is ready ]
 *
 * Level-triggered: each tick starts from what is dirty, so a job that was lost, doubled or late, a
 * worker that died and a signal nobody heard cost time only. A tick that finds nothing writes
 * nothing. Several reconcilers may run: what one queued, the other finds queued.
 *
 * What is ready is found by ready.ts, and what of it goes first by core/fair-share.ts.
 */
import { clearBlocks, putObstacles, standingObstacles } from '../catalog/obstacles.ts'
import { Contents } from '../catalog/contents.ts'
import { leaseNow } from '../catalog/leases.ts'
import { dirtyRows } from '../catalog/nodes.ts'
import type { Connection, WriteTransaction } from '../catalog/open.ts'
import { Rollback } from '../catalog/transaction.ts'
import type { Actor } from '../catalog/runs.ts'
import { catalogRevision, endRun, insertAudit, insertRun } from '../catalog/runs.ts'
import { signal } from '../catalog/signals.ts'
import { fairShare } from '../core/fair-share.ts'
import { failpoint } from '../core/failpoint.ts'
import type { NodeName } from '../core/key.ts'
import type { Plan } from '../core/plan.ts'
import type { Evaluation } from './evaluate.ts'
import type { BuildTask, Executor, Outstanding } from './executor.ts'
import { BOOKKEEPING, workerHold } from './hold.ts'
import { workerHolder } from './holder.ts'
import { projectJournal } from './journal.ts'
import type { Observed } from './planning.ts'
import { hasMoved, observe, observedRevision, planIn } from './planning.ts'
import type { Observation, Project } from './project.ts'
import { loadDefinitions } from './project.ts'
import type { ReadyRow } from './ready.ts'
import { ReadySearch } from './ready.ts'
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
/** How often a tick looks anew because something else took in what it saw. */
const LOOKS_MAX = 5
/** A run that the daemon hands out; it ends when nothing of it is left to hand out or being built. */
export const DISPATCHED = 'dispatched'

/** Turns what is dirty into jobs, a tick at a time. Cost of a tick that finds nothing: a few reads. */
export class Reconciler {
  readonly #project: Project
  readonly #options: ReconcilerOptions
  readonly #hold: ReturnType<typeof workerHold>
  /** what the last tick that queued nothing saw: the same again gives the same */
  #seen: string | undefined
  #retryMs: number | undefined
  readonly #search = new ReadySearch()

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
    for (let looks = 1; ; looks++) {
      const since = await observedRevision(project.catalog.db)
      const observed = await observe(project, also)
      if (!(await hasMoved(project, observed))) return undefined
      const plan = await this.#planUnder(observed, since)
      if (plan !== undefined) {
        failpoint('reconcile.planned')
        for (const change of observed.changes) await change.mend?.(this.#hold)
        await projectJournal(project)
        return plan
      }
      // Another took in newer files since; what is left is looked at with the next tick.
      if (looks === LOOKS_MAX) return undefined
    }
  }

  /** Plans what was seen; undefined: it is out of date, and nothing was kept. */
  async #planUnder(observed: Observed, since: number): Promise<Plan | undefined> {
    const project = this.#project
    const { actor } = this.#options
    return project.catalog.write(async (trx): Promise<Plan | undefined> => {
      if ((await observedRevision(trx.db)) !== since) throw new Rollback(undefined)
      const run = await this.#openRun(trx)
      const faults = new Map<number, string>()
      const { plan } = await planIn(trx, {
        project,
        options: { actor },
        observed,
        run,
        onFault: ({ id }, { code }) => faults.set(id, code),
      })
      await this.#putFaults(trx, faults)
      const nowMs = project.clock.nowMs()
      await insertAudit(trx, { atMs: nowMs, actor, action: 'plan', subject: '*', run })
      await project.hooks.onPlanned?.({ trx, nowMs, actor, run })
      await clearBlocks(trx)
      await signal(trx, 'change')
      return plan
    })
  }

  /** Values that cannot be had: they wait for other inputs, and what reads them with them. */
  async #putFaults(trx: WriteTransaction, faults: ReadonlyMap<number, string>): Promise<void> {
    const nowMs = await leaseNow(trx, this.#project.clock)
    const rows = await dirtyRows(trx, [...faults.keys()])
    await putObstacles(
      trx,
      rows.map((row) => ({
        node: row.id,
        kind: 'failed',
        attempts: 1,
        code: faults.get(row.id) ?? 'ASSERTION',
        revision: row.revision,
        at_ms: nowMs,
        retry_ms: null,
      })),
    )
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
    const nowMs = await leaseNow(catalog, clock)
    const isDue = this.#retryMs !== undefined && this.#retryMs <= nowMs
    // A queue that is long enough is left alone: a pass costs what is dirty.
    const isFull = outstanding.length * 2 > (this.#options.outMax ?? OUT_MAX)
    if (isFull || (seen === this.#seen && !isDue)) {
      return { queued: 0, outstanding: outstanding.length, retryMs: this.#retryMs }
    }
    const result = await catalog.write(async (trx) => {
      const pass = await this.#pass(trx, { outstanding, paused, nowMs })
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
    looked: {
      readonly outstanding: readonly Outstanding[]
      readonly paused: ReadonlySet<string>
      readonly nowMs: number
    },
  ): Promise<Omit<Reconciled, 'plan'> & { readonly isIdle: boolean }> {
    const project = this.#project
    const { outstanding, nowMs } = looked
    const run = await openRunOf(trx)
    const faults = new Map<number, string>()
    const evaluation: Evaluation = {
      trx,
      definitions: await loadDefinitions(project.graph, trx, false),
      contents: new Contents(),
      hooks: project.hooks,
      store: project.store,
      nowMs: project.clock.nowMs(),
      run: run ?? 0,
      onFault: ({ id }, { code }) => faults.set(id, code),
    }
    const obstacles = await standingObstacles(trx.db)
    const found = await this.#search.find(evaluation, { ...looked, obstacles })
    for (const node of obstacles.keys()) faults.delete(node)
    await this.#putFaults(trx, faults)
    const queued = await this.#queue(trx, { ready: found.ready, outstanding, run })
    const retries = [...obstacles.values()].flatMap(({ retry_ms: ms }) => ms ?? [])
    const later = [...retries, found.patientUntilMs ?? 0].filter((ms) => ms > nowMs)
    const retryMs = later.length === 0 ? undefined : Math.min(...later)
    const isOut = queued > 0 || outstanding.length > 0
    const isDrained = run !== undefined && !isOut && !(await isClaimed(trx, run))
    if (isDrained) {
      const isPartial = [...obstacles.values()].some(({ kind }) => kind === 'failed')
      await this.#endRun(trx, run, isPartial)
    }
    const isIdle = queued === 0 && !isDrained && found.evaluated === 0 && faults.size === 0
    return { queued, outstanding: outstanding.length + queued, retryMs, isIdle }
  }

  /** Queues what goes first; returns how many. */
  async #queue(
    trx: WriteTransaction,
    {
      ready,
      outstanding,
      run,
    }: {
      readonly ready: readonly ReadyRow[]
      readonly outstanding: readonly Outstanding[]
      readonly run: number | undefined
    },
  ): Promise<number> {
    const { executor, outMax = OUT_MAX, pools = {} } = this.#options
    const out = outstanding.map(({ task }) => task)
    const chosen = fairShare(
      ready.map((row) => this.#task(row)),
      out,
      { outMax, pools },
    )
    if (chosen.length === 0) return 0
    const id = run ?? (await this.#openRun(trx))
    await executor.enqueue(
      trx,
      chosen.map((task) => ({ ...task, run: id })),
    )
    await signal(trx, 'work')
    return chosen.length
  }

  #task({ asset, row, place }: ReadyRow): BuildTask {
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
    const { hooks, clock, graph } = this.#project
    const nowMs = clock.nowMs()
    const stored = graph.order.flatMap(({ kind, name }) => (kind === 'stored' ? [name] : []))
    const rows = await trx.db
      .selectFrom('build')
      .innerJoin('node', 'node.id', 'build.node')
      .innerJoin('asset', 'asset.id', 'node.asset')
      .select(['outcome', ({ fn }) => fn.countAll<number>().as('count')])
      .where('build.run', '=', run)
      // What a build writes beside itself is no build: a run of its own counts likewise.
      .where('asset.name', 'in', ['', ...stored])
      .groupBy('outcome')
      .execute()
    await hooks.onRunEnd?.({ trx, nowMs, run })
    const counts = Object.fromEntries(rows.map((row) => [row.outcome, row.count]))
    await endRun(trx, run, { status: isPartial ? 'partial' : 'succeeded', atMs: nowMs, counts })
  }
}

/**
 * Whether a node of a run is being built. A frozen worker's claim outlives its job, which another
 * ended at the standing claim; when it wakes up before anybody took over, what it commits is the run's.
 */
async function isClaimed({ db }: WriteTransaction, run: number): Promise<boolean> {
  const claims = db.selectFrom('intent').select('node').where('state', '=', 'prepared')
  return (await claims.where('run', '=', run).limit(1).executeTakeFirst()) !== undefined
}

async function openRunOf({ db }: WriteTransaction): Promise<number | undefined> {
  const open = db.selectFrom('run').select('id').where('status', '=', DISPATCHED)
  return (await open.orderBy('id', 'desc').limit(1).executeTakeFirst())?.id
}
