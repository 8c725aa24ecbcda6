/** The state of one run and what it reports: plain data, shared by the stages. */
import type { Definitions } from '../catalog/membership.ts'
import type { WriteTransaction } from '../catalog/open.ts'
import type { Actor, RunStatus } from '../catalog/runs.ts'
import { EngineError, isEngineError } from '../core/errors.ts'
import type { NodeName } from '../core/key.ts'
import { nodeText } from '../core/key.ts'
import type { Outcome, Plan } from '../core/plan.ts'
import type { PlanOptions } from './planning.ts'
import type { Hold } from './hold.ts'
import type { Project } from './project.ts'
import type { OpenIntent } from './recover.ts'

export interface RunOptions extends PlanOptions {
  readonly command: string
  /** builds at once */
  readonly concurrency: number
  /** apply this plan or nothing: PLAN_MOVED when it is another now */
  readonly planId?: string
  /** stop claiming after this many failures; default: go on */
  readonly failuresMax?: number
  readonly onEvent?: (event: RunnerEvent) => void
  /** stop claiming; what is running ends and is committed */
  readonly stop?: AbortSignal
  /** give up what is running too */
  readonly abort?: AbortSignal
}

export type RunnerEvent =
  | { readonly type: 'planned'; readonly plan: Plan; readonly run: number }
  | { readonly type: 'started'; readonly node: NodeName }
  | {
      readonly type: 'progress'
      readonly node: NodeName
      readonly done: number
      readonly total?: number
    }
  | {
      readonly type: 'finished'
      readonly node: NodeName
      readonly outcome: Outcome
      readonly ms: number
      readonly rows?: number
    }
  | {
      readonly type: 'failed'
      readonly node: NodeName
      readonly code: string
      readonly text: string
    }

export interface Failure {
  readonly node: NodeName
  readonly code: string
  readonly text: string
  readonly hint: string
}

export interface RunReport {
  /** undefined: nothing to do, nothing written */
  readonly run: number | undefined
  readonly plan: Plan
  readonly counts: Readonly<Record<Outcome, number>>
  readonly failures: readonly Failure[]
  readonly status: RunStatus
}

/** The state of one run. */
export interface Run {
  readonly project: Project
  readonly definitions: Definitions
  readonly id: number
  readonly hold: Hold
  readonly actor: Actor
  readonly options: RunOptions
  readonly counts: Record<Outcome, number>
  readonly failures: Failure[]
  /** stale and not running: whoever reads one waits */
  readonly held: Set<number>
  /** nodes whose intents can go with the next claim */
  readonly projected: OpenIntent[]
  /** names that no attempt ever had, for the claims of one transaction */
  readonly attemptNames: (trx: WriteTransaction) => (at: number) => string
}

/** More than any transaction claims. */
const CLAIMS_MAX = 1000

/** Counts of a run that did nothing. */
export const noCounts = (): Record<Outcome, number> => ({
  built: 0,
  reused: 0,
  cutoff: 0,
  retired: 0,
  failed: 0,
  unchanged: 0,
})

/** The state of a run that starts. */
export const newRun = (
  project: Project,
  options: RunOptions,
  {
    id,
    hold,
    definitions,
  }: { readonly id: number; readonly hold: Hold; readonly definitions: Definitions },
): Run => ({
  project,
  definitions,
  id,
  hold,
  actor: options.actor,
  options,
  counts: noCounts(),
  failures: [],
  held: new Set(),
  projected: [],
  // A revision is one transaction's alone, so names of several workers in one run differ.
  attemptNames: (trx) => (at) => `@r${id}-${trx.revision * CLAIMS_MAX + at}`,
})

/** A failure as a report shows it: an EngineError's own words, else its class only. */
export function failureOf(node: NodeName, error: unknown): Failure {
  const known = isEngineError(error)
    ? error
    : new EngineError('ASSET_FAILED', {
        node: nodeText(node),
        reason: error instanceof Error ? error.name : 'unknown',
      })
  return { node, code: known.code, text: known.message, hint: known.hint }
}
