/** What a manifest's line changes about a file that the ledger may know: the lazy part. Pure. */
import type { ProcessedEntry } from '../processed-entry.ts'
import type { SampleRow } from './ledger-tables.ts'

/** What identifies a file's content, as far as a line tells it. */
type Known = Pick<SampleRow, 'bronze' | 'mtime' | 'size' | 'sha256' | 'status'>

/**
 * - keep: the line says what is known; nothing is written
 * - move: other time or place, the same content: its sample stands
 * - make: it is new, changed, or nobody can tell
 */
export type EntryMove = 'keep' | 'move' | 'make'

/** By time and size first, then by content, where both tell a SHA-256. */
export function entryMove(before: Known | undefined, entry: ProcessedEntry): EntryMove {
  if (before === undefined) return 'make'
  const isSameTime = before.mtime === entry.mtime && before.size === (entry.size ?? null)
  const told = entry.sha256 ?? null
  const isSameContent = told !== null && told === before.sha256
  const isOtherContent = told !== null && before.sha256 !== null && told !== before.sha256
  if (isSameTime && before.bronze === entry.bronze && !isOtherContent) return 'keep'
  return isSameContent && isSettled(before) ? 'move' : 'make'
}

/** Its sample stands, or was taken away on purpose. */
const isSettled = ({ status }: Known): boolean => status === 'MADE' || status === 'PURGED'
