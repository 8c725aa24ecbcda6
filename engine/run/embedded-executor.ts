/**
 * The embedded executor: a table in the catalog. Needs nothing, works on both databases, and is
 * meant for one process; several may share it, as every taking is one transaction.
 */
import { sql } from 'kysely'
import { leaseNow } from '../catalog/leases.ts'
import { rowsTable } from '../catalog/rows.ts'
import type { BuildTask, Executor, Job } from './executor.ts'
import { BOOKKEEPING, HOLD_MS } from './hold.ts'
import { isDeadHolder } from './holder.ts'
import type { Project } from './project.ts'

/** Opens it over a project's catalog. */
export function embeddedExecutor({ catalog, clock }: Pick<Project, 'catalog' | 'clock'>): Executor {
  const requeue = async (): Promise<void> => {
    const taken = catalog.db.selectFrom('job').select(['id', 'holder', 'expires_ms'])
    const rows = await taken.where('holder', 'is not', null).execute()
    if (rows.length === 0) return
    const nowMs = await leaseNow(catalog, clock)
    const dead = rows.filter((row) => row.expires_ms <= nowMs || isDeadHolder(row.holder ?? ''))
    if (dead.length === 0) return
    await catalog.write(async ({ db, dialect }) => {
      const wanted = rowsTable(
        dialect,
        { id: 'int', expires: 'int' },
        dead.map((row) => [row.id, row.expires_ms]),
      )
      await sql`update job set holder = null, taken_ms = null where (id, expires_ms) in
        (select w.id, w.expires from ${wanted} w)`.execute(db)
    }, BOOKKEEPING)
  }
  return {
    name: 'embedded',
    enqueue: async (trx, tasks) => {
      if (tasks.length === 0) return
      const wanted = rowsTable(
        trx.dialect,
        { node: 'int', task: 'text', priority: 'int' },
        tasks.map((task) => [task.node, JSON.stringify(task), task.place]),
      )
      const nowMs = await leaseNow(trx, clock)
      await sql`insert into job (node, task, priority, enqueued_ms)
        select node, task, priority, ${sql.lit(nowMs)} from ${wanted} w where true
        on conflict (node) do nothing`.execute(trx.db)
    },
    outstanding: async (db) =>
      (await db.selectFrom('job').select(['task', 'holder']).execute()).map((row) => ({
        task: JSON.parse(row.task) as BuildTask,
        isTaken: row.holder !== null,
      })),
    take: async (holder, count) => {
      // A look without a lock: most polls find nothing.
      const any = catalog.db.selectFrom('job').select('id').where('holder', 'is', null).limit(1)
      if ((await any.executeTakeFirst()) === undefined) return []
      return catalog.write(async (trx) => {
        const nowMs = await leaseNow(trx, clock)
        const { rows } = await sql<{ id: number; task: string; taken: number }>`
          update job set holder = ${holder}, expires_ms = ${nowMs + HOLD_MS}, taken_ms = ${nowMs}
          where id in (select id from job where holder is null order by priority, id limit ${count})
          returning id, task, taken_ms as taken`.execute(trx.db)
        return rows.map(jobOf)
      }, BOOKKEEPING)
    },
    complete: async ({ db, dialect }, jobs) => {
      if (jobs.length === 0) return
      const done = rowsTable(
        dialect,
        { id: 'int', taken: 'int' },
        jobs.map(({ id, taking }) => [Number(id), taking]),
      )
      await sql`delete from job where (id, taken_ms) in
        (select w.id, w.taken from ${done} w)`.execute(db)
    },
    release: async (jobs) => {
      if (jobs.length === 0) return
      await catalog.write(async ({ db, dialect }) => {
        const given = rowsTable(
          dialect,
          { id: 'int', taken: 'int' },
          jobs.map(({ id, taking }) => [Number(id), taking]),
        )
        await sql`update job set holder = null, taken_ms = null where (id, taken_ms) in
          (select w.id, w.taken from ${given} w)`.execute(db)
      }, BOOKKEEPING)
    },
    beat: async (holder, jobs) => {
      if (jobs.length > 0) {
        await catalog.write(async (trx) => {
          const endMs = (await leaseNow(trx, clock)) + HOLD_MS
          const jobsOf = trx.db.updateTable('job').where('holder', '=', holder)
          await jobsOf.set({ expires_ms: endMs }).execute()
        }, BOOKKEEPING)
      }
      await requeue()
    },
    cancel: async ({ db, dialect }, nodes) => {
      if (nodes.length === 0) return
      const wanted = rowsTable(
        dialect,
        { node: 'int' },
        nodes.map((node) => [node]),
      )
      await sql`delete from job where holder is null
        and node in (select w.node from ${wanted} w)`.execute(db)
    },
    depth: async (db) => {
      const rows = await db
        .selectFrom('job')
        .select(({ fn }) => [
          fn.countAll<number>().as('all'),
          fn.count<number>('holder').as('taken'),
        ])
        .executeTakeFirstOrThrow()
      return { queued: rows.all - rows.taken, taken: rows.taken }
    },
    [Symbol.asyncDispose]: async () => undefined,
  }
}

const jobOf = (row: {
  readonly id: number
  readonly task: string
  readonly taken: number
}): Job => ({
  id: String(row.id),
  task: JSON.parse(row.task) as BuildTask,
  taking: row.taken,
})
