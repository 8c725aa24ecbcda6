/** Compares a run with its plan and with the naive model; returns what is wrong, in words. */
import { auditTrace } from '../../engine/catalog/trace-audit.ts'
import type { Plan, RunReport } from '../../engine/index.ts'
import { loadDefinitions } from '../../engine/index.ts'
import type { Expected } from './engine-model.ts'
import type { EngineProject } from './engine-project.ts'
import type { AssetSpec, Content } from './engine-specs.ts'
import type { Edges } from './engine-state.ts'
import { allEdges, orphans, presentNodes, storeOffences } from './engine-state.ts'

export type Names = ReadonlySet<string>

/** A run that ended. */
export interface RunToCheck {
  readonly at: EngineProject
  readonly specs: readonly AssetSpec[]
  readonly plan: Plan
  readonly report: RunReport
  /** node → its outcome, as the run told it */
  readonly outcomes: ReadonlyMap<string, string>
  readonly executed: Names
  readonly expected: Expected
  /** nodes that had lost a part before */
  readonly lost: Names
  /** the edges when it was planned */
  readonly edges: Edges
}

const minus = (all: Iterable<string>, ...without: readonly Names[]): readonly string[] =>
  [...all].filter((one) => without.every((names) => !names.has(one)))
const both = (all: Names, others: Names): readonly string[] =>
  [...all].filter((one) => others.has(one))

const isValue = (specs: readonly AssetSpec[], node: string): boolean =>
  specs.some(({ name, shape }) => shape === 'value' && node.startsWith(`${name}[`))

export const isOnDemand = (specs: readonly AssetSpec[], node: string): boolean =>
  specs.some(({ name, shape }) => shape === 'demand' && node.startsWith(`${name}[`))

/** Everything that is wrong with a run, its plan and what it left. */
export async function runOffences(run: RunToCheck): Promise<readonly string[]> {
  const wrong: string[] = []
  const note = (what: string, nodes: readonly string[]): void => {
    if (nodes.length > 0) wrong.push(`${what}: ${nodes.join(' ')}`)
  }
  const { expected, executed, outcomes, lost } = run
  const of = (...wanted: readonly string[]): Names =>
    new Set([...outcomes].flatMap(([node, outcome]) => (wanted.includes(outcome) ? [node] : [])))
  const ran = of('built', 'reused', 'cutoff')
  const failed = of('failed')
  note('ran without need', minus(ran, expected.ran))
  note('did not run', minus(expected.ran, ran))
  note('retired without need', minus(of('retired'), expected.retired))
  note('not retired', minus(expected.retired, of('retired')))
  note('failed unexpectedly', minus(failed, expected.failed))
  note('did not fail', minus(expected.failed, failed))
  note('executed though reused', both(of('reused'), executed))
  note('built without executing', minus(of('built'), executed))
  const listed = (verdict: string): Names =>
    new Set(
      run.plan.steps.flatMap((one) =>
        one.verdict === verdict ? [`${one.asset}[${one.key}]`] : [],
      ),
    )
  const unforeseen = await unforeseenNodes(run)
  // Below a failure everything waits, whatever was planned.
  const below: Names = expected.failed.size > 0 ? expected.held : new Set()
  note('planned build did not run', minus(listed('build'), ran, failed, below, unforeseen))
  note('planned reuse did not', minus(listed('reuse'), ran, failed, below, unforeseen))
  note('planned reuse executed', minus(both(listed('reuse'), executed), lost, unforeseen))
  note('planned retire did not', minus(listed('retire'), of('retired'), failed, below, unforeseen))
  const steps = new Set(run.plan.steps.map((one) => `${one.asset}[${one.key}]`))
  note('ran unlisted', minus(outcomes.keys(), steps, unforeseen))
  note('content differs', await contentOffences(run))
  if (run.report.status === 'failed' && expected.failed.size === 0) wrong.push('the run failed')
  return wrong
}

async function contentOffences({ at, specs, expected }: RunToCheck): Promise<readonly string[]> {
  const found = new Map(
    [...(await presentNodes(at.project.catalog))].map(([node, { value }]) => [node, value]),
  )
  const right = new Map([...expected.contents].map(([node, value]) => [node, canonical(value)]))
  // Plan, run and model may each meet a reader that names an on-demand node, and another not.
  const isUnread = (node: string): boolean =>
    isOnDemand(specs, node) && !(found.has(node) && right.has(node))
  // A value may have been evaluated before what it reads became stale in the same run.
  const wasEvaluated = (node: string): boolean => expected.held.has(node) && isValue(specs, node)
  return [...new Set([...found.keys(), ...right.keys()])].filter(
    (node) => found.get(node) !== right.get(node) && !isUnread(node) && !wasEvaluated(node),
  )
}

const canonical = (value: Content): string =>
  JSON.stringify(value, (_name, one: unknown) =>
    one === null || typeof one !== 'object' || Array.isArray(one)
      ? one
      : Object.fromEntries(Object.entries(one).toSorted(([a], [b]) => (a < b ? -1 : 1))),
  )

/**
 * Nodes of which no plan could know: a build of this run wrote them, or its new value gave them a
 * member or named them as a read, or they read such a one.
 */
async function unforeseenNodes({ at, specs, edges }: RunToCheck): Promise<Names> {
  const now = await allEdges(at.project.catalog.db)
  const dependsOnValue = (node: string, source: string): boolean =>
    specs.some(
      ({ name, shape, from, reads }) =>
        node.startsWith(`${name}[`) &&
        [...from.filter(({ map }) => shape === 'output' || map === 'value'), ...reads].some(
          ({ parent }) => source.startsWith(`${parent}[`),
        ),
    )
  const found = new Set(
    [...now].flatMap(([node, sources]) => {
      const isNew = (source: string): boolean =>
        edges.get(node)?.has(source) !== true && dependsOnValue(node, source)
      return [...sources].some(isNew) ? [node] : []
    }),
  )
  for (let size = -1; size !== found.size;) {
    size = found.size
    for (const [node, sources] of now)
      if ([...sources].some((one) => found.has(one))) found.add(node)
  }
  return found
}

/** What must hold after every run that was not killed: the audit, the store, no intent, no orphan. */
export async function restOffences(
  { project, root }: EngineProject,
  lost: Names,
): Promise<readonly string[]> {
  const { catalog, graph } = project
  const report = await catalog.read(async (db) => {
    const snapshot = { db, dialect: catalog.dialect }
    return auditTrace(snapshot, await loadDefinitions(graph, snapshot, false))
  })
  const intents = await catalog.db.selectFrom('intent').select('node').execute()
  return [
    ...report.faults.map((fault) => `audit ${fault.kind} ${fault.node} ${fault.parent ?? ''}`),
    ...(await storeOffences(project, { root, except: lost })),
    ...intents.map(({ node }) => `an intent of node ${node} is left`),
    ...(await orphans(project)).map((folder) => `${folder} is an orphan`),
  ]
}

/** Nodes whose content differs between two projects, but for on-demand nodes nobody reads. */
export async function differences(
  one: EngineProject,
  clean: EngineProject,
  specs: readonly AssetSpec[],
): Promise<readonly string[]> {
  const [found, right] = [
    await presentNodes(one.project.catalog),
    await presentNodes(clean.project.catalog),
  ]
  return [...new Set([...found.keys(), ...right.keys()])].filter((node) => {
    const isForgotten = !right.has(node) && isOnDemand(specs, node)
    return found.get(node)?.contentId !== right.get(node)?.contentId && !isForgotten
  })
}
