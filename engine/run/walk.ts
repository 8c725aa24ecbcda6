/**
 * Walks the graph once, upstream first, and says what would happen to every node it must look at.
 *
 * It looks at dirty nodes and at the dependents of what it expects to change, never at the rest:
 * the cost follows the change, not the number of partitions. Five things can be known of a node
 * after its turn:
 * - expected: its next content is known beforehand (a copy, a reuse, a retirement, a value);
 * - pending: it will run, and its content is not known yet; its dependents are `maybe`, or `build`
 *   where they differ whatever comes out (sure.ts);
 * - held: it is stale and does not run in this plan; its dependents wait;
 * - doubted: it is not selected, and stale only if a pending node changes; its dependents are
 *   `maybe` at best;
 * - nothing: it is current, or became so (a reverted edit).
 * Value nodes whose inputs are settled are evaluated for real, inside the planning transaction.
 */
import type { NodeRow } from '../catalog/nodes.ts'
import { dependentsOf, dirtyNodes, edgesInto } from '../catalog/nodes.ts'
import { ABSENT_CONTENT } from '../catalog/contents.ts'
import type { AssetDefinition, ValueAsset } from '../core/asset.ts'
import { ABSENT, valueContentId } from '../core/digest.ts'
import { assert } from '../core/errors.ts'
import type { Step, Waiting } from '../core/plan.ts'
import type { Evaluation } from './evaluate.ts'
import { commitValues, frameOf, tryEvaluate } from './evaluate.ts'
import type { Resolved } from './frame.ts'
import { resolveNodes } from './frame.ts'
import type { Candidates, Walk } from './walk-state.ts'
import { expectContent, firstIn, nameExpected, readsExpected } from './walk-state.ts'
import { visitStored } from './walk-stored.ts'

export interface WalkResult {
  readonly steps: readonly Step[]
  readonly waiting: readonly Waiting[]
  /** stored partitions with content that are not current */
  readonly staleCount: number
}

/** Walks. `selectedNow` is asked once an asset: the walk itself makes nodes. */
export async function walkGraph(
  evaluation: Evaluation,
  selectedNow: Walk['selectedNow'],
): Promise<WalkResult> {
  const pending: Walk['pending'] = new Map()
  const { graph, ids } = evaluation.definitions
  const walk: Walk = {
    evaluation,
    frame: {
      ...frameOf(evaluation),
      mayAppear: (node) => pending.has(node),
      // A node that comes into being because something reads it has its turn there and then.
      visitNew: async (name, rows) => {
        const asset = graph.assets.get(name)
        assert(asset?.kind === 'value', `${name} is a value asset`)
        await visitValues(walk, asset, { rows, isDirty: () => true })
      },
    },
    selectedNow,
    pending,
    surely: new Set(),
    held: new Map(),
    doubted: new Map(),
    touched: new Map(),
    steps: [],
    waiting: [],
    stale: new Set(),
  }
  for (const asset of graph.order) {
    if (asset.kind === 'fact') continue
    const touched = walk.touched.get(asset.name) ?? new Map<number, NodeRow>()
    const dirty = await dirtyNodes(evaluation.trx.db, ids.idOf(asset.name))
    if (dirty.length === 0 && touched.size === 0) continue
    const moved = await visit(walk, asset, { dirty, touched })
    await touchDependents(walk, moved)
  }
  return { steps: walk.steps, waiting: walk.waiting, staleCount: walk.stale.size }
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
    case 'value': {
      const dirty = new Set(candidates.dirty.map((row) => row.id))
      const touched = [...candidates.touched.values()].filter((row) => !dirty.has(row.id))
      const rows = [...candidates.dirty, ...touched]
      return visitValues(walk, asset, { rows, isDirty: (id) => dirty.has(id) })
    }
    case 'stored':
      return visitStored(walk, asset, candidates)
    case 'fact':
      return []
  }
}

/** Outputs have no will of their own: what is known of their writer is known of them. */
async function visitOutputs(
  walk: Walk,
  asset: AssetDefinition,
  { touched }: Candidates,
): Promise<readonly number[]> {
  const rows = [...touched.values()]
  const edges = await edgesInto(
    walk.frame,
    rows.map((row) => row.id),
  )
  const writers = new Map(edges.map((edge) => [edge.dst, edge.src]))
  return rows.flatMap(({ id, key }) => {
    const writer = writers.get(id) ?? 0
    const name = { asset: asset.name, key }
    const sets = [walk.held, walk.doubted, walk.pending].filter((set) => set.has(writer))
    for (const set of sets) set.set(id, name)
    if (sets.length > 0) return [id]
    if (walk.frame.expected.get(writer)?.contentId !== ABSENT) return []
    expectContent(walk, id, ABSENT_CONTENT)
    return [id]
  })
}

async function visitValues(
  walk: Walk,
  asset: ValueAsset,
  {
    rows,
    isDirty,
  }: { readonly rows: readonly NodeRow[]; readonly isDirty: (node: number) => boolean },
): Promise<readonly number[]> {
  const settled: Resolved[] = []
  const moved: number[] = []
  for (const node of await resolveNodes(walk.frame, asset, rows)) {
    const name = { asset: asset.name, key: node.row.key }
    const { id } = node.row
    // A new node has no edges for its reads yet, so its sources are asked, not its touches.
    const sets = [walk.held, walk.doubted, walk.pending].filter(
      (set) => firstIn(set, node) !== undefined,
    )
    for (const set of sets) set.set(id, name)
    const isUnsettled = walk.held.has(id) || walk.pending.has(id)
    if (!isUnsettled && !readsExpected(walk, node)) {
      if (isDirty(id)) settled.push(node)
      if (sets.length > 0) moved.push(id)
    } else if (isUnsettled || (await expectValue(walk, asset, node)) || sets.length > 0) {
      moved.push(id)
    }
  }
  for (const { row } of await commitValues(walk.evaluation, asset, settled)) {
    walk.held.set(row.id, { asset: asset.name, key: row.key })
    moved.push(row.id)
  }
  await nameExpected(walk, moved)
  return moved
}

/** Evaluates over expected contents, in memory. Returns whether the value would change. */
async function expectValue(walk: Walk, asset: ValueAsset, node: Resolved): Promise<boolean> {
  const found = tryEvaluate(walk.evaluation, asset, node)
  if (found === undefined) {
    walk.held.set(node.row.id, { asset: asset.name, key: node.row.key })
    return true
  }
  const { value } = found
  const contentId = value === undefined ? ABSENT : valueContentId(value)
  await walk.frame.contents.load(walk.frame, [node.row.version])
  if (walk.frame.contents.get(node.row.version).contentId === contentId) return false
  expectContent(walk, node.row.id, { contentId, value })
  return true
}

async function touchDependents(walk: Walk, moved: readonly number[]): Promise<void> {
  for (const row of await dependentsOf(walk.frame, moved)) {
    const asset = walk.frame.definitions.ids.nameOf(row.asset)
    const nodes = walk.touched.get(asset) ?? new Map<number, NodeRow>()
    walk.touched.set(asset, nodes)
    nodes.set(row.id, row)
  }
}
