/**
 * The states of a submission and the one table of what may follow what.
 *
 * HELD is no state here: it belongs to a month of a submission (see winner.ts). The names are seed
 * 003's, with QUARANTINED, DUPLICATE and WITHDRAWN beside them.
 */
import { EngineError } from '../engine/index.ts'

export const SUBMISSION_STATES = [
  'RECEIVED',
  'NEEDS_REVIEW',
  'QUARANTINED',
  'DUPLICATE',
  'READY_FOR_PARSE',
  'PARSE_FAILED',
  'PARSED',
  'VALIDATION_FAILED',
  'VALIDATED_WITH_WARNINGS',
  'VALIDATED',
  'WITHDRAWN',
] as const
export type SubmissionState = (typeof SUBMISSION_STATES)[number]

export const SUBMISSION_EVENTS = [
  'routed', // a layout was chosen, by the rules or by a person
  'unrouted', // no layout, state or period could be chosen
  'quarantined', // the bytes are not what the name says
  'duplicated', // the same bytes stand already
  'parsed',
  'parse_failed',
  'validated',
  'validated_with_warnings',
  'validation_failed',
  'withdrawn', // by a person, for good
] as const
export type SubmissionEvent = (typeof SUBMISSION_EVENTS)[number]

type Row = Readonly<Record<SubmissionEvent, SubmissionState | null>>

const NOTHING: Row = {
  routed: null,
  unrouted: null,
  quarantined: null,
  duplicated: null,
  parsed: null,
  parse_failed: null,
  validated: null,
  validated_with_warnings: null,
  validation_failed: null,
  withdrawn: null,
}
const WITHDRAWABLE: Row = { ...NOTHING, withdrawn: 'WITHDRAWN' }
/** Once routed, a person may route anew, and an edited layout may parse anew. */
const PARSEABLE: Row = {
  ...WITHDRAWABLE,
  routed: 'READY_FOR_PARSE',
  parsed: 'PARSED',
  parse_failed: 'PARSE_FAILED',
}
/** Once parsed, edited rules may judge anew. */
const JUDGEABLE: Row = {
  ...PARSEABLE,
  validated: 'VALIDATED',
  validated_with_warnings: 'VALIDATED_WITH_WARNINGS',
  validation_failed: 'VALIDATION_FAILED',
}

/** state -> event -> next state; null: the event is not possible there. */
export const TRANSITIONS: Readonly<Record<SubmissionState, Row>> = {
  RECEIVED: {
    ...WITHDRAWABLE,
    routed: 'READY_FOR_PARSE',
    unrouted: 'NEEDS_REVIEW',
    quarantined: 'QUARANTINED',
    duplicated: 'DUPLICATE',
  },
  // A sync tries again, and may find the reason changed or still there.
  NEEDS_REVIEW: {
    ...WITHDRAWABLE,
    routed: 'READY_FOR_PARSE',
    unrouted: 'NEEDS_REVIEW',
    quarantined: 'QUARANTINED',
    duplicated: 'DUPLICATE',
  },
  QUARANTINED: WITHDRAWABLE,
  DUPLICATE: WITHDRAWABLE,
  READY_FOR_PARSE: PARSEABLE,
  PARSE_FAILED: PARSEABLE,
  PARSED: JUDGEABLE,
  VALIDATION_FAILED: JUDGEABLE,
  VALIDATED_WITH_WARNINGS: JUDGEABLE,
  VALIDATED: JUDGEABLE,
  WITHDRAWN: NOTHING,
}

/** The state after an event. Throws SUBMISSION_STATE when the event is not possible there. */
export function next(state: SubmissionState, event: SubmissionEvent): SubmissionState {
  const after = TRANSITIONS[state][event]
  if (after === null) throw new EngineError('SUBMISSION_STATE', { state, event })
  return after
}

/** Whether a submission in this state may win months: accepted, with or without warnings. */
export const isAccepted = (state: SubmissionState): boolean =>
  state === 'VALIDATED' || state === 'VALIDATED_WITH_WARNINGS'
