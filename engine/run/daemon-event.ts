/** What a daemon or a worker reports while it goes: for its log, a person's screen and its metrics. */
import type { NodeName } from '../core/key.ts'
import type { Outcome } from '../core/plan.ts'
import type { Ticked } from './tick.ts'

export type DaemonEvent =
  | { readonly type: 'ready'; readonly sensors: number; readonly workers: number }
  | {
      readonly type: 'ticked'
      readonly sensor: string
      readonly result: Ticked
      readonly ms: number
    }
  | { readonly type: 'started'; readonly node: NodeName }
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
  /** catalog or store does not answer: the loop tries again */
  | {
      readonly type: 'trouble'
      readonly loop: string
      readonly code: string
      readonly retryMs: number
    }
  | { readonly type: 'stopping' }
  | { readonly type: 'stopped' }
