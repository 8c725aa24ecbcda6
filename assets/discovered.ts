/**
 * discovered files: what lies in the inbox, and which deliveries of it are complete.
 *
 * Listing is cheap and happens every time; only files of a delivery that closes are read. Nothing
 * new and nothing changed is no write at all. What cannot be read holds back its own delivery and
 * is an open finding until it can be.
 */
import type {
  Connection,
  Observation,
  Observer,
  PackageSecrets,
  PlanningAccess,
} from '../engine/index.ts'
import { EngineError, frameDigest, isEngineError } from '../engine/index.ts'
import type { Delivery, InboxDecision, SeenObject } from '../registry/inbox.ts'
import { closeDeliveries } from '../registry/inbox.ts'
import { platformTables } from '../registry/tables.ts'
import type { Inbox, Listing } from './inbox.ts'
import type { Arrival, Taken } from './intake.ts'
import type { SecretsOf } from './package-secrets.ts'
import type { CurrentRegistry } from './registry-observer.ts'
import { deliveredName } from './source-bytes.ts'
import type { Unlanded } from './unlanded.ts'
import { takeBack, unlandedOf } from './unlanded.ts'
import { UNREADABLE, faultsMoved, noteFaults } from './inbox-findings.ts'

export interface InboxOptions {
  readonly inbox: Inbox
  readonly quiescenceMs: number
  readonly registry: CurrentRegistry
  /** absolute; packages are copied there while they are looked at */
  readonly scratch: string
  /** what opens a submitter's packages; default none */
  readonly secretsOf?: SecretsOf
}

/** Deliveries read at once: each has one file open. */
const LOOKS_AT_ONCE = 8

/** Observes the inbox. */
export function inboxObserver(options: InboxOptions): Observer {
  const { inbox } = options
  return {
    name: 'inbox',
    observe: async ({ db, nowMs }) => {
      // In this order a sweep in between shows as nothing: it removes the file before the memory.
      const remembered = await seenObjects(db)
      const listing = await inbox.list()
      const overtaken = await overtakenBy(db, inbox, { listing, remembered })
      const seen = released(inbox, remembered, overtaken)
      const { listed } = listing
      const { quiescenceMs } = options
      const decision = closeDeliveries({ listed, seen, nowMs, quiescenceMs })
      const looked = await lookAll(options, decision.closed)
      const faults = faultsOf(listing, decision, looked)
      const digest = digestOf(decision, faults)
      const unread = looked.filter((one) => one.arrival === undefined)
      const quiet =
        decision.seen.length + decision.forgotten.length + overtaken.length === 0 &&
        unread.length === looked.length &&
        !(await faultsMoved(db, faults))
      return quiet
        ? { digest }
        : { digest, apply: applyOf(options, { decision, looked, faults, overtaken }) }
    },
  }
}

/** What cannot be read, as findings: by the path or the drop. */
function faultsOf(
  listing: Listing,
  { waiting }: InboxDecision,
  looked: readonly Looked[],
): ReadonlyMap<string, string> {
  const refused = waiting.filter(({ code }) => code === 'REFUSED_NAME')
  const places = [...listing.faults, ...refused.map(({ path, why }) => ({ path, reason: why }))]
  return new Map([
    ...places.map(({ path, reason }): [string, string] => [
      path,
      new EngineError(UNREADABLE, { path, reason }).message,
    ]),
    ...looked.flatMap(({ delivery, fault }): [string, string][] =>
      fault === undefined ? [] : [[delivery.drop, fault]],
    ),
  ])
}

function digestOf(decision: InboxDecision, faults: ReadonlyMap<string, string>): string {
  return frameDigest([
    'inbox',
    ...decision.seen.flatMap((row) => [row.path, row.changedToken]),
    ...decision.closed.map((delivery) => delivery.drop),
    ...decision.forgotten,
    ...[...faults].flat(),
  ])
}

/** Submissions taken in and not landed, of whose files one has changed since. */
async function overtakenBy(
  db: Connection,
  inbox: Inbox,
  {
    listing,
    remembered,
  }: { readonly listing: Listing; readonly remembered: readonly SeenObject[] },
): Promise<readonly Unlanded[]> {
  const claimed = new Map(
    remembered.flatMap((row) =>
      row.claimedBy === undefined ? [] : [[row.path, row.changedToken]],
    ),
  )
  const overtaken = listing.listed.flatMap(({ path, changedToken }) => {
    const before = claimed.get(path)
    return before === undefined || before === changedToken ? [] : [{ path, changedToken: before }]
  })
  if (overtaken.length === 0) return []
  return unlandedOf(db, overtaken.map(inbox.sourceOf))
}

/** The files beside a changed one belong to the delivery that takes its place. */
function released(
  inbox: Inbox,
  remembered: readonly SeenObject[],
  overtaken: readonly Unlanded[],
): readonly SeenObject[] {
  const sources = new Set(overtaken.flatMap((one) => one.sources))
  if (sources.size === 0) return remembered
  return remembered.map((row) => {
    if (!sources.has(inbox.sourceOf(row))) return row
    const { claimedBy: _, ...unclaimed } = row
    return unclaimed
  })
}

async function seenObjects(db: Connection): Promise<readonly SeenObject[]> {
  const rows = await platformTables(db).selectFrom('inbox_object').selectAll().execute()
  return rows.map((row) => ({
    path: row.path,
    changedToken: row.token,
    firstSeenAtMs: row.first_seen_ms,
    lastChangedAtMs: row.last_changed_ms,
    ...(row.claimed_by !== null && { claimedBy: row.claimed_by }),
  }))
}

interface Looked {
  readonly delivery: Delivery
  /** undefined: a file changed or cannot be read; the delivery is tried again */
  readonly arrival: Arrival | undefined
  readonly fault: string | undefined
}

type Looking = Pick<InboxOptions, 'inbox' | 'scratch' | 'secretsOf'>

async function lookAll(
  looking: Looking,
  deliveries: readonly Delivery[],
): Promise<readonly Looked[]> {
  const looked: Looked[] = []
  for (let at = 0; at < deliveries.length; at += LOOKS_AT_ONCE) {
    const some = deliveries.slice(at, at + LOOKS_AT_ONCE)
    looked.push(...(await Promise.all(some.map(async (delivery) => look(looking, delivery)))))
  }
  return looked
}

async function look(
  { inbox, scratch, secretsOf = async () => [] }: Looking,
  delivery: Delivery,
): Promise<Looked> {
  // Loaded only when something arrived.
  const { inspect } = await import('./inspect.ts')
  const secrets: PackageSecrets = async () => secretsOf(delivery.submitter)
  try {
    const files = []
    for (const file of delivery.files) {
      const source = inbox.sourceOf(file)
      const bytes = inbox.read(source, file.changedToken)
      const name = deliveredName(inbox, source)
      files.push(await inspect({ source, name, bytes, scratch, secrets }))
    }
    const { submitter, drop, grouping } = delivery
    return { delivery, arrival: { submitter, drop, grouping, files }, fault: undefined }
  } catch (error) {
    // Somebody is writing: the next listing has the new version, and the quiet counts from there.
    if (isEngineError(error, 'INPUT_CHANGED')) {
      return { delivery, arrival: undefined, fault: undefined }
    }
    if (!isEngineError(error, UNREADABLE)) throw error
    return { delivery, arrival: undefined, fault: error.message }
  }
}

interface Outcome {
  readonly decision: InboxDecision
  readonly looked: readonly Looked[]
  /** subject → words */
  readonly faults: ReadonlyMap<string, string>
  readonly overtaken: readonly Unlanded[]
}

function applyOf(
  { inbox, registry }: InboxOptions,
  { decision, looked, faults, overtaken }: Outcome,
): NonNullable<Observation['apply']> {
  return async (access) => {
    await takeBack(access, overtaken)
    await release(access, inbox, overtaken)
    const open = looked.filter((one) => one.arrival !== undefined)
    await remember(access, decision)
    await noteFaults(access, faults)
    const arrivals = open.flatMap((one) => one.arrival ?? [])
    if (arrivals.length === 0) return
    const { takeIn } = await import('./intake.ts')
    const taken = await takeIn(access, await registry.get(access.trx.db), arrivals)
    for (const { delivery } of open) {
      await claimAll(access, inbox, { delivery, taken: taken.get(delivery.drop) ?? [] })
    }
  }
}

async function release(
  access: PlanningAccess,
  inbox: Inbox,
  overtaken: readonly Unlanded[],
): Promise<void> {
  const sources = overtaken.flatMap((one) => one.sources)
  const paths = sources.flatMap((source) => inbox.pathOf(source) ?? [])
  await claim(access, paths, null)
}

/** Each file is claimed by the submission that holds it, the marker by the first of the drop. */
async function claimAll(
  access: PlanningAccess,
  inbox: Inbox,
  { delivery, taken }: { readonly delivery: Delivery; readonly taken: readonly Taken[] },
): Promise<void> {
  const own = new Set(
    taken.flatMap(({ sources }) => sources.flatMap((one) => inbox.pathOf(one) ?? [])),
  )
  for (const { submissionId, sources } of taken) {
    await claim(
      access,
      sources.flatMap((source) => inbox.pathOf(source) ?? []),
      submissionId,
    )
  }
  const others = delivery.claims.filter((path) => !own.has(path))
  await claim(access, others, taken[0]?.submissionId ?? null)
}

async function claim(
  { trx }: PlanningAccess,
  paths: readonly string[],
  by: string | null,
): Promise<void> {
  const tables = platformTables(trx.db)
  for (const path of paths) {
    await tables
      .updateTable('inbox_object')
      .set({ claimed_by: by })
      .where('path', '=', path)
      .execute()
  }
}

async function remember({ trx }: PlanningAccess, decision: InboxDecision): Promise<void> {
  const tables = platformTables(trx.db)
  for (const row of decision.seen) {
    const values = {
      path: row.path,
      token: row.changedToken,
      first_seen_ms: row.firstSeenAtMs,
      last_changed_ms: row.lastChangedAtMs,
      claimed_by: row.claimedBy ?? null,
    }
    await tables
      .insertInto('inbox_object')
      .values(values)
      .onConflict((conflict) => conflict.column('path').doUpdateSet(values))
      .execute()
  }
  for (const path of decision.forgotten) {
    await tables.deleteFrom('inbox_object').where('path', '=', path).execute()
  }
}
