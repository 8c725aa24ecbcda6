/** What both verdicts of a submission read, and the judge over it. Pure. */
import type { Inputs, NodeName, Slot } from '../engine/index.ts'
import { formatKey } from '../engine/index.ts'
import type { Finding, JudgeRequest } from '../registry/judge.ts'
import { judge } from '../registry/judge.ts'
import type { Measures, RuleMeasure } from '../registry/measure-sql.ts'
import type { Figures } from '../registry/trend.ts'
import type { JudgeSlice } from '../registry/rule-set.ts'
import type { SubmissionState } from '../registry/submission-state.ts'
import type { Stamp } from './facts.ts'
import { valueOf } from './facts.ts'
import { ruleKey } from './rule-reads.ts'
import type { ParseValue } from './silver.ts'

/** What the catalog keeps of a measure. It carries its layout, so a verdict knows its rules. */
export interface MeasureValue extends Measures {
  readonly layout: string
  /** of TREND rules; absent: there are none */
  readonly figures?: Figures
}

export type JudgedStatus = Extract<SubmissionState, `VALID${string}` | 'PARSE_FAILED'>

/** Assets that judging reads beside the measure. */
export const JUDGING = ['stamp', 'parse', 'layout_judge', 'rules_judge', 'variances'] as const

/** The measures that a verdict takes beside the submission's own. */
export const ACROSS = ['cross_measure', 'trend'] as const

/** The nodes of JUDGING for one submission. */
export function judgingNodes(key: readonly string[], measure: Slot | undefined): NodeName[] {
  const name = formatKey(key)
  const own = [
    { asset: 'stamp', key: name },
    { asset: 'parse', key: name },
    { asset: 'variances', key: formatKey(key.slice(0, 2)) },
  ]
  const layout = valueOf<MeasureValue>(measure)?.layout
  if (layout === undefined) return own
  return [
    ...own,
    { asset: 'layout_judge', key: layout },
    { asset: 'rules_judge', key: ruleKey(layout) },
  ]
}

export interface Judged {
  readonly status: JudgedStatus
  readonly findings: readonly Finding[]
  /** the parse's own reason, when it failed */
  readonly failed?: ParseValue['failed']
}

/** undefined while something to judge by is missing. `across`: measures of other rules, by id. */
export function judged(
  inputs: Inputs,
  across: Readonly<Record<string, RuleMeasure>>,
): Judged | undefined {
  const stamp = valueOf<Stamp>(inputs.of('stamp')[0])
  const parse = valueOf<ParseValue>(inputs.of('parse')[0])
  const measures = valueOf<MeasureValue>(inputs.of('measure')[0])
  if (stamp === undefined || parse === undefined || measures === undefined) return undefined
  if (parse.failed !== undefined) {
    return { status: 'PARSE_FAILED', findings: [], failed: parse.failed }
  }
  const layoutJudge = valueOf<JudgeRequest['layoutJudge']>(inputs.of('layout_judge')[0])
  const { outcome, findings } = judge({
    measures: { ...measures, rules: { ...measures.rules, ...across } },
    judgeSlice: valueOf<JudgeSlice>(inputs.of('rules_judge')[0]) ?? {},
    layoutJudge: layoutJudge ?? { reject: { share: 0 } },
    parseCounts: parse,
    variances: valueOf<JudgeRequest['variances']>(inputs.of('variances')[0]) ?? [],
    receivedAt: stamp.received_at,
  })
  return { status: outcome, findings }
}
