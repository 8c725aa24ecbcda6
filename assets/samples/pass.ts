/** One pass of the sampler: what changed since the last, then every sample that is to be made. */
import { join } from 'node:path'
import type { Catalog } from '../../engine/index.ts'
import { removeDrafts } from './drafts.ts'
import { ledgerTables } from './ledger-tables.ts'
import { releaseClaims, retryMissing } from './ledger-claims.ts'
import { removeSample } from './sample-one.ts'
import type { SampledCounts, SamplerOptions } from './sampler.ts'
import { sampleAll } from './sampler.ts'
import type { TakenIn } from './take-in.ts'
import { takeIn } from './take-in.ts'

export interface PassOptions extends SamplerOptions {
  /** a digest of what decides how samples of a place are made */
  readonly policyOf: (place: string) => string
  /** takes in what no manifest tells of files that are shown as they are */
  readonly lookAgainAtRaw: () => Promise<void>
}

export interface PassReport extends SampledCounts, TakenIn {
  /** still to be made: another sampler has them, or the pass was stopped */
  readonly pending: number
}

export type PassEvent =
  | { readonly type: 'lines'; readonly lines: number }
  | ({ readonly type: 'sampled' } & SampledCounts)

/**
 * Takes in new lines and makes what is pending. Of a long backlog it looks at the manifests again
 * every `lookMs`, so that what arrives meanwhile, which is newer, comes first.
 */
export async function pass(
  options: PassOptions,
  {
    signal,
    lookMs,
    onEvent,
  }: {
    readonly signal: AbortSignal
    readonly lookMs: number
    readonly onEvent: (event: PassEvent) => void
  },
): Promise<PassReport> {
  const { ledger, nowMs, prefix } = options
  const sum = { lines: 0, faults: 0, made: 0, missing: 0, failed: 0, skipped: 0 }
  let last: Pick<TakenIn, 'manifests' | 'unreadable'> = { manifests: 0, unreadable: [] }
  const onLines = (lines: number): void => onEvent({ type: 'lines', lines })
  const onCounts = (counts: SampledCounts): void => {
    sum.made += counts.made
    sum.missing += counts.missing
    sum.failed += counts.failed
    sum.skipped += counts.skipped
    onEvent({ type: 'sampled', ...counts })
  }
  for (;;) {
    const startMs = nowMs()
    options.folders.forget()
    await releaseClaims(ledger, startMs)
    await retryMissing(ledger, startMs)
    await removeDrafts(ledger, prefix)
    const taken = await takeIn(ledger, { prefix, signal, nowMs, onLines })
    last = taken
    sum.lines += taken.lines
    sum.faults += taken.faults
    await options.lookAgainAtRaw()
    await endRawSamples(options, startMs)
    await applyPolicies(options)
    const isLate = (): boolean => nowMs() - startMs >= lookMs
    await sampleAll(options, { signal, until: isLate, onCounts })
    if (signal.aborted || !isLate()) break
  }
  const { manifests, unreadable } = last
  return { ...sum, manifests, unreadable, pending: await pendingCount(ledger) }
}

/** Files whose sample is still to be made. */
export async function pendingCount({ db }: Pick<Catalog, 'db'>): Promise<number> {
  const { count } = await ledgerTables(db)
    .selectFrom('sample')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('status', '=', 'PENDING')
    .executeTakeFirstOrThrow()
  return count
}

/** Samples as they lay there have a time to live; then they are masked as any other. */
async function endRawSamples(
  { ledger, prefix }: Pick<PassOptions, 'ledger' | 'prefix'>,
  nowMs: number,
): Promise<void> {
  const ended = await ledgerTables(ledger.db)
    .selectFrom('sample')
    .select(['id', 'place', 'path'])
    .where('is_raw', '=', 1)
    .where('raw_until_ms', '<=', nowMs)
    .execute()
  // The file goes first: a sampler that dies here removes it again.
  for (const { id, place, path } of ended) {
    if (path !== null) removeSample(join(prefix, place, 'samples'), path)
    await ledger.write(async ({ db }) => {
      await ledgerTables(db)
        .updateTable('sample')
        .set({ is_raw: 0, raw_until_ms: null, status: 'PENDING', holder: null, expires_ms: 0 })
        .where('id', '=', id)
        .where('raw_until_ms', '<=', nowMs)
        .execute()
    })
  }
}

/** What decides about a place's samples has moved, as the class of a column: all are made anew. */
async function applyPolicies({
  ledger,
  policyOf,
}: Pick<PassOptions, 'ledger' | 'policyOf'>): Promise<void> {
  const tables = ledgerTables(ledger.db)
  // Every place with files: those of manifests, and those a person named.
  const known = await tables.selectFrom('sample').select('place').distinct().execute()
  const policies = await tables.selectFrom('place').selectAll().execute()
  const before = new Map(policies.map(({ place, policy }) => [place, policy]))
  for (const { place } of known) {
    const policy = policyOf(place)
    if (before.get(place) === policy) continue
    await applyPolicy(ledger, place, policy)
  }
}

/** Of several samplers that see it at once one makes the files pending. */
async function applyPolicy(ledger: Catalog, place: string, policy: string): Promise<void> {
  await ledger.write(async ({ db }) => {
    const tables = ledgerTables(db)
    const { numInsertedOrUpdatedRows: isMoved = 0n } = await tables
      .insertInto('place')
      .values({ place, policy })
      .onConflict((on) =>
        on.column('place').doUpdateSet({ policy }).where('place.policy', '!=', policy),
      )
      .executeTakeFirstOrThrow()
    if (isMoved === 0n) return
    await tables
      .updateTable('sample')
      .set({ status: 'PENDING', attempts: 0, holder: null, expires_ms: 0 })
      .where('place', '=', place)
      // What somebody is at just now, by what held before, counts for nothing.
      .where((eb) => eb.or([eb('status', 'in', ['MADE', 'FAILED']), eb('holder', 'is not', null)]))
      .execute()
  })
}
