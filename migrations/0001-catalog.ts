import type { Kysely } from 'kysely'
import { sql } from 'kysely'

/**
 * The engine's tables: nodes, versions, edges, dirty, builds, parts, intents, runs, audit.
 *
 * Times are milliseconds since 1970. `WITHOUT ROWID` keeps edges and parts at one tree each: at
 * 2,000,000 edges that is the difference between one and two look-ups a row.
 */
export async function createCatalog(
  db: Kysely<unknown>,
  dialect: 'sqlite' | 'postgres',
): Promise<void> {
  const id = dialect === 'sqlite' ? 'integer primary key' : 'bigserial primary key'
  const int = dialect === 'sqlite' ? 'integer' : 'bigint'
  const clustered = dialect === 'sqlite' ? ' without rowid' : ''
  // PostgreSQL must order text as SQLite does, whatever the server's locale.
  const text = dialect === 'sqlite' ? 'text' : 'text collate "C"'
  const statements = [
    `create table catalog (one ${int} primary key, revision ${int} not null,
       received_ms ${int} not null)`,
    `insert into catalog values (1, 0, 0)`,
    `create table asset (id ${id}, name ${text} not null unique, live ${int} not null default 0)`,
    `create table node (id ${id}, asset ${int} not null, key ${text} not null,
       version ${int} not null default 0, built ${int} not null default 0,
       epoch ${int} not null default 0, waiting ${text}, unique (asset, key))`,
    `create index node_waiting on node (asset) where waiting is not null`,
    `create table version (id ${id}, node ${int} not null, content_id ${text} not null,
       value ${text}, unique (node, content_id))`,
    `create table edge (dst ${int} not null, src ${int} not null, src_version ${int} not null,
       primary key (dst, src))${clustered}`,
    `create index edge_src on edge (src, dst)`,
    // Out-degrees are skewed (a recipe has as many readers as its asset has partitions), and the
    // average that PostgreSQL samples made it read every edge to find the dependents of one node.
    ...(dialect === 'postgres'
      ? [`alter table edge alter column src set (n_distinct = -0.4)`]
      : []),
    `create table dirty (node ${int} primary key, asset ${int} not null,
       revision ${int} not null, cause ${text} not null, source ${int}, reason ${text})`,
    `create index dirty_asset on dirty (asset)`,
    `create table build (id ${id}, node ${int} not null, run ${int} not null,
       outcome ${text} not null, fingerprint ${text}, version ${int} not null,
       commit_number ${int} not null, slots ${text} not null, attempt ${text},
       parts_build ${int} not null default 0, at_ms ${int} not null, ms ${int} not null,
       rows ${int}, size_bytes ${int}, cause ${text}, error ${text})`,
    `create index build_node on build (node, id)`,
    `create table part (build ${int} not null, ordinal ${int} not null, name ${text} not null,
       fingerprint ${text}, path ${text} not null, size_bytes ${int} not null,
       sha256 ${text} not null, rows ${int}, primary key (build, ordinal))${clustered}`,
    `create table first_wanted (fingerprint ${text} primary key, at_ms ${int} not null)${clustered}`,
    `create table intent (node ${int} primary key, run ${int} not null, epoch ${int} not null,
       state ${text} not null, notes ${text} not null)`,
    `create table run (id ${id}, actor ${text} not null, command ${text} not null,
       reason ${text}, plan ${text}, started_ms ${int} not null, heartbeat_ms ${int} not null,
       ended_ms ${int}, status ${text} not null, counts ${text} not null)`,
    `create table event (id ${id}, run ${int} not null, at_ms ${int} not null,
       type ${text} not null, node ${text}, data ${text} not null)`,
    `create index event_run on event (run, id)`,
    `create table audit (id ${id}, at_ms ${int} not null, actor ${text} not null,
       action ${text} not null, subject ${text} not null, reason ${text} not null, run ${int})`,
    `create table lease (name ${text} primary key, holder ${text} not null, fence ${int} not null,
       expires_ms ${int} not null)`,
    `create table seen_file (scope ${text} not null, path ${text} not null,
       token ${text} not null, sha256 ${text} not null, primary key (scope, path))${clustered}`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
