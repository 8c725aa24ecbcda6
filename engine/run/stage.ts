/**
 * One stage of a run: all selected dirty nodes of one stored asset, in key order, in batches.
 *
 * A batch is claimed in one transaction, attempted with bounded concurrency, and committed in
 * groups: whenever enough attempts are done, or the batch is. A group costs one fsync.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { DirtyRow } from '../catalog/nodes.ts'
import { dirtyNodes, dirtyRows } from '../catalog/nodes.ts'
import type { StoredAsset } from '../core/asset.ts'
import { EngineError } from '../core/errors.ts'
import { failpoint } from '../core/failpoint.ts'
import type { Finished } from './attempt.ts'
import { attempt } from './attempt.ts'
import type { Failed } from './build-steps.ts'
import {
  claimNodes,
  commitFinished,
  recordFailures,
  releaseClaims,
  supportOf,
} from './build-steps.ts'
import type { Task } from './claim.ts'
import { clearIntents, recover } from './recover.ts'
import type { Run } from './run-state.ts'
import { failureOf } from './run-state.ts'
import type { NodeTest } from './select.ts'

/** Nodes claimed at once: large enough that a claim's 15 statements cost little a node. */
const BATCH_MAX = 256
/** Attempts committed at once, when they take long enough for a group to wait. */
const GROUP_MAX = 64
/** A finished slow attempt waits at most this long for company. */
const GROUP_WAIT_MS = 250

/** How often a run looks whether a worker has ended with what the run wants, and for how long. */
const BUSY_LOOK_MS = 200
const BUSY_MAX_MS = 10 * 60_000

/** Runs the stage. Failures are recorded and do not stop it, unless there are too many. */
export async function runStage(run: Run, asset: StoredAsset, isSelected: NodeTest): Promise<void> {
  const all = await dirtyNodes(run.project.catalog.db, run.definitions.ids.idOf(asset.name))
  const rows = all.filter((row) => isSelected({ id: row.id, asset: asset.name, key: row.key }))
  let busy = await runRows(run, asset, rows)
  const sinceMs = run.project.clock.elapsedMs()
  while (busy.length > 0 && !mustStop(run)) {
    if (run.project.clock.elapsedMs() - sinceMs > BUSY_MAX_MS) return failBusy(run, asset, busy)
    await sleep(BUSY_LOOK_MS)
    // A worker that died holds its claims until somebody ends them.
    await recover(run.project, run.definitions, run.hold)
    const left = await dirtyRows(run.project.catalog, busy)
    busy = await runRows(run, asset, left)
  }
}

/** Builds the rows, in batches; returns those that a worker has claimed. */
async function runRows(
  run: Run,
  asset: StoredAsset,
  rows: readonly DirtyRow[],
): Promise<readonly number[]> {
  const busy: number[] = []
  for (let at = 0; at < rows.length; at += BATCH_MAX) {
    if (mustStop(run)) return []
    await clearIntents(run.project, run.projected.splice(0))
    const claimed = await claimNodes(run, { asset, rows: rows.slice(at, at + BATCH_MAX) })
    failpoint('stage.claimed')
    await runTasks(run, claimed.tasks)
    busy.push(...claimed.busy)
  }
  return busy
}

/** A worker builds what this run was to make current, and does not come to an end. */
async function failBusy(run: Run, asset: StoredAsset, busy: readonly number[]): Promise<void> {
  for (const row of await dirtyRows(run.project.catalog, busy)) {
    const error = new EngineError('RUN_BUSY', { holder: 'a worker' })
    const failure = failureOf({ asset: asset.name, key: row.key }, error)
    run.failures.push(failure)
    run.options.onEvent?.({ type: 'failed', ...failure })
  }
}

/** `failing`: failures of the batch at hand, which are recorded when it ends. */
const mustStop = (run: Run, failing = 0): boolean =>
  run.options.stop?.aborted === true ||
  run.failures.length + failing >= (run.options.failuresMax ?? Infinity)

/** Attempts the tasks with bounded concurrency; commits groups as they become ready. */
async function runTasks(run: Run, tasks: readonly Task[]): Promise<void> {
  const queue = [...tasks]
  const ready: Finished[] = []
  const failed: Failed[] = []
  let committing: Promise<void> = Promise.resolve()
  let waitingSinceMs = 0
  const flush = (): void => {
    const group = ready.splice(0)
    if (group.length === 0) return
    committing = committing.then(async () => commitFinished(run, group))
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
