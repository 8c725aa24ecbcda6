/** What cannot be read or swept, as open findings: one for each path, drop or task, until it can. */
import type { Catalog, Connection, PlanningAccess } from '../engine/index.ts'
import { platformTables } from '../registry/tables.ts'

export const UNREADABLE = 'INPUT_UNREADABLE'

async function openFaults(db: Connection): Promise<ReadonlyMap<string, string>> {
  const rows = await platformTables(db)
    .selectFrom('finding')
    .select(['subject', 'words'])
    .where('code', '=', UNREADABLE)
    .where('closed_ms', 'is', null)
    .execute()
  return new Map(rows.map((row) => [row.subject, row.words]))
}

/** Whether what cannot be read is other than what findings say. */
export async function faultsMoved(
  db: Connection,
  faults: ReadonlyMap<string, string>,
): Promise<boolean> {
  const open = await openFaults(db)
  return open.size !== faults.size || [...faults.keys()].some((subject) => !open.has(subject))
}

/** Opens findings for new faults and closes those of faults that are gone. */
export async function noteFaults(
  { trx, nowMs }: PlanningAccess,
  faults: ReadonlyMap<string, string>,
): Promise<void> {
  const tables = platformTables(trx.db)
  const open = await openFaults(trx.db)
  for (const subject of open.keys()) {
    if (faults.has(subject)) continue
    await tables
      .updateTable('finding')
      .set({ closed_ms: nowMs })
      .where('code', '=', UNREADABLE)
      .where('subject', '=', subject)
      .where('closed_ms', 'is', null)
      .execute()
  }
  for (const [subject, words] of faults) {
    if (open.has(subject)) continue
    await tables
      .insertInto('finding')
      .values({
        at_ms: nowMs,
        severity: 'error',
        code: UNREADABLE,
        subject,
        words,
        closed_ms: null,
      })
      .execute()
  }
}

/** What one finding is about, and when it is opened or closed. */
interface LoneFault {
  readonly code: string
  readonly subject: string
  readonly nowMs: number
}

/** One open warning of a code while something is at fault. Writes only when that changes. */
export async function noteLoneFault(
  catalog: Catalog,
  { code, subject, nowMs }: LoneFault,
  fault: string | undefined,
): Promise<void> {
  const open = await platformTables(catalog.db)
    .selectFrom('finding')
    .select('id')
    .where('code', '=', code)
    .where('closed_ms', 'is', null)
    .executeTakeFirst()
  if ((open === undefined) === (fault === undefined)) return
  await catalog.write(
    async ({ db }) => {
      const tables = platformTables(db)
      if (fault === undefined) {
        await tables
          .updateTable('finding')
          .set({ closed_ms: nowMs })
          .where('code', '=', code)
          .where('closed_ms', 'is', null)
          .execute()
        return
      }
      const row = { at_ms: nowMs, severity: 'warning', code, subject, closed_ms: null } as const
      await tables
        .insertInto('finding')
        .values({ ...row, words: fault })
        .execute()
    },
    { bookkeeping: true },
  )
}
