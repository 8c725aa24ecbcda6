/**
 * A rollback: a person's decision that one partition shows an earlier version until it is cleared.
 *
 * It is a fact and a slot of that partition alone, so it is planned, traced, explained and undone
 * like any other input. While it stands the partition takes nothing from what else it reads: its
 * content is the one named here, whatever changes upstream, and it is listed as a hold.
 */
import type { ContentId } from './digest.ts'
import type { Slot } from './fingerprint.ts'
import { ROLLBACK } from './fingerprint.ts'
import type { NodeName } from './key.ts'

export interface RollbackFact {
  readonly contentId: ContentId
  /** the commit a person named; its content returned under a new number */
  readonly commitNumber: number
  readonly by: string
  readonly reason: string
}

/** The fact's key: the partition as people write it. */
export const rollbackKey = ({ asset, key }: NodeName): string => `${asset}/${key}`

/** The partition that a fact's key names. */
export function rolledBackNode(key: string): NodeName {
  const cut = key.indexOf('/')
  return { asset: key.slice(0, cut), key: key.slice(cut + 1) }
}

/** The rollback among a node's slots; undefined: none stands. */
export function rollbackOf(slots: readonly Slot[]): RollbackFact | undefined {
  return slots.find((slot) => slot.asset === ROLLBACK)?.value as RollbackFact | undefined
}

/** Why a rolled-back node is listed under `waiting`; undefined: it is not rolled back. */
export function holdOf(rollback: RollbackFact | undefined): string | undefined {
  if (rollback === undefined) return undefined
  const { commitNumber, by, reason } = rollback
  return `rolled back to commit ${commitNumber} by ${by}: ${reason}; it takes nothing new until rollback --clear`
}
