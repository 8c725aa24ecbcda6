/**
 * Decides which submission's rows are a submitter's month, and what is a new submission at all.
 *
 * The winner and the holds are a function of the set of candidates and the decisions about them,
 * never of the order anything was processed in: withdrawing or rejecting one is the same function
 * over a smaller set. Source: design §6.1, §6.3; the guard against a file that shrinks a month is
 * that of CMS's coordination-of-benefits exchange (domain reference §0.2).
 */
import { assert, EngineError, frameDigest } from '../engine/index.ts'
import { isAccepted, type SubmissionState } from './submission-state.ts'

/** A submission whose declared period contains the month, also when it has 0 rows there. */
export interface Candidate {
  readonly submissionId: string
  /** ISO 8601 in UTC with milliseconds */
  readonly receivedAt: string
  readonly status: SubmissionState
  readonly test: boolean
  readonly withdrawn: boolean
  /** a person rejected it for this month */
  readonly rejectedFor: boolean
  /** a person confirmed it for this month: it may shrink the month */
  readonly confirmedFor: boolean
  /** rows of this month */
  readonly rows: number
}

export interface Winner {
  readonly winner: string | null
  readonly rows: number
  /** the month has no rows of this submitter: nobody wins it, or the winner has none */
  readonly retired: boolean
  /** submissions that wait for a person, by receipt */
  readonly held: readonly string[]
  /** whom the winner replaced */
  readonly replaced?: string
  /** a pin on something that is no candidate: without effect */
  readonly pinIgnored?: string
  readonly reason: 'no_candidate' | 'only' | 'latest_accepted' | 'confirmed' | 'pinned'
}

/** A next submission with at most 7/10 of the incumbent's rows waits for a person. */
const SHRINK_KEEPS = { of: 10, atMost: 7 } as const

const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/

interface Receipt {
  readonly submissionId: string
  readonly receivedAt: string
}

/** The order of receipt: (received_at, submission_id). Instants of one form sort as text. */
function compareReceipt(a: Receipt, b: Receipt): number {
  if (a.receivedAt !== b.receivedAt) return a.receivedAt < b.receivedAt ? -1 : 1
  return a.submissionId < b.submissionId ? -1 : a.submissionId > b.submissionId ? 1 : 0
}

const isCandidate = (one: Candidate): boolean =>
  isAccepted(one.status) && !one.test && !one.withdrawn && !one.rejectedFor

const shrinks = (next: Candidate, incumbent: Candidate): boolean =>
  incumbent.rows > 0 &&
  next.rows * SHRINK_KEEPS.of <= incumbent.rows * SHRINK_KEEPS.atMost &&
  !next.confirmedFor

/**
 * The winner of one (state, file type, submitter, month).
 *
 * A pin on a candidate wins and nothing is held. Else the candidates fold by receipt: the first
 * wins; each next replaces the incumbent, unless it shrinks the month and is not confirmed, then
 * it is held. Exact in integers.
 */
export function chooseWinner({
  candidates,
  pin,
}: {
  readonly candidates: readonly Candidate[]
  readonly pin?: string
}): Winner {
  for (const { rows, receivedAt } of candidates) {
    assert(Number.isSafeInteger(rows * SHRINK_KEEPS.of) && rows >= 0, 'rows are a whole number')
    assert(INSTANT.test(receivedAt), 'received_at is an ISO instant with milliseconds')
  }
  const inOrder = candidates.filter(isCandidate).toSorted(compareReceipt)
  const pinned = inOrder.find((one) => one.submissionId === pin)
  if (pinned !== undefined) return { ...won(pinned), held: [], reason: 'pinned' }
  const ignored = pin === undefined ? {} : { pinIgnored: pin }
  const [first, ...later] = inOrder
  if (first === undefined) {
    return { winner: null, rows: 0, retired: true, held: [], reason: 'no_candidate', ...ignored }
  }
  let incumbent = first
  let replaced: Candidate | undefined
  let confirmed = false
  const held: string[] = []
  for (const candidate of later) {
    if (shrinks(candidate, incumbent)) {
      held.push(candidate.submissionId)
      continue
    }
    confirmed = shrinks({ ...candidate, confirmedFor: false }, incumbent)
    replaced = incumbent
    incumbent = candidate
  }
  const reason = replaced === undefined ? 'only' : confirmed ? 'confirmed' : 'latest_accepted'
  const before = replaced === undefined ? {} : { replaced: replaced.submissionId }
  return { ...won(incumbent), held, reason, ...before, ...ignored }
}

const won = (one: Candidate): Pick<Winner, 'winner' | 'rows' | 'retired'> => ({
  winner: one.submissionId,
  rows: one.rows,
  retired: one.rows === 0,
})

/** A submission received before the one in question. */
export interface Earlier extends Receipt {
  /** contentDigest of its files */
  readonly digest: string
  readonly submitter: string
  readonly fileType: string
  readonly status: SubmissionState
  readonly test: boolean
  /** its declared months, inclusive, `YYYY-MM`; null while unknown */
  readonly period: { readonly first: string; readonly last: string } | null
}

// Several drops may be taken in before the first is judged. One that still may be accepted counts
// as accepted, so that the answer does not depend on how far processing got.
const MAY_BE_ACCEPTED: ReadonlySet<SubmissionState> = new Set([
  'RECEIVED',
  'READY_FOR_PARSE',
  'PARSED',
  'VALIDATED',
  'VALIDATED_WITH_WARNINGS',
])

/**
 * The submission these bytes repeat, or null when they are a new submission.
 *
 * Bytes repeat an earlier submission of the submitter and type while that one is not withdrawn and
 * no newer accepted one covers one of its months. So a submitter can go back to an older file by
 * sending it again. The newest repeated one is named; a DUPLICATE is never named itself.
 */
export function duplicateOf({
  digest,
  submitter,
  fileType,
  earlier,
}: {
  readonly digest: string
  readonly submitter: string
  readonly fileType: string
  readonly earlier: readonly Earlier[]
}): string | null {
  const peers = earlier
    .filter((one) => one.submitter === submitter && one.fileType === fileType)
    .toSorted((a, b) => compareReceipt(b, a))
  const accepted = peers.filter(({ status, test }) => MAY_BE_ACCEPTED.has(status) && !test)
  const repeated = peers.find(
    (one) =>
      one.digest === digest &&
      one.status !== 'WITHDRAWN' &&
      one.status !== 'DUPLICATE' &&
      !accepted.some((newer) => compareReceipt(newer, one) > 0 && overlaps(newer, one)),
  )
  return repeated?.submissionId ?? null
}

const overlaps = ({ period: a }: Earlier, { period: b }: Earlier): boolean =>
  a !== null && b !== null && a.first <= b.last && b.first <= a.last

/** The digest of a submission's content: its files' SHA-256 in any order, names left out. */
export const contentDigest = (sha256s: readonly string[]): string =>
  frameDigest(['content/1', ...sha256s.toSorted()])

/** `{received_at without punctuation}-{12 hex of the content digest}`; sorts by receipt. */
export function submissionId(receivedAtMs: number, digest: string): string {
  const id = `${new Date(receivedAtMs).toISOString().replace(/[-:.]/g, '')}-${digest.slice(0, 12)}`
  if (/^\d{8}T\d{9}Z-[0-9a-f]{12}$/.test(id)) return id
  throw new EngineError('PATH_INVALID', { dimension: 'submissionId', length: id.length })
}

/**
 * The received_at, in ms, of the `index`-th delivery (from 0, by inbox path) of one observation.
 *
 * Strictly greater than `lastMs`, the last one given out before this observation, also when the
 * clock stepped back.
 */
export const nextReceivedAt = (lastMs: number, nowMs: number, index: number): number =>
  Math.max(lastMs + 1, nowMs) + index
