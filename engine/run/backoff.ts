/** When something that failed is tried again. */
import type { ErrorCode } from '../core/errors.ts'
import { ERRORS } from '../core/errors.ts'

/** A build that failed this often waits for a person, or for another input. */
export const ATTEMPTS_MAX = 5
const FIRST_MS = 1_000
const LONGEST_MS = 5 * 60_000
/** What a stale or claimed input delays a node by: it is on its way. */
export const WAIT_MS = 500

/** Doubling, bounded, and spread over half to one and a half of it: workers do not return at once. */
export function backoffMs(attempts: number, longestMs = LONGEST_MS): number {
  const wholeMs = Math.min(longestMs, FIRST_MS * 2 ** (Math.max(1, attempts) - 1))
  return Math.round(wholeMs * (0.5 + Math.random()))
}

/**
 * How long to wait before the next attempt; undefined: not by itself. An error that another attempt
 * cannot help waits for its input to change; a store or a database that is down is no fault of the
 * build and is tried for as long as it takes.
 */
export function retryDelayMs(code: ErrorCode, attempts: number): number | undefined {
  const { fault, retry } = ERRORS[code]
  const isOutside = fault === 'upstream' || fault === 'conflict'
  if (isOutside && retry === 'backoff') return backoffMs(attempts)
  // A part that is gone comes back when its owner is made again, and then nothing marks its reader.
  const mayHelp = retry === 'backoff' || (isOutside && retry !== 'never')
  return mayHelp && attempts < ATTEMPTS_MAX ? backoffMs(attempts) : undefined
}
