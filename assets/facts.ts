/**
 * What the road's facts hold, and their keys' dimensions.
 *
 * Keys of a submission are (submitter, file type, submission id): the path of its data.
 */
import type { Json, Slot } from '../engine/index.ts'
import type { SubmissionState } from '../registry/submission-state.ts'

export const SUBMISSION = ['submitter_id', 'file_type', 'submission_id'] as const
export const SUBMITTER_MONTH = ['state', 'file_type', 'submitter_id', 'atomic_month'] as const
export const CANONICAL_MONTH = ['state', 'file_type', 'atomic_month'] as const

/** The bytes of a submission: immutable once stored. */
export interface Delivery {
  /** `MARKER`, `QUIESCENCE` or `MANIFEST` */
  readonly grouping: string
  readonly drop: string
  readonly files: readonly {
    /** under `data/` in raw: a safe name */
    readonly name: string
    /** absolute path of the bytes as delivered */
    readonly source: string
    readonly size_bytes: number
    readonly sha256: string
  }[]
}

/** What intake made of a submission: stamped once, changed only by `submissions route`. */
export interface Stamp {
  readonly state: string
  /** `{file_type}/{layout}/{version}` */
  readonly layout: string
  readonly first_month: string
  readonly last_month: string
  /** ISO 8601 with milliseconds */
  readonly received_at: string
  readonly test: boolean
}

/** Why nothing is built from a submission, for its submitter to read. */
export interface StopReason {
  readonly status: SubmissionState
  readonly code: string
  readonly words: string
  /** names; the first few */
  readonly files: readonly string[]
}

/** A person's decisions about one submission. */
export interface DecisionFact {
  readonly withdrawn?: true
  /** months, or all of them */
  readonly rejected?: readonly string[] | 'all'
  readonly confirmed?: readonly string[] | 'all'
}

export interface PinFact {
  readonly submission: string
}

/** A slot's value as the type its writer gave it; facts and values are parsed where they enter. */
export const valueOf = <Value>(slot: Slot | undefined): Value | undefined =>
  slot?.value as Value | undefined

/** A value as the type its writer gave it. */
export const readAs = <Value>(value: Json): Value => value as Value

/** A value as JSON: interfaces have no index signature. */
export const asJson = (value: object): Json => value as Json

/** `medical/synthea/v1` → its three parts. */
export function layoutParts(layout: string): {
  readonly fileType: string
  readonly layout: string
  readonly version: string
} {
  const [fileType = '', name = '', version = ''] = layout.split('/')
  return { fileType, layout: name, version }
}
