/**
 * One stage of a run: all selected dirty nodes of one stored asset, in key order, in batches.
 *
 * A batch is claimed in one transaction, attempted with bounded concurrency, and committed in
 * groups: whenever enough attempts are done, or the batch is. A group costs one fsync.
 */
import { insertBuilds } from '../catalog/builds.ts'
import type { DirtyRow } from '../catalog/nodes.ts'
import { dirtyNodes } from '../catalog/nodes.ts'
import { Contents } from '../catalog/contents.ts'

import type { StoredAsset } from '../core/asset.ts'
import { EngineError } from '../core/errors.ts'
import { nodeText } from '../core/key.ts'
import { failpoint } from '../core/failpoint.ts'
import type { AttemptSupport, Finished } from './attempt.ts'
import { attempt } from './attempt.ts'
import type { Claimed, Task } from './claim.ts'
import { claim } from './claim.ts'
import { commitGroup } from './commit.ts'
import { markLost } from './lost-parts.ts'
import { clearIntents } from './recover.ts'
import type { Run } from './run-state.ts'
import { failureOf } from './run-state.ts'
import type { NodeTest } from './select.ts'

/** Nodes claimed at once: large enough that a claim's 15 statements cost little a node. */
const BATCH_MAX = 256
/** Attempts committed at once, when they take long enough for a group to wait. */
const GROUP_MAX = 64
/** A finished slow attempt waits at most this long for company. */
const GROUP_WAIT_MS = 250

/** Runs the stage. Failures are recorded and do not stop it, unless there are too many. */
export async function runStage(run: Run, asset: StoredAsset, isSelected: NodeTest): Promise<void> {
  const all = await dirtyNodes(run.project.catalog.db, run.definitions.ids.idOf(asset.name))
  const rows = all.filter((row) => isSelected({ id: row.id, asset: asset.name, key: row.key }))
  for (let at = 0; at < rows.length; at += BATCH_MAX) {
    if (mustStop(run)) return
    const claimed = await claimBatch(run, asset, rows.slice(at, at + BATCH_MAX))
    failpoint('stage.claimed')
    await runTasks(run, claimed.tasks)
  }
}

/** `failing`: failures of the batch at hand, which are recorded when it ends. */
const mustStop = (run: Run, failing = 0): boolean =>
  run.options.stop?.aborted === true ||
  run.failures.length + failing >= (run.options.failuresMax ?? Infinity)

async function claimBatch(
  run: Run,
  asset: StoredAsset,
  rows: readonly DirtyRow[],
): Promise<Claimed> {
  const { project, definitions } = run
  await clearIntents(project, run.projected.splice(0))
  return project.catalog.write(
    async (trx) => {
      await run.hold.require(trx)
      const evaluation = {
        trx,
        definitions,
        contents: new Contents(),
        hooks: project.hooks,
        store: project.store,
        nowMs: project.clock.nowMs(),
        run: run.id,
      }
      return claim(evaluation, {
        asset,
        rows,
        held: run.held,
        hold: run.hold,
        nextAttempt: () => `@r${run.id}-${++run.counter.attempts}`,
      })
    },
    { volatile: true },
  )
}

/** Attempts the tasks with bounded concurrency; commits groups as they become ready. */
async function runTasks(run: Run, tasks: readonly Task[]): Promise<void> {
  const queue = [...tasks]
  const ready: Finished[] = []
  const failed: { readonly task: Task; readonly error: unknown }[] = []
  let committing: Promise<void> = Promise.resolve()
  let waitingSinceMs = 0
  const flush = (): void => {
    const group = ready.splice(0)
    if (group.length === 0) return
    committing = committing.then(async () => commitReady(run, group))
    // A failing commit is thrown by the await below; it must not be unhandled until then.
    committing.catch(() => undefined)
  }
  const worker = async (): Promise<void> => {
    for (let task = queue.shift(); task !== undefined; task = queue.shift()) {
      if (mustStop(run, failed.length)) return void queue.unshift(task)
      const node = { asset: task.asset.name, key: task.node.row.key }
      run.options.onEvent?.({ type: 'started', node })
      try {
        if (ready.length === 0) waitingSinceMs = run.project.clock.elapsedMs()
        ready.push(await attempt(task, supportOf(run)))
      } catch (error) {
        failed.push({ task, error })
      }
      const waitedMs = run.project.clock.elapsedMs() - waitingSinceMs
      if (ready.length >= GROUP_MAX || waitedMs > GROUP_WAIT_MS) flush()
    }
  }
  await Promise.all(Array.from({ length: Math.max(1, run.options.concurrency) }, worker))
  flush()
  await committing
  await recordFailures(run, failed)
  await releaseClaims(run, [...queue, ...failed.map((one) => one.task)])
}

const supportOf = (run: Run): AttemptSupport => ({
  project: run.project,
  definitions: run.definitions,
  signal: run.options.abort ?? new AbortController().signal,
  progress: (node, progress) => run.options.onEvent?.({ type: 'progress', node, ...progress }),
  note: async (task, notes) => addNotes(run, task, notes),
})

/** Adds what would undo a build's stagings to its intent, before their first byte. */
async function addNotes(run: Run, task: Task, notes: readonly string[]): Promise<void> {
  if (notes.length === 0) return
  task.notes.push(...notes)
  const all = JSON.stringify(task.notes)
  await run.project.catalog.write(
    async (trx) => {
      await run.hold.require(trx)
      await trx.db
        .updateTable('intent')
        .set({ notes: all })
        .where('node', '=', task.node.row.id)
        .where('epoch', '=', task.epoch)
        .execute()
    },
    { volatile: true, bookkeeping: true },
  )
}

async function commitReady(run: Run, group: readonly Finished[]): Promise<void> {
  const result = await commitGroup({ ...run, run: run.id }, group)
  run.projected.push(...result.projected)
  const main = new Map(group.map((one) => [nodeOf(one), one]))
  for (const one of result.committed) {
    const node = { asset: one.asset, key: one.key }
    const finished = main.get(nodeText(node))
    if (finished === undefined || one.outcome === 'evaluated') continue
    run.counts[one.outcome]++
    run.options.onEvent?.({
      type: 'finished',
      node,
      outcome: one.outcome,
      ms: finished.ms,
      ...(finished.rows !== undefined && { rows: finished.rows }),
    })
  }
}

const nodeOf = ({ task }: Finished): string =>
  nodeText({ asset: task.asset.name, key: task.node.row.key })

async function recordFailures(
  run: Run,
  failed: readonly { readonly task: Task; readonly error: unknown }[],
): Promise<void> {
  if (failed.length === 0) return
  const failures = failed.map(({ task, error }) =>
    failureOf({ asset: task.asset.name, key: task.node.row.key }, error),
  )
  const nowMs = run.project.clock.nowMs()
  await run.project.catalog.write(async (trx) => {
    await run.hold.require(trx)
    await insertBuilds(
      trx,
      failed.map(({ task }, at) => ({
        node: task.node.row.id,
        run: run.id,
        outcome: 'failed',
        fingerprint: task.work.kind === 'retire' ? null : task.work.fingerprint,
        version: task.node.row.version,
        slots: '[]',
        attempt: null,
        atMs: nowMs,
        ms: 0,
        rows: null,
        sizeBytes: null,
        cause: JSON.stringify(task.causes),
        error: failures[at]?.code ?? null,
        parts: 'none',
        publishes: false,
      })),
    )
    // Whose part it is must be made again: else it would be looked for at every run.
    await markLost(trx, run.definitions, lostPaths(failed))
    await run.project.hooks.onCommit?.(
      { trx, nowMs, run: run.id },
      failed.map(({ task }, at) => ({
        asset: task.asset.name,
        key: task.node.row.key,
        outcome: 'failed',
        value: undefined,
        record: undefined,
        changed: false,
        ms: 0,
        rows: undefined,
        parts: [],
        error: failures[at]?.code,
        build: 0,
        epoch: task.epoch,
        fingerprint: null,
      })),
    )
  })
  run.failures.push(...failures)
  run.counts.failed += failures.length
  for (const failure of failures) run.options.onEvent?.({ type: 'failed', ...failure })
}

const lostPaths = (failed: readonly { readonly error: unknown }[]): readonly string[] =>
  failed.flatMap(({ error }) =>
    error instanceof EngineError && error.code === 'PART_MISSING'
      ? [(error as EngineError<'PART_MISSING'>).context.path]
      : [],
  )

/** Ends claims that lead to no commit: staged folders go, then the intents. */
async function releaseClaims(run: Run, tasks: readonly Task[]): Promise<void> {
  if (tasks.length === 0) return
  const nodes = new Set(tasks.map((task) => task.node.row.id))
  const intents = await run.project.catalog.db
    .selectFrom('intent')
    .selectAll()
    .where('run', '=', run.id)
    .where('state', '=', 'prepared')
    .execute()
  const ours = intents.filter((intent) => nodes.has(intent.node))
  await run.project.store.abort(ours.flatMap((intent) => JSON.parse(intent.notes) as string[]))
  await clearIntents(run.project, ours)
}
