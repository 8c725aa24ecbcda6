/** The platform's tables, beside the engine's in the same catalog. */
import type { Generated, Kysely } from 'kysely'
import type { Connection } from '../engine/index.ts'
import type { SubmissionState } from './submission-state.ts'

export type RegistryTables = {
  registry_file: { path: string; content: string }
  submission: {
    submission_id: string
    submitter_id: string
    state: string | null
    file_type: string
    layout_id: string | null
    first_month: string | null
    last_month: string | null
    received_ms: number
    received_at: string
    status: SubmissionState
    status_code: string | null
    status_words: string | null
    grouping_method: string
    drop_path: string
    content_digest: string
    is_test: number
    duplicate_of: string | null
    routed_because: string | null
  }
  submission_file: {
    submission_id: string
    name: string
    /** where the bytes were when it was taken in */
    source: string
    size_bytes: number
    sha256: string
  }
  inbox_object: {
    path: string
    token: string
    first_seen_ms: number
    last_changed_ms: number
    claimed_by: string | null
  }
  manifest_entry: {
    source: string
    /** dataset, file type and vintage */
    release: string
    identity: string
    submission_id: string | null
    manifest: string
  }
  parse_run: {
    parse_run_id: Generated<number>
    submission_id: string
    build: number
    status: 'SUCCEEDED' | 'FAILED'
    at_ms: number
    ms: number
    rows_read: number
    rows_written: number
    rows_rejected: number
    error_code: string | null
  }
  parse_file_metrics: {
    parse_run_id: number
    file: string
    rows_read: number
    rows_written: number
    rows_rejected: number
    bytes_read: number
  }
  parse_column_metrics: {
    parse_run_id: number
    column_name: string
    null_count: number
    invalid_count: number
  }
  validation_run: {
    validation_run_id: Generated<number>
    submission_id: string
    at_ms: number
    outcome: string
    total_rows: number
  }
  validation_finding: {
    validation_run_id: number
    rule: string
    severity: string
    violations: number
    denominator: number
    threshold: string
    passed: number
  }
  winner_history: {
    id: Generated<number>
    state: string
    file_type: string
    submitter_id: string
    atomic_month: string
    submission_id: string | null
    rows: number
    reason: string
    at_ms: number
    run: number
  }
  canonical_month_build: {
    id: Generated<number>
    state: string
    file_type: string
    atomic_month: string
    status: 'SUCCEEDED' | 'SKIPPED' | 'FAILED' | 'RETIRED'
    fingerprint: string | null
    rows: number | null
    build: number
    at_ms: number
    ms: number
    error_code: string | null
  }
  canonical_rebuild_queue: {
    queue_id: Generated<number>
    state: string
    file_type: string
    atomic_month: string
    reason: string
    requested_by: string
    enqueued_ms: number
    /** the run that asked for it; 0: a person */
    run: number
    /** PENDING, CLAIMED, FAILED and DEAD are open: FAILED is tried again by itself, DEAD is not */
    status: 'PENDING' | 'CLAIMED' | 'FAILED' | 'DEAD' | 'SUCCEEDED' | 'SKIPPED' | 'CANCELLED'
    outcome: string | null
    attempts: number
    processed_ms: number | null
    /** 1: build although nothing differs, and the month is not marked for it yet */
    forced: number
    /** the claim at work on it */
    claimed_by: string | null
    claimed_ms: number | null
    claim_epoch: number | null
  }
  /** files that raw landed, whose lines are in a processed manifest or will be */
  processed_file: {
    seq: number
    vendor: string
    dataset: string
    version: string
    raw: string
    bronze: string
    mtime_ms: number
    size_bytes: number
    sha256: string
    /** where the line would be, if somebody who got no further appended it */
    noted_file: string | null
    noted_bytes: number | null
    /** null: it waits */
    appended_ms: number | null
  }
  finding: {
    id: Generated<number>
    at_ms: number
    severity: 'info' | 'warning' | 'error'
    code: string
    subject: string
    words: string
    closed_ms: number | null
  }
}

/** The engine's handle, with the platform's tables added. */
export const platformTables = (db: Connection): Kysely<RegistryTables> =>
  db.withTables<RegistryTables>()
