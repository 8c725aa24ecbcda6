/** Runs as commands read them from the catalog. */
import { EngineError } from '../core/errors.ts'
import type { Connection } from '../catalog/open.ts'
import type { Tables } from '../catalog/tables.ts'
import { isoText } from './text.ts'

export type RunRow = Omit<Tables['run'], 'id'> & { readonly id: number }

/** The run a person named, or the last one; undefined: there is none yet. Throws RUN_UNKNOWN. */
export async function findRun(
  db: Connection,
  text: string | undefined,
): Promise<RunRow | undefined> {
  if (text !== undefined && !/^\d{1,15}$/.test(text))
    throw new EngineError('RUN_UNKNOWN', { run: text })
  let query = db.selectFrom('run').selectAll().orderBy('id', 'desc').limit(1)
  if (text !== undefined) query = query.where('id', '=', Number(text))
  const row = await query.executeTakeFirst()
  if (row === undefined && text !== undefined) throw new EngineError('RUN_UNKNOWN', { run: text })
  return row
}

/** The counts of a run that are not 0, by outcome. */
function runCounts(run: Pick<RunRow, 'counts'>): Readonly<Record<string, number>> {
  const counts = JSON.parse(run.counts) as Readonly<Record<string, number>>
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))
}

/** `3 built, 1 failed`. */
export const countsText = (run: Pick<RunRow, 'counts'>): string =>
  Object.entries(runCounts(run))
    .map(([outcome, count]) => `${count} ${outcome}`)
    .join(', ')

/** A run for programs. */
export const runJson = (run: RunRow): object => ({
  run: run.id,
  command: run.command,
  actor: run.actor,
  reason: run.reason === '' ? null : run.reason,
  plan: run.plan,
  status: run.status,
  started_at: isoText(run.started_ms),
  ended_at: run.ended_ms === null ? null : isoText(run.ended_ms),
  counts: runCounts(run),
})

export interface RunFailure {
  /** `asset[key]` */
  readonly node: string
  readonly code: string
  readonly text: string
}

/** What failed in a run, in order. */
export async function runFailures(db: Connection, run: number): Promise<readonly RunFailure[]> {
  const rows = await db
    .selectFrom('event')
    .select(['node', 'data'])
    .where('run', '=', run)
    .where('type', '=', 'failed')
    .orderBy('id')
    .execute()
  return rows.map(({ node, data }) => ({
    node: node ?? '',
    ...(JSON.parse(data) as Pick<RunFailure, 'code' | 'text'>),
  }))
}
