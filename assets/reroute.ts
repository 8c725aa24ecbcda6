/** After a registry sync: submissions that waited for review are routed again, and no others. */
import type { PlanningAccess } from '../engine/index.ts'
import { isEngineError } from '../engine/index.ts'
import type { Registry } from '../registry/registry.ts'
import { route } from '../registry/route.ts'
import { next } from '../registry/submission-state.ts'
import type { RegistryTables } from '../registry/tables.ts'
import { platformTables } from '../registry/tables.ts'
import type { Inbox } from './inbox.ts'
import type { InspectedFile } from './inspect.ts'
import { describe, inspect } from './inspect.ts'
import { deliveredName, readSource } from './source-bytes.ts'
import { routedColumns, submissionFacts } from './submission-facts.ts'

/** What a submission is routed by: the rules, and where its bytes lie. */
export interface Routing {
  readonly registry: Registry
  readonly inbox: Inbox
  /** absolute; packages are copied there while they are looked at */
  readonly scratch: string
}

/** Tries every NEEDS_REVIEW submission anew; one whose files are gone stays as it is. */
export async function routeAgain(access: PlanningAccess, routing: Routing): Promise<void> {
  const rows = await platformTables(access.trx.db)
    .selectFrom('submission')
    .selectAll()
    .where('status', '=', 'NEEDS_REVIEW')
    .orderBy('submission_id')
    .execute()
  for (const row of rows) await routeOne(access, routing, row)
}

async function routeOne(
  access: PlanningAccess,
  { registry, ...place }: Routing,
  row: RegistryTables['submission'],
): Promise<void> {
  const tables = platformTables(access.trx.db)
  const stored = await tables
    .selectFrom('submission_file')
    .selectAll()
    .where('submission_id', '=', row.submission_id)
    .orderBy('name')
    .execute()
  const files = await inspectAll(place, stored)
  if (files === undefined || files.some((file) => file.refusal !== undefined)) return
  const [found, ...others] = route({
    files: files.map((file) => describe(file, registry.layouts)),
    submitter: registry.submitters.find((one) => one.id === row.submitter_id),
    rules: registry.routing,
    layouts: registry.layouts,
  })
  if (found?.status !== 'READY_FOR_PARSE' || others.length > 0) return
  const routed = {
    ...row,
    ...routedColumns(found),
    file_type: found.fileType,
    status: next(row.status, 'routed'),
    status_code: null,
    status_words: null,
  }
  await tables
    .updateTable('submission')
    .set(routed)
    .where('submission_id', '=', row.submission_id)
    .execute()
  await access.writeFacts(submissionFacts(routed, stored))
}

/** The files as they lie there now; undefined when one is gone or has other bytes. */
async function inspectAll(
  { inbox, scratch }: Omit<Routing, 'registry'>,
  stored: readonly RegistryTables['submission_file'][],
): Promise<readonly InspectedFile[] | undefined> {
  const files: InspectedFile[] = []
  for (const one of stored) {
    const { source } = one
    const bytes = readSource(inbox, source)
    const name = deliveredName(inbox, source)
    const file = await inspect({ source, name, bytes, scratch }).catch((error: unknown) => {
      if (isEngineError(error, 'INPUT_UNREADABLE')) return undefined
      if (isEngineError(error, 'INPUT_CHANGED')) return undefined
      throw error
    })
    if (file?.sha256 !== one.sha256) return undefined
    files.push(file)
  }
  return files
}
