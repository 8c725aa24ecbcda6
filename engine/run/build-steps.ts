/**
 * The steps of building claimed nodes, shared by a run's stages and by workers: claim, support an
 * attempt, commit a group, record failures, release.
 */
import type { NewBuild } from '../catalog/builds.ts'
import { insertBuilds } from '../catalog/builds.ts'
import { Contents } from '../catalog/contents.ts'
import type { WriteTransaction } from '../catalog/open.ts'
import { EngineError } from '../core/errors.ts'
import { nodeText } from '../core/key.ts'
import type { AttemptSupport, Finished } from './attempt.ts'
import type { ClaimRequest, Claimed, Task } from './claim.ts'
import { claim } from './claim.ts'
import type { Group } from './commit.ts'
import { commitGroup, unfenced } from './commit.ts'
import { markLost } from './lost-parts.ts'
import type { Committed } from './project.ts'
import { clearIntents } from './recover.ts'
import type { Failure, Run } from './run-state.ts'
import { failureOf } from './run-state.ts'

/** Claims dirty nodes of one asset in one transaction; those that need nothing are settled. */
export async function claimNodes(
  run: Run,
  {
    asset,
    rows,
    worker,
  }: Pick<ClaimRequest, 'asset' | 'rows'> & {
    /** a worker's claim: it does not know what is stale, and has more to do in its transaction */
    readonly worker?: (trx: WriteTransaction, claimed: Claimed) => Promise<void>
  },
): Promise<Claimed> {
  const { project, definitions } = run
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
      const claimed = await claim(evaluation, {
        asset,
        rows,
        held: worker === undefined ? run.held : new Set(),
        readsDirty: worker !== undefined,
        hold: run.hold,
        nextAttempt: run.attemptNames(trx),
      })
      await worker?.(trx, claimed)
      return claimed
    },
    // A run's claims die with its run; a worker's name attempts that no later claim may repeat.
    { volatile: worker === undefined },
  )
}

/** What attempts of a run need. `signal` ends one of them early. */
export const supportOf = (run: Run, signal?: AbortSignal): AttemptSupport => ({
  project: run.project,
  definitions: run.definitions,
  signal: signal ?? run.options.abort ?? new AbortController().signal,
  progress: (node, progress) => run.options.onEvent?.({ type: 'progress', node, ...progress }),
  note: async (task, notes) => addNotes(run, task, notes),
})

/** Adds what would undo a build's stagings to its intent, before their first byte. */
async function addNotes(run: Run, task: Task, notes: readonly string[]): Promise<void> {
  if (notes.length === 0) return
  task.notes.push(...notes)
  const { holder } = run.hold
  await run.project.catalog.write(
    async (trx) => {
      await run.hold.require(trx)
      const { numUpdatedRows } = await trx.db
        .updateTable('intent')
        // Outputs are staged side by side: whichever writes last writes what all have noted.
        .set({ notes: JSON.stringify(task.notes) })
        .where('node', '=', task.node.row.id)
        .where('epoch', '=', task.epoch)
        .executeTakeFirst()
      // What nobody would undo must not be begun.
      if (numUpdatedRows === 0n) throw new EngineError('CLAIM_LOST', { holder, claims: 1 })
    },
    { volatile: true, bookkeeping: true },
  )
}

/** Commits finished attempts as one group, counts and tells them. */
export async function commitFinished(
  run: Run,
  group: readonly Finished[],
  also?: Group['also'],
): Promise<void> {
  const result = await commitGroup({ ...run, run: run.id, ...(also && { also }) }, group)
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

export interface Failed {
  readonly task: Task
  readonly error: unknown
}

/** A failed attempt whose claim still stands, and what is said of it. */
export interface Recorded extends Failed {
  readonly failure: Failure
}

/**
 * Records failed attempts: a build row each, with the code and never the cause's own words. What was
 * overtaken meanwhile is another's to tell.
 */
export async function recordFailures(
  run: Run,
  failed: readonly Failed[],
  also?: (trx: WriteTransaction, recorded: readonly Recorded[]) => Promise<void>,
): Promise<void> {
  if (failed.length === 0) return
  const nowMs = run.project.clock.nowMs()
  const recorded = await run.project.catalog.write(async (trx) => {
    await run.hold.require(trx)
    const open = await unfenced(trx, failed)
    const standing = failed.flatMap(({ task, error }): Recorded[] => {
      if (!open.has(task.node.row.id)) return []
      const name = { asset: task.asset.name, key: task.node.row.key }
      return [{ task, error, failure: failureOf(name, error) }]
    })
    await insertBuilds(
      trx,
      standing.map((one) => failedBuild(run, one, nowMs)),
    )
    // Whose part it is must be made again: else it would be looked for at every run.
    await markLost(trx, run.definitions, lostPaths(standing))
    await run.project.hooks.onCommit?.({ trx, nowMs, run: run.id }, standing.map(failedCommit))
    await also?.(trx, standing)
    return standing
  })
  const failures = recorded.map(({ failure }) => failure)
  run.failures.push(...failures)
  run.counts.failed += failures.length
  for (const failure of failures) run.options.onEvent?.({ type: 'failed', ...failure })
}

const failedBuild = (run: Run, { task, failure }: Recorded, atMs: number): NewBuild => ({
  node: task.node.row.id,
  run: run.id,
  outcome: 'failed',
  fingerprint: task.work.kind === 'retire' ? null : task.work.fingerprint,
  version: task.node.row.version,
  slots: '[]',
  attempt: null,
  atMs,
  ms: 0,
  rows: null,
  sizeBytes: null,
  cause: JSON.stringify(task.causes),
  error: failure.code,
  parts: 'none',
  publishes: false,
})

const failedCommit = ({ task, failure }: Recorded): Committed => ({
  asset: task.asset.name,
  key: task.node.row.key,
  outcome: 'failed',
  value: undefined,
  record: undefined,
  changed: false,
  ms: 0,
  rows: undefined,
  parts: [],
  error: failure.code,
  build: 0,
  epoch: task.epoch,
  fingerprint: null,
})

const lostPaths = (failed: readonly { readonly error: unknown }[]): readonly string[] =>
  failed.flatMap(({ error }) =>
    error instanceof EngineError && error.code === 'PART_MISSING'
      ? [(error as EngineError<'PART_MISSING'>).context.path]
      : [],
  )

/** Ends claims that lead to no commit: staged folders go, then the intents. */
export async function releaseClaims(run: Run, tasks: readonly Task[]): Promise<void> {
  if (tasks.length === 0) return
  const epochs = new Map(tasks.map((task) => [task.node.row.id, task.epoch]))
  const intents = await run.project.catalog.db
    .selectFrom('intent')
    .selectAll()
    .where('holder', '=', run.hold.holder)
    .where('state', '=', 'prepared')
    .execute()
  // A later claim of the same node is another attempt's, although it may be our own.
  const ours = intents.filter((intent) => epochs.get(intent.node) === intent.epoch)
  await run.project.store.abort(ours.flatMap((intent) => JSON.parse(intent.notes) as string[]))
  await clearIntents(run.project, ours)
}
