/**
 * The rebuild queue: the log of requests to build canonical months. Who asked, why, when, which
 * claim took it up, and what became of it.
 *
 * It decides nothing: what is to be done is what is dirty. A month's claim takes up the requests
 * that are open then, and the commit of that claim answers exactly those, by id; one made meanwhile
 * stays open and leads to one more build. A failure never consumes a request: it counts, and once
 * the build is not tried again by itself the request is DEAD, until a person asks again or a later
 * build of its month answers it.
 */
import { sql } from 'kysely'
import type {
  Claim,
  Committed,
  Connection,
  ErrorCode,
  Hooks,
  WriteTransaction,
} from '../engine/index.ts'
import {
  ATTEMPTS_MAX,
  ERRORS,
  ROLLBACK,
  formatKey,
  nodeText,
  parseKey,
  retryDelayMs,
  rollbackKey,
  rowsTable,
} from '../engine/index.ts'
import { platformTables } from '../registry/tables.ts'

export const MONTH_ASSET = 'gold_canonical'
/** A store that is down is no fault of the request: it is taken up for as long as it takes. */
const NEVER_DEAD = 1_000_000_000

interface Request {
  /** of the canonical month */
  readonly key: string
  readonly reason: string
  /** whether it was marked just now: a claim made before does not cover it */
  readonly isFresh: boolean
}

interface Asked {
  readonly trx: WriteTransaction
  readonly nowMs: number
  readonly run: number
  readonly actor: string
}

const MONTH = { state: 'text', file_type: 'text', atomic_month: 'text' } as const
const SAME_MONTH = sql`q.state = w.state and q.file_type = w.file_type
  and q.atomic_month = w.atomic_month`

/** Adds one request for each month that has none that covers it. */
async function request(
  { trx, nowMs, run, actor }: Asked,
  wanted: readonly Request[],
): Promise<void> {
  const byMonth = new Map(wanted.map((one) => [one.key, one]))
  const rows = rowsTable(
    trx.dialect,
    { ...MONTH, reason: 'text', fresh: 'int' },
    [...byMonth.values()].map((one) => [...parseKey(one.key), one.reason, one.isFresh ? 1 : 0]),
  )
  await sql`insert into canonical_rebuild_queue (state, file_type, atomic_month, reason,
      requested_by, enqueued_ms, run, status, attempts, forced)
    select w.state, w.file_type, w.atomic_month, w.reason,
      ${actor}, ${sql.lit(nowMs)}, ${sql.lit(run)}, 'PENDING', 0, 0
    from ${rows} w where not exists (select 1 from canonical_rebuild_queue q
      where ${SAME_MONTH} and q.processed_ms is null
        and (w.fresh = 0 or q.claimed_ms is null))`.execute(trx.db)
}

interface DirtyMonth {
  readonly key: string
  readonly cause: string
  /** of its last mark */
  readonly revision: number
}

async function dirtyMonths(db: Connection): Promise<readonly DirtyMonth[]> {
  return db
    .selectFrom('dirty')
    .innerJoin('node', 'node.id', 'dirty.node')
    .innerJoin('asset', 'asset.id', 'node.asset')
    .select(['node.key', 'dirty.cause', 'dirty.revision'])
    .where('asset.name', '=', MONTH_ASSET)
    .execute()
}

/** Once planned: a request for every month that is dirty. */
export const requestDirty: NonNullable<Hooks['onPlanned']> = async (access) => {
  const dirty = await dirtyMonths(access.trx.db)
  if (dirty.length === 0) return
  const wanted = dirty.map(({ key, cause, revision }) => ({
    key,
    reason: cause,
    isFresh: revision === access.trx.revision,
  }))
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
    const key = formatKey([state, fileType, month])
    return [{ key, reason: nodeText(one), isFresh: true }]
  })
  if (wanted.length === 0) return
  const run = await access.trx.db
    .selectFrom('run')
    .select('actor')
    .where('id', '=', access.run)
    .executeTakeFirst()
  await request({ ...access, actor: run?.actor ?? '' }, wanted)
}

/**
 * With a month's claim: its open requests are taken up by it, whoever had them before. One that a
 * person made and that nobody has marked yet is left: what is claimed was not forced by it.
 */
export const claimRequests: NonNullable<Hooks['onClaimed']> = async ({ trx, nowMs }, claims) => {
  const months = claims.filter((claim) => claim.asset === MONTH_ASSET)
  if (months.length === 0) return
  const rows = rowsTable(
    trx.dialect,
    { ...MONTH, epoch: 'int', holder: 'text' },
    months.map(({ key, epoch, holder }) => [...parseKey(key), epoch, holder]),
  )
  await sql`update canonical_rebuild_queue as q
    set status = 'CLAIMED', claimed_by = w.holder, claimed_ms = ${sql.lit(nowMs)},
      claim_epoch = w.epoch
    from ${rows} w where ${SAME_MONTH} and q.processed_ms is null and q.forced = 0`.execute(trx.db)
}

/** Failures of a build like this one after which it is not tried again by itself. */
function attemptsMax({ error }: Committed): number {
  if (error === undefined || !Object.hasOwn(ERRORS, error)) return ATTEMPTS_MAX
  const code = error as ErrorCode
  if (retryDelayMs(code, ATTEMPTS_MAX) !== undefined) return NEVER_DEAD
  return retryDelayMs(code, 1) === undefined ? 1 : ATTEMPTS_MAX
}

/** With a claim's commit: answers the requests it took up, or counts the failure. */
export async function answerRequests(
  trx: WriteTransaction,
  one: Committed & Pick<Claim, 'epoch'>,
  nowMs: number,
): Promise<void> {
  const [state = '', fileType = '', month = ''] = parseKey(one.key)
  const taken = platformTables(trx.db)
    .updateTable('canonical_rebuild_queue')
    .where('state', '=', state)
    .where('file_type', '=', fileType)
    .where('atomic_month', '=', month)
    .where('processed_ms', 'is', null)
    .where('claim_epoch', '=', one.epoch)
  if (one.outcome === 'failed') {
    const status = sql<'FAILED' | 'DEAD'>`case when attempts + 1 >= ${sql.lit(attemptsMax(one))}
      then 'DEAD' else 'FAILED' end`
    await taken
      .set((row) => ({
        attempts: row('attempts', '+', 1),
        status,
        outcome: one.error ?? null,
        claimed_by: null,
        claimed_ms: null,
        claim_epoch: null,
      }))
      .execute()
    return
  }
  const status = one.outcome === 'cutoff' ? 'SKIPPED' : 'SUCCEEDED'
  const outcome = (await isRolledBack(trx, one.key)) ? 'rolled back' : one.outcome
  await taken.set({ status, processed_ms: nowMs, outcome }).execute()
}

/** Whether a month stays at an earlier version, whatever was asked for. */
async function isRolledBack({ db }: WriteTransaction, key: string): Promise<boolean> {
  const row = await db
    .selectFrom('node')
    .innerJoin('asset', 'asset.id', 'node.asset')
    .select('node.version')
    .where('asset.name', '=', ROLLBACK)
    .where('node.key', '=', rollbackKey({ asset: MONTH_ASSET, key }))
    .executeTakeFirst()
  return row !== undefined && row.version !== 0
}

/** Requests that the road made and that nothing is left to do for: their month is not dirty. */
export async function unneededRequests(db: Connection): Promise<readonly number[]> {
  // Ids of states, file types and months stand in keys as they are: none is percent-encoded.
  const { rows } = await sql<{ id: number }>`
    select q.queue_id as id from canonical_rebuild_queue q
    where q.processed_ms is null and q.forced = 0 and not exists (
      select 1 from node n join dirty d on d.node = n.id
      where n.asset = (select id from asset where name = ${MONTH_ASSET})
        and n.key = q.state || '/' || q.file_type || '/' || q.atomic_month)`.execute(db)
  return rows.map((row) => row.id)
}

/** Ends them as SKIPPED. */
export async function skipRequests(
  trx: WriteTransaction,
  ids: readonly number[],
  nowMs: number,
): Promise<void> {
  if (ids.length === 0) return
  const rows = rowsTable(
    trx.dialect,
    { id: 'int' },
    ids.map((id) => [id]),
  )
  await sql`update canonical_rebuild_queue
    set status = 'SKIPPED', processed_ms = ${sql.lit(nowMs)}, outcome = 'unchanged'
    where processed_ms is null and queue_id in (select w.id from ${rows} w)`.execute(trx.db)
}

/** Requests of months that turned out to need nothing end as SKIPPED. */
export const skipUnneeded: NonNullable<Hooks['onRunEnd']> = async ({ trx, nowMs }) =>
  skipRequests(trx, await unneededRequests(trx.db), nowMs)
