import type { Kysely } from 'kysely'
import { sql } from 'kysely'

/**
 * The platform's tables: submissions and their files, the inbox, parses, validations, winners,
 * month builds, the rebuild queue, findings. Months are `YYYY-MM`, times milliseconds since 1970.
 */
export async function createRegistry(
  db: Kysely<unknown>,
  dialect: 'sqlite' | 'postgres',
): Promise<void> {
  const id = dialect === 'sqlite' ? 'integer primary key' : 'bigserial primary key'
  const int = dialect === 'sqlite' ? 'integer' : 'bigint'
  const text = dialect === 'sqlite' ? 'text' : 'text collate "C"'
  const statements = [
    `create table registry_file (path ${text} primary key, content ${text} not null)`,
    `create table submission (submission_id ${text} primary key, submitter_id ${text} not null,
       state ${text}, file_type ${text} not null, layout_id ${text}, first_month ${text},
       last_month ${text}, received_ms ${int} not null, received_at ${text} not null,
       status ${text} not null, status_code ${text}, status_words ${text},
       grouping_method ${text} not null, drop_path ${text} not null,
       content_digest ${text} not null, is_test ${int} not null, duplicate_of ${text},
       routed_because ${text})`,
    `create index submission_peers on submission (submitter_id, file_type, received_ms)`,
    `create index submission_status on submission (status)`,
    `create index submission_drop on submission (drop_path)`,
    `create table submission_file (submission_id ${text} not null, name ${text} not null,
       source ${text} not null, size_bytes ${int} not null, sha256 ${text} not null,
       primary key (submission_id, name))`,
    `create table inbox_object (path ${text} primary key, token ${text} not null,
       first_seen_ms ${int} not null, last_changed_ms ${int} not null, claimed_by ${text})`,
    `create table manifest_entry (source ${text} not null, release ${text} not null,
       identity ${text} not null, submission_id ${text}, manifest ${text} not null,
       primary key (source, release))`,
    `create table parse_run (parse_run_id ${id}, submission_id ${text} not null,
       build ${int} not null, status ${text} not null, at_ms ${int} not null, ms ${int} not null,
       rows_read ${int} not null, rows_written ${int} not null, rows_rejected ${int} not null,
       error_code ${text})`,
    `create index parse_run_submission on parse_run (submission_id, parse_run_id)`,
    `create table parse_file_metrics (parse_run_id ${int} not null, file ${text} not null,
       rows_read ${int} not null, rows_written ${int} not null, rows_rejected ${int} not null,
       bytes_read ${int} not null, primary key (parse_run_id, file))`,
    `create table parse_column_metrics (parse_run_id ${int} not null, column_name ${text} not null,
       null_count ${int} not null, invalid_count ${int} not null,
       primary key (parse_run_id, column_name))`,
    `create table validation_run (validation_run_id ${id}, submission_id ${text} not null,
       at_ms ${int} not null, outcome ${text} not null, total_rows ${int} not null)`,
    `create index validation_run_submission on validation_run (submission_id, validation_run_id)`,
    `create table validation_finding (validation_run_id ${int} not null, rule ${text} not null,
       severity ${text} not null, violations ${int} not null, denominator ${int} not null,
       threshold ${text} not null, passed ${int} not null,
       primary key (validation_run_id, rule))`,
    `create table winner_history (id ${id}, state ${text} not null, file_type ${text} not null,
       submitter_id ${text} not null, atomic_month ${text} not null, submission_id ${text},
       rows ${int} not null, reason ${text} not null, at_ms ${int} not null, run ${int} not null)`,
    `create index winner_history_month on winner_history
       (state, file_type, submitter_id, atomic_month, id)`,
    `create table canonical_month_build (id ${id}, state ${text} not null,
       file_type ${text} not null, atomic_month ${text} not null, status ${text} not null,
       fingerprint ${text}, rows ${int}, build ${int} not null, at_ms ${int} not null,
       ms ${int} not null, error_code ${text})`,
    `create index canonical_month_build_month on canonical_month_build
       (state, file_type, atomic_month, id)`,
    `create table canonical_rebuild_queue (queue_id ${id}, state ${text} not null,
       file_type ${text} not null, atomic_month ${text} not null, reason ${text} not null,
       requested_by ${text} not null, enqueued_ms ${int} not null, run ${int} not null,
       status ${text} not null, outcome ${text}, attempts ${int} not null, processed_ms ${int})`,
    `create index canonical_rebuild_queue_open on canonical_rebuild_queue
       (state, file_type, atomic_month) where processed_ms is null`,
    `create table finding (id ${id}, at_ms ${int} not null, severity ${text} not null,
       code ${text} not null, subject ${text} not null, words ${text} not null,
       closed_ms ${int})`,
    `create index finding_open on finding (code, subject) where closed_ms is null`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
