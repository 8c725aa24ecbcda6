/** The finding that intake writes of a submission it stops stays open only while that one is stopped. */
import type { WriteTransaction } from '../engine/index.ts'
import { platformTables } from '../registry/tables.ts'

/** Closes what was said of a submission when it stopped: it was routed, or it is withdrawn. */
export async function closeStop(
  { db }: WriteTransaction,
  { submission, nowMs }: { readonly submission: string; readonly nowMs: number },
): Promise<void> {
  await platformTables(db)
    .updateTable('finding')
    .set({ closed_ms: nowMs })
    .where('subject', '=', submission)
    .where('code', 'in', ['NEEDS_REVIEW', 'QUARANTINED'])
    .where('closed_ms', 'is', null)
    .execute()
}
