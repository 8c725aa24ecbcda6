/**
 * A run: plans, then builds stage by stage until nothing selected is dirty.
 *
 * Assets are taken in topological order; a commit marks only assets further down, so one pass
 * reaches quiescence and each node is built at most once. The price is a barrier between assets:
 * no validation starts before the last parse of the run has ended.
 *
 * A node that reads something stale (failed, blocked or not selected) waits, however far up that
 * lies: it is never built from stale input.
 */
import { dirtyNodes } from '../catalog/nodes.ts'
import { Contents } from '../catalog/contents.ts'
import { Rollback } from '../catalog/transaction.ts'
import type { RunStatus } from '../catalog/runs.ts'
import { endRun, insertAudit, insertEvents, insertRun } from '../catalog/runs.ts'
import type { ValueAsset } from '../core/asset.ts'
import { EngineError } from '../core/errors.ts'
import { failpoint } from '../core/failpoint.ts'
import { nodeText } from '../core/key.ts'
import type { Plan } from '../core/plan.ts'
import { anchorAudit } from './anchor.ts'
import type { Evaluation } from './evaluate.ts'
import { projectJournal } from './journal.ts'
import { evaluateUnheld } from './evaluate.ts'
import { HeldBack } from './held-back.ts'
import type { Hold } from './hold.ts'
import { runHold } from './hold.ts'
import type { Observed } from './planning.ts'
import { observe, observedRevision, planIn, quietPlan, requirePlan } from './planning.ts'
import type { Project } from './project.ts'
import { loadDefinitions } from './project.ts'
import { clearIntents, isLeftOpen, recover } from './recover.ts'
import { withRunLease } from './run-lease.ts'
import { openRunLog } from './run-log.ts'
import type { Run, RunOptions, RunReport } from './run-state.ts'
import { newRun, noCounts } from './run-state.ts'
import type { NodeTest, Selection } from './select.ts'
import { selectedNodes } from './select.ts'
import { runStage } from './stage.ts'
import { clearScratch } from './sweep.ts'

/** Makes what the selection names current. Throws RUN_BUSY, PLAN_MOVED, STORE_UNUSABLE, … */
export async function materialize(project: Project, options: RunOptions): Promise<RunReport> {
  const report = await planAndRun(project, options)
  const { clock, hooks } = project
  await hooks.afterRun?.({ project, nowMs: clock.nowMs(), stop: options.stop })
  return report
}

async function planAndRun(project: Project, options: RunOptions): Promise<RunReport> {
  const { db } = project.catalog
  const first = await look(project, options)
  const quiet = (await isLeftOpen(db)) ? undefined : await quietPlan(project, options, first)
  if (quiet !== undefined) {
    requirePlan(quiet, options.planId)
    return { run: undefined, plan: quiet, counts: noCounts(), failures: [], status: 'succeeded' }
  }
  return withRunLease(project, async (lease) => {
    const hold = runHold(project, lease)
    await recover(project, await loadDefinitions(project.graph, project.catalog, false), hold)
    let seen = first
    for (let looks = 1; looks <= LOOKS_MAX; looks++) {
      const planned = await planUnder(hold, { project, options, seen })
      if (planned !== undefined) return runPlanned(hold, { project, options, ...planned })
      // Another may have taken in newer files since: what it wrote must not be overwritten.
      seen = await look(project, options)
    }
    throw new EngineError('RUN_BUSY', { holder: 'something that keeps taking in what is seen' })
  })
}

/** How often a run looks anew because something else took in what it saw. */
const LOOKS_MAX = 5

interface Seen extends Observed {
  /** when what was seen outside had last been applied */
  readonly since: number
}

async function look(project: Project, { also }: RunOptions): Promise<Seen> {
  const since = await observedRevision(project.catalog.db)
  return { ...(await observe(project, also)), since }
}

interface Planned {
  readonly run: Run
  readonly plan: Plan
  readonly selection: Selection
  readonly changes: Observed['changes']
}

/** Plans and keeps it; undefined: what was seen is out of date, and nothing was kept. */
async function planUnder(
  hold: Hold,
  {
    project,
    options,
    seen,
  }: { readonly project: Project; readonly options: RunOptions; readonly seen: Seen },
): Promise<Planned | undefined> {
  return project.catalog.write(async (trx): Promise<Planned | undefined> => {
    await hold.require(trx)
    if ((await observedRevision(trx.db)) !== seen.since) throw new Rollback(undefined)
    const nowMs = project.clock.nowMs()
    const id = await insertRun(trx, { ...options, plan: null, atMs: nowMs })
    const { plan, evaluation, selection } = await planIn(trx, {
      project,
      options,
      observed: seen,
      run: id,
    })
    requirePlan(plan, options.planId)
    await trx.db.updateTable('run').set({ plan: plan.id }).where('id', '=', id).execute()
    await insertAudit(trx, {
      atMs: nowMs,
      actor: options.actor,
      action: 'run',
      subject: plan.selection,
      run: id,
    })
    await project.hooks.onPlanned?.({ trx, nowMs, actor: options.actor, run: id })
    const { definitions } = evaluation
    const run = newRun(project, options, { id, hold, definitions })
    return { run, plan, selection, changes: seen.changes }
  })
}

async function runPlanned(
  hold: Hold,
  {
    project,
    options,
    run,
    plan,
    selection,
    changes,
  }: Planned & { readonly project: Project; readonly options: RunOptions },
): Promise<RunReport> {
  failpoint('run.planned')
  await projectJournal(project)
  for (const change of changes) await change.mend?.(hold)
  const log =
    project.logFolder === undefined ? undefined : await openRunLog(project.logFolder, run.id)
  const heard: Run = {
    ...run,
    options: {
      ...options,
      onEvent: (event) => {
        log?.event(event)
        options.onEvent?.(event)
      },
    },
  }
  heard.options.onEvent?.({ type: 'planned', plan, run: run.id })
  await runStages(heard, selection)
  const status = statusOf(run)
  log?.end({ status, counts: run.counts })
  await finishRun(run, status)
  await projectJournal(project)
  const anchored = await anchorAudit(project)
  if (anchored !== undefined) log?.anchored(anchored)
  await clearScratch(project)
  return { run: run.id, plan, counts: run.counts, failures: run.failures, status }
}

async function runStages(run: Run, selection: Selection): Promise<void> {
  const { catalog } = run.project
  let isSelected: NodeTest | undefined
  const back = new HeldBack(catalog, run.definitions, run.held)
  for (const asset of run.definitions.graph.order) {
    if (asset.kind === 'fact' || asset.kind === 'output') continue
    if (run.options.stop?.aborted === true) return
    const dirty = await dirtyNodes(catalog.db, run.definitions.ids.idOf(asset.name))
    if (dirty.length > 0) {
      // Builds make nodes, so a selection by edges is asked again at every stage.
      isSelected = await selectedNodes(selection, { ...catalog, definitions: run.definitions })
      if (asset.kind === 'value') await evaluateStage(run, asset)
      else await runStage(run, asset, isSelected)
    }
    await back.add(asset.name)
  }
}

/** Value nodes are evaluated whatever is selected, unless they read something stale. */
async function evaluateStage(run: Run, asset: ValueAsset): Promise<void> {
  await run.project.catalog.write(
    async (trx) => {
      await run.hold.require(trx)
      const evaluation: Evaluation = {
        trx,
        definitions: run.definitions,
        contents: new Contents(),
        hooks: run.project.hooks,
        store: run.project.store,
        nowMs: run.project.clock.nowMs(),
        run: run.id,
      }
      const rows = await dirtyNodes(trx.db, run.definitions.ids.idOf(asset.name))
      await evaluateUnheld(evaluation, { asset, rows, held: run.held })
    },
    { volatile: true },
  )
}

function statusOf(run: Run): RunStatus {
  if (run.options.stop?.aborted === true) return 'interrupted'
  if (run.failures.length === 0) return 'succeeded'
  return run.counts.built + run.counts.reused + run.counts.cutoff > 0 ? 'partial' : 'failed'
}

async function finishRun(run: Run, status: RunStatus): Promise<void> {
  await clearIntents(run.project, run.projected)
  failpoint('run.cleared')
  await run.project.catalog.write(async (trx) => {
    await run.hold.require(trx)
    const nowMs = run.project.clock.nowMs()
    await insertEvents(
      trx,
      run.id,
      run.failures.map((failure) => ({
        type: 'failed',
        atMs: nowMs,
        node: nodeText(failure.node),
        data: { code: failure.code, text: failure.text },
      })),
    )
    await run.project.hooks.onRunEnd?.({ trx, nowMs, run: run.id })
    await endRun(trx, run.id, { status, atMs: nowMs, counts: run.counts })
  })
}
