/** Small counts over the whole catalog, each bounded whatever the number of partitions. */
import { sql } from 'kysely'
import type { NodeName } from '../core/key.ts'
import type { Connection } from './open.ts'

/** Nodes with content, by asset name. */
export async function liveCounts(db: Connection): Promise<ReadonlyMap<string, number>> {
  const rows = await db.selectFrom('asset').select(['name', 'live']).execute()
  return new Map(rows.map((row) => [row.name, row.live]))
}

/** The last this many builds are looked at, whatever their outcome, so that a plan's cost is too. */
const ESTIMATE_BUILDS_MAX = 500

/** Mean milliseconds of recent builds by asset. */
export async function averageBuildMs(db: Connection): Promise<ReadonlyMap<string, number>> {
  const { rows } = await sql<{ name: string; ms: number | string }>`
    select a.name, avg(b.ms) as ms
    from (select node, ms, outcome from build
      order by id desc limit ${sql.lit(ESTIMATE_BUILDS_MAX)}) b
    join node n on n.id = b.node join asset a on a.id = n.asset
    where b.outcome = 'built' group by a.name
  `.execute(db)
  return new Map(rows.map((row) => [row.name, Math.round(Number(row.ms))]))
}

/** At most this many held decisions are listed by a plan. */
const WAITING_MAX = 1000

/** What value nodes say a person has to decide. */
export async function waitingNodes(
  db: Connection,
): Promise<readonly (NodeName & { readonly why: string })[]> {
  const { rows } = await sql<{ asset: string; key: string; why: string }>`
    select a.name as asset, n.key, n.waiting as why from node n join asset a on a.id = n.asset
    where n.waiting is not null order by a.name, n.key limit ${sql.lit(WAITING_MAX)}
  `.execute(db)
  return rows
}
