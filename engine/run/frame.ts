/**
 * A frame: one consistent look at the graph, in a transaction, with what a plan expects on top.
 *
 * Resolving a node answers: what would its build read now? Members come from its edges, further
 * reads from the asset's pure `reads`, the recipe is one more slot. An absent node is no slot:
 * reading nothing and not reading are the same, so a key that never got content leaves no trace in
 * a fingerprint.
 */
import type { Definitions } from '../catalog/membership.ts'
import { createNodes } from '../catalog/membership.ts'
import type { Content, EdgeRow, NodeRow } from '../catalog/nodes.ts'
import { Contents, edgesInto, findNodes } from '../catalog/nodes.ts'
import type { DialectName, Handle, WriteTransaction } from '../catalog/open.ts'
import type { AssetDefinition, Inputs } from '../core/asset.ts'
import { inputsOf } from '../core/asset.ts'
import { ABSENT } from '../core/digest.ts'
import { assert } from '../core/errors.ts'
import type { Slot } from '../core/fingerprint.ts'
import { sortSlots } from '../core/fingerprint.ts'
import type { Key, NodeName } from '../core/key.ts'
import { nodeText, parseKey } from '../core/key.ts'

/** A slot, with the rows behind it. A negative version is one that a plan expects. */
export interface SlotAt extends Slot {
  readonly node: number
  readonly version: number
}

export interface Resolved {
  readonly row: NodeRow
  readonly key: Key
  /** some parent gives this key; a node that is none is retired */
  readonly isMember: boolean
  /** present slots, by name */
  readonly slots: readonly SlotAt[]
  readonly inputs: Inputs
  /** everything read, absent nodes too: (node, version) */
  readonly read: readonly (readonly [number, number])[]
  /** sources of edges that are no longer read */
  readonly dropped: readonly number[]
}

export interface Frame {
  readonly db: Handle
  readonly dialect: DialectName
  /** undefined: nothing may be created (a read-only look) */
  readonly trx: WriteTransaction | undefined
  readonly definitions: Definitions
  readonly contents: Contents
  /** node → what a plan expects it to contain */
  readonly expected: Map<number, Content & { readonly version: number }>
  /** evaluates nodes that exist only because something reads them */
  readonly evaluateNew: (asset: string) => Promise<void>
}

/** What a node contains in this frame, and under which version. */
function contentAt(frame: Frame, node: number, version: number): Content & { version: number } {
  const expected = frame.expected.get(node)
  return expected ?? { ...frame.contents.get(version), version }
}

interface Edge {
  readonly src: number
  readonly asset: string
  readonly key: string
  readonly version: number
}

/** Resolves nodes of one asset. One query for edges, one for contents, one for further reads. */
export async function resolveNodes(
  frame: Frame,
  asset: AssetDefinition,
  rows: readonly NodeRow[],
): Promise<readonly Resolved[]> {
  const edges = await edgesByTarget(frame, rows)
  const members = Object.keys((asset.kind === 'value' || asset.kind === 'stored' ? asset.from : undefined) ?? {})
  const reads = asset.kind === 'value' || asset.kind === 'stored' ? asset.reads : undefined
  const wanted = rows.map((row) => {
    const own = edges.get(row.id) ?? []
    const slots = own.filter((edge) => members.includes(edge.asset)).map((edge) => slotAt(frame, edge))
    const present = sortSlots(slots.filter((slot) => slot.contentId !== ABSENT))
    return reads === undefined ? [] : reads.nodes(parseKey(row.key), present)
  })
  const known = await locate(frame, edges, wanted.flat())
  const recipe = frame.definitions.recipes.get(asset.name)
  return rows.map((row, at) => {
    const own = edges.get(row.id) ?? []
    const kept = own.filter((edge) => members.includes(edge.asset) || edge.src === recipe)
    const further = unique(wanted[at] ?? []).map((name) => {
      const edge = known.get(nodeText(name))
      assert(edge !== undefined, `${nodeText(name)} was located`)
      return edge
    })
    const isMember = members.length === 0 || own.some((edge) => members.includes(edge.asset))
    return resolved(frame, row, { own, isMember, read: [...kept, ...further] })
  })
}

async function edgesByTarget(
  frame: Frame,
  rows: readonly NodeRow[],
): Promise<ReadonlyMap<number, readonly Edge[]>> {
  const found = await edgesInto(frame, rows.map((row) => row.id))
  await frame.contents.load(frame, found.map((edge) => edge.version))
  const byTarget = new Map<number, Edge[]>()
  for (const edge of found) {
    const list = byTarget.get(edge.dst) ?? []
    byTarget.set(edge.dst, list)
    list.push(named(frame, edge))
  }
  return byTarget
}

const named = ({ definitions }: Frame, edge: EdgeRow): Edge => ({
  src: edge.src,
  asset: definitions.ids.nameOf(edge.asset),
  key: edge.key,
  version: edge.version,
})

/** Rows of the named nodes: from the edges at hand, else from the catalog, else created. */
async function locate(
  frame: Frame,
  edges: ReadonlyMap<number, readonly Edge[]>,
  names: readonly NodeName[],
): Promise<ReadonlyMap<string, Edge>> {
  const known = new Map<string, Edge>()
  if (names.length === 0) return known
  for (const list of edges.values()) for (const edge of list) known.set(nodeText(edge), edge)
  const add = async (rows: readonly NodeRow[]): Promise<void> => {
    await frame.contents.load(frame, rows.map((row) => row.version))
    for (const row of rows) {
      const edge = { ...row, src: row.id, asset: frame.definitions.ids.nameOf(row.asset) }
      known.set(nodeText(edge), edge)
    }
  }
  const missing = (): NodeName[] => unique(names).filter((name) => !known.has(nodeText(name)))
  await add(await findNodes(frame, frame.definitions.ids, missing()))
  const fresh = missing()
  if (fresh.length === 0) return known
  assert(frame.trx !== undefined, 'a read-only look meets only nodes that exist')
  await createNodes(frame.trx, frame.definitions, fresh)
  for (const asset of new Set(fresh.map((name) => name.asset))) {
    const definition = frame.definitions.graph.assets.get(asset)
    if (definition?.kind === 'value' && definition.from === undefined) await frame.evaluateNew(asset)
  }
  await add(await findNodes(frame, frame.definitions.ids, fresh))
  return known
}

const slotAt = (frame: Frame, edge: Edge): SlotAt => {
  const { contentId, value, version } = contentAt(frame, edge.src, edge.version)
  return { asset: edge.asset, key: edge.key, contentId, value, node: edge.src, version }
}

function resolved(
  frame: Frame,
  row: NodeRow,
  {
    own,
    isMember,
    read,
  }: { readonly own: readonly Edge[]; readonly isMember: boolean; readonly read: readonly Edge[] },
): Resolved {
  const all = read.map((edge) => slotAt(frame, edge))
  const slots = sortSlots(all.filter((slot) => slot.contentId !== ABSENT))
  const sources = new Set(read.map((edge) => edge.src))
  const key = parseKey(row.key)
  return {
    row,
    key,
    isMember,
    slots,
    inputs: inputsOf(key, slots),
    read: all.map((slot) => [slot.node, slot.version]),
    dropped: own.map((edge) => edge.src).filter((src) => !sources.has(src)),
  }
}

const unique = (names: readonly NodeName[]): NodeName[] => [
  ...new Map(names.map((name) => [nodeText(name), name])).values(),
]
