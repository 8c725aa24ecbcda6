/**
 * Why a dirty node is not handed out at once: it failed, is blocked, or read something stale.
 *
 * An obstacle speaks of one dirty mark. When something marks the node again it is tried again, so a
 * corrected input needs no person to say so. Times are those of leases: the database's.
 */
import { sql } from 'kysely'
import type { Selectable } from 'kysely'
import type { Connection, WriteTransaction } from './open.ts'
import { rowsTable } from './rows.ts'
import type { Tables } from './tables.ts'

export type Obstacle = Selectable<Tables['obstacle']>

/** Obstacles of dirty nodes whose mark is still the one they speak of. */
export async function standingObstacles(db: Connection): Promise<ReadonlyMap<number, Obstacle>> {
  const rows = await db
    .selectFrom('obstacle')
    .innerJoin('dirty', (join) =>
      join
        .onRef('dirty.node', '=', 'obstacle.node')
        .onRef('dirty.revision', '=', 'obstacle.revision'),
    )
    .selectAll('obstacle')
    .execute()
  return new Map(rows.map((row) => [row.node, row]))
}

/** Records or replaces. */
export async function putObstacles(
  { db, dialect }: WriteTransaction,
  obstacles: readonly Obstacle[],
): Promise<void> {
  if (obstacles.length === 0) return
  const rows = obstacles.map((one) => [
    one.node,
    one.kind,
    one.attempts,
    one.code,
    one.revision,
    one.at_ms,
    one.retry_ms,
  ])
  const put = rowsTable(
    dialect,
    {
      node: 'int',
      kind: 'text',
      attempts: 'int',
      code: 'text',
      revision: 'int',
      at_ms: 'int',
      retry_ms: 'int',
    },
    rows,
  )
  await sql`insert into obstacle (node, kind, attempts, code, revision, at_ms, retry_ms)
    select node, kind, attempts, code, revision, at_ms, retry_ms from ${put} w where true
    on conflict (node) do update set kind = excluded.kind,
      -- A wait between two failures is no new beginning.
      attempts = case when excluded.kind = 'waits' and obstacle.revision = excluded.revision
        then obstacle.attempts else excluded.attempts end,
      code = excluded.code, revision = excluded.revision, at_ms = excluded.at_ms,
      retry_ms = excluded.retry_ms`.execute(db)
}

/** Forgets what stood in the way of these nodes: they were built, or a person wants them tried. */
export async function clearObstacles(
  { db, dialect }: WriteTransaction,
  nodes: readonly number[],
): Promise<void> {
  if (nodes.length === 0) return
  const wanted = rowsTable(
    dialect,
    { node: 'int' },
    nodes.map((node) => [node]),
  )
  await sql`delete from obstacle where node in (select w.node from ${wanted} w)`.execute(db)
}

/** Forgets every block: what was planned since may have brought what was missing. */
export async function clearBlocks({ db }: WriteTransaction): Promise<void> {
  await db.deleteFrom('obstacle').where('kind', '=', 'blocked').execute()
}
