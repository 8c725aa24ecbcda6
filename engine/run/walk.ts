/**
 * Walks the graph once, upstream first, and says what would happen to every node it must look at.
 *
 * It looks at dirty nodes and at the dependents of what it expects to change, never at the rest:
 * the cost follows the change, not the number of partitions. Four things can be known of a node
 * after its turn:
 * - expected: its next content is known beforehand (a copy, a reuse, a retirement, a value);
 * - pending: it will run, and its content is not known yet; its dependents are `maybe`;
 * - held: it is stale and does not run in this plan; its dependents wait;
 * - nothing: it is current, or became so (a reverted edit).
 * Value nodes whose inputs are settled are evaluated for real, inside the planning transaction.
 */
import type { RetainedBuild, StoredPart } from '../catalog/builds.ts'
import { retainedBuilds } from '../catalog/builds.ts'
import type { DirtyRow, NodeRow } from '../catalog/nodes.ts'
import { ABSENT_CONTENT, dependentsOf, dirtyNodes, edgesInto, findNodes, findVersions } from '../catalog/nodes.ts'
import { commitTraces, unmark } from '../catalog/trace.ts'
import type { AssetDefinition, StoredAsset, ValueAsset } from '../core/asset.ts'
import { ABSENT, valueContentId } from '../core/digest.ts'
import type { NodeName } from '../core/key.ts'
import { nodeText } from '../core/key.ts'
import type { Cause, Step, Waiting } from '../core/plan.ts'
import { boundCauses } from '../core/plan.ts'
import { causesOf } from './causes.ts'
import type { Decision } from './decide.ts'
import { decide, outlineOf } from './decide.ts'
import type { Evaluation } from './evaluate.ts'
import { commitValues, evaluateOne, frameOf } from './evaluate.ts'
import type { Frame, Resolved } from './frame.ts'
import { resolveNodes } from './frame.ts'

/** Whether a node is selected. Asked for stored nodes only. */
export type Selected = (node: NodeName & { readonly id: number }) => boolean

export interface WalkResult {
  readonly steps: readonly Step[]
  readonly waiting: readonly Waiting[]
}

interface Walk {
  readonly evaluation: Evaluation
  readonly frame: Frame
  readonly selected: Selected
  readonly pending: Map<number, NodeName>
  readonly held: Map<number, NodeName>
  /** asset → nodes to look at because something upstream is pending, held or expected */
  readonly touched: Map<string, Map<number, NodeRow>>
  readonly steps: Step[]
  readonly waiting: Waiting[]
}

export async function walkGraph(evaluation: Evaluation, selected: Selected): Promise<WalkResult> {
  const walk: Walk = {
    evaluation,
    frame: frameOf(evaluation),
    selected,
    pending: new Map(),
    held: new Map(),
    touched: new Map(),
    steps: [],
    waiting: [],
  }
  for (const asset of evaluation.definitions.graph.order) {
    if (asset.kind === 'fact') continue
    const touched = walk.touched.get(asset.name) ?? new Map<number, NodeRow>()
    const id = evaluation.definitions.ids.idOf(asset.name)
    const dirty = await dirtyNodes(evaluation.trx.db, id)
    if (dirty.length === 0 && touched.size === 0) continue
    const moved = await visit(walk, asset, { dirty, touched })
    await touchDependents(walk, moved)
  }
  return { steps: walk.steps, waiting: walk.waiting }
}

interface Candidates {
  readonly dirty: readonly DirtyRow[]
  readonly touched: ReadonlyMap<number, NodeRow>
}

/** Looks at the candidates of one asset; returns the nodes whose dependents must be looked at. */
async function visit(
  walk: Walk,
  asset: AssetDefinition,
  candidates: Candidates,
): Promise<readonly number[]> {
  switch (asset.kind) {
    case 'output':
      return visitOutputs(walk, asset, candidates)
    case 'value':
      return visitValues(walk, asset, candidates)
    case 'stored':
      return visitStored(walk, asset, candidates)
    case 'fact':
      return []
  }
}

/** Outputs have no will of their own: they are as uncertain as the build that writes them. */
async function visitOutputs(
  walk: Walk,
  asset: AssetDefinition,
  { touched }: Candidates,
): Promise<readonly number[]> {
  const nodes = await resolveOutputs(walk, [...touched.values()])
  for (const { row, writer } of nodes) {
    const into = walk.pending.has(writer) ? walk.pending : walk.held
    into.set(row.id, { asset: asset.name, key: row.key })
  }
  return nodes.map(({ row }) => row.id)
}

async function resolveOutputs(
  walk: Walk,
  rows: readonly NodeRow[],
): Promise<readonly { readonly row: NodeRow; readonly writer: number }[]> {
  const edges = await edgesInto(walk.frame, rows.map((row) => row.id))
  const writers = new Map(edges.map((edge) => [edge.dst, edge.src]))
  return rows.flatMap((row) => {
    const writer = writers.get(row.id)
    if (writer === undefined) return []
    return walk.pending.has(writer) || walk.held.has(writer) ? [{ row, writer }] : []
  })
}

async function visitValues(
  walk: Walk,
  asset: ValueAsset,
  { dirty, touched }: Candidates,
): Promise<readonly number[]> {
  const dirtyIds = new Set(dirty.map((row) => row.id))
  const rows = [...dirty, ...[...touched.values()].filter((row) => !dirtyIds.has(row.id))]
  const settled: Resolved[] = []
  const moved: number[] = []
  for (const node of await resolveNodes(walk.frame, asset, rows)) {
    const name = { asset: asset.name, key: node.row.key }
    // A new node has no edges for its reads yet, so its sources are asked, not its touches.
    if (firstIn(walk.held, node) !== undefined) walk.held.set(node.row.id, name)
    else if (firstIn(walk.pending, node) !== undefined) walk.pending.set(node.row.id, name)
    else if (!readsExpected(walk, node)) {
      if (dirtyIds.has(node.row.id)) settled.push(node)
      continue
    } else if (!(await expectValue(walk, asset, node))) continue
    moved.push(node.row.id)
  }
  await commitValues(walk.evaluation, asset, settled)
  return moved
}

/** Evaluates over expected contents, in memory. Returns whether the value would change. */
async function expectValue(walk: Walk, asset: ValueAsset, node: Resolved): Promise<boolean> {
  const value = evaluateOne(asset, node)
  const contentId = value === undefined ? ABSENT : valueContentId(value)
  await walk.frame.contents.load(walk.frame, [node.row.version])
  if (walk.frame.contents.get(node.row.version).contentId === contentId) return false
  expect(walk, node.row.id, { contentId, value })
  return true
}

const expect = (walk: Walk, node: number, content: typeof ABSENT_CONTENT): void => {
  const version = content.contentId === ABSENT ? 0 : -node
  walk.frame.expected.set(node, { ...content, version })
}

const firstIn = (set: ReadonlyMap<number, NodeName>, node: Resolved): NodeName | undefined => {
  for (const [source] of node.read) {
    const name = set.get(source)
    if (name !== undefined) return name
  }
  return undefined
}

/** An expected content the node had before goes under that version: a dependent may know it. */
async function nameExpected(walk: Walk, nodes: readonly number[]): Promise<void> {
  const expected = nodes.flatMap((node) => {
    const content = walk.frame.expected.get(node)
    return content === undefined || content.version >= 0 ? [] : [{ node, ...content }]
  })
  const known = await findVersions(walk.frame, expected)
  for (const { node, version, ...content } of expected) {
    walk.frame.expected.set(node, { ...content, version: known.get(node) ?? version })
  }
}

interface Judged {
  readonly node: Resolved
  readonly dirty: DirtyRow | undefined
  readonly decision: Decision
  readonly current: RetainedBuild | undefined
  readonly pendingOn: NodeName | undefined
}

async function visitStored(
  walk: Walk,
  asset: StoredAsset,
  { dirty, touched }: Candidates,
): Promise<readonly number[]> {
  const dirtyById = new Map(dirty.map((row) => [row.id, row]))
  const rows = [...dirty, ...[...touched.values()].filter((row) => !dirtyById.has(row.id))]
  const moved: number[] = []
  const runnable: Resolved[] = []
  for (const node of await resolveNodes(walk.frame, asset, rows)) {
    const name = { asset: asset.name, key: node.row.key, id: node.row.id }
    const heldBy = firstIn(walk.held, node)
    if (heldBy === undefined && walk.selected(name)) {
      runnable.push(node)
      continue
    }
    if (heldBy !== undefined && walk.selected(name)) {
      const why = `${nodeText(heldBy)} has to be built first`
      walk.waiting.push({ asset: asset.name, key: name.key, kind: 'upstream', why, on: heldBy })
    }
    walk.held.set(name.id, { asset: asset.name, key: name.key })
    moved.push(name.id)
  }
  const judged = await judge(walk, asset, { nodes: runnable, dirtyById })
  await settle(walk, judged)
  const steps: Judged[] = []
  for (const one of judged) {
    const { node, decision, pendingOn } = one
    const name = { asset: asset.name, key: node.row.key }
    if (decision.kind === 'blocked' && pendingOn === undefined) {
      walk.waiting.push({ ...name, kind: 'blocked', why: decision.why })
      walk.held.set(node.row.id, name)
      moved.push(node.row.id)
      continue
    }
    if ((decision.kind === 'clean' || decision.kind === 'absent') && pendingOn === undefined) continue
    steps.push(one)
    if (await foresee(walk, one, name)) moved.push(node.row.id)
  }
  await addSteps(walk, asset, steps)
  await nameExpected(walk, moved)
  return moved
}

/** Puts what a step will make under expected or pending. Returns whether dependents are touched. */
async function foresee(walk: Walk, { node, decision, pendingOn }: Judged, name: NodeName): Promise<boolean> {
  if (pendingOn === undefined && decision.kind === 'retire') {
    expect(walk, node.row.id, ABSENT_CONTENT)
    return true
  }
  if (pendingOn === undefined && (decision.kind === 'ready' || decision.kind === 'known')) {
    const version = decision.kind === 'known' ? decision.version : node.row.version
    await walk.frame.contents.load(walk.frame, [node.row.version, version])
    const next = decision.kind === 'known' ? walk.frame.contents.get(version) : decision
    if (next.contentId === walk.frame.contents.get(node.row.version).contentId) return false
    expect(walk, node.row.id, { contentId: next.contentId, value: next.value })
    return true
  }
  walk.pending.set(node.row.id, name)
  return true
}

async function judge(
  walk: Walk,
  asset: StoredAsset,
  {
    nodes,
    dirtyById,
  }: { readonly nodes: readonly Resolved[]; readonly dirtyById: ReadonlyMap<number, DirtyRow> },
): Promise<readonly Judged[]> {
  const builds = await retainedBuilds(walk.frame, nodes.map((node) => node.row.id), 'all')
  const partsOf = await copySources(walk.frame, asset, nodes)
  return nodes.map((node) => {
    const dirty = dirtyById.get(node.row.id)
    const own = builds.get(node.row.id) ?? []
    const decision = decide({ asset, node, dirty, builds: own, partsOf })
    const current = own.find((build) => build.current)
    return { node, dirty, decision, current, pendingOn: firstIn(walk.pending, node) }
  })
}

/** The parts of every node that an outline wants to copy. */
export async function copySources(
  frame: Frame,
  asset: StoredAsset,
  nodes: readonly Resolved[],
): Promise<(name: NodeName) => readonly StoredPart[] | undefined> {
  const wanted = nodes.flatMap((node) => {
    const outline = outlineOf(asset, node)
    return outline.verdict === 'copy' ? [outline.of] : []
  })
  const rows = await findNodes(frame, frame.definitions.ids, wanted)
  const builds = await retainedBuilds(frame, rows.map((row) => row.id), 'current')
  const parts = new Map(
    rows.map((row) => [
      nodeText({ asset: frame.definitions.ids.nameOf(row.asset), key: row.key }),
      builds.get(row.id)?.[0]?.parts,
    ]),
  )
  return (name) => parts.get(nodeText(name))
}

/** Ends what turned out to be no work: reverted edits, and nodes that have and get no content. */
async function settle(walk: Walk, judged: readonly Judged[]): Promise<void> {
  const { trx } = walk.evaluation
  const final = judged.filter((one) => one.pendingOn === undefined && !readsExpected(walk, one.node))
  const clean = final.filter((one) => one.decision.kind === 'clean' && one.dirty !== undefined)
  const absent = final.filter((one) => one.decision.kind === 'absent')
  await unmark(trx, clean.map((one) => one.node.row.id))
  const versions = [...absent, ...clean].map((one) => one.node.row.version)
  await walk.frame.contents.load(walk.frame, versions)
  await commitTraces(
    trx,
    [...absent, ...clean].map(({ node }) => ({
      node: node.row.id,
      ...walk.frame.contents.get(node.row.version),
      value: null,
      read: node.read,
      dropped: node.dropped,
      claimRevision: trx.revision,
    })),
  )
}

const readsExpected = (walk: Walk, node: Resolved): boolean =>
  node.read.some(([source]) => walk.frame.expected.has(source))

async function addSteps(walk: Walk, asset: StoredAsset, judged: readonly Judged[]): Promise<void> {
  const causes = await causesOf(walk.frame, judged)
  for (const [at, { node, decision, pendingOn }] of judged.entries()) {
    const own = causes[at] ?? []
    const upstream: Cause[] = pendingOn === undefined ? [] : [{ kind: 'upstream', ...pendingOn }]
    walk.steps.push({
      asset: asset.name,
      key: node.row.key,
      verdict: verdictOf(decision, pendingOn !== undefined),
      ...boundCauses(decision.kind === 'clean' ? upstream : [...own, ...upstream]),
      ...partCounts(decision),
    })
  }
}

function verdictOf(decision: Decision, isPending: boolean): Step['verdict'] {
  if (decision.kind === 'build') return 'build'
  if (isPending) return 'maybe'
  return decision.kind === 'retire' ? 'retire' : 'reuse'
}

function partCounts(decision: Decision): Pick<Step, 'partsToCompute' | 'partsKept'> {
  if (decision.kind === 'ready') return { partsToCompute: 0, partsKept: decision.parts.length }
  if (decision.kind !== 'build' || decision.parts === undefined) return {}
  const found = decision.parts.filter((part) => part.found !== undefined).length
  return { partsToCompute: decision.parts.length - found, partsKept: found }
}

async function touchDependents(walk: Walk, moved: readonly number[]): Promise<void> {
  for (const row of await dependentsOf(walk.frame, moved)) {
    const asset = walk.frame.definitions.ids.nameOf(row.asset)
    const nodes = walk.touched.get(asset) ?? new Map<number, NodeRow>()
    walk.touched.set(asset, nodes)
    nodes.set(row.id, row)
  }
}
