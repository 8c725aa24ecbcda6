/**
 * A sensor: something the daemon looks at, and what it does when that has moved.
 *
 * Looking never writes, so a look that finds nothing leaves no trace. An act changes the catalog in
 * one transaction, which also ends the tick: it is done once, whenever the daemon dies.
 */
import type { Connection, WriteTransaction } from '../catalog/open.ts'
import type { Actor } from '../catalog/runs.ts'
import type { Project } from './project.ts'
import type { Timing } from './schedule.ts'

export interface LookContext {
  readonly project: Project
  /** of a read outside any transaction */
  readonly db: Connection
  /** where the last act left off; undefined: it never acted */
  readonly cursor: string | undefined
  readonly nowMs: number
  /** when this process began to look */
  readonly sinceMs: number
  /** a person asks for it now, due or not */
  readonly isAsked: boolean
  readonly signal: AbortSignal
}

export interface ActAccess {
  readonly project: Project
  /** the run reserved for it: the same one when an act is taken up again */
  readonly run: number
  readonly actor: Actor
  readonly nowMs: number
  readonly signal: AbortSignal
  /** the transaction that does it and ends the tick; returns what was done, in words. Call it once */
  readonly commit: (work: (trx: WriteTransaction) => Promise<string>) => Promise<void>
  /** what it saw was overtaken: it looks again soon, not when it is due */
  readonly lookAgain: () => void
}

export type Look =
  | { readonly kind: 'skip'; readonly why: string }
  | {
      readonly kind: 'act'
      /** what moved, in words */
      readonly why: string
      /** where the next look starts, once this act is done */
      readonly cursor?: string
      readonly act: (access: ActAccess) => Promise<void>
    }

export interface Sensor {
  readonly name: string
  /** what it looks at and what it does then, for people */
  readonly summary: string
  readonly timing: Timing
  /** whether a request of a person wakes it before its time */
  readonly isWokenByRequest?: boolean
  readonly look: (context: LookContext) => Promise<Look>
}
