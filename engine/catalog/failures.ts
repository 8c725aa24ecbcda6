/**
 * Why a dirty node is not handed out at once: it failed, is blocked, or read something stale.
 *
 * A failure speaks of one dirty mark. When something marks the node again it is tried again, so a
 * corrected input needs no person to say so.
 */
import { sql } from 'kysely'
import type { Selectable } from 'kysely'
import type { Connection, WriteTransaction } from './open.ts'
import { rowsTable } from './rows.ts'
import type { Tables } from './tables.ts'

export type Failure = Selectable<Tables['failure']>

/** Failures of dirty nodes whose mark is still the one that failed. */
export async function standingFailures(db: Connection): Promise<ReadonlyMap<number, Failure>> {
  const rows = await db
    .selectFrom('failure')
    .innerJoin('dirty', (join) =>
      join
        .onRef('dirty.node', '=', 'failure.node')
        .onRef('dirty.revision', '=', 'failure.revision'),
    )
    .selectAll('failure')
    .execute()
  return new Map(rows.map((row) => [row.node, row]))
}

/** Records or replaces. */
export async function putFailures(
  { db, dialect }: WriteTransaction,
  failures: readonly Failure[],
): Promise<void> {
  if (failures.length === 0) return
  const rows = failures.map((one) => [
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
  await sql`insert into failure (node, kind, attempts, code, revision, at_ms, retry_ms)
    select node, kind, attempts, code, revision, at_ms, retry_ms from ${put} w where true
    on conflict (node) do update set kind = excluded.kind, attempts = excluded.attempts,
      code = excluded.code, revision = excluded.revision, at_ms = excluded.at_ms,
      retry_ms = excluded.retry_ms`.execute(db)
}

/** Forgets what stood in the way of these nodes: they were built, or a person wants them tried. */
export async function clearFailures(
  { db, dialect }: WriteTransaction,
  nodes: readonly number[],
): Promise<void> {
  if (nodes.length === 0) return
  const wanted = rowsTable(
    dialect,
    { node: 'int' },
    nodes.map((node) => [node]),
  )
  await sql`delete from failure where node in (select w.node from ${wanted} w)`.execute(db)
}

/** Forgets every block: what was planned since may have brought what was missing. */
export async function clearBlocks({ db }: WriteTransaction): Promise<void> {
  await db.deleteFrom('failure').where('kind', '=', 'blocked').execute()
}
