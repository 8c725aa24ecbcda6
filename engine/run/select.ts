/** Turns a selection into a question about nodes: by asset where it can, by edges where it must. */
import type { Definitions } from '../catalog/membership.ts'
import { dependentsOf, edgesInto } from '../catalog/nodes.ts'
import type { DialectName, Connection } from '../catalog/open.ts'
import { EngineError } from '../core/errors.ts'
import type { AssetGraph } from '../core/graph.ts'
import type { NodeName } from '../core/key.ts'
import { parseKey } from '../core/key.ts'
import type { SelectionNode } from '../core/selection.ts'
import { matches, parseSelection } from '../core/selection.ts'
import { dirtyReads } from './frame.ts'
import { candidateRows } from './selected-rows.ts'

export interface Selection {
  readonly text: string
  readonly root: SelectionNode
}

/** Parses a selection and checks its names against the graph. */
export function compileSelection(graph: AssetGraph, text: string): Selection {
  const root = parseSelection(text)
  check(graph, root, text)
  return { text, root }
}

function check(graph: AssetGraph, node: SelectionNode, text: string): void {
  if (node.type === 'and' || node.type === 'or') for (const one of node.of) check(graph, one, text)
  else if (node.type === 'not' || node.type === 'spread') check(graph, node.of, text)
  if (node.type !== 'asset') return
  const asset = graph.assets.get(node.asset)
  if (asset === undefined) {
    throw new EngineError('ASSET_UNKNOWN', { asset: node.asset, known: [...graph.assets.keys()] })
  }
  const known = asset.dimensions
  if (node.prefix.length > known.length) {
    const reason = `${node.asset} has the dimensions ${known.join(', ')}`
    throw new EngineError('SELECTION_SYNTAX', { selection: text, column: node.column, reason })
  }
  const wrong = node.predicates.find((predicate) => !known.includes(predicate.dimension))
  if (wrong === undefined) return
  const reason = `${node.asset} has no dimension ${wrong.dimension}, only ${known.join(', ')}`
  throw new EngineError('SELECTION_SYNTAX', { selection: text, column: wrong.column, reason })
}

export type NodeTest = (node: NodeName & { readonly id: number }) => boolean

interface Snapshot {
  readonly db: Connection
  readonly dialect: DialectName
  readonly definitions: Definitions
}

/** The test for a selection; reads edges only for a spread over key predicates. */
export async function selectedNodes(selection: Selection, snapshot: Snapshot): Promise<NodeTest> {
  return testOf(selection.root, snapshot)
}

async function testOf(node: SelectionNode, snapshot: Snapshot): Promise<NodeTest> {
  const { graph } = snapshot.definitions
  switch (node.type) {
    case 'all':
      return () => true
    case 'tag':
      return ({ asset }) => graph.assets.get(asset)?.tags?.includes(node.value) ?? false
    case 'kind':
      return ({ asset }) => graph.assets.get(asset)?.kind === node.value
    case 'not': {
      const inner = await testOf(node.of, snapshot)
      return (one) => !inner(one)
    }
    case 'and':
    case 'or': {
      const tests = await Promise.all(node.of.map(async (one) => testOf(one, snapshot)))
      return node.type === 'and'
        ? (one) => tests.every((test) => test(one))
        : (one) => tests.some((test) => test(one))
    }
    case 'asset':
      return assetTest(node, graph)
    case 'spread':
      return byAsset(node.of) ? assetSpread(node, snapshot) : nodeSpread(node, snapshot)
  }
}

function assetTest(
  { asset, predicates, prefix }: Extract<SelectionNode, { type: 'asset' }>,
  graph: AssetGraph,
): NodeTest {
  const dimensions = graph.assets.get(asset)?.dimensions ?? []
  // An output is made by its writer's build: to select it is to select that build.
  const writer = graph.writerOf(asset)
  if (predicates.length === 0 && prefix.length === 0) {
    return (node) => node.asset === asset || node.asset === writer?.name
  }
  return (node) => {
    if (node.asset !== asset && node.asset !== writer?.name) return false
    const own = node.asset === asset ? dimensions : (writer?.dimensions ?? [])
    const values = new Map(parseKey(node.key).map((value, at) => [own[at] ?? '', value]))
    // A dimension that the writer has not is no reason to leave its build out.
    const holds = (dimension: string, test: (value: string) => boolean): boolean => {
      const value = values.get(dimension)
      return value === undefined ? node.asset !== asset : test(value)
    }
    return (
      prefix.every((wanted, at) => holds(dimensions[at] ?? '', (value) => value === wanted)) &&
      predicates.every((one) => holds(one.dimension, (value) => matches(one, value)))
    )
  }
}

/** Whether the selection asks for the ancestors or descendants of single nodes. */
export const followsEdges = ({ root }: Selection): boolean => spreadsNodes(root)

function spreadsNodes(node: SelectionNode): boolean {
  if (node.type === 'and' || node.type === 'or') return node.of.some(spreadsNodes)
  if (node.type === 'not') return spreadsNodes(node.of)
  return node.type === 'spread' && (!byAsset(node.of) || spreadsNodes(node.of))
}

const byAsset = (node: SelectionNode): boolean => {
  if (node.type === 'asset') return node.predicates.length === 0 && node.prefix.length === 0
  if (node.type === 'and' || node.type === 'or') return node.of.every(byAsset)
  return node.type === 'not' || node.type === 'spread' ? byAsset(node.of) : true
}

type Spread = Extract<SelectionNode, { type: 'spread' }>

async function assetSpread({ of, up, down }: Spread, snapshot: Snapshot): Promise<NodeTest> {
  const { graph } = snapshot.definitions
  const test = await testOf(of, snapshot)
  const start = [...graph.assets.keys()].filter((asset) => test({ asset, key: '', id: 0 }))
  const chosen = new Set(start)
  const grow = (next: (asset: string) => readonly string[], depth: number): void => {
    let level = start
    for (let at = 0; at < depth && level.length > 0; at++) {
      level = [...new Set(level.flatMap(next))]
      for (const asset of level) chosen.add(asset)
    }
  }
  grow(graph.parentsOf, up)
  grow(graph.childrenOf, down)
  return ({ asset }) => chosen.has(asset)
}

async function nodeSpread({ of, up, down }: Spread, snapshot: Snapshot): Promise<NodeTest> {
  const { db, definitions } = snapshot
  const test = await testOf(of, snapshot)
  const { graph, ids } = definitions
  const rows = await candidateRows(of, { db, graph, ids })
  const start = rows.filter(test).map((row) => row.id)
  const chosen = new Set(start)
  const grow = async (
    next: (nodes: readonly number[]) => Promise<readonly number[]>,
    depth: number,
  ): Promise<void> => {
    let level: readonly number[] = start
    const seen = new Set(start)
    for (let at = 0; at < depth && level.length > 0; at++) {
      level = [...new Set(await next(level))].filter((id) => !seen.has(id))
      for (const id of level) seen.add(id)
    }
    for (const id of seen) chosen.add(id)
  }
  const reads = await dirtyReads(snapshot)
  const sources = Map.groupBy(reads, ([reader]) => reader)
  const readers = Map.groupBy(reads, ([, source]) => source)
  await grow(async (nodes) => {
    const edges = await edgesInto(snapshot, nodes)
    const read = nodes.flatMap((node) => (sources.get(node) ?? []).map(([, source]) => source))
    return [...edges.map((edge) => edge.src), ...read]
  }, up)
  await grow(async (nodes) => {
    const dependents = await dependentsOf(snapshot, nodes)
    const read = nodes.flatMap((node) => (readers.get(node) ?? []).map(([reader]) => reader))
    return [...dependents.map((row) => row.id), ...read]
  }, down)
  return ({ id }) => chosen.has(id)
}
