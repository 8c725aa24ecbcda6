/**
 * Whether a submission may be used, from what was measured: severity, thresholds, variances. Pure.
 *
 * Reads no rows, so an edit of a severity, a threshold or a variance reads no data. A variance
 * holds for submissions received on or before the day it expires; nothing here reads a clock.
 */
import type { Threshold } from './fields.ts'
import type { Measures, ParseCounts, RuleMeasure } from './measure-sql.ts'
import type { JudgeSlice } from './rule-set.ts'
import type { varianceSlice } from './variance.ts'

/** The id under which a layout's own reject threshold is judged and may have a variance. */
export const LAYOUT_REJECTS = 'layout_rejects'

export type Outcome = 'VALIDATED' | 'VALIDATED_WITH_WARNINGS' | 'VALIDATION_FAILED' | 'PARSE_FAILED'

export interface Finding {
  /** a rule id, or `layout_rejects` */
  readonly rule: string
  readonly severity: 'HARD' | 'SOFT'
  readonly violations: number
  readonly denominator: number
  /** violations of denominator, 0..1; more when a trailer is far off; 0 of 0 is 0 */
  readonly share: number
  /** the one that was applied */
  readonly threshold: Threshold
  readonly passed: boolean
  /** the variance that gave the threshold, without its reason */
  readonly variance?: { readonly expires: string; readonly instead: Threshold }
}

export interface JudgeRequest {
  readonly measures: Measures
  readonly judgeSlice: JudgeSlice
  readonly layoutJudge: { readonly reject: Threshold }
  readonly parseCounts: Pick<ParseCounts, 'accepted' | 'rejected'>
  /** of this submitter and file type */
  readonly variances: readonly ReturnType<typeof varianceSlice>[]
  /** ISO 8601 in UTC */
  readonly receivedAt: string
}

/**
 * The outcome of a submission and one finding for each rule, the layout's rejects first.
 *
 * PARSE_FAILED: too many rejects. VALIDATION_FAILED: a HARD rule did not pass.
 */
export function judge(request: JudgeRequest): {
  readonly outcome: Outcome
  readonly findings: readonly Finding[]
} {
  const { accepted, rejected } = request.parseCounts
  const rejects = finding(request, {
    rule: LAYOUT_REJECTS,
    measure: { violations: rejected, denominator: accepted + rejected },
    severity: 'HARD',
    threshold: request.layoutJudge.reject,
  })
  const rules = Object.entries(request.measures.rules).flatMap(([rule, measure]) => {
    const judged = request.judgeSlice[rule]
    return judged === undefined ? [] : [finding(request, { rule, measure, ...judged })]
  })
  const findings = [rejects, ...rules.toSorted((a, b) => (a.rule < b.rule ? -1 : 1))]
  return { outcome: rejects.passed ? outcomeOf(rules) : 'PARSE_FAILED', findings }
}

function outcomeOf(findings: readonly Finding[]): Outcome {
  const failed = findings.filter(({ passed }) => !passed)
  if (failed.some(({ severity }) => severity === 'HARD')) return 'VALIDATION_FAILED'
  return failed.length > 0 ? 'VALIDATED_WITH_WARNINGS' : 'VALIDATED'
}

function finding(
  { variances, receivedAt }: JudgeRequest,
  judged: {
    readonly rule: string
    readonly measure: RuleMeasure
    readonly severity: 'HARD' | 'SOFT'
    readonly threshold: Threshold
  },
): Finding {
  const { rule, severity } = judged
  const { violations, denominator } = judged.measure
  const day = receivedAt.slice(0, 'YYYY-MM-DD'.length)
  const variance = variances.find((one) => one.rule === rule && day <= one.expires)
  const threshold = variance?.threshold ?? judged.threshold
  const share = denominator === 0 ? 0 : violations / denominator
  const passed =
    threshold.count === undefined ? share <= (threshold.share ?? 0) : violations <= threshold.count
  const result = { rule, severity, violations, denominator, share, threshold, passed }
  if (variance === undefined) return result
  return { ...result, variance: { expires: variance.expires, instead: judged.threshold } }
}
