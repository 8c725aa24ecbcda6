/**
 * The definition graph: which asset reads which, in what order they are built.
 *
 * Checked when it is made: unique names, declared parents, no cycle (with its path), one writer
 * per output. graphology holds it; the order is its topological order, ties by declaration.
 */
import { DirectedGraph } from 'graphology'
import { hasCycle, topologicalSort } from 'graphology-dag'
import type { AssetDefinition, StoredAsset } from './asset.ts'
import { EngineError } from './errors.ts'

export interface AssetGraph {
  readonly assets: ReadonlyMap<string, AssetDefinition>
  /** upstream first */
  readonly order: readonly AssetDefinition[]
  readonly parentsOf: (asset: string) => readonly string[]
  readonly childrenOf: (asset: string) => readonly string[]
  /** the stored asset whose build writes this output asset */
  readonly writerOf: (output: string) => StoredAsset | undefined
}

const NAME = /^[a-z][a-z0-9_]*$/

/** The assets an asset reads, members first. */
export function parentNames(asset: AssetDefinition): readonly string[] {
  if (asset.kind === 'fact' || asset.kind === 'output') return []
  return [...Object.keys(asset.from ?? {}), ...(asset.reads?.assets ?? [])]
}

/** Builds and checks the graph. Throws GRAPH_INVALID naming every fault of the first kind met. */
export function buildGraph(definitions: readonly AssetDefinition[]): AssetGraph {
  const graph = new DirectedGraph()
  const assets = new Map<string, AssetDefinition>()
  for (const asset of definitions) {
    if (!NAME.test(asset.name)) invalid(`${asset.name}: a name is snake case`)
    if (assets.has(asset.name)) invalid(`${asset.name} is declared twice`)
    assets.set(asset.name, asset)
    graph.addNode(asset.name)
  }
  const writers = new Map<string, StoredAsset>()
  for (const asset of definitions) connect(asset, { graph, assets, writers })
  for (const asset of definitions) {
    if (asset.kind === 'output' && !writers.has(asset.name)) invalid(`nothing writes ${asset.name}`)
  }
  if (hasCycle(graph)) invalid(`the assets form a cycle: ${cyclePath(graph).join(' → ')}`)
  const order = topologicalSort(graph).flatMap((name) => assets.get(name) ?? [])
  return {
    assets,
    order,
    // The recipe facts are nodes of no declared asset.
    parentsOf: (name) => (graph.hasNode(name) ? graph.inNeighbors(name) : []),
    childrenOf: (name) => (graph.hasNode(name) ? graph.outNeighbors(name) : []),
    writerOf: (name) => writers.get(name),
  }
}

interface Building {
  readonly graph: DirectedGraph
  readonly assets: ReadonlyMap<string, AssetDefinition>
  readonly writers: Map<string, StoredAsset>
}

function connect(asset: AssetDefinition, building: Building): void {
  for (const parent of parentNames(asset)) connectParent(asset.name, parent, building)
  if (asset.kind !== 'stored') return
  if (Object.keys(asset.from).length === 0) {
    invalid(`${asset.name} has no parent that gives it keys`)
  }
  for (const output of asset.outputs ?? []) connectOutput(asset, output, building)
}

function connectParent(name: string, parent: string, { graph, assets }: Building): void {
  if (!assets.has(parent)) invalid(`${name} reads ${parent}, which is not declared`)
  if (parent === name) invalid(`${name} reads itself`)
  if (graph.hasDirectedEdge(parent, name)) {
    invalid(`${name} names ${parent} twice: a parent gives keys or is read, not both`)
  }
  graph.addDirectedEdge(parent, name)
}

function connectOutput(
  asset: StoredAsset,
  output: string,
  { graph, assets, writers }: Building,
): void {
  if (assets.get(output)?.kind !== 'output' || writers.has(output)) {
    invalid(`${asset.name} writes ${output}, which is no output asset or has a writer`)
  }
  writers.set(output, asset)
  graph.addDirectedEdge(asset.name, output)
}

function invalid(what: string): never {
  throw new EngineError('GRAPH_INVALID', { what })
}

/** One cycle as a closed path of names. Iterative, as graphs may be deep. */
function cyclePath(graph: DirectedGraph): readonly string[] {
  const left = new Set(graph.nodes())
  for (let shrunk = true; shrunk;) {
    shrunk = false
    for (const name of left) {
      if (graph.inNeighbors(name).some((parent) => left.has(parent))) continue
      left.delete(name)
      shrunk = true
    }
  }
  const [start] = left
  const path: string[] = []
  for (let at = start; at !== undefined && !path.includes(at);) {
    path.push(at)
    at = graph.inNeighbors(at).find((parent) => left.has(parent))
    if (at !== undefined && path.includes(at))
      return [...path.slice(path.indexOf(at)), at].toReversed()
  }
  return path
}
