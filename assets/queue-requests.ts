/**
 * What people do with the rebuild queue: ask for months, ask again, take back. Each is one
 * transaction with an audit row; what follows from it is for the next plan.
 */
import type { Selectable } from 'kysely'
import type { Actor, Connection, Project, WriteTransaction } from '../engine/index.ts'
import { EngineError, formatKey, insertAudit } from '../engine/index.ts'
import type { RegistryTables } from '../registry/tables.ts'
import { platformTables } from '../registry/tables.ts'
import { MONTH_ASSET } from './rebuild-queue.ts'

export interface Month {
  readonly state: string
  readonly fileType: string
  readonly month: string
}

type Row = Selectable<RegistryTables['canonical_rebuild_queue']>

/** Asks for months; returns the requests' numbers. Throws NODE_UNKNOWN, and then asks for none. */
export async function addRequests(
  project: Project,
  months: readonly Month[],
  actor: Actor,
): Promise<readonly number[]> {
  return project.catalog.write(async (trx) => {
    const ids: number[] = []
    for (const month of months) {
      await requireMonth(trx, month)
      ids.push(await insertRequest(trx, project, { month, actor }))
    }
    return ids
  })
}

const keyOf = ({ state, fileType, month }: Month): string => formatKey([state, fileType, month])

async function requireMonth({ db }: WriteTransaction, month: Month): Promise<void> {
  const key = keyOf(month)
  const row = await db
    .selectFrom('node')
    .innerJoin('asset', 'asset.id', 'node.asset')
    .select('node.id')
    .where('asset.name', '=', MONTH_ASSET)
    .where('node.key', '=', key)
    .executeTakeFirst()
  if (row === undefined) throw new EngineError('NODE_UNKNOWN', { node: `${MONTH_ASSET}/${key}` })
}

async function insertRequest(
  trx: WriteTransaction,
  { clock }: Project,
  { month, actor }: { readonly month: Month; readonly actor: Actor },
): Promise<number> {
  const nowMs = clock.nowMs()
  const { queue_id: id } = await platformTables(trx.db)
    .insertInto('canonical_rebuild_queue')
    .values({
      state: month.state,
      file_type: month.fileType,
      atomic_month: month.month,
      reason: actor.reason,
      requested_by: actor.name,
      enqueued_ms: nowMs,
      run: 0,
      status: 'PENDING',
      outcome: null,
      attempts: 0,
      processed_ms: null,
      forced: 1,
      claimed_by: null,
      claimed_ms: null,
      claim_epoch: null,
    })
    .returning('queue_id')
    .executeTakeFirstOrThrow()
  const subject = `${MONTH_ASSET}[${keyOf(month)}]`
  await insertAudit(trx, { atMs: nowMs, actor, action: 'request', subject, run: null })
  return id
}

async function requestRow({ db }: WriteTransaction, id: number): Promise<Row> {
  const row = await platformTables(db)
    .selectFrom('canonical_rebuild_queue')
    .selectAll()
    .where('queue_id', '=', id)
    .executeTakeFirst()
  if (row === undefined) throw new EngineError('REQUEST_UNKNOWN', { request: id })
  return row
}

/**
 * Asks again: an open request starts anew, with no attempts behind it; one that has ended stays as
 * it is, and a new one is made. Returns the number of the one that is open. Throws REQUEST_UNKNOWN.
 */
export async function requeue(project: Project, id: number, actor: Actor): Promise<number> {
  return project.catalog.write(async (trx) => {
    const row = await requestRow(trx, id)
    if (row.processed_ms !== null) {
      const month = { state: row.state, fileType: row.file_type, month: row.atomic_month }
      return insertRequest(trx, project, { month, actor })
    }
    await platformTables(trx.db)
      .updateTable('canonical_rebuild_queue')
      // Marked anew, so that failures before do not keep it waiting.
      .set({ status: 'PENDING', attempts: 0, forced: 1, claimed_by: null, claimed_ms: null })
      .where('queue_id', '=', id)
      .execute()
    await auditRequest(trx, project, { row, actor, action: 'requeue' })
    return id
  })
}

/** Takes an open request back. Throws REQUEST_UNKNOWN, REQUEST_ENDED. */
export async function cancelRequest(project: Project, id: number, actor: Actor): Promise<void> {
  await project.catalog.write(async (trx) => {
    const row = await requestRow(trx, id)
    if (row.processed_ms !== null) {
      throw new EngineError('REQUEST_ENDED', { request: id, status: row.status })
    }
    await platformTables(trx.db)
      .updateTable('canonical_rebuild_queue')
      .set({
        status: 'CANCELLED',
        outcome: `by ${actor.name}`,
        processed_ms: project.clock.nowMs(),
        forced: 0,
      })
      .where('queue_id', '=', id)
      .execute()
    await auditRequest(trx, project, { row, actor, action: 'cancel request' })
  })
}

async function auditRequest(
  trx: WriteTransaction,
  { clock }: Project,
  { row, actor, action }: { readonly row: Row; readonly actor: Actor; readonly action: string },
): Promise<void> {
  const subject = `request ${row.queue_id}`
  await insertAudit(trx, { atMs: clock.nowMs(), actor, action, subject, run: null })
}

/** Open requests by status. */
export async function openRequests(db: Connection): Promise<ReadonlyMap<string, number>> {
  const rows = await platformTables(db)
    .selectFrom('canonical_rebuild_queue')
    .select(({ fn }) => ['status', fn.countAll<number>().as('count')])
    .where('processed_ms', 'is', null)
    .groupBy('status')
    .execute()
  return new Map(rows.map((row) => [row.status, row.count]))
}
