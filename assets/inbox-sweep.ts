/**
 * `intake.after: delete`: the inbox's copy of what raw holds goes, and then the drop's marker.
 *
 * A row of `inbox_object` says which version of a file was claimed by which submission; once that
 * submission's raw is committed, that version may go and no other. The file goes before its row,
 * so a sweep that dies is repeated from where it was, and one beside a run takes nothing from it.
 * Quarantined files, and those that wait for review, exist nowhere else: they stay.
 */
import type { RawBuilder, SqlBool } from 'kysely'
import { sql } from 'kysely'
import type { Catalog, Connection, Project } from '../engine/index.ts'
import {
  counted,
  failpoint,
  formatKey,
  insertAudit,
  isEngineError,
  projectJournal,
} from '../engine/index.ts'
import { MARKER } from '../registry/inbox.ts'
import { platformTables } from '../registry/tables.ts'
import { noteLoneFault } from './inbox-findings.ts'
import type { Inbox, Removal, Version } from './inbox.ts'

export interface InboxSweep {
  readonly project: Project
  readonly inbox: Inbox
  readonly nowMs: number
  /** ends the sweep between two pages */
  readonly stop?: AbortSignal | undefined
}

/** What became of the versions that were to go. `changed`: another version lies there now. */
export type Swept = Readonly<Record<Removal, number>>

const PAGE_ROWS = 500
const REMOVALS_AT_ONCE = 16

/**
 * Removes what is landed. Safe to repeat and beside a run. What cannot be removed is an open
 * finding until it can; nothing is thrown for it. Cost when nothing is landed: two queries.
 */
export async function sweepInbox(sweep: InboxSweep): Promise<Swept> {
  const swept: Record<Removal, number> = { removed: 0, gone: 0, changed: 0 }
  let fault: string | undefined
  try {
    await sweepPages(sweep, landedVersions, swept)
    failpoint('inbox.files.swept')
    await sweepPages(sweep, spentMarkers, swept)
    if (swept.removed + swept.gone > 0) await projectJournal(sweep.project)
  } catch (error) {
    if (!isEngineError(error, 'INPUT_UNREADABLE') && !isEngineError(error, 'STORE_UNUSABLE')) {
      throw error
    }
    fault = `what is landed stays in the inbox: ${error.message}`
  }
  const { project, inbox, nowMs } = sweep
  await noteLoneFault(project.catalog, { code: 'INBOX_SWEEP', subject: inbox.name, nowMs }, fault)
  return swept
}

/** SQLite's `like` does not tell cases apart. */
const isMarker = ({ path }: { readonly path: string }): boolean => path.endsWith(`/${MARKER}`)
const likeText = (text: string): string => text.replaceAll(/[\\%_]/g, String.raw`\$&`)
const isLike = (column: string, pattern: string): RawBuilder<SqlBool> =>
  sql<SqlBool>`${sql.ref(column)} like ${pattern} escape '\\'`

interface Page {
  readonly versions: readonly Version[]
  /** the last path looked at; undefined: there are no more */
  readonly after: string | undefined
}

async function sweepPages(
  sweep: InboxSweep,
  look: (sweep: InboxSweep, after: string) => Promise<Page>,
  swept: Record<Removal, number>,
): Promise<void> {
  let after: string | undefined = ''
  while (after !== undefined && sweep.stop?.aborted !== true) {
    const page: Page = await look(sweep, after)
    for (let at = 0; at < page.versions.length; at += REMOVALS_AT_ONCE) {
      await removeSome(sweep, page.versions.slice(at, at + REMOVALS_AT_ONCE), swept)
    }
    after = page.after
  }
}

/** Removes, then forgets what is gone, also when one of them could not be removed. */
async function removeSome(
  { project: { catalog }, inbox, nowMs }: InboxSweep,
  versions: readonly Version[],
  swept: Record<Removal, number>,
): Promise<void> {
  const ended = await Promise.allSettled(versions.map(async (one) => inbox.remove(one)))
  failpoint('inbox.file.removed')
  const gone = versions.filter((_, at) => {
    const one = ended[at]
    return one?.status === 'fulfilled' && one.value !== 'changed'
  })
  await forget(catalog, gone, nowMs)
  for (const one of ended) {
    if (one.status === 'rejected') throw one.reason
    swept[one.value] += 1
  }
}

/**
 * The next delivery under this name is a new one. A row that tells of another version stays. The
 * audit has their number, not their names: what a submitter calls a file is its own.
 */
async function forget(
  catalog: Catalog,
  versions: readonly Version[],
  nowMs: number,
): Promise<void> {
  if (versions.length === 0) return
  await catalog.write(
    async (trx) => {
      const { db } = trx
      await insertAudit(trx, {
        atMs: nowMs,
        actor: { name: 'inbox', reason: 'raw holds their bytes' },
        action: 'landed',
        subject: counted(versions.length, 'file'),
        run: null,
      })
      for (const { path, changedToken } of versions) {
        await platformTables(db)
          .deleteFrom('inbox_object')
          .where('path', '=', path)
          .where('token', '=', changedToken)
          .execute()
      }
    },
    { volatile: true, bookkeeping: true },
  )
}

/** Claimed files whose bytes are in raw, those of a duplicate under its first submission. */
async function landedVersions(
  { project: { catalog }, inbox }: InboxSweep,
  after: string,
): Promise<Page> {
  const rows = await platformTables(catalog.db)
    .selectFrom('inbox_object as o')
    .innerJoin('submission as s', 's.submission_id', 'o.claimed_by')
    .innerJoin('submission as l', (join) =>
      join.on(({ eb, fn }) =>
        eb('l.submission_id', '=', fn.coalesce('s.duplicate_of', 's.submission_id')),
      ),
    )
    .select(['o.path', 'o.token as changedToken', 'o.claimed_by'])
    .select(['l.submitter_id', 'l.file_type', 'l.submission_id'])
    .where('o.path', '>', after)
    .orderBy('o.path')
    .limit(PAGE_ROWS)
    .execute()
  const files = rows.filter((row) => !isMarker(row))
  const keyOf = (row: (typeof rows)[number]): string =>
    formatKey([row.submitter_id, row.file_type, row.submission_id])
  const landed = await landedKeys(catalog.db, files.map(keyOf))
  const sources = await sourcesOf(
    catalog.db,
    files.flatMap((row) => row.claimed_by ?? []),
  )
  return {
    versions: files.filter(
      (row) => landed.has(keyOf(row)) && sources.has(`${row.claimed_by} ${inbox.sourceOf(row)}`),
    ),
    after: rows.length < PAGE_ROWS ? undefined : rows.at(-1)?.path,
  }
}

async function landedKeys(db: Connection, keys: readonly string[]): Promise<ReadonlySet<string>> {
  if (keys.length === 0) return new Set()
  const rows = await db
    .selectFrom('node')
    .innerJoin('asset', 'asset.id', 'node.asset')
    .select('node.key')
    .where('asset.name', '=', 'raw')
    .where('node.version', '<>', 0)
    .where('node.key', 'in', [...new Set(keys)])
    .execute()
  return new Set(rows.map(({ key }) => key))
}

/** `{submission} {source}` of every file of these submissions. */
async function sourcesOf(
  db: Connection,
  submissions: readonly string[],
): Promise<ReadonlySet<string>> {
  if (submissions.length === 0) return new Set()
  const rows = await platformTables(db)
    .selectFrom('submission_file')
    .select(['submission_id', 'source'])
    .where('submission_id', 'in', [...new Set(submissions)])
    .execute()
  return new Set(rows.map((row) => `${row.submission_id} ${row.source}`))
}

/** Markers that closed a delivery of which no claimed file lies there any more. */
async function spentMarkers({ project: { catalog } }: InboxSweep, after: string): Promise<Page> {
  const tables = platformTables(catalog.db)
  const rows = await tables
    .selectFrom('inbox_object')
    .select(['path', 'token as changedToken'])
    .where('claimed_by', 'is not', null)
    .where('path', '>', after)
    .where(isLike('path', `%/${likeText(MARKER)}`))
    .orderBy('path')
    .limit(PAGE_ROWS)
    .execute()
  const spent: Version[] = []
  for (const row of rows) {
    const folder = row.path.slice(0, -MARKER.length)
    let others = tables
      .selectFrom('inbox_object')
      .select('path')
      .where('claimed_by', 'is not', null)
      .where('path', '>', folder)
      .where('path', '<', `${folder.slice(0, -1)}0`) // the character after the slash
      .where('path', '<>', row.path)
    // Directly under a submitter it vouches for loose files only.
    if (folder.indexOf('/') === folder.length - 1) {
      others = others.where((eb) => eb.not(isLike('path', `${likeText(folder)}%/%`)))
    }
    if ((await others.limit(1).executeTakeFirst()) === undefined && isMarker(row)) spent.push(row)
  }
  return { versions: spent, after: rows.length < PAGE_ROWS ? undefined : rows.at(-1)?.path }
}
