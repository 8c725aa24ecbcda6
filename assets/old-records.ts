/**
 * The platform's history beyond retention. Of each submission the last parse and validation stay,
 * of each month its last build; who won a month, and what waits, stays whatever its age.
 */
import type { Hooks } from '../engine/index.ts'
import { platformTables } from '../registry/tables.ts'
import { sql } from 'kysely'

type Collect = NonNullable<Hooks['onCollect']>
type Db = Parameters<Collect>[0]['trx']['db']

/** Removes old records; returns how many of each. */
export const pruneRecords: Collect = async ({ trx: { db }, beforeMs }) => {
  const parses = await pruneParses(db, beforeMs)
  const validations = await pruneValidations(db, beforeMs)
  const months = await sql`delete from canonical_month_build where at_ms < ${beforeMs}
    and id < (select max(l.id) from canonical_month_build l
      where l.state = canonical_month_build.state
        and l.file_type = canonical_month_build.file_type
        and l.atomic_month = canonical_month_build.atomic_month)`.execute(db)
  const tables = platformTables(db)
  const requests = await tables
    .deleteFrom('canonical_rebuild_queue')
    .where('processed_ms', '<', beforeMs)
    .executeTakeFirstOrThrow()
  const findings = await tables
    .deleteFrom('finding')
    .where('closed_ms', '<', beforeMs)
    .executeTakeFirstOrThrow()
  // The last one stays, so that numbers go on from it.
  const lines = await sql`delete from processed_file where appended_ms < ${beforeMs}
    and seq < (select max(l.seq) from processed_file l)`.execute(db)
  return [
    { what: 'parses', count: parses },
    { what: 'validations', count: validations },
    { what: 'builds of months', count: Number(months.numAffectedRows ?? 0n) },
    { what: 'answered requests', count: Number(requests.numDeletedRows) },
    { what: 'closed findings', count: Number(findings.numDeletedRows) },
    { what: 'lines of processed manifests', count: Number(lines.numAffectedRows ?? 0n) },
  ]
}

async function pruneParses(db: Db, beforeMs: number): Promise<number> {
  const { numAffectedRows } = await sql`delete from parse_run where at_ms < ${beforeMs}
    and parse_run_id < (select max(l.parse_run_id) from parse_run l
      where l.submission_id = parse_run.submission_id)`.execute(db)
  for (const table of ['parse_file_metrics', 'parse_column_metrics']) {
    await sql`delete from ${sql.table(table)}
      where parse_run_id not in (select parse_run_id from parse_run)`.execute(db)
  }
  return Number(numAffectedRows ?? 0n)
}

async function pruneValidations(db: Db, beforeMs: number): Promise<number> {
  const { numAffectedRows } = await sql`delete from validation_run where at_ms < ${beforeMs}
    and validation_run_id < (select max(l.validation_run_id) from validation_run l
      where l.submission_id = validation_run.submission_id)`.execute(db)
  await sql`delete from validation_finding
    where validation_run_id not in (select validation_run_id from validation_run)`.execute(db)
  return Number(numAffectedRows ?? 0n)
}
