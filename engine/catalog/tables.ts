/** The catalog's tables as Kysely sees them. Times are milliseconds since 1970. */
import type { Generated } from 'kysely'

export type Tables = {
  /** journal: the number of the last journal object that was given out */
  catalog: {
    one: number
    revision: number
    received_ms: number
    journal: Generated<number>
    /** the last revision whose transaction applied what was seen outside */
    observed: Generated<number>
  }
  /** what the store's journal has not been told yet: see migrations/0009-care.ts */
  unprojected: { entry: string; key: string; taken: number }
  /** live: nodes that have content */
  asset: { id: Generated<number>; name: string; live: Generated<number> }
  node: {
    id: Generated<number>
    asset: number
    key: string
    /** 0: absent */
    version: Generated<number>
    /** the last build row; 0: never built */
    built: Generated<number>
    epoch: Generated<number>
    waiting: string | null
  }
  version: { id: Generated<number>; node: number; content_id: string; value: string | null }
  edge: { dst: number; src: number; src_version: number }
  dirty: {
    node: number
    asset: number
    revision: number
    cause: 'new' | 'input' | 'removed' | 'missing' | 'forced'
    source: number | null
    reason: string | null
  }
  build: {
    id: Generated<number>
    node: number
    run: number
    outcome: string
    fingerprint: string | null
    version: number
    commit_number: number
    /** JSON: [[node, version], …] of every present slot */
    slots: string
    attempt: string | null
    /** the build row that owns the parts; 0: none */
    parts_build: Generated<number>
    at_ms: number
    ms: number
    rows: number | null
    size_bytes: number | null
    cause: string | null
    error: string | null
  }
  part: {
    build: number
    ordinal: number
    name: string
    /** null: the build's own */
    fingerprint: string | null
    path: string
    size_bytes: number
    sha256: string
    rows: number | null
  }
  first_wanted: { fingerprint: string; at_ms: number }
  intent: {
    node: number
    run: number
    epoch: number
    state: 'prepared' | 'committed'
    /** JSON: what would undo its stagings */
    notes: string
    /** `run:FENCE` of the run lease, or the worker that claimed it */
    holder: string
    /** a worker's claim ends here unless it is renewed; 0 for a run, whose lease ends for all */
    expires_ms: number
  }
  /** work handed out by the embedded executor */
  job: {
    id: Generated<number>
    node: number
    /** JSON of the task */
    task: string
    priority: number
    /** null: queued */
    holder: string | null
    expires_ms: Generated<number>
    enqueued_ms: number
    taken_ms: number | null
    /** how often it was taken: which taking a worker's is */
    takings: Generated<number>
  }
  /** why a dirty node is not handed out at once */
  obstacle: {
    node: number
    kind: 'failed' | 'blocked' | 'waits'
    attempts: number
    code: string
    /** the node's dirty mark then: a later one starts anew */
    revision: number
    at_ms: number
    /** null: not by itself; only a later mark or a person */
    retry_ms: number | null
  }
  run: {
    id: Generated<number>
    actor: string
    command: string
    reason: string | null
    plan: string | null
    started_ms: number
    heartbeat_ms: number
    ended_ms: number | null
    status: string
    counts: string
  }
  event: {
    id: Generated<number>
    run: number
    at_ms: number
    type: string
    node: string | null
    data: string
  }
  /** rows are added, never changed or removed: see audit-chain.ts */
  audit: {
    seq: number
    at_ms: number
    actor: string
    action: string
    subject: string
    reason: string
    run: number | null
    prev_hash: string
    hash: string
  }
  /** one row a day: what the store's anchor of that day says, and whether it was written */
  audit_anchor: {
    /** 20260131 */
    day: number
    at_ms: number
    seq: number
    hash: string
    written: number
  }
  lease: { name: string; holder: string; fence: number; expires_ms: number }
  sensor: {
    name: string
    cursor: string | null
    ticks: Generated<number>
    /** the tick that has not ended */
    open_tick: number | null
    paused_ms: number | null
    paused_by: string | null
    paused_reason: string | null
  }
  sensor_tick: {
    id: Generated<number>
    sensor: string
    at_ms: number
    status: 'started' | 'reserved' | 'done' | 'skipped' | 'failed' | 'abandoned'
    run: number | null
    /** what was to be done, then what was: no value from a file */
    words: string
    ended_ms: number | null
  }
  seen_file: { scope: string; path: string; token: string; sha256: string }
}
