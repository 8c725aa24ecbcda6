/**
 * The road's own lines in processed manifests: appended after the commit, each once.
 *
 * Under a lease, so that one process appends at a time, and in this order: where a line would be
 * found is noted on its row; the line is appended; the row is marked. A row that was noted by
 * somebody who died is looked for from there to the end of that file: what stands is marked, what
 * does not is appended anew. So neither a kill nor a lost lease loses a line. Only a process that
 * stands still for longer than its lease, between its note and its write, can repeat one.
 */
import { constants } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Selectable } from 'kysely'
import type { Lease, Project, WriteTransaction } from '../engine/index.ts'
import { failpoint, isEngineError, requireLease, withLease } from '../engine/index.ts'
import type { RegistryTables } from '../registry/tables.ts'
import { platformTables } from '../registry/tables.ts'
import { noteLoneFault } from './inbox-findings.ts'
import { appendProcessed } from './processed-append.ts'
import type { ProcessedEntry } from './processed-entry.ts'
import { processedLine } from './processed-entry.ts'
import { missingLines, openManifest, stagingFault } from './processed-lines.ts'
import { dayFile, manifestsFolder } from './processed-places.ts'

interface LandedLines {
  readonly project: Project
  /** the staging folder, absolute */
  readonly prefix: string
  readonly nowMs: number
  /** ends the work between two pages */
  readonly stop?: AbortSignal | undefined
}

/** A page is one batch of lines of each place in it. */
const PAGE_ROWS = 500
/** Of one call; the next goes on. */
const PAGES_MAX = 10_000

type Row = Selectable<RegistryTables['processed_file']>

interface Page {
  /** noted just now: nobody can have appended them */
  readonly fresh: readonly Row[]
  /** noted before, by somebody who got no further */
  readonly noted: readonly Row[]
}

/**
 * Appends the lines that wait and returns how many; 0 too while another process does it. Safe to
 * repeat. A staging folder that cannot be written to is an open finding until it can; nothing is
 * thrown for it.
 */
export async function appendLanded(landed: LandedLines): Promise<number> {
  const { project, prefix, nowMs } = landed
  let count = 0
  let fault: string | undefined
  try {
    const isDone = await withLease(project, 'processed', async (lease) => {
      for (let pages = 0; pages < PAGES_MAX && landed.stop?.aborted !== true; pages++) {
        const page = await notePage(landed, lease)
        if (page.fresh.length + page.noted.length === 0) return
        count += await appendPage(landed, page)
      }
    })
    if (!isDone) return 0
  } catch (error) {
    // Whoever took the lease goes on from the notes.
    if (isEngineError(error, 'RUN_BUSY')) return count
    if (!isEngineError(error, 'STAGING_UNUSABLE')) throw error
    fault = `lines of what was landed wait: ${error.message}`
  }
  const about = { code: 'PROCESSED_MANIFEST', subject: prefix, nowMs }
  await noteLoneFault(project.catalog, about, fault)
  return count
}

/** The rows that wait, each with its note. On disk before anything is appended. */
async function notePage({ project, prefix, nowMs }: LandedLines, lease: Lease): Promise<Page> {
  return project.catalog.write(
    async (trx) => {
      await requireLease(trx, lease)
      const rows = await platformTables(trx.db)
        .selectFrom('processed_file')
        .selectAll()
        .where('appended_ms', 'is', null)
        .orderBy('seq')
        .limit(PAGE_ROWS)
        .execute()
      const fresh = rows.filter((row) => row.noted_file === null)
      for (const [folder, some] of byFolder(prefix, fresh)) {
        const file = dayFile(nowMs)
        const bytes = await sizeBytes(join(folder, file))
        await update(trx, some, { noted_file: file, noted_bytes: bytes })
      }
      failpoint('processed.noting')
      return { fresh, noted: rows.filter((row) => row.noted_file !== null) }
    },
    { bookkeeping: true },
  )
}

/** Appends a page's lines, and takes out those that stand already. Returns how many rows are done. */
async function appendPage({ project, prefix, nowMs }: LandedLines, page: Page): Promise<number> {
  for (const [folder, rows] of byFolder(prefix, page.fresh)) {
    await appendProcessed(folder, rows.map(entryOf), nowMs)
    failpoint('processed.appended')
  }
  const missing: Row[] = []
  for (const [folder, rows] of byFolder(prefix, page.noted)) {
    const files = Map.groupBy(rows, (row) => row.noted_file ?? '')
    for (const [file, some] of files) missing.push(...(await notFound(join(folder, file), some)))
  }
  const done = [...page.fresh, ...page.noted].filter((row) => !missing.includes(row))
  await project.catalog.write(
    async (trx) => {
      await update(trx, done, { appended_ms: nowMs })
      await update(trx, missing, { noted_file: null, noted_bytes: null })
    },
    // Lost with the machine, it is found out anew from the notes.
    { volatile: true, bookkeeping: true },
  )
  failpoint('processed.marked')
  return done.length
}

/** The rows whose lines do not stand behind their notes. */
async function notFound(path: string, rows: readonly Row[]): Promise<readonly Row[]> {
  const from = Math.min(...rows.map((row) => row.noted_bytes ?? 0))
  if ((await sizeBytes(path)) <= from) return rows
  await using file = await openManifest(path, constants.O_RDONLY)
  const missing = new Set(
    await missingLines(
      file,
      from,
      rows.map((row) => processedLine(entryOf(row))),
    ),
  )
  return rows.filter((row) => missing.has(processedLine(entryOf(row))))
}

const entryOf = (row: Row): ProcessedEntry => ({
  raw: row.raw,
  bronze: row.bronze,
  mtime: row.mtime_ms / 1000,
  size: row.size_bytes,
  sha256: row.sha256,
  seq: row.seq,
})

const byFolder = (prefix: string, rows: readonly Row[]): ReadonlyMap<string, Row[]> =>
  Map.groupBy(rows, (row) => manifestsFolder(prefix, row))

async function update(
  { db }: WriteTransaction,
  rows: readonly Row[],
  to: Partial<Pick<Row, 'noted_file' | 'noted_bytes' | 'appended_ms'>>,
): Promise<void> {
  if (rows.length === 0) return
  await platformTables(db)
    .updateTable('processed_file')
    .set(to)
    .where(
      'seq',
      'in',
      rows.map(({ seq }) => seq),
    )
    .execute()
}

/** 0 where there is no such file yet. */
async function sizeBytes(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 0
    throw stagingFault(path, error)
  }
}
