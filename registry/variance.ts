/**
 * Variances: one submitter's own threshold for one rule, until a day, for a reason.
 *
 * It is judged at a submission's `received_at`, so a variance that has expired changes nothing
 * that was received before.
 */
import { z } from 'zod'
import { leaf, threshold } from './fields.ts'
import { wholeDocument } from './shape.ts'
import type { Threshold } from './fields.ts'

export const varianceDocument = wholeDocument({
  submitter: leaf.id,
  file_type: leaf.fileType,
  rule: leaf.ruleId.describe('a rule id, or layout_rejects for the layout’s reject threshold'),
  threshold,
  expires: leaf.day.describe('the last day (UTC) of receipt it applies to'),
  reason: z.string().min(1),
})
export type VarianceDocument = z.output<typeof varianceDocument>

export interface Variance {
  readonly submitter: string
  readonly fileType: string
  readonly rule: string
  readonly threshold: Threshold
  /** `YYYY-MM-DD`, inclusive, UTC */
  readonly expires: string
  /** for people; in no slice */
  readonly reason: string
}

export function varianceOf(document: VarianceDocument): Variance {
  const { count, share } = document.threshold
  return {
    submitter: document.submitter,
    fileType: document.file_type,
    rule: document.rule,
    threshold: count === undefined ? { share: share ?? 0 } : { count },
    expires: document.expires,
    reason: document.reason,
  }
}

/** What judging reads of a variance: not its reason. */
export const varianceSlice = ({ rule, threshold: allowed, expires }: Variance) => ({
  rule,
  threshold: allowed,
  expires,
})
