/**
 * Nodes, versions and edges as rows: look-ups by name, by edge, and what is dirty.
 *
 * All are set-based: one query for any number of nodes. Version 0 is `absent`.
 */
import { sql } from 'kysely'
import { assert } from '../core/errors.ts'
import type { NodeName } from '../core/key.ts'
import type { DialectName, Connection } from './open.ts'
import { rowsTable } from './rows.ts'
import type { Tables } from './tables.ts'

/** Asset names and their row ids: a handful, loaded once a transaction at most. */
export interface AssetIds {
  readonly idOf: (name: string) => number
  readonly nameOf: (id: number) => string
}

/** Reads the asset ids; inserts those of `names` that are new when `insert` is set. */
export async function loadAssetIds(
  db: Connection,
  names: readonly string[],
  insert: boolean,
): Promise<AssetIds> {
  const rows = await db.selectFrom('asset').selectAll().execute()
  const missing = names.filter((name) => rows.every((row) => row.name !== name))
  if (insert && missing.length > 0) {
    const added = missing.map((name) => ({ name }))
    rows.push(...(await db.insertInto('asset').values(added).returningAll().execute()))
  }
  const byName = new Map(rows.map((row) => [row.name, row.id]))
  const byId = new Map(rows.map((row) => [row.id, row.name]))
  return {
    // An asset never written has no row yet: 0 matches no node.
    idOf: (name) => byName.get(name) ?? 0,
    nameOf: (id) => {
      const name = byId.get(id)
      assert(name !== undefined, `asset ${id} has a row`)
      return name
    },
  }
}

export interface NodeRow {
  readonly id: number
  readonly asset: number
  readonly key: string
  /** 0: absent */
  readonly version: number
  /** the last build row; 0: never built */
  readonly built: number
  readonly epoch: number
}

const NODE_COLUMNS = sql`n.id, n.asset, n.key, n.version, n.built, n.epoch`

/** The nodes with these names that exist, in no order. */
export async function findNodes(
  { db, dialect }: { readonly db: Connection; readonly dialect: DialectName },
  ids: AssetIds,
  names: readonly NodeName[],
): Promise<readonly NodeRow[]> {
  if (names.length === 0) return []
  const wanted = rowsTable(
    dialect,
    { asset: 'int', key: 'text' },
    names.map(({ asset, key }) => [ids.idOf(asset), key]),
  )
  const { rows } = await sql<NodeRow>`
    select ${NODE_COLUMNS} from ${wanted} w
    join node n on n.asset = w.asset and n.key = w.key
  `.execute(db)
  return rows
}

/** Nodes by id. */
export async function nodesById(
  { db, dialect }: { readonly db: Connection; readonly dialect: DialectName },
  nodes: readonly number[],
): Promise<readonly NodeRow[]> {
  if (nodes.length === 0) return []
  const wanted = rowsTable(
    dialect,
    { id: 'int' },
    nodes.map((id) => [id]),
  )
  const { rows } = await sql<NodeRow>`
    select ${NODE_COLUMNS} from ${wanted} w join node n on n.id = w.id
  `.execute(db)
  return rows
}

export interface EdgeRow {
  readonly dst: number
  readonly src: number
  readonly asset: number
  readonly key: string
  /** what src has now */
  readonly version: number
}

/**
 * All edges into the given nodes, with what their sources are now. Two queries: a mapping that
 * thousands of nodes read is fetched once, not once an edge.
 */
export async function edgesInto(
  { db, dialect }: { readonly db: Connection; readonly dialect: DialectName },
  nodes: readonly number[],
): Promise<readonly EdgeRow[]> {
  if (nodes.length === 0) return []
  const wanted = rowsTable(
    dialect,
    { id: 'int' },
    nodes.map((id) => [id]),
  )
  const { rows } = await sql<{ dst: number; src: number }>`
    select e.dst, e.src from ${wanted} w join edge e on e.dst = w.id`.execute(db)
  const ids = new Set(rows.map((row) => row.src))
  const sources = new Map((await nodesById({ db, dialect }, [...ids])).map((row) => [row.id, row]))
  return rows.map(({ dst, src }) => {
    const source = sources.get(src)
    assert(source !== undefined, `node ${src} has a row`)
    return { dst, src, asset: source.asset, key: source.key, version: source.version }
  })
}

/** The distinct direct dependents of the given nodes, with their asset. */
export async function dependentsOf(
  { db, dialect }: { readonly db: Connection; readonly dialect: DialectName },
  nodes: readonly number[],
): Promise<readonly NodeRow[]> {
  if (nodes.length === 0) return []
  const wanted = rowsTable(
    dialect,
    { id: 'int' },
    nodes.map((id) => [id]),
  )
  const { rows } = await sql<NodeRow>`
    select distinct ${NODE_COLUMNS} from ${wanted} w
    join edge e on e.src = w.id join node n on n.id = e.dst
  `.execute(db)
  return rows
}

export type DirtyRow = NodeRow & Pick<Tables['dirty'], 'cause' | 'source' | 'reason' | 'revision'>

/** The dirty nodes of one asset, in key order. */
export async function dirtyNodes(db: Connection, asset: number): Promise<readonly DirtyRow[]> {
  const { rows } = await sql<DirtyRow>`
    select ${NODE_COLUMNS}, d.cause, d.source, d.reason, d.revision
    from dirty d join node n on n.id = d.node where d.asset = ${asset} order by n.key
  `.execute(db)
  return rows
}

/** Those of the given nodes that are dirty. */
export async function dirtyRows(
  { db, dialect }: { readonly db: Connection; readonly dialect: DialectName },
  nodes: readonly number[],
): Promise<readonly DirtyRow[]> {
  if (nodes.length === 0) return []
  const wanted = rowsTable(
    dialect,
    { id: 'int' },
    nodes.map((id) => [id]),
  )
  const { rows } = await sql<DirtyRow>`
    select ${NODE_COLUMNS}, d.cause, d.source, d.reason, d.revision from ${wanted} w
    join dirty d on d.node = w.id join node n on n.id = d.node order by n.key`.execute(db)
  return rows
}

/** Which assets have dirty nodes, and how many. */
export async function dirtyCounts(db: Connection): Promise<ReadonlyMap<number, number>> {
  const { rows } = await sql<{ asset: number; count: number }>`
    select asset, count(*) as count from dirty group by asset
  `.execute(db)
  return new Map(rows.map((row) => [row.asset, row.count]))
}
