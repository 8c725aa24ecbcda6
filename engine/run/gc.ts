/**
 * gc: residue in store and scratch, logs and history beyond retention; and what is kept, and why.
 *
 * Nothing that a plan, a trace, a retained version or a rebuild of the catalog needs is touched: the
 * bound of each table is stated where it is pruned. A dry run does the same and rolls it back.
 */
import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import { pruneBuilds, pruneEvents, pruneTicks } from '../catalog/history.ts'
import type { WriteTransaction } from '../catalog/open.ts'
import { Rollback } from '../catalog/transaction.ts'
import type { Actor } from '../catalog/runs.ts'
import { insertAudit } from '../catalog/runs.ts'
import { projectJournal } from './journal.ts'
import type { Project } from './project.ts'
import { withRunLease } from './run-lease.ts'
import { findResidue, removeResidue } from './sweep.ts'

/** How old a thing has to be before it goes. */
export interface Retention {
  /** builds that were superseded, parses, validations, answered requests, closed findings */
  readonly historyMs: number
  /** events and logs of runs, ticks of sensors */
  readonly logsMs: number
}

export interface Collected {
  readonly what: string
  readonly count: number
}

export interface GcReport {
  readonly removed: readonly Collected[]
  /** what stays whatever its age, how much of it, and why */
  readonly kept: readonly (Collected & { readonly why: string })[]
}

export interface GcOptions {
  readonly retention: Retention
  readonly actor: Actor
  readonly isDryRun: boolean
}

/** Removes what is beyond retention, or says what it would. Throws RUN_BUSY. */
export async function collectGarbage(project: Project, options: GcOptions): Promise<GcReport> {
  return withRunLease(project, async () => {
    const residue = await (options.isDryRun ? findResidue(project) : removeResidue(project))
    const logs = oldLogs(project, options)
    if (!options.isDryRun) for (const path of logs) rmSync(path, { force: true })
    const rows = await project.catalog.write(async (trx) => prune(trx, project, options), {
      bookkeeping: true,
    })
    const removed = [
      { what: 'orphans of the store', count: residue.units.length + residue.strays.length },
      { what: 'scratch folders', count: residue.scratch.length },
      { what: 'run logs', count: logs.length },
      ...rows,
    ]
    await projectJournal(project)
    return { removed, kept: await keptOf(project) }
  })
}

async function prune(
  trx: WriteTransaction,
  project: Project,
  { retention, actor, isDryRun }: GcOptions,
): Promise<readonly Collected[]> {
  const nowMs = project.clock.nowMs()
  const historyMs = nowMs - retention.historyMs
  const logsMs = nowMs - retention.logsMs
  const own = [
    { what: 'superseded builds', count: await pruneBuilds(trx, historyMs) },
    { what: 'events of runs', count: await pruneEvents(trx, logsMs) },
    { what: 'ticks of sensors', count: await pruneTicks(trx, logsMs) },
  ]
  const theirs = (await project.hooks.onCollect?.({ trx, beforeMs: historyMs })) ?? []
  const removed = [...own, ...theirs]
  if (isDryRun) throw new Rollback(removed)
  const gone = removed.filter(({ count }) => count > 0)
  if (gone.length > 0) {
    const subject = gone.map(({ what, count }) => `${count} ${what}`).join(', ')
    await insertAudit(trx, { atMs: nowMs, actor, action: 'gc', subject, run: null })
  }
  return removed
}

const LOG = /^run-\d+\.ndjson$/

function oldLogs({ logFolder, clock }: Project, { retention }: GcOptions): readonly string[] {
  if (logFolder === undefined) return []
  const beforeMs = clock.nowMs() - retention.logsMs
  const there = statSync(logFolder, { throwIfNoEntry: false }) !== undefined
  const names = there ? readdirSync(logFolder).filter((name) => LOG.test(name)) : []
  return names
    .map((name) => join(logFolder, name))
    .filter((path) => (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? beforeMs) < beforeMs)
}

async function keptOf({ catalog }: Project): Promise<GcReport['kept']> {
  const { rows } = await sql<Record<'audit' | 'builds' | 'versions' | 'parts' | 'wanted', number>>`
    select (select count(*) from audit) as audit, (select count(*) from build) as builds,
      (select count(*) from version) as versions, (select count(*) from part) as parts,
      (select count(*) from first_wanted) as wanted`.execute(catalog.db)
  const [row] = rows
  if (row === undefined) return []
  return [
    { what: 'audit rows', count: row.audit, why: 'a chain has no gaps' },
    { what: 'builds', count: row.builds, why: 'current, first, last 32, or of a kept version' },
    { what: 'contents', count: row.versions, why: 'slots of kept builds name them' },
    { what: 'parts', count: row.parts, why: 'of versions within retain_versions' },
    { what: 'first-wanted instants', count: row.wanted, why: 'bytes that return are the same' },
  ]
}
