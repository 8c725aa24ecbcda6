/**
 * The embedded executor: a table in the catalog. Needs nothing, works on both databases, and is
 * meant for one process; several may share it, as every taking is one transaction.
 */
import type { RawBuilder } from 'kysely'
import { sql } from 'kysely'
import { leaseNow } from '../catalog/leases.ts'
import type { Connection, DialectName, WriteTransaction } from '../catalog/open.ts'
import { rowsTable } from '../catalog/rows.ts'
import type { BuildTask, Executor, Job, Outstanding, QueueDepth } from './executor.ts'
import { BOOKKEEPING, HOLD_MS } from './hold.ts'
import { isDeadHolder } from './holder.ts'
import type { Project } from './project.ts'

/** Jobs in the catalog's own table. Cost: a transaction to take, one statement inside others. */
export class EmbeddedExecutor implements Executor {
  readonly name = 'embedded'
  readonly #catalog: Project['catalog']
  readonly #clock: Project['clock']

  /** Over a project's catalog. */
  constructor({ catalog, clock }: Pick<Project, 'catalog' | 'clock'>) {
    this.#catalog = catalog
    this.#clock = clock
  }

  async enqueue(trx: WriteTransaction, tasks: readonly BuildTask[]): Promise<void> {
    if (tasks.length === 0) return
    const wanted = rowsTable(
      trx.dialect,
      { node: 'int', task: 'text', priority: 'int' },
      tasks.map((task) => [task.node, JSON.stringify(task), task.place]),
    )
    const nowMs = await leaseNow(trx, this.#clock)
    await sql`insert into job (node, task, priority, enqueued_ms)
      select node, task, priority, ${sql.lit(nowMs)} from ${wanted} w where true
      on conflict (node) do nothing`.execute(trx.db)
  }

  async outstanding(db: Connection): Promise<readonly Outstanding[]> {
    const rows = await db.selectFrom('job').select(['task', 'holder']).execute()
    return rows.map((row) => ({
      task: JSON.parse(row.task) as BuildTask,
      isTaken: row.holder !== null,
    }))
  }

  async take(holder: string, count: number): Promise<readonly Job[]> {
    const queued = this.#catalog.db.selectFrom('job').select('id').where('holder', 'is', null)
    // A look without a lock: most polls find nothing.
    if ((await queued.limit(1).executeTakeFirst()) === undefined) return []
    return this.#catalog.write(async (trx) => {
      const nowMs = await leaseNow(trx, this.#clock)
      const { rows } = await sql<{ id: number; task: string; takings: number }>`
        update job set holder = ${holder}, expires_ms = ${nowMs + HOLD_MS}, taken_ms = ${nowMs},
          takings = takings + 1
        where id in (select id from job where holder is null order by priority, id limit ${count})
        returning id, task, takings`.execute(trx.db)
      return rows.map((row) => ({
        id: String(row.id),
        task: JSON.parse(row.task) as BuildTask,
        taking: row.takings,
      }))
    }, BOOKKEEPING)
  }

  async complete({ db, dialect }: WriteTransaction, jobs: readonly Job[]): Promise<void> {
    if (jobs.length === 0) return
    await sql`delete from job where ${isTakenAs(dialect, jobs)}`.execute(db)
  }

  async release(jobs: readonly Job[]): Promise<void> {
    if (jobs.length === 0) return
    await this.#catalog.write(async ({ db, dialect }) => {
      await sql`update job set holder = null, taken_ms = null
        where ${isTakenAs(dialect, jobs)}`.execute(db)
    }, BOOKKEEPING)
  }

  async beat(holder: string, jobs: readonly Job[]): Promise<void> {
    if (jobs.length > 0) {
      await this.#catalog.write(async (trx) => {
        const endMs = (await leaseNow(trx, this.#clock)) + HOLD_MS
        await sql`update job set expires_ms = ${endMs}
          where holder = ${holder} and ${isTakenAs(trx.dialect, jobs)}`.execute(trx.db)
      }, BOOKKEEPING)
    }
    await this.#requeueDead()
  }

  async cancel({ db, dialect }: WriteTransaction, nodes: readonly number[]): Promise<void> {
    if (nodes.length === 0) return
    const wanted = rowsTable(
      dialect,
      { node: 'int' },
      nodes.map((node) => [node]),
    )
    await sql`delete from job where holder is null
      and node in (select w.node from ${wanted} w)`.execute(db)
  }

  async depth(db: Connection): Promise<QueueDepth> {
    const { all, taken } = await db
      .selectFrom('job')
      .select(({ fn }) => [fn.countAll<number>().as('all'), fn.count<number>('holder').as('taken')])
      .executeTakeFirstOrThrow()
    const oldest = await db
      .selectFrom('job')
      .select(({ fn }) => fn.min('enqueued_ms').as('ms'))
      .where('holder', 'is', null)
      .executeTakeFirst()
    return { queued: all - taken, taken, oldestMs: oldest?.ms ?? undefined }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The catalog is the project's to close.
  }

  /** Jobs whose worker is gone, or said nothing for as long as a claim stands, are queued again. */
  async #requeueDead(): Promise<void> {
    const taken = this.#catalog.db.selectFrom('job').select(['id', 'holder', 'expires_ms'])
    const rows = await taken.where('holder', 'is not', null).execute()
    if (rows.length === 0) return
    const nowMs = await leaseNow(this.#catalog, this.#clock)
    const dead = rows.filter((row) => row.expires_ms <= nowMs || isDeadHolder(row.holder ?? ''))
    if (dead.length === 0) return
    await this.#catalog.write(async ({ db, dialect }) => {
      const wanted = rowsTable(
        dialect,
        { id: 'int', expires: 'int' },
        dead.map((row) => [row.id, row.expires_ms]),
      )
      await sql`update job set holder = null, taken_ms = null where (id, expires_ms) in
        (select w.id, w.expires from ${wanted} w)`.execute(db)
    }, BOOKKEEPING)
  }
}

/** That a job is still in the taking that these are from. */
function isTakenAs(dialect: DialectName, jobs: readonly Job[]): RawBuilder<unknown> {
  const wanted = rowsTable(
    dialect,
    { id: 'int', takings: 'int' },
    jobs.map(({ id, taking }) => [Number(id), taking]),
  )
  return sql`holder is not null and (id, takings) in (select w.id, w.takings from ${wanted} w)`
}
