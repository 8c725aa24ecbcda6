/** After a registry sync: submissions that waited for review are routed again, and no others. */
import type { Connection, PackageSecrets, PlanningAccess } from '../engine/index.ts'
import { isEngineError } from '../engine/index.ts'
import type { Registry } from '../registry/registry.ts'
import { route } from '../registry/route.ts'
import type { Refusal } from '../registry/sniff.ts'
import { next } from '../registry/submission-state.ts'
import type { RegistryTables } from '../registry/tables.ts'
import { platformTables } from '../registry/tables.ts'
import type { Inbox } from './inbox.ts'
import type { InspectedFile } from './inspect.ts'
import { describe, inspect, unreadFormat } from './inspect.ts'
import type { SecretSource } from './package-secrets.ts'
import { submitterSecrets } from './package-secrets.ts'
import { deliveredName, readSource } from './source-bytes.ts'
import { closeStop } from './stop-findings.ts'
import { routedColumns, stopFacts, submissionFacts, withoutStop } from './submission-facts.ts'

/** What a submission is routed by: the rules, and where its bytes lie. */
export interface Routing {
  readonly registry: Registry
  readonly inbox: Inbox
  /** absolute; packages are copied there while they are looked at */
  readonly scratch: string
  readonly secrets: SecretSource
}

type SubmissionRow = RegistryTables['submission']

/** Tries NEEDS_REVIEW submissions anew, all or some; one whose files are gone stays as it is. */
export async function routeAgain(
  access: PlanningAccess,
  routing: Routing,
  isMeant: (row: SubmissionRow) => boolean = () => true,
): Promise<void> {
  const rows = await platformTables(access.trx.db)
    .selectFrom('submission')
    .selectAll()
    .where('status', '=', 'NEEDS_REVIEW')
    .orderBy('submission_id')
    .execute()
  for (const row of rows.filter(isMeant)) await routeOne(access, routing, row)
}

/**
 * Whether the files of a submission that was refused are refused for the same reason; undefined when
 * one cannot be read now.
 */
export async function isAsBefore(
  db: Connection,
  routing: Routing,
  row: SubmissionRow,
): Promise<boolean | undefined> {
  const files = await inspectAll(routing, row, await storedFiles(db, row))
  if (files === undefined) return undefined
  const [refusal] = files.flatMap((file) => file.refusal ?? [])
  return refusal?.words === row.status_words
}

const storedFiles = async (
  db: Connection,
  row: SubmissionRow,
): Promise<readonly RegistryTables['submission_file'][]> =>
  platformTables(db)
    .selectFrom('submission_file')
    .selectAll()
    .where('submission_id', '=', row.submission_id)
    .orderBy('name')
    .execute()

async function routeOne(
  access: PlanningAccess,
  routing: Routing,
  row: SubmissionRow,
): Promise<void> {
  const { registry } = routing
  const stored = await storedFiles(access.trx.db, row)
  const files = await inspectAll(routing, row, stored)
  if (files === undefined) return
  const [refusal] = files.flatMap((file) => unreadFormat(file, registry.layouts) ?? [])
  if (refusal !== undefined) return restate(access, { row, stored, registry }, refusal)
  const [found, ...others] = route({
    files: files.map((file) => describe(file, registry.layouts)),
    submitter: registry.submitters.find((one) => one.id === row.submitter_id),
    rules: registry.routing,
    layouts: registry.layouts,
  })
  if (found === undefined) return
  if (others.length > 0) return restate(access, { row, stored, registry }, SEVERAL)
  if (found.status !== 'READY_FOR_PARSE') return restate(access, { row, stored, registry }, found)
  const routed = {
    ...row,
    ...routedColumns(found),
    file_type: found.fileType,
    status: next(row.status, 'routed'),
    status_code: null,
    status_words: null,
  }
  await update(access, routed)
  await access.writeFacts([...withoutStop(row), ...submissionFacts(routed, stored)])
  await closeStop(access.trx, { submission: row.submission_id, nowMs: access.nowMs })
}

const SEVERAL = {
  status: 'NEEDS_REVIEW',
  code: 'SEVERAL_FILE_TYPES',
  words: 'by the rules of now its files are of several types: deliver them apart',
} as const

/** A package that could not be opened and can be now, or that waits for another secret, says so. */
async function restate(
  access: PlanningAccess,
  {
    row,
    stored,
    registry,
  }: Pick<Routing, 'registry'> & {
    readonly row: SubmissionRow
    readonly stored: readonly RegistryTables['submission_file'][]
  },
  reason: Pick<Refusal, 'status' | 'words'> & { readonly code: string },
): Promise<void> {
  if (row.status_code !== 'PACKAGE_SECRET' || row.status_words === reason.words) return
  const { status, code, words } = reason
  const event = status === 'QUARANTINED' ? 'quarantined' : 'unrouted'
  const after = {
    ...row,
    status: next(row.status, event),
    status_code: code,
    status_words: words,
  }
  await update(access, after)
  const isKnown = registry.submitters.some((one) => one.id === row.submitter_id)
  if (isKnown) await access.writeFacts(stopFacts(after, stored))
}

const update = async (access: PlanningAccess, row: SubmissionRow): Promise<unknown> =>
  platformTables(access.trx.db)
    .updateTable('submission')
    .set(row)
    .where('submission_id', '=', row.submission_id)
    .execute()

/** The files as they lie there now; undefined when one is gone or has other bytes. */
async function inspectAll(
  { registry, inbox, scratch, secrets: source }: Routing,
  row: SubmissionRow,
  stored: readonly RegistryTables['submission_file'][],
): Promise<readonly InspectedFile[] | undefined> {
  const files: InspectedFile[] = []
  const secrets: PackageSecrets = async () => submitterSecrets(registry, row.submitter_id, source)
  for (const one of stored) {
    const { source: from } = one
    const bytes = readSource(inbox, from)
    const name = deliveredName(inbox, from)
    const file = await inspect({ source: from, name, bytes, scratch, secrets }).catch(
      (error: unknown) => {
        if (isEngineError(error, 'INPUT_UNREADABLE')) return undefined
        if (isEngineError(error, 'INPUT_CHANGED')) return undefined
        throw error
      },
    )
    if (file?.sha256 !== one.sha256) return undefined
    files.push(file)
  }
  return files
}
