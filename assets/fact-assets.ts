/**
 * The facts of the road: what was delivered, how it was routed, what a person decided, and every
 * slice of the registry that a build may read.
 */
import { defineAsset } from '../engine/index.ts'
import type { FactAsset } from '../engine/index.ts'
import { FACT_DIMENSIONS } from '../registry/fact-kinds.ts'
import { SUBMISSION, SUBMITTER_MONTH } from './facts.ts'

export const deliveryFacts = defineAsset({
  kind: 'fact',
  name: 'discovered',
  dimensions: SUBMISSION,
  description: 'the files of a submission as they were delivered',
})
export const stampFacts = defineAsset({
  kind: 'fact',
  name: 'stamp',
  dimensions: SUBMISSION,
  description: 'state, layout, period and time of receipt of a submission',
})
export const stopReasonFacts = defineAsset({
  kind: 'fact',
  name: 'stop_reason',
  dimensions: SUBMISSION,
  description: 'why a submission went no further than intake',
})
export const decisionFacts = defineAsset({
  kind: 'fact',
  name: 'decision',
  dimensions: SUBMISSION,
  description: 'what a person decided about a submission',
})
export const pinFacts = defineAsset({
  kind: 'fact',
  name: 'pin',
  dimensions: SUBMITTER_MONTH,
  description: 'the submission a person chose for a month',
})

/** One fact asset for each kind of registry slice. */
export const registryFacts: readonly FactAsset[] = Object.entries(FACT_DIMENSIONS).map(
  ([name, dimensions]) => defineAsset({ kind: 'fact', name, dimensions, tags: ['registry'] }),
)
