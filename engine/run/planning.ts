/**
 * Planning: observe → sync → mark → evaluate → walk, the last four in one catalog transaction.
 *
 * `plan` and what-if roll that transaction back, `materialize` keeps it; so a plan is made by the
 * very code that a run starts with, and withdrawals, pins and severity edits plan exactly. When
 * nothing was observed and nothing is dirty, no transaction is opened and nothing is written.
 */
import type { Definitions } from '../catalog/membership.ts'
import { replayMembership } from '../catalog/membership.ts'
import type { NodeRow } from '../catalog/nodes.ts'
import { dirtyCounts, findNodes } from '../catalog/nodes.ts'
import { Contents } from '../catalog/contents.ts'
import type { Connection, WriteTransaction } from '../catalog/open.ts'
import { Rollback } from '../catalog/transaction.ts'
import type { Actor } from '../catalog/runs.ts'
import { catalogRevision, insertAudit } from '../catalog/runs.ts'
import { markDirty } from '../catalog/trace.ts'
import { frameDigest, valueContentId } from '../core/digest.ts'
import { EngineError } from '../core/errors.ts'
import { nodeText } from '../core/key.ts'
import type { Plan, Step, Waiting } from '../core/plan.ts'
import { averageBuildMs, liveCounts, waitingNodes } from '../catalog/overview.ts'
import type { Evaluation } from './evaluate.ts'
import { replaceFacts, writeFacts } from './facts.ts'
import type { Fact, Observation, PlanningAccess, Project } from './project.ts'
import { freshnessFacts, loadDefinitions, recipeFacts } from './project.ts'
import type { Selection } from './select.ts'
import { compileSelection, followsEdges, selectedNodes } from './select.ts'
import { walkGraph } from './walk.ts'

export interface PlanOptions {
  /** the selection grammar of core/selection.ts; default `*` */
  readonly selection?: string
  /** rebuild the selection although nothing differs */
  readonly force?: boolean
  readonly actor: Actor
  /** further changes to plan with: what-if documents, verify findings, decisions */
  readonly also?: readonly Observation[]
}

export interface Observed {
  readonly digest: string
  readonly changes: readonly Observation[]
}

/** When what was seen outside was last applied: a look from before then may be out of date. */
export async function observedRevision(db: Connection): Promise<number> {
  const row = await db.selectFrom('catalog').select('observed').executeTakeFirstOrThrow()
  return row.observed
}

/** Looks at everything outside. No writes. */
export async function observe(
  project: Project,
  also: readonly Observation[] = [],
): Promise<Observed> {
  const context = { db: project.catalog.db, nowMs: project.clock.nowMs() }
  const seen: Observation[] = [...also]
  for (const observer of project.observers) seen.push(await observer.observe(context))
  return {
    digest: frameDigest(seen.map((one) => one.digest)),
    changes: seen.filter((one) => one.apply !== undefined),
  }
}

/** The plan, and nothing else: nothing is written. */
export async function makePlan(project: Project, options: PlanOptions): Promise<Plan> {
  const observed = await observe(project, options.also)
  const quiet = await quietPlan(project, options, observed)
  if (quiet !== undefined) return quiet
  return project.catalog.write(async (trx) => {
    const { plan } = await planIn(trx, { project, options, observed, run: 0 })
    throw new Rollback(plan)
  })
}

/** The plan of a project in which there is nothing to do; undefined when there may be. */
export async function quietPlan(
  project: Project,
  options: PlanOptions,
  observed: Observed,
): Promise<Plan | undefined> {
  if (observed.changes.length > 0 || options.force === true) return undefined
  return project.catalog.read(async (db) => {
    const snapshot = { db, dialect: project.catalog.dialect }
    const definitions = await loadDefinitions(project.graph, snapshot, false)
    // Nodes of an asset that is no longer declared stay as they are.
    const isDeclared = (asset: number): boolean =>
      definitions.graph.assets.has(definitions.ids.nameOf(asset))
    if ([...(await dirtyCounts(db)).keys()].some(isDeclared)) return undefined
    const graph = definitions.graph
    const own = [...recipeFacts(graph), ...freshnessFacts(graph, project.clock.nowMs())]
    if ((await changedFacts(snapshot, definitions, own)).length > 0) return undefined
    const selection = compileSelection(project.graph, options.selection ?? '*')
    const basis = { revision: await catalogRevision(db), observation: observed.digest }
    return finish({ db, definitions, selection, basis, steps: [], waiting: [], staleCount: 0 })
  })
}

/** Whether an observation, or what the project itself states, differs from what the catalog has. */
export async function hasMoved(project: Project, observed: Observed): Promise<boolean> {
  if (observed.changes.length > 0) return true
  const { catalog, clock, graph } = project
  const definitions = await loadDefinitions(graph, catalog, false)
  const own = [...recipeFacts(graph), ...freshnessFacts(graph, clock.nowMs())]
  return (await changedFacts(catalog, definitions, own)).length > 0
}

/** The facts, of those the project itself states, that the catalog does not hold like this. */
async function changedFacts(
  snapshot: Pick<WriteTransaction, 'db' | 'dialect'>,
  definitions: Definitions,
  facts: readonly Fact[],
): Promise<readonly Fact[]> {
  const rows = await findNodes(snapshot, definitions.ids, facts)
  const contents = new Contents()
  await contents.load(
    snapshot,
    rows.map((row) => row.version),
  )
  const known = new Map(
    rows.map((row) => [
      nodeText({ asset: definitions.ids.nameOf(row.asset), key: row.key }),
      contents.get(row.version).contentId,
    ]),
  )
  return facts.filter((fact) => known.get(nodeText(fact)) !== valueContentId(fact.value ?? null))
}

export interface PlanningResult {
  readonly plan: Plan
  readonly evaluation: Evaluation
  readonly selection: Selection
}

/** Everything between an observation and a plan, inside the given transaction. */
export async function planIn(
  trx: WriteTransaction,
  {
    project,
    options,
    observed,
    run,
    onFault,
  }: {
    readonly project: Project
    readonly options: PlanOptions
    readonly observed: Observed
    readonly run: number
    readonly onFault?: Evaluation['onFault']
  },
): Promise<PlanningResult> {
  const nowMs = project.clock.nowMs()
  const selection = compileSelection(project.graph, options.selection ?? '*')
  const known = await loadDefinitions(project.graph, trx, true)
  const changed = await changedFacts(trx, known, recipeFacts(project.graph))
  await writeFacts(trx, known, recipeFacts(project.graph))
  const definitions = await loadDefinitions(project.graph, trx, true)
  for (const { key } of changed) await replayMembership(trx, definitions, key)
  await writeFacts(trx, definitions, freshnessFacts(project.graph, nowMs))
  const access = planningAccess(trx, { definitions, actor: options.actor, nowMs })
  for (const change of observed.changes) await change.apply?.(access)
  if (observed.changes.length > 0) {
    await trx.db.updateTable('catalog').set({ observed: trx.revision }).execute()
  }
  const evaluation: Evaluation = {
    trx,
    definitions,
    contents: new Contents(),
    hooks: project.hooks,
    store: project.store,
    nowMs,
    run,
    ...(onFault && { onFault }),
  }
  if (options.force === true)
    await force(trx, { definitions, selection, actor: options.actor, nowMs })
  const snapshot = { db: trx.db, dialect: trx.dialect, definitions }
  // A spread by keys follows edges, and evaluating values makes some: it is asked when they are made.
  if (followsEdges(selection)) await walkGraph(evaluation, async () => () => false)
  const walked = await walkGraph(evaluation, async () => selectedNodes(selection, snapshot))
  const basis = { revision: trx.revision - 1, observation: observed.digest }
  const plan = await finish({ db: trx.db, definitions, selection, basis, ...walked })
  return { plan, evaluation, selection }
}

/** What observations may do in a transaction. */
export const planningAccess = (
  trx: WriteTransaction,
  {
    definitions,
    actor,
    nowMs,
  }: { readonly definitions: Definitions; readonly actor: Actor; readonly nowMs: number },
): PlanningAccess => ({
  trx,
  actor,
  nowMs,
  writeFacts: async (facts) => void (await writeFacts(trx, definitions, facts)),
  replaceFacts: async (assets, facts) =>
    void (await replaceFacts(trx, definitions, { assets, facts })),
  forceNodes: async (nodes) => {
    // Many may ask for one node: it is marked once, for the last of them.
    const wanted = new Map(nodes.map((one) => [nodeText(one), one]))
    const rows = await findNodes(trx, definitions.ids, [...wanted.values()])
    const named = (row: NodeRow): string =>
      nodeText({ asset: definitions.ids.nameOf(row.asset), key: row.key })
    const marks = rows.map((row) => ({
      node: row.id,
      reason: wanted.get(named(row))?.reason ?? '',
    }))
    await markDirty(trx, 'forced', marks)
  },
})

async function force(
  trx: WriteTransaction,
  {
    definitions,
    selection,
    actor,
    nowMs,
  }: {
    readonly definitions: Definitions
    readonly selection: Selection
    readonly actor: Actor
    readonly nowMs: number
  },
): Promise<void> {
  const isSelected = await selectedNodes(selection, {
    db: trx.db,
    dialect: trx.dialect,
    definitions,
  })
  const stored = [...definitions.graph.assets.values()].filter((asset) => asset.kind === 'stored')
  const ids = stored.map((asset) => definitions.ids.idOf(asset.name))
  const nodes = trx.db.selectFrom('node').select(['id', 'asset', 'key'])
  // PostgreSQL refuses an empty list.
  const rows = ids.length === 0 ? [] : await nodes.where('asset', 'in', ids).execute()
  const chosen = rows.filter((row) =>
    isSelected({ id: row.id, asset: definitions.ids.nameOf(row.asset), key: row.key }),
  )
  const marks = chosen.map((row) => ({ node: row.id, reason: actor.reason }))
  await markDirty(trx, 'forced', marks)
  await insertAudit(trx, {
    atMs: nowMs,
    actor,
    action: 'force',
    subject: selection.text,
    run: null,
  })
}

async function finish({
  db,
  definitions,
  selection,
  basis,
  steps,
  waiting,
  staleCount,
}: {
  readonly db: WriteTransaction['db']
  readonly definitions: Definitions
  readonly selection: Selection
  readonly basis: Plan['basis']
  readonly steps: readonly Step[]
  readonly waiting: readonly Waiting[]
  readonly staleCount: number
}): Promise<Plan> {
  const live = await liveCounts(db)
  const stored = definitions.graph.order.filter((asset) => asset.kind === 'stored')
  const partitions = stored.reduce((sum, asset) => sum + (live.get(asset.name) ?? 0), 0)

  const averages = steps.length === 0 ? new Map<string, number>() : await averageBuildMs(db)
  const holds = await waitingNodes(db)
  return {
    id: frameDigest(['plan/1', String(basis.revision), basis.observation, selection.text]).slice(
      0,
      12,
    ),
    basis,
    selection: selection.text,
    steps: steps.map((step) => {
      const estimateMs = averages.get(step.asset)
      return estimateMs === undefined ? step : { ...step, estimateMs }
    }),
    waiting: [...waiting, ...holds.map((hold) => ({ ...hold, kind: 'hold' as const }))],
    unchanged: partitions - staleCount,
  }
}

/** Throws PLAN_MOVED unless the plan is the one a person looked at. */
export function requirePlan(plan: Plan, wanted: string | undefined): void {
  if (wanted === undefined || plan.id === wanted) return
  throw new EngineError('PLAN_MOVED', { wanted, now: plan.id })
}
