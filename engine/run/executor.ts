/**
 * Executors: who hands work to workers.
 *
 * A job is a hint. What is to be done is what is dirty: jobs are derived from it by reconcile.ts,
 * so a lost, doubled or late job cannot cause wrong data; the claim decides, and the commit is
 * conditional on the claim's epoch. Jobs are queued in the transaction that found them ready and
 * end in the one that commits their build.
 */
import type { Connection, WriteTransaction } from '../catalog/open.ts'

/** A dirty node that is ready to be built. */
export interface BuildTask {
  readonly node: number
  readonly asset: string
  readonly key: string
  /** the run it belongs to: who asked, and why */
  readonly run: number
  /** the place of its asset in data order: less goes first */
  readonly place: number
  /** who shares workers fairly with whom: for the road a state */
  readonly group: string
  /** what bounds how many of its kind are under way at once; '': nothing */
  readonly pool: string
}

/** A task as one worker took it. */
export interface Job {
  readonly id: string
  readonly task: BuildTask
  /** which taking this is: an earlier one's end changes nothing */
  readonly taking: number
}

/** A job that has not ended. */
export interface Outstanding {
  readonly task: BuildTask
  readonly isTaken: boolean
}

export interface QueueDepth {
  readonly queued: number
  readonly taken: number
  /** when the oldest of the queued was queued, by the database's clock; undefined: none is */
  readonly oldestMs: number | undefined
}

export interface Executor extends AsyncDisposable {
  readonly name: 'embedded' | 'pg-boss'
  /** queues tasks with the transaction; a node that is queued already stays as it is */
  readonly enqueue: (trx: WriteTransaction, tasks: readonly BuildTask[]) => Promise<void>
  /** jobs that have not ended, in no order; those of a dead worker are queued again by `beat` */
  readonly outstanding: (db: Connection) => Promise<readonly Outstanding[]>
  /** up to `count` jobs, first things first; never waits */
  readonly take: (holder: string, count: number) => Promise<readonly Job[]>
  /** ends jobs with the transaction; one that another has taken since is left alone */
  readonly complete: (trx: WriteTransaction, jobs: readonly Job[]) => Promise<void>
  /** gives back jobs that were taken and not begun */
  readonly release: (jobs: readonly Job[]) => Promise<void>
  /** says that these are being worked on; jobs whose holder said nothing for long are queued again */
  readonly beat: (holder: string, jobs: readonly Job[]) => Promise<void>
  /** removes queued jobs with the transaction; taken ones go on */
  readonly cancel: (trx: WriteTransaction, nodes: readonly number[]) => Promise<void>
  readonly depth: (db: Connection) => Promise<QueueDepth>
}
