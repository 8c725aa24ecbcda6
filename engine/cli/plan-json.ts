/** Plans for programs: the document of `plan --json`, and what `plan -o` saves. */
import type { AssetGraph } from '../core/graph.ts'
import { nodeText } from '../core/key.ts'
import type { Cause, Plan, Step, Waiting } from '../core/plan.ts'
import { nodePath, partitionOf } from './node-name.ts'

export const FORMAT_VERSION = '1.0'

/** Partitions by dimension; `pointer` is the first of `pointers`. */
export function planDocument(graph: AssetGraph, plan: Plan): object {
  return {
    format_version: FORMAT_VERSION,
    id: plan.id,
    basis: plan.basis,
    selection: plan.selection,
    steps: plan.steps.map((step) => stepJson(graph, step)),
    waiting: plan.waiting.map((one) => waitingJson(graph, one)),
    unchanged: plan.unchanged,
  }
}

const stepJson = (graph: AssetGraph, step: Step): object => ({
  asset: step.asset,
  partition: partitionOf(graph, step),
  verdict: step.verdict,
  causes: step.causes.map(causeJson),
  ...(step.causesMore > 0 && { causes_more: step.causesMore }),
  ...(step.partsToCompute !== undefined && { parts_to_compute: step.partsToCompute }),
  ...(step.partsKept !== undefined && { parts_kept: step.partsKept }),
  ...(step.estimateMs !== undefined && { estimate_ms: step.estimateMs }),
})

/** A cause as JSON: its slot is the node whose content differs. */
function causeJson(cause: Cause): object {
  const { kind, asset, key, from, to, pointers, reason } = cause
  return {
    kind,
    ...(asset !== undefined && { slot: nodeText({ asset, key: key ?? '' }) }),
    ...(pointers !== undefined && { pointer: pointers[0], pointers }),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(reason !== undefined && { reason }),
  }
}

const waitingJson = (graph: AssetGraph, one: Waiting): object => ({
  asset: one.asset,
  partition: partitionOf(graph, one),
  verdict: one.kind,
  causes: [],
  why: one.why,
  ...(one.on !== undefined && {
    on: { asset: one.on.asset, partition: partitionOf(graph, one.on) },
    select: `+${nodePath(one)}`,
  }),
})
