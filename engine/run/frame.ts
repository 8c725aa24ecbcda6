/**
 * A frame: one consistent look at the graph, in a transaction, with what a plan expects on top.
 *
 * Resolving a node answers: what would its build read now? Members come from its edges, further
 * reads from the asset's pure `reads`, the recipe is one more slot. An absent node is no slot:
 * reading nothing and not reading are the same, so a key that never got content leaves no trace in
 * a fingerprint.
 */
import type { StoredPart } from '../catalog/builds.ts'
import type { Definitions } from '../catalog/membership.ts'
import { createRead } from '../catalog/membership.ts'
import type { EdgeRow, NodeRow } from '../catalog/nodes.ts'
import type { Content } from '../catalog/contents.ts'
import { dirtyNodes, edgesInto, findNodes } from '../catalog/nodes.ts'
import { Contents } from '../catalog/contents.ts'
import type { DialectName, Connection, WriteTransaction } from '../catalog/open.ts'
import type { AssetDefinition, Inputs } from '../core/asset.ts'
import { inputsOf } from '../core/asset.ts'
import { ABSENT } from '../core/digest.ts'
import { assert } from '../core/errors.ts'
import type { Slot } from '../core/fingerprint.ts'
import { FRESHNESS, ROLLBACK, sortSlots } from '../core/fingerprint.ts'
import type { Key, NodeName } from '../core/key.ts'
import { formatKey, nodeText, parseKey } from '../core/key.ts'
import type { RollbackFact } from '../core/rollback.ts'
import { rollbackOf } from '../core/rollback.ts'

/** A slot, with the rows behind it. A negative version is one that a plan expects. */
export interface SlotAt extends Slot {
  readonly node: number
  readonly version: number
}

export interface Member {
  readonly src: number
  readonly asset: string
  readonly isPresent: boolean
}

export interface Resolved {
  readonly row: NodeRow
  readonly key: Key
  /** some parent with content gives this key; a node that is no member is retired */
  readonly isMember: boolean
  /** the parents that give this key */
  readonly members: readonly Member[]
  /** present slots, by name */
  readonly slots: readonly SlotAt[]
  readonly inputs: Inputs
  /** a person's decision that it stays at an earlier version, whatever else it reads */
  readonly rollback: RollbackFact | undefined
  /** everything read, absent nodes too: (node, version) */
  readonly read: readonly (readonly [number, number])[]
  /** sources of edges that are no longer read */
  readonly dropped: readonly number[]
}

/** What a plan expects a node to contain. */
export interface Expected extends Content {
  /** negative: a version that does not exist yet */
  readonly version: number
  /** of a stored node: where its parts will be linked from */
  readonly parts: readonly StoredPart[]
}

export interface Frame {
  readonly db: Connection
  readonly dialect: DialectName
  /** undefined: nothing may be created (a read-only look) */
  readonly trx: WriteTransaction | undefined
  readonly definitions: Definitions
  readonly contents: Contents
  /** node → what a plan expects it to contain */
  readonly expected: Map<number, Expected>
  /** nodes that an expected content takes a member from */
  readonly losing: Set<number>
  /** a node without content that will have some: it makes its children members */
  readonly mayAppear: (node: number) => boolean
  /** evaluates nodes that came into being because something reads them */
  readonly visitNew: (asset: string, rows: readonly NodeRow[]) => Promise<void>
}

/**
 * Resolves nodes of one asset. One query for edges, one for contents, one for further reads.
 *
 * A mapping edit resolves thousands of nodes at once: what they share (a mapping, a recipe) is one
 * slot, and what is derived from a node is made once.
 */
export async function resolveNodes(
  frame: Frame,
  asset: AssetDefinition,
  rows: readonly NodeRow[],
): Promise<readonly Resolved[]> {
  const edges = await edgesByTarget(frame, rows)
  const parents = membersOf(asset)
  const wanted = furtherReads(asset, { rows, edges })
  const known = await locate(frame, edges, wanted.flat())
  const recipe = frame.definitions.recipes.get(asset.name)
  return rows.map((row, at) => {
    const further = unique(wanted[at] ?? []).map((name) => {
      const slot = known.get(nodeText(name))
      assert(slot !== undefined, `${nodeText(name)} was located`)
      return slot
    })
    const own = edges.get(row.id) ?? []
    const { kept, members, others } = sortedOut(own, { parents, recipe })
    const isMember =
      parents.length === 0 ||
      members.some(({ src, isPresent }) => isPresent || frame.mayAppear(src))
    const read = [...kept, ...further]
    const slots = sortSlots(read.filter((slot) => slot.contentId !== ABSENT))
    const key = parseKey(row.key)
    return {
      row,
      key,
      isMember,
      members,
      slots,
      inputs: inputsOf(key, slots),
      rollback: rollbackOf(slots),
      read: read.map((slot) => [slot.node, slot.version]),
      dropped: notAmong(others, further),
    }
  })
}

/** A node's edges: what is always read (parents, recipe, rollback), and what `reads` has to name. */
function sortedOut(
  own: readonly SlotAt[],
  { parents, recipe }: { readonly parents: readonly string[]; readonly recipe: number | undefined },
): {
  readonly kept: readonly SlotAt[]
  readonly members: readonly Member[]
  readonly others: readonly SlotAt[]
} {
  const kept: SlotAt[] = []
  const members: Member[] = []
  const others: SlotAt[] = []
  for (const slot of own) {
    const isParent = parents.includes(slot.asset)
    // A cleared decision is absent, and no longer read.
    const isRollback = slot.asset === ROLLBACK && slot.contentId !== ABSENT
    ;(isParent || slot.node === recipe || isRollback ? kept : others).push(slot)
    if (!isParent) continue
    members.push({ src: slot.node, asset: slot.asset, isPresent: slot.contentId !== ABSENT })
  }
  return { kept, members, others }
}

function notAmong(slots: readonly SlotAt[], named: readonly SlotAt[]): readonly number[] {
  if (slots.length === 0) return []
  const nodes = new Set(named.map((slot) => slot.node))
  return slots.flatMap((slot) => (nodes.has(slot.node) ? [] : [slot.node]))
}

const membersOf = (asset: AssetDefinition): readonly string[] =>
  Object.keys((asset.kind === 'value' || asset.kind === 'stored' ? asset.from : undefined) ?? {})

/** What each node reads beside the nodes that gave it its key, by name; in order of `rows`. */
function furtherReads(
  asset: AssetDefinition,
  found: {
    readonly rows: readonly NodeRow[]
    readonly edges: ReadonlyMap<number, readonly SlotAt[]>
  },
): readonly (readonly NodeName[])[] {
  const derived = asset.kind === 'value' || asset.kind === 'stored' ? asset : undefined
  const reads = derived?.reads
  const isFresh = derived?.freshness !== undefined
  const members = membersOf(asset)
  return found.rows.map((row) => {
    const own = found.edges.get(row.id) ?? []
    const present = own.filter((slot) => slot.contentId !== ABSENT && members.includes(slot.asset))
    const named = reads === undefined ? [] : reads.nodes(parseKey(row.key), sortSlots(present))
    return isFresh ? [...named, { asset: FRESHNESS, key: asset.name }] : named
  })
}

/**
 * What dirty nodes would read now, as (reader, source), whether or not an edge says so already: a
 * node that was never resolved since its members moved has no edges for its reads. Creates nothing.
 */
export async function dirtyReads(
  snapshot: Pick<Frame, 'db' | 'dialect' | 'definitions'>,
): Promise<readonly (readonly [number, number])[]> {
  const { definitions } = snapshot
  const frame: Frame = {
    ...snapshot,
    trx: undefined,
    contents: new Contents(),
    expected: new Map(),
    losing: new Set(),
    mayAppear: () => false,
    visitNew: async () => undefined,
  }
  const pairs: (readonly [number, number])[] = []
  for (const asset of definitions.graph.order) {
    const rows = await dirtyNodes(frame.db, definitions.ids.idOf(asset.name))
    if (rows.length === 0) continue
    const wanted = furtherReads(asset, { rows, edges: await edgesByTarget(frame, rows) })
    const sources = await findNodes(frame, definitions.ids, unique(wanted.flat()))
    const idOf = new Map(
      sources.map((row) => [
        nodeText({ asset: definitions.ids.nameOf(row.asset), key: row.key }),
        row.id,
      ]),
    )
    const read = rows.flatMap((row, at) => (wanted[at] ?? []).map((name) => ({ row, name })))
    for (const { row, name } of read) {
      const source = idOf.get(nodeText(name))
      if (source !== undefined) pairs.push([row.id, source])
    }
  }
  return pairs
}

async function edgesByTarget(
  frame: Frame,
  rows: readonly NodeRow[],
): Promise<ReadonlyMap<number, readonly SlotAt[]>> {
  const targets = new Map(rows.map((row) => [row.id, row]))
  const found = (await edgesInto(frame, [...targets.keys()])).filter((edge) => {
    const gives = stillGives(frame, edge, targets.get(edge.dst))
    if (!gives) frame.losing.add(edge.dst)
    return gives
  })
  await frame.contents.load(
    frame,
    found.map((edge) => edge.version),
  )
  const slots = new Map<number, SlotAt>()
  const byTarget = new Map<number, SlotAt[]>()
  for (const edge of found) {
    const slot = slots.get(edge.src) ?? slotAt(frame, { ...edge, id: edge.src })
    slots.set(edge.src, slot)
    const list = byTarget.get(edge.dst)
    if (list === undefined) byTarget.set(edge.dst, [slot])
    else list.push(slot)
  }
  return byTarget
}

/** A run moves memberships by value when it commits the value; a plan asks the map itself. */
function stillGives(
  { expected, definitions }: Frame,
  edge: EdgeRow,
  target: NodeRow | undefined,
): boolean {
  const content = expected.get(edge.src)
  if (content === undefined || target === undefined) return true
  const child = definitions.graph.assets.get(definitions.ids.nameOf(target.asset))
  const parent = definitions.ids.nameOf(edge.asset)
  const from =
    child?.kind === 'value' || child?.kind === 'stored' ? child.from?.[parent] : undefined
  if (from?.by !== 'value') return true
  return from.keys(parseKey(edge.key), content.value).some((key) => formatKey(key) === target.key)
}

/** Slots of the named nodes: from the edges at hand, else from the catalog, else created. */
async function locate(
  frame: Frame,
  edges: ReadonlyMap<number, readonly SlotAt[]>,
  names: readonly NodeName[],
): Promise<ReadonlyMap<string, SlotAt>> {
  const known = new Map<string, SlotAt>()
  if (names.length === 0) return known
  const assets = new Set(names.map((name) => name.asset))
  const met = new Set<SlotAt>()
  for (const list of edges.values()) {
    for (const slot of list) if (assets.has(slot.asset)) met.add(slot)
  }
  for (const slot of met) known.set(nodeText(slot), slot)
  const add = async (rows: readonly NodeRow[]): Promise<void> => {
    await frame.contents.load(
      frame,
      rows.map((row) => row.version),
    )
    for (const row of rows) {
      const slot = slotAt(frame, row)
      known.set(nodeText(slot), slot)
    }
  }
  const wanted = unique(names)
  const missing = (): NodeName[] => wanted.filter((name) => !known.has(nodeText(name)))
  await add(await findNodes(frame, frame.definitions.ids, missing()))
  const fresh = missing()
  if (fresh.length === 0) return known
  assert(frame.trx !== undefined, 'a read-only look meets only nodes that exist')
  await createRead(frame.trx, frame.definitions, fresh)
  const made = await findNodes(frame, frame.definitions.ids, fresh)
  for (const [asset, own] of Map.groupBy(made, (row) => frame.definitions.ids.nameOf(row.asset))) {
    const definition = frame.definitions.graph.assets.get(asset)
    if (definition?.kind === 'value' && definition.from === undefined) {
      await frame.visitNew(asset, own)
    }
  }
  await add(await findNodes(frame, frame.definitions.ids, fresh))
  return known
}

/** What a node contains in this frame, as a slot. */
function slotAt(
  { definitions, contents, expected }: Frame,
  { id, asset, key, version }: Pick<NodeRow, 'id' | 'asset' | 'key' | 'version'>,
): SlotAt {
  const next = expected.get(id)
  const { contentId, value } = next ?? contents.get(version)
  const name = { asset: definitions.ids.nameOf(asset), key }
  return { ...name, contentId, value, node: id, version: next?.version ?? version }
}

function unique(names: readonly NodeName[]): readonly NodeName[] {
  if (names.length < 2) return names
  return [...new Map(names.map((name) => [nodeText(name), name])).values()]
}
