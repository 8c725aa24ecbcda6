/**
 * History of builds beyond what anybody asks for.
 *
 * Kept of each partition: the build it stands on, its first, its last 32 (part reuse, explain and
 * the causes of the last run look no further back), and everything from the oldest version whose
 * parts are kept (rollback, diff, `--as-of`). A question about an instant before that finds the
 * first build, whose parts are gone, and says so; it never finds a neighbour.
 */
import { sql } from 'kysely'
import type { WriteTransaction } from './open.ts'
import { rowsTable } from './rows.ts'
import { BUILDS_MAX } from './builds.ts'
import { RUNS_WITH_EVENTS_MAX } from './runs.ts'

/** Builds of this many last runs are kept whole: their counters are counted again. */
const RUNS_KEPT = RUNS_WITH_EVENTS_MAX
const NODES_AT_ONCE = 500

/** Removes old builds; returns how many. Cost: one look at the index of builds by node. */
export async function pruneBuilds(trx: WriteTransaction, beforeMs: number): Promise<number> {
  const { db } = trx
  const last = await db
    .selectFrom('run')
    .select(({ fn }) => fn.max('id').as('id'))
    .executeTakeFirst()
  const runMax = (last?.id ?? 0) - RUNS_KEPT
  const { rows } = await sql<{ node: number }>`
    select node from build group by node having count(*) > ${BUILDS_MAX + 1} order by node
  `.execute(db)
  let count = 0
  for (let at = 0; at < rows.length; at += NODES_AT_ONCE) {
    const nodes = rows.slice(at, at + NODES_AT_ONCE).map(({ node }) => node)
    count += await pruneNodes(trx, nodes, { beforeMs, runMax })
  }
  return count
}

async function pruneNodes(
  { db, dialect }: WriteTransaction,
  nodes: readonly number[],
  { beforeMs, runMax }: { readonly beforeMs: number; readonly runMax: number },
): Promise<number> {
  const wanted = rowsTable(
    dialect,
    { id: 'int' },
    nodes.map((id) => [id]),
  )
  const { numAffectedRows } = await sql`delete from build where id in (
    select r.id from (
      select b.id, b.node, b.run, b.at_ms, b.outcome, n.built,
        row_number() over (partition by b.node order by b.id desc) as place,
        min(b.id) over (partition by b.node) as first,
        (select min(p.build) from part p join build o on o.id = p.build
          where o.node = b.node) as retained
      from ${wanted} w join node n on n.id = w.id join build b on b.node = n.id) r
    where r.place > ${BUILDS_MAX} and r.id <> r.first and r.id <> r.built
      and r.at_ms < ${beforeMs} and r.run <= ${runMax}
      and (r.outcome = 'failed' or r.retained is null or r.id < r.retained))`.execute(db)
  return Number(numAffectedRows ?? 0n)
}

/** Removes events of runs that ended before an instant. */
export async function pruneEvents({ db }: WriteTransaction, beforeMs: number): Promise<number> {
  const ended = db.selectFrom('run').select('id').where('ended_ms', '<', beforeMs)
  const { numDeletedRows } = await db
    .deleteFrom('event')
    .where('run', 'in', ended)
    .executeTakeFirstOrThrow()
  return Number(numDeletedRows)
}

/** Removes sensor ticks that ended before an instant. */
export async function pruneTicks({ db }: WriteTransaction, beforeMs: number): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('sensor_tick')
    .where('ended_ms', '<', beforeMs)
    .executeTakeFirstOrThrow()
  return Number(numDeletedRows)
}
