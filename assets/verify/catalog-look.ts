/** Reads of the catalog that several checks share: current nodes, their values and their parts. */
import { sql } from 'kysely'
import type { Definitions, Connection, Json } from '../../engine/index.ts'

export interface CurrentNode<Value = Json | undefined> {
  readonly id: number
  readonly key: string
  readonly contentId: string
  /** as the type its asset gave it; undefined where content has no value */
  readonly value: Value
  /** the row that last built it; 0: none, as for facts and values */
  readonly build: number
}

export interface CurrentPart {
  readonly node: number
  readonly key: string
  readonly name: string
  readonly path: string
  readonly sizeBytes: number
  readonly sha256: string
  readonly fingerprint: string | null
  readonly rows: number | null
}

type Look = Pick<Definitions, 'ids'>

/** The nodes of one asset that have content, in key order. */
export async function currentNodes<Value = Json | undefined>(
  db: Connection,
  { ids }: Look,
  asset: string,
): Promise<readonly CurrentNode<Value>[]> {
  const rows = await db
    .selectFrom('node')
    .innerJoin('version', 'version.id', 'node.version')
    .select(['node.id', 'node.key', 'node.built as build', 'version.content_id', 'version.value'])
    .where('node.asset', '=', ids.idOf(asset))
    .orderBy('node.key')
    .execute()
  return rows.map(({ content_id: contentId, value, ...row }) => ({
    ...row,
    contentId,
    value: (value === null ? undefined : JSON.parse(value)) as Value,
  }))
}

/** The current parts of one asset's nodes, by key and then in their order. */
export async function currentParts(
  db: Connection,
  { ids }: Look,
  asset: string,
): Promise<readonly CurrentPart[]> {
  const { rows } = await sql<CurrentPart>`
    select n.id as node, n.key, p.name, p.path, p.size_bytes as "sizeBytes", p.sha256,
      p.fingerprint, p.rows
    from node n join build b on b.id = n.built join part p on p.build = b.parts_build
    where n.asset = ${ids.idOf(asset)} and n.version <> 0 order by n.key, p.ordinal`.execute(db)
  return rows
}

/** Dirty nodes and everything that reads them, however far down. */
export async function pendingNodes(db: Connection): Promise<ReadonlySet<number>> {
  const { rows } = await sql<{ node: number }>`
    with recursive pending (node) as (
      select node from dirty union select e.dst from pending p join edge e on e.src = p.node)
    select node from pending`.execute(db)
  return new Set(rows.map((row) => row.node))
}

/** Values by key. */
export const valuesByKey = <Value>(
  nodes: readonly CurrentNode<Value>[],
): ReadonlyMap<string, Value> => new Map(nodes.map((node) => [node.key, node.value]))

/** The number of rows of each node, as its parts say. */
export function rowsByKey(parts: readonly CurrentPart[]): ReadonlyMap<string, number> {
  const rows = new Map<string, number>()
  for (const part of parts) rows.set(part.key, (rows.get(part.key) ?? 0) + (part.rows ?? 0))
  return rows
}
