/** What the sampler and its children say to each other. Plain data over the fork channel. */
import type { Sample, Strategy } from '../../engine/index.ts'
import type { Layout, LayoutSlices } from '../../registry/layout.ts'
import type { LayoutScore } from '../../registry/layout-scores.ts'
import type { RoutingRule } from '../../registry/routing.ts'
import type { SampleProfile } from '../../registry/sample-profile.ts'
import type { Submitter } from '../../registry/submitter.ts'

/** What a child has to know once: told before its first task. */
export interface SampleTerms {
  readonly kind: 'terms'
  /** of the tokens, as hex */
  readonly key: string
  /** what files are held against; none: they are not */
  readonly layouts: readonly Layout[]
  readonly rules: readonly RoutingRule[]
  readonly submitters: readonly Submitter[]
}

/** What of a layout decides a sample. */
export type SampledLayout = Pick<LayoutSlices, 'parse' | 'phi'>

export interface SampleTask {
  /** a path of this machine; undefined: its ranges are asked for */
  readonly path: string | undefined
  /** without folders, as it was delivered */
  readonly name: string
  readonly sizeBytes: number
  /** when it was changed last, for a file that is only described; undefined: it is not told */
  readonly modifiedAt?: string
  /** where the sample is written */
  readonly out: string
  readonly records: number
  readonly strategy: Strategy
  readonly seed: string
  readonly readBytesMax: number
  /** who sent it: dates move by an offset of theirs */
  readonly submitter: string
  /** the layout it has been told to have, or its name among the terms'; null: nobody knows */
  readonly layout: SampledLayout | string | null
  /** whether layouts are scored: not where the layout is known, and nothing else may be read */
  readonly isScored: boolean
  /** as it lies there, no value masked */
  readonly isRaw: boolean
}

/** What was made, its bytes apart. */
export type SampleMade = Omit<Sample, 'bytes' | 'head' | 'columns'> & { readonly sizeBytes: number }

export type SampleReply =
  | {
      readonly kind: 'made'
      readonly id: number
      readonly made: SampleMade
      readonly profile: SampleProfile
      /** the nearest first; empty where they were not asked for */
      readonly layouts: readonly LayoutScore[]
    }
  | {
      readonly kind: 'failed'
      readonly id: number
      /** of ERRORS, or of the operating system */
      readonly code: string
    }

/** A range of the file that the child cannot reach by itself. */
export interface RangeAsked {
  readonly kind: 'range'
  readonly number: number
  readonly from: number
  readonly to: number
}

export interface RangeGiven {
  readonly kind: 'bytes'
  readonly number: number
  /** undefined: it cannot be read any more */
  readonly bytes: Uint8Array | undefined
}
