import type { Kysely } from 'kysely'
import { sql } from 'kysely'

/**
 * What the daemon keeps: each sensor's cursor and pause, ticks that did something, and which claim
 * answers a request for a month.
 *
 * PostgreSQL tells a listening daemon of new requests and dirty marks, whoever wrote them; what is
 * told is only that there is something: it looks for itself.
 */
export async function createSensors(
  db: Kysely<unknown>,
  dialect: 'sqlite' | 'postgres',
): Promise<void> {
  const id = dialect === 'sqlite' ? 'integer primary key' : 'bigserial primary key'
  const int = dialect === 'sqlite' ? 'integer' : 'bigint'
  const text = dialect === 'sqlite' ? 'text' : 'text collate "C"'
  const statements = [
    `create table sensor (name ${text} primary key, cursor ${text}, ticks ${int} not null default 0,
       open_tick ${int}, paused_ms ${int}, paused_by ${text}, paused_reason ${text})`,
    `create table sensor_tick (id ${id}, sensor ${text} not null, at_ms ${int} not null,
       status ${text} not null, run ${int}, words ${text} not null, ended_ms ${int})`,
    `create index sensor_tick_sensor on sensor_tick (sensor, id)`,
    // 1: a person asks for a build although nothing differs; what the road asks for is dirty anyway.
    `alter table canonical_rebuild_queue add column forced ${int} not null default 1`,
    `alter table canonical_rebuild_queue add column claimed_by ${text}`,
    `alter table canonical_rebuild_queue add column claimed_ms ${int}`,
    `alter table canonical_rebuild_queue add column claim_epoch ${int}`,
    ...(dialect === 'postgres' ? notifications() : []),
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}

const notifications = (): readonly string[] =>
  Object.entries({ canonical_rebuild_queue: 'request', dirty: 'change' }).flatMap(
    ([table, channel]) => [
      `create function ${table}_tell() returns trigger language plpgsql as $$
         begin perform pg_notify('tributary_${channel}', ''); return null; end $$`,
      `create trigger ${table}_tell after insert on ${table}
         for each statement execute function ${table}_tell()`,
    ],
  )
