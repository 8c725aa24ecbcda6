/**
 * Submissions that were taken in and whose bytes were never landed.
 *
 * Between the two a file may change. Its old bytes exist nowhere any more: the submission is
 * withdrawn with that reason, so that it does not fail for ever, and the new bytes are a delivery
 * of their own.
 */
import type { Fact, Connection, PlanningAccess } from '../engine/index.ts'
import { formatKey } from '../engine/index.ts'
import { next } from '../registry/submission-state.ts'
import type { RegistryTables } from '../registry/tables.ts'
import { platformTables } from '../registry/tables.ts'
import { closeStop } from './stop-findings.ts'

type SubmissionRow = RegistryTables['submission']

/** Its name among `raw`, `delivery` and `stamp` nodes. */
const keyOf = (row: SubmissionRow): string =>
  formatKey([row.submitter_id, row.file_type, row.submission_id])

/** Whether raw holds a submission's bytes. */
export async function isLanded(db: Connection, row: SubmissionRow): Promise<boolean> {
  const found = await db
    .selectFrom('node')
    .innerJoin('asset', 'asset.id', 'node.asset')
    .select('node.version')
    .where('asset.name', '=', 'raw')
    .where('node.key', '=', keyOf(row))
    .executeTakeFirst()
  return (found?.version ?? 0) !== 0
}

/** The facts of a submission taken back: nothing is landed or built from it. */
export const withoutFacts = (row: SubmissionRow): readonly Fact[] =>
  ['discovered', 'stamp', 'stop_reason'].map((asset) => ({
    asset,
    key: keyOf(row),
    value: undefined,
  }))

export interface Unlanded {
  readonly row: SubmissionRow
  /** where its files were, all of them */
  readonly sources: readonly string[]
}

/** Statements have a limit of parameters. */
const SOURCES_AT_ONCE = 500

/** Submissions that wait for one of these files and are not landed, by receipt. */
export async function unlandedOf(
  db: Connection,
  sources: readonly string[],
): Promise<readonly Unlanded[]> {
  const tables = platformTables(db)
  const rows = new Map<string, SubmissionRow>()
  for (let at = 0; at < sources.length; at += SOURCES_AT_ONCE) {
    const found = await tables
      .selectFrom('submission')
      .innerJoin('submission_file', 'submission_file.submission_id', 'submission.submission_id')
      .selectAll('submission')
      .where('submission.status', 'in', ['READY_FOR_PARSE', 'NEEDS_REVIEW'])
      .where('submission_file.source', 'in', sources.slice(at, at + SOURCES_AT_ONCE))
      .execute()
    for (const row of found) rows.set(row.submission_id, row)
  }
  const unlanded: Unlanded[] = []
  for (const row of [...rows.values()].toSorted((a, b) => a.received_ms - b.received_ms)) {
    if (await isLanded(db, row)) continue
    const files = await tables
      .selectFrom('submission_file')
      .select('source')
      .where('submission_id', '=', row.submission_id)
      .execute()
    unlanded.push({ row, sources: files.map((file) => file.source) })
  }
  return unlanded
}

const WORDS = 'a file changed before it was landed; what lies there now is a delivery of its own'

/** Withdraws them, unless they were landed meanwhile. */
export async function takeBack(
  access: PlanningAccess,
  unlanded: readonly Unlanded[],
): Promise<void> {
  const { trx, nowMs } = access
  const tables = platformTables(trx.db)
  for (const { row } of unlanded) {
    if (await isLanded(trx.db, row)) continue
    await access.writeFacts(withoutFacts(row))
    await tables
      .updateTable('submission')
      .set({
        status: next(row.status, 'withdrawn'),
        status_code: 'INPUT_CHANGED',
        status_words: WORDS,
      })
      .where('submission_id', '=', row.submission_id)
      .execute()
    await closeStop(trx, { submission: row.submission_id, nowMs })
    await tables
      .insertInto('finding')
      .values({
        at_ms: nowMs,
        severity: 'warning',
        code: 'INPUT_CHANGED',
        subject: row.submission_id,
        words: `${row.drop_path}: ${WORDS}`,
        closed_ms: null,
      })
      .execute()
  }
}
