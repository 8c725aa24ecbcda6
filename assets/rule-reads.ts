/**
 * rule_reads: what the rules of a submission read beside its own rows, by name. Pure.
 *
 * A build's inputs follow from its key and the nodes that gave it, so what the rules name has to be
 * such a node: with it, an edited code set is a slot of exactly the measures whose rules use it.
 */
import type { Inputs, Json } from '../engine/index.ts'
import { defineAsset, formatKey, sameKey } from '../engine/index.ts'
import type { CrossNeeds } from '../registry/cross-reads.ts'
import { crossNeeds } from '../registry/cross-reads.ts'
import type { Period } from '../registry/period.ts'
import type { MeasuredRule } from '../registry/rule-set.ts'
import { codeSetsOf } from '../registry/rule-set.ts'
import type { Stamp } from './facts.ts'
import { SUBMISSION, asJson, layoutParts, valueOf } from './facts.ts'

/** What the catalog keeps of it; absent: the rules read the submission's own rows only. */
export interface RuleReadsValue {
  readonly codeSets: readonly string[]
  /** other files and months; absent: none */
  readonly across?: CrossNeeds
  /** the months that figures are counted of; absent: no rule judges a trend */
  readonly trendPeriod?: Period
}

/** `{file_type}/{layout}`: the key of rule sets. */
export const ruleKey = (layout: string): string => {
  const parts = layoutParts(layout)
  return formatKey([parts.fileType, parts.layout])
}

export const ruleReads = defineAsset({
  kind: 'value',
  name: 'rule_reads',
  dimensions: SUBMISSION,
  description: 'what the rules of a submission read beside its rows',
  recipe: '2',
  from: { stamp: sameKey },
  reads: {
    assets: ['rules_measure'],
    nodes: (_key, [stamp]) => {
      const layout = valueOf<Stamp>(stamp)?.layout
      return layout === undefined ? [] : [{ asset: 'rules_measure', key: ruleKey(layout) }]
    },
  },
  evaluate,
})

function evaluate(inputs: Inputs): Json | undefined {
  const rules = valueOf<readonly MeasuredRule[]>(inputs.of('rules_measure')[0]) ?? []
  const codeSets = codeSetsOf(rules)
  const across = crossNeeds(rules)
  if (codeSets.length === 0 && across === undefined) return undefined
  const stamp = valueOf<Stamp>(inputs.of('stamp')[0])
  const isTrending = across !== undefined && across.historyMonths > 0
  const value: RuleReadsValue = {
    codeSets,
    ...(across !== undefined && { across }),
    ...(stamp !== undefined &&
      isTrending && { trendPeriod: { first: stamp.first_month, last: stamp.last_month } }),
  }
  return asJson(value)
}
