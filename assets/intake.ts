/**
 * Intake: deliveries become submissions, in the planning transaction, before a byte is copied.
 *
 * A submission's id and time of receipt are given out here, strictly increasing; its files are
 * landed by `raw` afterwards. What cannot go on (unknown, ambiguous, not data, seen before) gets a
 * submission row too, with the reason; nothing is built from it but the answer to its submitter.
 */
import { basename } from 'node:path/posix'
import type { Fact, PlanningAccess } from '../engine/index.ts'
import { rawFileNames } from '../registry/inbox.ts'
import type { Registry } from '../registry/registry.ts'
import type { Route } from '../registry/route.ts'
import { UNKNOWN_FILE_TYPE, route } from '../registry/route.ts'
import type { SubmissionState } from '../registry/submission-state.ts'
import { next } from '../registry/submission-state.ts'
import type { RegistryTables } from '../registry/tables.ts'
import { platformTables } from '../registry/tables.ts'
import type { Earlier } from '../registry/winner.ts'
import { contentDigest, duplicateOf, nextReceivedAt, submissionId } from '../registry/winner.ts'
import type { InspectedFile } from './inspect.ts'
import { describe, unreadFormat } from './inspect.ts'
import { routedColumns, stopFacts, submissionFacts } from './submission-facts.ts'
import type { Submitter } from '../registry/submitter.ts'

/** Files that arrived together, looked at. */
export interface Arrival {
  readonly submitter: string
  /** the drop folder or loose file, relative to the inbox; or the release of a manifest */
  readonly drop: string
  readonly grouping: 'MARKER' | 'QUIESCENCE' | 'MANIFEST'
  readonly files: readonly InspectedFile[]
  /** decided by a manifest instead of by routing */
  readonly declared?: { readonly fileType: string; readonly first: string; readonly last: string }
}

/** One submission to be: some files of an arrival, and where they go. */
interface Intended {
  readonly arrival: Arrival
  /** whether its submitter is in the registry: nobody else has an outbox */
  readonly isKnown: boolean
  readonly files: readonly InspectedFile[]
  readonly fileType: string
  readonly route: Route | undefined
  /** set when it stops here */
  readonly stopped?: {
    readonly event: 'quarantined' | 'unrouted'
    readonly code: string
    readonly words: string
  }
}

/** A submission, and where its files lie. */
export interface Taken {
  readonly submissionId: string
  readonly sources: readonly string[]
}

/** Takes in arrivals, in the order given. Returns the submissions by drop. */
export async function takeIn(
  access: PlanningAccess,
  registry: Registry,
  arrivals: readonly Arrival[],
): Promise<ReadonlyMap<string, readonly Taken[]>> {
  const intended = arrivals.flatMap((arrival) => intend(arrival, registry))
  const { trx, nowMs } = access
  const { received_ms: lastMs } = await trx.db
    .selectFrom('catalog')
    .select('received_ms')
    .executeTakeFirstOrThrow()
  const facts: Fact[] = []
  const submissions = new Map<string, Taken[]>()
  let receivedMs = lastMs
  for (const [at, one] of intended.entries()) {
    receivedMs = nextReceivedAt(lastMs, nowMs, at)
    const taken = await takeOne(access, one, receivedMs)
    facts.push(...taken.facts)
    const { submissionId: id } = taken
    const sources = one.files.map((file) => file.source)
    const { drop } = one.arrival
    submissions.set(drop, [...(submissions.get(drop) ?? []), { submissionId: id, sources }])
  }
  await trx.db.updateTable('catalog').set({ received_ms: receivedMs }).execute()
  await access.writeFacts(facts)
  return submissions
}

function intend(arrival: Arrival, registry: Registry): readonly Intended[] {
  const looked = arrival.files.map((file) => ({
    file,
    refusal: unreadFormat(file, registry.layouts),
  }))
  const refused = looked.filter(({ refusal }) => refusal !== undefined)
  const good = looked.filter(({ refusal }) => refusal === undefined).map(({ file }) => file)
  const submitter = registry.submitters.find((one) => one.id === arrival.submitter)
  const isKnown = submitter !== undefined
  const routes = (files: readonly InspectedFile[]): readonly Route[] =>
    files.length === 0 ? [] : routeFiles(arrival, registry, { files, submitter })
  const stopped = refused.map(({ file, refusal }): Intended => {
    const [named] = routes([file])
    const { status, code, words } = refusal ?? { status: 'QUARANTINED', code: '', words: '' }
    const event = status === 'QUARANTINED' ? 'quarantined' : 'unrouted'
    const fileType = named?.fileType ?? UNKNOWN_FILE_TYPE
    const own = { arrival, isKnown, files: [file], fileType, route: undefined }
    return { ...own, stopped: { event, code, words } }
  })
  const routed = routes(good).map((found): Intended => {
    const files = good.filter((file) => found.files.includes(file.name))
    const own = { arrival, isKnown, files, fileType: found.fileType, route: found }
    if (found.status === 'READY_FOR_PARSE') return own
    return { ...own, stopped: { event: 'unrouted', code: found.code, words: found.words } }
  })
  return together(arrival, [...routed, ...stopped])
}

/**
 * A package that waits for its secret keeps the other files of its type with it: taken in by
 * itself, one part of a submission would win the months of all.
 */
function together(arrival: Arrival, intended: readonly Intended[]): readonly Intended[] {
  const isShut = (one: Intended): boolean => one.stopped?.code === 'PACKAGE_SECRET'
  const types = new Set(intended.filter(isShut).map(({ fileType }) => fileType))
  const waits = (one: Intended): boolean =>
    types.has(one.fileType) && (isShut(one) || one.route !== undefined)
  const groups = Map.groupBy(intended.filter(waits), ({ fileType }) => fileType)
  const waiting = [...groups].flatMap(([fileType, group]): readonly Intended[] => {
    const shut = group.find(isShut)
    const files = arrival.files.filter((file) => group.some((one) => one.files.includes(file)))
    return shut === undefined ? [] : [{ ...shut, files, fileType, route: undefined }]
  })
  return [...intended.filter((one) => !waits(one)), ...waiting]
}

/**
 * Routes files by their names and first records. What a manifest declares is put in the form that
 * file names declare it, so that one way of routing serves both.
 */
function routeFiles(
  { declared }: Arrival,
  registry: Registry,
  {
    files,
    submitter,
  }: { readonly files: readonly InspectedFile[]; readonly submitter: Submitter | undefined },
): readonly Route[] {
  const described = files.map((file) => {
    const own = describe(file, registry.layouts)
    if (declared === undefined) return own
    const months = [declared.first, declared.last].map((month) => month.replace('-', ''))
    const name = `${declared.fileType}_${months.join('_')}.csv`
    return { ...own, name }
  })
  const rules = declared === undefined ? registry.routing : []
  const found = route({ files: described, submitter, rules, layouts: registry.layouts })
  if (declared === undefined) return found
  return found.map((one) => ({ ...one, files: files.map((file) => file.name) }))
}

async function takeOne(
  access: PlanningAccess,
  intended: Intended,
  receivedMs: number,
): Promise<{ readonly submissionId: string; readonly facts: readonly Fact[] }> {
  const { arrival, files } = intended
  const digest = contentDigest(files.map((file) => file.sha256))
  const id = submissionId(receivedMs, digest)
  const row: RegistryTables['submission'] = {
    submission_id: id,
    submitter_id: arrival.submitter,
    file_type: intended.fileType,
    received_ms: receivedMs,
    received_at: new Date(receivedMs).toISOString(),
    grouping_method: arrival.grouping,
    drop_path: arrival.drop,
    content_digest: digest,
    ...routedColumns(intended.route?.status === 'READY_FOR_PARSE' ? intended.route : undefined),
    ...(await standing(access, intended, digest)),
  }
  const tables = platformTables(access.trx.db)
  await tables.insertInto('submission').values(row).execute()
  const names = rawFileNames(files.map((file) => file.name))
  const rows = files.map((file, at) => ({
    submission_id: id,
    name: names[at] ?? basename(file.name),
    source: file.source,
    size_bytes: file.sizeBytes,
    sha256: file.sha256,
  }))
  await tables.insertInto('submission_file').values(rows).execute()
  const { status, status_words: words } = row
  if (words !== null) await note(access, { submission: id, status, words, drop: arrival.drop })
  if (status === 'READY_FOR_PARSE') return { submissionId: id, facts: submissionFacts(row, rows) }
  // Of a duplicate the submission that stands was answered already.
  const isAnswered = intended.isKnown && status !== 'DUPLICATE'
  return { submissionId: id, facts: isAnswered ? stopFacts(row, rows) : [] }
}

/** The state a submission starts in, and why it goes no further. */
async function standing(
  access: PlanningAccess,
  intended: Intended,
  digest: string,
): Promise<
  Pick<RegistryTables['submission'], 'status' | 'status_code' | 'status_words' | 'duplicate_of'>
> {
  const { stopped } = intended
  if (stopped !== undefined) {
    const { event, code, words } = stopped
    return {
      status: next('RECEIVED', event),
      status_code: code,
      status_words: words,
      duplicate_of: null,
    }
  }
  const repeated = await repeats(access, intended, digest)
  if (repeated === null) {
    const status = next('RECEIVED', 'routed')
    return { status, status_code: null, status_words: null, duplicate_of: null }
  }
  return {
    status: next('RECEIVED', 'duplicated'),
    status_code: 'DUPLICATE',
    status_words: `the same bytes as ${repeated}`,
    duplicate_of: repeated,
  }
}

/** The submission whose bytes these are, if they are no new submission. */
async function repeats(
  { trx }: PlanningAccess,
  { arrival, fileType }: Intended,
  digest: string,
): Promise<string | null> {
  const rows = await platformTables(trx.db)
    .selectFrom('submission')
    .selectAll()
    .where('submitter_id', '=', arrival.submitter)
    .where('file_type', '=', fileType)
    .execute()
  const earlier = rows.map((row): Earlier => ({
    submissionId: row.submission_id,
    receivedAt: row.received_at,
    digest: row.content_digest,
    submitter: row.submitter_id,
    fileType: row.file_type,
    status: row.status,
    test: row.is_test === 1,
    period:
      row.first_month === null || row.last_month === null
        ? null
        : { first: row.first_month, last: row.last_month },
  }))
  return duplicateOf({ digest, submitter: arrival.submitter, fileType, earlier })
}

/** A finding for the steward: what stopped a submission, in words. */
async function note(
  { trx, nowMs }: PlanningAccess,
  stopped: {
    readonly submission: string
    readonly status: SubmissionState
    readonly words: string
    readonly drop: string
  },
): Promise<void> {
  await platformTables(trx.db)
    .insertInto('finding')
    .values({
      at_ms: nowMs,
      severity: stopped.status === 'DUPLICATE' ? 'info' : 'warning',
      code: stopped.status,
      subject: stopped.submission,
      words: `${stopped.drop}: ${stopped.words}`,
      closed_ms: null,
    })
    .execute()
}
