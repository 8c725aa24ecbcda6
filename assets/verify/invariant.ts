/** What the check of one invariant comes to: a line, counts, and the first faults in words. */
import type { Definitions } from '../../engine/index.ts'
import type { StoreAudit } from '../../engine/index.ts'
import type { Platform } from '../platform.ts'

export type InvariantId =
  | 'I1' // incremental equals a clean rebuild
  | 'I3' // no stale skip
  | 'I5' // raw is immutable
  | 'I6' // rows are conserved
  | 'I7' // winners do not depend on order
  | 'I8' // a second run does nothing
  | 'I9' // nothing is built without a cause
  | 'I11' // no residue
  | 'I14' // the audit is a chain, and whole
  | 'I15' // health data stays in its zones
  | 'I16' // what is reported is so

export interface InvariantResult {
  readonly id: InvariantId
  readonly holds: boolean
  /** one line: what was looked at, or what is wrong first. Never a value of the data */
  readonly words: string
  /** how much was looked at, by name */
  readonly evidence: Readonly<Record<string, number>>
  /** at most 20 */
  readonly faults: readonly string[]
  readonly faultCount: number
}

/** What all checks share. */
export interface Verification {
  readonly platform: Platform
  /** also reads every byte: SHA-256 of parts, records of raw files, rows of Parquet files */
  readonly deep: boolean
  readonly definitions: Definitions
  /** dirty nodes and everything behind them: they may differ from what they will be */
  readonly pending: ReadonlySet<number>
  /** canonical months that a person rolled back, by key → the content id they show */
  readonly rolledBack: ReadonlyMap<string, string>
  readonly audit: StoreAudit
  readonly signal: AbortSignal
}

const FAULTS_KEPT_MAX = 20

/** Faults as they are found: all are counted, the first are kept. */
export class Faults {
  readonly kept: string[] = []
  #count = 0

  get count(): number {
    return this.#count
  }
  add(text: string): void {
    this.#count += 1
    if (this.kept.length < FAULTS_KEPT_MAX) this.kept.push(text)
  }
  addWhen(isFault: boolean, text: () => string): void {
    if (isFault) this.add(text())
  }
}

/** The result of one check: `holds` says in words what was found in order. */
export function conclude(
  id: InvariantId,
  {
    faults,
    holds,
    evidence,
  }: {
    readonly faults: Faults
    readonly holds: string
    readonly evidence: InvariantResult['evidence']
  },
): InvariantResult {
  const { count, kept } = faults
  const more = count > 1 ? ` (and ${count - 1} more)` : ''
  const words = count === 0 ? holds : `${kept[0] ?? ''}${more}`
  return { id, holds: count === 0, words, evidence, faults: kept, faultCount: count }
}
