/**
 * The nodes from which a selection by keys spreads, found by index: an asset and the key values that
 * the selection fixes are a range of keys. At 1,000,000 nodes the range `canonical[type=t1,state=s0]`
 * costs 0.2 ms where reading all of them costs 1.5 s.
 */
import { sql } from 'kysely'
import type { AssetIds } from '../catalog/nodes.ts'
import type { Connection } from '../catalog/open.ts'
import type { AssetGraph } from '../core/graph.ts'
import type { NodeName } from '../core/key.ts'
import { formatKey } from '../core/key.ts'
import type { SelectionNode } from '../core/selection.ts'

/** Keys of one asset: all of them, or those with these leading values. */
interface KeyRange {
  readonly asset: string
  readonly leading: readonly string[]
  /** the leading values are the whole key */
  readonly isWhole: boolean
}

type NamedRow = NodeName & { readonly id: number }

/** Every node that may match, and others: a superset, in no order. */
export async function candidateRows(
  root: SelectionNode,
  {
    db,
    graph,
    ids,
  }: { readonly db: Connection; readonly graph: AssetGraph; readonly ids: AssetIds },
): Promise<readonly NamedRow[]> {
  const ranges = rangesOf(root, graph)
  if (ranges === undefined) {
    const rows = await db.selectFrom('node').select(['id', 'asset', 'key']).execute()
    return rows.map((row) => ({ ...row, asset: ids.nameOf(row.asset) }))
  }
  const found = new Map<number, NamedRow>()
  for (const range of ranges) {
    const { rows } = await sql<{ id: number; key: string }>`
      select id, key from node where asset = ${ids.idOf(range.asset)} and ${keyTest(range)}
    `.execute(db)
    for (const { id, key } of rows) found.set(id, { id, key, asset: range.asset })
  }
  return [...found.values()]
}

const allOf = (asset: string): KeyRange => ({ asset, leading: [], isWhole: false })

function keyTest({ leading, isWhole }: KeyRange) {
  if (leading.length === 0) return sql`1 = 1`
  const text = formatKey(leading)
  // `0` is the character after `/`: every longer key with these values, and no other.
  return isWhole ? sql`key = ${text}` : sql`key >= ${`${text}/`} and key < ${`${text}0`}`
}

/** The ranges that hold every match; undefined: it may be any node. */
function rangesOf(node: SelectionNode, graph: AssetGraph): readonly KeyRange[] | undefined {
  switch (node.type) {
    case 'asset':
      return rangesOfAsset(node, graph)
    case 'and':
      return node.of.map((one) => rangesOf(one, graph)).find((ranges) => ranges !== undefined)
    case 'or': {
      const all = node.of.map((one) => rangesOf(one, graph))
      return all.every((ranges) => ranges !== undefined) ? all.flat() : undefined
    }
    case 'all':
    case 'kind':
    case 'not':
    case 'spread':
    case 'tag':
      return undefined
  }
}

function rangesOfAsset(
  node: Extract<SelectionNode, { type: 'asset' }>,
  graph: AssetGraph,
): readonly KeyRange[] {
  const dimensions = graph.assets.get(node.asset)?.dimensions ?? []
  const fixed = new Map(
    node.predicates
      .filter(({ operator, value }) => operator === '=' && value !== '' && !value.includes('*'))
      .map((one) => [one.dimension, one.value]),
  )
  const values = dimensions.map((name, at) => node.prefix[at] ?? fixed.get(name))
  const end = values.indexOf(undefined)
  const leading = values.slice(0, end < 0 ? values.length : end).flatMap((value) => value ?? [])
  const own = { asset: node.asset, leading, isWhole: end < 0 }
  // An output is selected through its writer, whose dimensions are its own.
  const writer = graph.writerOf(node.asset)
  return writer === undefined ? [own] : [own, allOf(writer.name)]
}
