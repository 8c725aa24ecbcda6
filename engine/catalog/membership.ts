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
function childrenOf(
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
  await createAll(trx, definitions, wanted)
  return findNodes(trx, definitions.ids, wanted)
}

/**
 * Creates nodes that something reads although nothing has made them: they are absent, and so is
 * every child they have. They need no build to say so, and must not make their readers wait.
 */
export async function createRead(
  trx: WriteTransaction,
  definitions: Definitions,
  names: readonly NodeName[],
): Promise<void> {
  const { graph, ids, recipes } = definitions
  const created = await createAll(trx, definitions, uniqueNames(names))
  const absent = created.flatMap(({ id, asset }) => {
    const recipe = recipes.get(ids.nameOf(asset))
    const definition = graph.assets.get(ids.nameOf(asset))
    const isDerived =
      definition?.kind === 'stored' ||
      (definition?.kind === 'value' && definition.from !== undefined)
    return isDerived && recipe !== undefined ? [[id, recipe]] : []
  })
  if (absent.length === 0) return
  const wanted = rowsTable(trx.dialect, { dst: 'int', src: 'int' }, absent)
  await sql`update edge set src_version = r.version from ${wanted} w join node r on r.id = w.src
    where edge.dst = w.dst and edge.src = w.src`.execute(trx.db)
  await sql`delete from dirty where node in (select w.dst from ${wanted} w)`.execute(trx.db)
}

/** Creates nodes and their children, level by level. Returns those that are new. */
async function createAll(
  trx: WriteTransaction,
  definitions: Definitions,
  names: readonly NodeName[],
): Promise<readonly NodeRow[]> {
  const all: NodeRow[] = []
  let created = await insertNodes(trx, definitions, names)
  while (created.length > 0) {
    all.push(...created)
    const children = created.flatMap((row) =>
      childrenOf(
        definitions,
        { id: row.id, asset: definitions.ids.nameOf(row.asset), key: row.key },
        { by: 'key', value: undefined },
      ),
    )
    created = children.length === 0 ? [] : await linkChildren(trx, definitions, children)
  }
  return all
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
    rows.map((row) => [
      nodeText({ asset: definitions.ids.nameOf(row.asset), key: row.key }),
      row.id,
    ]),
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
    await sql`insert into edge (dst, src, src_version) select dst, src, 0 from ${fresh} w`.execute(
      db,
    )
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
  await changeMembers(trx, definitions, { wanted, held })
}

/** An edge that a map gave. */
interface Held extends Child {
  readonly node: number
}

/** Adds the wanted members that are not held, removes the held ones that are not wanted. */
async function changeMembers(
  trx: WriteTransaction,
  definitions: Definitions,
  { wanted, held }: { readonly wanted: readonly Child[]; readonly held: readonly Held[] },
): Promise<void> {
  const key = (child: Child): string => `${child.parent} ${nodeText(child)}`
  const wantedKeys = new Set(wanted.map(key))
  const heldKeys = new Set(held.map(key))
  const lost = held.filter((member) => !wantedKeys.has(key(member)))
  const added = wanted.filter((child) => !heldKeys.has(key(child)))
  if (lost.length > 0) {
    const edges = rowsTable(
      trx.dialect,
      { dst: 'int', src: 'int' },
      lost.map((m) => [m.node, m.parent]),
    )
    await sql`delete from edge
      where (dst, src) in (select w.dst, w.src from ${edges} w)`.execute(trx.db)
    const marks = lost.map((member) => ({ node: member.node, source: member.parent }))
    await markDirty(
      trx,
      'removed',
      uniqueBy(marks, (mark) => mark.node),
    )
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
    rows.map((row) => [
      nodeText({ asset: definitions.ids.nameOf(row.asset), key: row.key }),
      row.id,
    ]),
  )
  const marks = added.flatMap((child) => {
    const node = byName.get(nodeText(child))
    return node === undefined ? [] : [{ node, source: child.parent }]
  })
  await markDirty(
    trx,
    'input',
    uniqueBy(marks, (mark) => mark.node),
  )
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
): Promise<readonly Held[]> {
  const wanted = rowsTable(
    dialect,
    { src: 'int', asset: 'int' },
    parents.flatMap((parent) =>
      valueChildren(definitions, parent.asset).map((name) => [
        parent.id,
        definitions.ids.idOf(name),
      ]),
    ),
  )
  const { rows } = await sql<{ node: number; asset: number; key: string; parent: number }>`
    select e.dst as node, n.asset, n.key, e.src as parent from ${wanted} w
    join edge e on e.src = w.src join node n on n.id = e.dst and n.asset = w.asset
  `.execute(db)
  return rows.map((row) => ({ ...row, asset: definitions.ids.nameOf(row.asset) }))
}

const uniqueNames = (names: readonly NodeName[]): readonly NodeName[] => uniqueBy(names, nodeText)

function uniqueBy<Item>(
  list: readonly Item[],
  key: (one: Item) => string | number,
): readonly Item[] {
  return [...new Map(list.map((one) => [key(one), one])).values()]
}

const REPLAY_ROWS = 5_000

/**
 * Asks the maps of one asset again for every node that may give it keys: when the asset is new in
 * the project, or its code changed and its maps may have. Cost: the parents' nodes, in pages.
 */
export async function replayMembership(
  trx: WriteTransaction,
  definitions: Definitions,
  asset: string,
): Promise<void> {
  const definition = definitions.graph.assets.get(asset)
  if (definition?.kind !== 'value' && definition?.kind !== 'stored') return
  for (const parent of Object.keys(definition.from ?? {})) {
    for (let last = 0; ;) {
      const page = await parentPage(trx, definitions.ids.idOf(parent), last)
      const end = page.at(-1)
      if (end === undefined) break
      last = end.id
      await replayPage(trx, definitions, { asset, parent, page })
    }
  }
}

interface ParentRow {
  readonly id: number
  readonly key: string
  readonly value: string | null
}

async function parentPage(
  { db }: WriteTransaction,
  asset: number,
  after: number,
): Promise<readonly ParentRow[]> {
  const { rows } = await sql<ParentRow>`
    select n.id, n.key, v.value from node n left join version v on v.id = n.version
    where n.asset = ${asset} and n.id > ${after}
    order by n.id limit ${sql.lit(REPLAY_ROWS)}`.execute(db)
  return rows
}

async function replayPage(
  trx: WriteTransaction,
  definitions: Definitions,
  {
    asset,
    parent,
    page,
  }: { readonly asset: string; readonly parent: string; readonly page: readonly ParentRow[] },
): Promise<void> {
  const parents = page.map(({ id, key, value }) => ({
    id,
    key,
    asset: parent,
    value: value === null ? undefined : (JSON.parse(value) as Json),
  }))
  const wanted = parents
    .flatMap((one) => [
      ...childrenOf(definitions, one, { by: 'key', value: undefined }),
      ...childrenOf(definitions, one, { by: 'value', value: one.value }),
    ])
    .filter((child) => child.asset === asset)
  const sources = rowsTable(
    trx.dialect,
    { id: 'int' },
    page.map(({ id }) => [id]),
  )
  const { rows } = await sql<{ node: number; key: string; parent: number }>`
    select e.dst as node, n.key, e.src as parent from ${sources} w
    join edge e on e.src = w.id join node n on n.id = e.dst
    where n.asset = ${definitions.ids.idOf(asset)}`.execute(trx.db)
  await changeMembers(trx, definitions, { wanted, held: rows.map((row) => ({ ...row, asset })) })
}
