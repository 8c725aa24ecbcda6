/** `lineage`: what a partition was made from, and what is made from it, along recorded edges. */
import { dependentsOf, edgesInto } from '../catalog/nodes.ts'
import { RECIPE } from '../core/fingerprint.ts'
import type { NodeName } from '../core/key.ts'
import { compareText } from '../core/key.ts'
import type { CommandCall } from './command.ts'
import { flagOption, textOption } from './command.ts'
import { EXIT } from './fault.ts'
import type { Lookup } from './node-lookup.ts'
import { openLookup, requireNode } from './node-lookup.ts'
import { nodePath, parseNode, partitionOf } from './node-name.ts'
import { FORMAT_VERSION } from './plan-json.ts'
import { countText } from './text.ts'

interface LineageNode extends NodeName {
  readonly id: number
}

interface Lineage {
  readonly root: number
  readonly nodes: ReadonlyMap<number, LineageNode>
  /** from a node to what it was made from */
  readonly up: ReadonlyMap<number, readonly number[]>
  /** from a node to what is made from it */
  readonly down: ReadonlyMap<number, readonly number[]>
  /** more than NODES_MAX were found: the rest is left out */
  readonly isCut: boolean
}

const NODES_MAX = 10_000

/** Runs `lineage`. */
export async function runLineage(call: CommandCall): Promise<number> {
  const { terminal } = call
  const { project } = await call.open({ sync: false })
  const node = parseNode(project.graph, call.words[0] ?? '')
  const both = flagOption(call, 'up') === flagOption(call, 'down')
  const lineage = await trace(await openLookup(project), node, {
    up: both || flagOption(call, 'up'),
    down: both || flagOption(call, 'down'),
  })
  const format = call.json ? 'json' : (textOption(call, 'format') ?? 'text')
  if (format === 'json') {
    const nameOf = (id: number): object => {
      const name = lineage.nodes.get(id) ?? node
      return { asset: name.asset, partition: partitionOf(project.graph, name) }
    }
    const edges = edgesOf(lineage).map(([from, to]) => ({ from: nameOf(from), to: nameOf(to) }))
    const nodes = [...lineage.nodes.keys()].map(nameOf)
    terminal.printJson({ format_version: FORMAT_VERSION, node: nameOf(lineage.root), nodes, edges })
  } else if (format === 'dot') terminal.print(dotText(lineage))
  else terminal.print(treeText(lineage, terminal.out.dim))
  if (lineage.isCut) terminal.note(`cut at ${countText(NODES_MAX)} partitions`)
  return EXIT.done
}

async function trace(
  lookup: Lookup,
  start: NodeName,
  wanted: { readonly up: boolean; readonly down: boolean },
): Promise<Lineage> {
  const { catalog } = lookup.project
  const { ids } = lookup.definitions
  const root = await requireNode(lookup, start)
  const nodes = new Map<number, LineageNode>([[root.id, { id: root.id, ...start }]])
  const recipes = ids.idOf(RECIPE)
  let isCut = false
  const walk = async (
    next: (
      level: readonly number[],
    ) => Promise<readonly (readonly [number, LineageNode & { row: number }])[]>,
  ): Promise<ReadonlyMap<number, readonly number[]>> => {
    const links = new Map<number, number[]>()
    const seen = new Set([root.id])
    for (let level: readonly number[] = [root.id]; level.length > 0;) {
      const fresh: number[] = []
      for (const [from, to] of await next(level)) {
        if (to.row === recipes) continue
        links.set(from, [...(links.get(from) ?? []), to.id])
        if (seen.has(to.id)) continue
        seen.add(to.id)
        if (nodes.size >= NODES_MAX) isCut = true
        else {
          nodes.set(to.id, { id: to.id, asset: to.asset, key: to.key })
          fresh.push(to.id)
        }
      }
      level = fresh
    }
    return links
  }
  const upward = async (level: readonly number[]) =>
    (await edgesInto(catalog, level)).flatMap((edge) => {
      // A source that is absent gave nothing.
      if (edge.version === 0) return []
      const to = { id: edge.src, row: edge.asset, asset: ids.nameOf(edge.asset), key: edge.key }
      return [[edge.dst, to] as const]
    })
  const downward = async (level: readonly number[]) => {
    const rows = await dependentsOf(catalog, level)
    const known = new Map(rows.map((row) => [row.id, row]))
    const sources = new Set(level)
    const edges = await edgesInto(
      catalog,
      rows.map((row) => row.id),
    )
    return edges.flatMap((edge) => {
      const row = known.get(edge.dst)
      if (row === undefined || !sources.has(edge.src)) return []
      const to = { id: row.id, row: row.asset, asset: ids.nameOf(row.asset), key: row.key }
      return [[edge.src, to] as const]
    })
  }
  const up = wanted.up ? await walk(upward) : new Map<number, number[]>()
  const down = wanted.down ? await walk(downward) : new Map<number, number[]>()
  return { root: root.id, nodes, up, down, isCut }
}

/** Every edge as (made from, made). */
function edgesOf({ up, down, nodes }: Lineage): readonly (readonly [number, number])[] {
  const upper = [...up].flatMap(([to, sources]) => sources.map((from) => [from, to] as const))
  const lower = [...down].flatMap(([from, made]) => made.map((to) => [from, to] as const))
  return [...upper, ...lower].filter(([from, to]) => nodes.has(from) && nodes.has(to))
}

function dotText(lineage: Lineage): string {
  const name = (id: number): string =>
    JSON.stringify(nodePath(lineage.nodes.get(id) as LineageNode))
  const lines = edgesOf(lineage).map(([from, to]) => `  ${name(from)} -> ${name(to)}`)
  return ['digraph lineage {', '  rankdir=LR', ...lines, '}'].join('\n')
}

/** Trees up and down; a node met again is named, with its branch left out. */
function treeText(lineage: Lineage, dim: (text: string) => string): string {
  const lines: string[] = []
  const name = (id: number): string => nodePath(lineage.nodes.get(id) as LineageNode)
  const branch = (
    links: ReadonlyMap<number, readonly number[]>,
    id: number,
    { depth, seen }: { readonly depth: number; readonly seen: Set<number> },
  ): void => {
    const next = (links.get(id) ?? []).filter((one) => lineage.nodes.has(one))
    for (const one of next.toSorted((a, b) => compareText(name(a), name(b)))) {
      const known = seen.has(one) && (links.get(one) ?? []).length > 0
      lines.push(`${'  '.repeat(depth)}${name(one)}${known ? dim('  (above)') : ''}`)
      if (seen.has(one)) continue
      seen.add(one)
      branch(links, one, { depth: depth + 1, seen })
    }
  }
  lines.push(name(lineage.root))
  if (lineage.up.size > 0) lines.push(dim('made from'))
  branch(lineage.up, lineage.root, { depth: 1, seen: new Set() })
  if (lineage.down.size > 0) lines.push(dim('what is made from it'))
  branch(lineage.down, lineage.root, { depth: 1, seen: new Set() })
  return lines.join('\n')
}
