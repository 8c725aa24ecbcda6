/**
 * The pg-boss executor: jobs in PostgreSQL for workers on many machines.
 *
 * Jobs are sent and completed in the catalog's own transactions. A worker that is silent for
 * `HEARTBEAT_SECONDS` loses its jobs, and a completion of a job that was taken again since changes
 * nothing (pg-boss fences by attempt). Policy `exclusive`: a node is queued or taken once at most.
 */
import { sql } from 'kysely'
import { PgBoss, fromKysely } from 'pg-boss'
import { assert } from '../core/errors.ts'
import type { Connection } from '../catalog/open.ts'
import type { BuildTask, Executor, Job, QueueDepth } from './executor.ts'

const QUEUE = 'tributary_build'
/** pg-boss's own minimum. */
const HEARTBEAT_SECONDS = 10
/** Jobs are hints: one that ended is of no more use, and what was never taken is queued anew. */
const KEPT_SECONDS = 60 * 60
/** The longest a job may be taken, however lively its worker: the library's limit is 24 hours. */
const EXPIRE_SECONDS = 23 * 60 * 60
/** A job goes back to the queue whenever its worker dies; how often a build may fail is counted elsewhere. */
const RETRIES_MAX = 10_000
const CONNECTIONS_MAX = 2

export interface BossOptions {
  /** of the catalog's database */
  readonly url: string
  readonly onError: (error: Error) => void
}

/** Connects, and makes pg-boss's schema and the queue where they are missing. */
export async function bossExecutor({ url, onError }: BossOptions): Promise<Executor> {
  const boss = new PgBoss({
    connectionString: url,
    max: CONNECTIONS_MAX,
    application_name: 'tributary',
    schedule: false,
    superviseIntervalSeconds: 2,
    monitorIntervalSeconds: 2,
  })
  // Without a listener a lost connection would end the process; the next call connects again.
  boss.on('error', onError)
  await boss.start()
  await boss.createQueue(QUEUE, {
    policy: 'exclusive',
    heartbeatSeconds: HEARTBEAT_SECONDS,
    expireInSeconds: EXPIRE_SECONDS,
    retryLimit: RETRIES_MAX,
    retryDelay: 0,
    deleteAfterSeconds: KEPT_SECONDS,
  })
  return {
    name: 'pg-boss',
    enqueue: async ({ db }, tasks) => {
      if (tasks.length === 0) return
      const jobs = tasks.map((task) => ({
        data: task,
        singletonKey: String(task.node),
        priority: -task.place,
        group: { id: task.group === '' ? 'none' : task.group },
      }))
      await boss.insert(QUEUE, jobs, { db: fromKysely(db) })
    },
    outstanding: async (db) => {
      const { rows } = await sql<{ data: BuildTask; state: string }>`
        select data, state from pgboss.job
        where name = ${QUEUE} and state in ('created', 'retry', 'active')`.execute(db)
      return rows.map(({ data, state }) => ({ task: data, isTaken: state === 'active' }))
    },
    take: async (_holder, count) => {
      const jobs = await boss.fetch<BuildTask>(QUEUE, { batchSize: count })
      return jobs.map((job) => ({ id: job.id, task: job.data, taking: job.retryCount }))
    },
    complete: async ({ db }, jobs) => {
      if (jobs.length > 0) await boss.complete(QUEUE, attempts(jobs), null, { db: fromKysely(db) })
    },
    release: async (jobs) => {
      if (jobs.length > 0) await boss.fail(QUEUE, attempts(jobs))
    },
    beat: async (_holder, jobs) => {
      if (jobs.length > 0) await boss.touch(QUEUE, attempts(jobs))
    },
    cancel: async ({ db }, nodes) => {
      if (nodes.length === 0) return
      const keys = nodes.map(String)
      await sql`delete from pgboss.job where name = ${QUEUE} and state in ('created', 'retry')
        and singleton_key = any(${keys})`.execute(db)
    },
    depth,
    [Symbol.asyncDispose]: async () => boss.stop({ graceful: false, close: true }),
  }
}

const attempts = (jobs: readonly Job[]): { id: string; retryCount: number }[] =>
  jobs.map(({ id, taking }) => ({ id, retryCount: taking }))

async function depth(db: Connection): Promise<QueueDepth> {
  const { rows } = await sql<{ queued: number; taken: number; oldest: number | null }>`
    select count(*) filter (where state in ('created', 'retry')) as queued,
      count(*) filter (where state = 'active') as taken,
      floor(extract(epoch from min(created_on) filter (where state in ('created', 'retry')))
        * 1000)::bigint as oldest
    from pgboss.job where name = ${QUEUE}`.execute(db)
  const [row] = rows
  assert(row !== undefined, 'a count is one row')
  const { queued, taken, oldest } = row
  return { queued, taken, oldestMs: oldest ?? undefined }
}
