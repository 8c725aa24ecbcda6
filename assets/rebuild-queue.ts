/**
 * The rebuild queue: the log of requests to build canonical months. Who asked, why, when, and what
 * became of it.
 *
 * It decides nothing: what is to be done is what is dirty. A month has at most one open request;
 * it is answered by the commit that leaves its month current, and a failure never consumes it.
 */
import type { Committed, Hooks, WriteTransaction } from '../engine/index.ts'
import { formatKey, nodeText, parseKey } from '../engine/index.ts'
import { platformTables } from '../registry/tables.ts'

const MONTH_ASSET = 'gold_canonical'

interface Request {
  /** of the canonical month */
  readonly key: string
  readonly reason: string
}

interface Asked {
  readonly trx: WriteTransaction
  readonly nowMs: number
  readonly run: number
  readonly actor: string
}

/** Adds one request for each month that has none open. */
async function request(
  { trx, nowMs, run, actor }: Asked,
  wanted: readonly Request[],
): Promise<void> {
  const tables = platformTables(trx.db)
  const open = new Set((await openRequests(trx)).map((row) => row.key))
  for (const { key, reason } of wanted) {
    if (open.has(key)) continue
    open.add(key)
    const [state = '', fileType = '', month = ''] = parseKey(key)
    await tables
      .insertInto('canonical_rebuild_queue')
      .values({
        state,
        file_type: fileType,
        atomic_month: month,
        reason,
        requested_by: actor,
        enqueued_ms: nowMs,
        run,
        status: 'PENDING',
        outcome: null,
        attempts: 0,
        processed_ms: null,
      })
      .execute()
  }
}

async function openRequests(
  trx: WriteTransaction,
): Promise<readonly { readonly id: number; readonly key: string }[]> {
  const rows = await platformTables(trx.db)
    .selectFrom('canonical_rebuild_queue')
    .select(['queue_id', 'state', 'file_type', 'atomic_month'])
    .where('processed_ms', 'is', null)
    .execute()
  return rows.map((row) => ({
    id: row.queue_id,
    key: formatKey([row.state, row.file_type, row.atomic_month]),
  }))
}

async function dirtyMonths(
  trx: WriteTransaction,
): Promise<readonly { readonly key: string; readonly cause: string }[]> {
  return trx.db
    .selectFrom('dirty')
    .innerJoin('node', 'node.id', 'dirty.node')
    .innerJoin('asset', 'asset.id', 'node.asset')
    .select(['node.key', 'dirty.cause'])
    .where('asset.name', '=', MONTH_ASSET)
    .execute()
}

/** Once planned: a request for every month that is dirty. */
export const requestDirty: NonNullable<Hooks['onPlanned']> = async (access) => {
  const dirty = await dirtyMonths(access.trx)
  if (dirty.length === 0) return
  const wanted = dirty.map(({ key, cause }) => ({ key, reason: cause }))
  await request({ ...access, actor: access.actor.name }, wanted)
}

/** In the commit that changed a submitter's month: a request for the month it is a part of. */
export async function requestMonths(
  access: Omit<Asked, 'actor'>,
  committed: readonly Committed[],
): Promise<void> {
  const wanted = committed.flatMap((one): Request[] => {
    if (one.asset !== 'gold_submitter' || !one.changed) return []
    const [state = '', fileType = '', , month = ''] = parseKey(one.key)
    return [{ key: formatKey([state, fileType, month]), reason: nodeText(one) }]
  })
  if (wanted.length === 0) return
  const run = await access.trx.db
    .selectFrom('run')
    .select('actor')
    .where('id', '=', access.run)
    .executeTakeFirst()
  await request({ ...access, actor: run?.actor ?? '' }, wanted)
}

/** Ends a month's request with the commit that covered it, unless it is dirty again. */
export async function answerRequests(
  trx: WriteTransaction,
  one: Committed,
  nowMs: number,
): Promise<void> {
  const [state = '', fileType = '', month = ''] = parseKey(one.key)
  const open = platformTables(trx.db)
    .updateTable('canonical_rebuild_queue')
    .where('state', '=', state)
    .where('file_type', '=', fileType)
    .where('atomic_month', '=', month)
    .where('processed_ms', 'is', null)
  if (one.outcome === 'failed') {
    const outcome = one.error ?? null
    await open.set((row) => ({ attempts: row('attempts', '+', 1), outcome })).execute()
    return
  }
  if (await isDirty(trx, one.key)) return
  const status = one.outcome === 'cutoff' ? 'SKIPPED' : 'SUCCEEDED'
  await open.set({ status, processed_ms: nowMs, outcome: one.outcome }).execute()
}

async function isDirty(trx: WriteTransaction, key: string): Promise<boolean> {
  const row = await trx.db
    .selectFrom('dirty')
    .innerJoin('node', 'node.id', 'dirty.node')
    .innerJoin('asset', 'asset.id', 'node.asset')
    .select('node.id')
    .where('asset.name', '=', MONTH_ASSET)
    .where('node.key', '=', key)
    .executeTakeFirst()
  return row !== undefined
}

/** Requests of months that turned out to need nothing end as SKIPPED. */
export const skipUnneeded: NonNullable<Hooks['onRunEnd']> = async ({ trx, nowMs }) => {
  const open = await openRequests(trx)
  if (open.length === 0) return
  const dirty = new Set((await dirtyMonths(trx)).map((row) => row.key))
  for (const { id, key } of open) {
    if (dirty.has(key)) continue
    await platformTables(trx.db)
      .updateTable('canonical_rebuild_queue')
      .set({ status: 'SKIPPED', processed_ms: nowMs, outcome: 'unchanged' })
      .where('queue_id', '=', id)
      .execute()
  }
}
