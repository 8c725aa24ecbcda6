/**
 * Membership: which keys exist because of which parents.
 *
 * A node is created when a parent names it or a build reads it, and its creation names its own
 * children in turn, level by level, in the same transaction. Nothing is ever enumerated: the cost
 * is the number of nodes and edges that are new.
 */
import { sql } from 'kysely'
import type { KeysFrom } from '../core/asset.ts'
import type { Json } from '../core/digest.ts'
import type { AssetGraph } from '../core/graph.ts'
import type { NodeName } from '../core/key.ts'
import { formatKey, nodeText, parseKey } from '../core/key.ts'
import type { AssetIds, NodeRow } from './nodes.ts'
import { findNodes } from './nodes.ts'
import type { WriteTransaction } from './open.ts'
import { rowsTable } from './rows.ts'
import { markDirty } from './trace.ts'

/** What membership needs to know of the project; the same for a whole run. */
export interface Definitions {
  readonly graph: AssetGraph
  readonly ids: AssetIds
  /** asset → the node that holds its recipe version */
  readonly recipes: ReadonlyMap<string, number>
}

/** A key that a parent gives, and the parent's node id. */
export interface Child extends NodeName {
  readonly parent: number
}

/** The children one parent gives, by the given kind of map. */
export function childrenOf(
  { graph }: Definitions,
  parent: NodeName & { readonly id: number },
  given: { readonly by: KeysFrom['by']; readonly value: Json | undefined },
): readonly Child[] {
  return graph.childrenOf(parent.asset).flatMap((name) => {
    const child = graph.assets.get(name)
    const from =
      child?.kind === 'value' || child?.kind === 'stored' ? child.from?.[parent.asset] : undefined
    if (from === undefined || from.by !== given.by) return []
    return from
      .keys(parseKey(parent.key), given.value)
      .map((key) => ({ asset: name, key: formatKey(key), parent: parent.id }))
  })
}

/** Creates the named nodes that do not exist, and all their children. Returns all named nodes. */
export async function createNodes(
  trx: WriteTransaction,
  definitions: Definitions,
  names: readonly NodeName[],
): Promise<readonly NodeRow[]> {
  const wanted = uniqueNames(names)
  let created = await insertNodes(trx, definitions, wanted)
  while (created.length > 0) {
    const children = created.flatMap((row) =>
      childrenOf(
        definitions,
        { id: row.id, asset: definitions.ids.nameOf(row.asset), key: row.key },
        { by: 'key', value: undefined },
      ),
    )
    created = children.length === 0 ? [] : await linkChildren(trx, definitions, children)
  }
  return findNodes(trx, definitions.ids, wanted)
}

/** Creates children and their edges (version 0: not consumed yet). Returns the new nodes. */
async function linkChildren(
  trx: WriteTransaction,
  definitions: Definitions,
  children: readonly Child[],
): Promise<readonly NodeRow[]> {
  const names = uniqueNames(children)
  const created = await insertNodes(trx, definitions, names)
  const rows = await findNodes(trx, definitions.ids, names)
  const idOf = new Map(
    rows.map((row) => [nodeText({ asset: definitions.ids.nameOf(row.asset), key: row.key }), row.id]),
  )
  const edges = children.map((child) => [idOf.get(nodeText(child)) ?? 0, child.parent])
  const wanted = rowsTable(trx.dialect, { dst: 'int', src: 'int' }, edges)
  await sql`insert into edge (dst, src, src_version) select dst, src, 0 from ${wanted} w
    where true on conflict (dst, src) do nothing`.execute(trx.db)
  return created
}

async function insertNodes(
  trx: WriteTransaction,
  { ids, graph, recipes }: Definitions,
  names: readonly NodeName[],
): Promise<readonly NodeRow[]> {
  if (names.length === 0) return []
  const { db, dialect, revision } = trx
  const wanted = rowsTable(
    dialect,
    { asset: 'int', key: 'text' },
    names.map(({ asset, key }) => [ids.idOf(asset), key]),
  )
  const { rows } = await sql<NodeRow>`
    insert into node (asset, key) select asset, key from ${wanted} w where true
    on conflict (asset, key) do nothing
    returning id, asset, key, version, built, epoch`.execute(db)
  // Every built or evaluated node reads its recipe: that edge's version 0 is what makes it dirty.
  const made = rows.flatMap((row) => {
    const asset = ids.nameOf(row.asset)
    const kind = graph.assets.get(asset)?.kind
    const recipe = recipes.get(asset)
    return (kind === 'value' || kind === 'stored') && recipe !== undefined
      ? [[row.id, recipe, row.asset]]
      : []
  })
  if (made.length > 0) {
    const fresh = rowsTable(dialect, { dst: 'int', src: 'int', asset: 'int' }, made)
    await sql`insert into edge (dst, src, src_version) select dst, src, 0 from ${fresh} w`.execute(db)
    await sql`insert into dirty (node, asset, revision, cause)
      select dst, asset, ${revision}, 'new' from ${fresh} w`.execute(db)
  }
  return rows
}

/** A parent whose value this transaction changed. */
export interface ChangedParent extends NodeName {
  readonly id: number
  /** undefined: absent now */
  readonly value: Json | undefined
}

/** Moves the memberships that depend on values: adds, removes, marks. */
export async function moveMemberships(
  trx: WriteTransaction,
  definitions: Definitions,
  parents: readonly ChangedParent[],
): Promise<void> {
  const affected = parents.filter(({ asset }) => valueChildren(definitions, asset).length > 0)
  if (affected.length === 0) return
  const wanted = affected.flatMap((parent) =>
    childrenOf(definitions, parent, { by: 'value', value: parent.value }),
  )
  const held = await currentMembers(trx, definitions, affected)
  const key = (child: Child): string => `${child.parent} ${nodeText(child)}`
  const wantedKeys = new Set(wanted.map(key))
  const heldKeys = new Set(held.map(key))
  const lost = held.filter((member) => !wantedKeys.has(key(member)))
  const added = wanted.filter((child) => !heldKeys.has(key(child)))
  if (lost.length > 0) {
    const edges = rowsTable(trx.dialect, { dst: 'int', src: 'int' }, lost.map((m) => [m.node, m.parent]))
    await sql`delete from edge
      where (dst, src) in (select w.dst, w.src from ${edges} w)`.execute(trx.db)
    const marks = lost.map((member) => ({ node: member.node, source: member.parent }))
    await markDirty(trx, 'removed', uniqueBy(marks, (mark) => mark.node))
  }
  if (added.length > 0) await addMembers(trx, definitions, added)
}

async function addMembers(
  trx: WriteTransaction,
  definitions: Definitions,
  added: readonly Child[],
): Promise<void> {
  const rows = await createNodes(trx, definitions, added)
  await linkChildren(trx, definitions, added)
  const byName = new Map(
    rows.map((row) => [nodeText({ asset: definitions.ids.nameOf(row.asset), key: row.key }), row.id]),
  )
  const marks = added.flatMap((child) => {
    const node = byName.get(nodeText(child))
    return node === undefined ? [] : [{ node, source: child.parent }]
  })
  await markDirty(trx, 'input', uniqueBy(marks, (mark) => mark.node))
}

const valueChildren = ({ graph }: Definitions, asset: string): readonly string[] =>
  graph.childrenOf(asset).filter((name) => {
    const child = graph.assets.get(name)
    if (child?.kind !== 'value' && child?.kind !== 'stored') return false
    return child.from?.[asset]?.by === 'value'
  })

/** The members that the given parents give now, by maps that look at values. */
async function currentMembers(
  { db, dialect }: WriteTransaction,
  definitions: Definitions,
  parents: readonly ChangedParent[],
): Promise<readonly (Child & { readonly node: number })[]> {
  const wanted = rowsTable(
    dialect,
    { src: 'int', asset: 'int' },
    parents.flatMap((parent) =>
      valueChildren(definitions, parent.asset).map((name) => [parent.id, definitions.ids.idOf(name)]),
    ),
  )
  const { rows } = await sql<{ node: number; asset: number; key: string; parent: number }>`
    select e.dst as node, n.asset, n.key, e.src as parent from ${wanted} w
    join edge e on e.src = w.src join node n on n.id = e.dst and n.asset = w.asset
  `.execute(db)
  return rows.map((row) => ({ ...row, asset: definitions.ids.nameOf(row.asset) }))
}

const uniqueNames = (names: readonly NodeName[]): readonly NodeName[] => uniqueBy(names, nodeText)

function uniqueBy<Item>(list: readonly Item[], key: (one: Item) => string | number): readonly Item[] {
  return [...new Map(list.map((one) => [key(one), one])).values()]
}
