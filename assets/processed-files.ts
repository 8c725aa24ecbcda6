/**
 * What raw landed, noted in the transaction of its commit: a row a file, numbered without a gap.
 * Their lines are appended after it; until then they wait here, so that a crash loses none.
 */
import { sep } from 'node:path'
import type { Committed, Connection, WriteTransaction } from '../engine/index.ts'
import { assert, parseKey, printable } from '../engine/index.ts'
import { platformTables } from '../registry/tables.ts'
import type { RegistryTables } from '../registry/tables.ts'
import { layoutParts } from './facts.ts'
import type { Inbox } from './inbox.ts'
import { submissionPath } from './paths.ts'

/** Where what is landed comes from. */
export interface LandedFrom {
  readonly inbox: Inbox
  /** absolute; holds the project */
  readonly root: string
}

/** Rows and names in one statement. */
const PAGE_ROWS = 500

/** Whether a landed file waits for its line. Cost when none does: one look at an empty index. */
export async function isLineWaiting(db: Connection): Promise<boolean> {
  const waiting = await platformTables(db)
    .selectFrom('processed_file')
    .select('seq')
    .where('appended_ms', 'is', null)
    .limit(1)
    .executeTakeFirst()
  return waiting !== undefined
}

/** Notes the files of every commit of raw that changed it. */
export async function noteLanded(
  { db }: WriteTransaction,
  committed: readonly Committed[],
  from: LandedFrom,
): Promise<void> {
  const landed = committed.filter(
    (one) => one.asset === 'raw' && one.changed && one.outcome !== 'retired',
  )
  if (landed.length === 0) return
  const tables = platformTables(db)
  const files = await tables
    .selectFrom('submission_file as f')
    .innerJoin('submission as s', 's.submission_id', 'f.submission_id')
    .select(['s.submission_id', 's.submitter_id', 's.file_type', 's.layout_id', 's.received_ms'])
    .select(['f.name', 'f.source', 'f.size_bytes', 'f.sha256'])
    .where(
      's.submission_id',
      'in',
      landed.map(({ key }) => parseKey(key)[2] ?? ''),
    )
    .orderBy('s.submission_id')
    .orderBy('f.name')
    .execute()
  const modified = await modifiedTimes(db, files, from)
  const { last } = await tables
    .selectFrom('processed_file')
    .select(({ fn }) => fn.max<number | null>('seq').as('last'))
    .executeTakeFirstOrThrow()
  const rows = files.map((file, at) => ({
    seq: (last ?? 0) + at + 1,
    ...placeOf(file),
    raw: rawName(file.source, from),
    bronze: `store:${submissionPath('raw', {
      submitter: file.submitter_id,
      fileType: file.file_type,
      submissionId: file.submission_id,
    })}/data/${file.name}`,
    mtime_ms: modified.get(`${file.submission_id} ${file.source}`) ?? file.received_ms,
    size_bytes: file.size_bytes,
    sha256: file.sha256,
    noted_file: null,
    noted_bytes: null,
    appended_ms: null,
  }))
  for (let at = 0; at < rows.length; at += PAGE_ROWS) {
    await tables
      .insertInto('processed_file')
      .values(rows.slice(at, at + PAGE_ROWS))
      .execute()
  }
}

interface LandedFile {
  readonly submission_id: string
  readonly submitter_id: string
  readonly file_type: string
  readonly layout_id: string | null
  readonly source: string
}

function placeOf({
  submitter_id: vendor,
  file_type: dataset,
  layout_id: layoutId,
}: LandedFile): Pick<RegistryTables['processed_file'], 'vendor' | 'dataset' | 'version'> {
  assert(layoutId !== null, 'what is landed has been routed')
  const { layout, version } = layoutParts(layoutId)
  return { vendor, dataset, version: `${layout}.${version}` }
}

/** How a line names a source: as it is wherever the project lies, if it lies in it. */
function rawName(source: string, { inbox, root }: LandedFrom): string {
  const path = inbox.pathOf(source)
  if (path !== undefined) return printable(`inbox:${path}`)
  return printable(
    source.startsWith(root + sep) ? `project:${source.slice(root.length + 1)}` : source,
  )
}

/**
 * When the delivered versions were last changed, by `{submission} {source}`, as the inbox listed
 * them. Of what a discovery manifest names nobody asked; of a file that is another one by now
 * nobody knows.
 */
async function modifiedTimes(
  db: Connection,
  files: readonly LandedFile[],
  { inbox }: LandedFrom,
): Promise<ReadonlyMap<string, number>> {
  const named = new Map(files.map(({ source }) => [inbox.pathOf(source), source]))
  const paths = [...named.keys()].filter((path) => path !== undefined)
  const found = new Map<string, number>()
  for (let at = 0; at < paths.length; at += PAGE_ROWS) {
    const rows = await platformTables(db)
      .selectFrom('inbox_object')
      .select(['path', 'token', 'claimed_by'])
      .where('path', 'in', paths.slice(at, at + PAGE_ROWS))
      .execute()
    for (const { path, token, claimed_by: claimedBy } of rows) {
      const modifiedMs = inbox.modifiedMs(token)
      if (modifiedMs !== undefined) found.set(`${claimedBy} ${named.get(path)}`, modifiedMs)
    }
  }
  return found
}
