/**
 * The sampler: makes a sample and a profile of each file that the ledger names, the newest first. Any
 * number of them may run at once, be killed, and start again.
 *
 * Order of one file: claimed in the ledger → its sample written apart, renamed into place, its
 * profile too → noted as made. A killed sampler leaves a claim that ends, and at most files that the
 * next one writes again, alike.
 */
import { join } from 'node:path'
import type { Claimed } from './ledger-claims.ts'
import { RENEW_MS, claimSamples, finishSamples, renewClaims } from './ledger-claims.ts'
import { writeProfiles } from './profile-file.ts'
import type { Outcome, SamplingOptions } from './sample-one.ts'
import { left, removeSample, sampleOne } from './sample-one.ts'

export interface SamplerOptions extends SamplingOptions {
  /** ids of the files that are sampled; undefined: all that are pending */
  readonly only?: readonly number[]
}

/** Files of one claim: what a killed sampler may have to make again. */
const CLAIM_FILES = 256
/** Tasks in flight for each child, so that none waits for the ledger. */
const TASKS_AHEAD = 2
export interface SampledCounts {
  readonly made: number
  readonly missing: number
  readonly failed: number
  readonly skipped: number
}

/** Makes samples until nothing is pending or `until` says so; tells of every claim's counts. */
export async function sampleAll(
  options: SamplerOptions,
  {
    signal,
    until = () => false,
    onCounts,
  }: {
    readonly signal: AbortSignal
    readonly until?: () => boolean
    readonly onCounts: (counts: SampledCounts) => void
  },
): Promise<void> {
  const { ledger, holder, nowMs, only } = options
  for (let at = 0; !signal.aborted && !until(); at += CLAIM_FILES) {
    if (only !== undefined && at >= only.length) return
    const claimed = await claimSamples(ledger, {
      holder,
      nowMs: nowMs(),
      limit: CLAIM_FILES,
      only: only?.slice(at, at + CLAIM_FILES),
    })
    if (claimed.length === 0 && only === undefined) return
    const outcomes: Outcome[] = []
    try {
      await sampleClaimed(options, { claimed, outcomes }, signal)
    } finally {
      try {
        await writeProfiles(
          ledger,
          outcomes.flatMap(({ profile }) => profile ?? []),
        )
      } finally {
        const finished = outcomes.map((one) => one.finished)
        const lost = await finishSamples(ledger, holder, finished)
        takeBack(options, { claimed, outcomes, lost })
      }
    }
    const of = (status: string): number =>
      outcomes.filter((one) => one.finished.status === status).length
    onCounts({
      made: of('MADE'),
      missing: of('MISSING'),
      failed: of('FAILED'),
      skipped: of('SKIPPED'),
    })
  }
}

/** Values as they are, put into place by who had lost the claim: they leave at once. */
function takeBack(
  { prefix }: SamplerOptions,
  {
    claimed,
    outcomes,
    lost,
  }: {
    readonly claimed: readonly Claimed[]
    readonly outcomes: readonly Outcome[]
    readonly lost: readonly number[]
  },
): void {
  for (const { id, place, is_raw: isRaw } of claimed) {
    if (isRaw === 0 || !lost.includes(id)) continue
    const path = outcomes.find(({ finished }) => finished.id === id)?.finished.path
    if (typeof path === 'string') removeSample(join(prefix, place, 'samples'), path)
  }
}

/** All of a claim; what a stop or a fault of the machine left over is pending again. */
async function sampleClaimed(
  options: SamplerOptions,
  { claimed, outcomes }: { readonly claimed: readonly Claimed[]; readonly outcomes: Outcome[] },
  signal: AbortSignal,
): Promise<void> {
  const { ledger, holder, nowMs } = options
  let renewedMs = nowMs()
  const faults: unknown[] = []
  const waiting = claimed.values()
  const work = async (): Promise<void> => {
    for (const one of waiting) {
      const isOver = signal.aborted || faults.length > 0
      try {
        if (nowMs() - renewedMs >= RENEW_MS) {
          renewedMs = nowMs()
          await renewClaims(ledger, { holder, nowMs: renewedMs })
        }
        outcomes.push(isOver ? { finished: left(one) } : await sampleOne(options, one, signal))
      } catch (error) {
        faults.push(error)
        outcomes.push({ finished: left(one) })
      }
    }
  }
  const lanes = Math.min(claimed.length, options.pool.size * TASKS_AHEAD)
  await Promise.all(Array.from({ length: lanes }, work))
  if (faults.length > 0) throw faults[0]
}
