/**
 * Sensors and their ticks: a cursor, a pause, and a history of what was done.
 *
 * A tick is written only when a sensor acts or fails. Its row is there before any effect, and the
 * effect's own transaction ends it, so that a daemon that dies between the two either did it or
 * finds the row open and goes on with the run it had reserved.
 */
import { sql } from 'kysely'
import type { Connection, WriteTransaction } from './open.ts'

/** Ticks of one sensor that are kept. */
const TICKS_KEPT_MAX = 200

export interface Pause {
  readonly atMs: number
  readonly by: string
  readonly reason: string
}

export interface OpenTick {
  readonly id: number
  /** the run it reserved; undefined: it died before that */
  readonly run: number | undefined
}

export interface SensorState {
  readonly cursor: string | undefined
  /** ticks written so far: a tick begins only if nobody wrote one since its look */
  readonly ticks: number
  readonly pause: Pause | undefined
  readonly open: OpenTick | undefined
}

/** One look-up by primary key. */
export async function sensorState(db: Connection, name: string): Promise<SensorState> {
  const row = await db
    .selectFrom('sensor')
    .leftJoin('sensor_tick', 'sensor_tick.id', 'sensor.open_tick')
    .select(['cursor', 'ticks', 'open_tick', 'paused_ms', 'paused_by', 'paused_reason', 'run'])
    .where('name', '=', name)
    .executeTakeFirst()
  if (row === undefined) return { cursor: undefined, ticks: 0, pause: undefined, open: undefined }
  return {
    cursor: row.cursor ?? undefined,
    ticks: row.ticks,
    pause: pauseOf(row),
    open: row.open_tick === null ? undefined : { id: row.open_tick, run: row.run ?? undefined },
  }
}

const pauseOf = (row: {
  readonly paused_ms: number | null
  readonly paused_by: string | null
  readonly paused_reason: string | null
}): Pause | undefined =>
  row.paused_ms === null
    ? undefined
    : { atMs: row.paused_ms, by: row.paused_by ?? '', reason: row.paused_reason ?? '' }

/** Begins a tick; undefined when another one was written since `ticks` was read. */
export async function beginTick(
  { db }: WriteTransaction,
  tick: {
    readonly sensor: string
    readonly ticks: number
    readonly atMs: number
    readonly words: string
  },
): Promise<number | undefined> {
  await db
    .insertInto('sensor')
    .values({ name: tick.sensor })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute()
  const { id } = await db
    .insertInto('sensor_tick')
    .values({
      sensor: tick.sensor,
      at_ms: tick.atMs,
      status: 'started',
      run: null,
      words: tick.words,
      ended_ms: null,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  const { numUpdatedRows } = await db
    .updateTable('sensor')
    .set({ ticks: tick.ticks + 1, open_tick: id })
    .where('name', '=', tick.sensor)
    .where('ticks', '=', tick.ticks)
    .executeTakeFirst()
  if (numUpdatedRows === 1n) return id
  await db.deleteFrom('sensor_tick').where('id', '=', id).execute()
  return undefined
}

/** Writes down which run the tick is going to start, before it starts. */
export async function reserveRun(
  { db }: WriteTransaction,
  tick: number,
  run: number,
): Promise<void> {
  await db
    .updateTable('sensor_tick')
    .set({ status: 'reserved', run })
    .where('id', '=', tick)
    .execute()
}

export type TickStatus = 'started' | 'reserved' | 'done' | 'skipped' | 'failed' | 'abandoned'

/** Ends a tick, moves the cursor, and forgets ticks beyond the bound. */
export async function endTick(
  { db }: WriteTransaction,
  tick: {
    readonly id: number
    readonly sensor: string
    readonly status: TickStatus
    readonly words: string
    readonly atMs: number
    /** undefined: it stays */
    readonly cursor?: string | undefined
  },
): Promise<void> {
  await db
    .updateTable('sensor_tick')
    .set({ status: tick.status, words: tick.words, ended_ms: tick.atMs })
    .where('id', '=', tick.id)
    .execute()
  await db
    .updateTable('sensor')
    .set({ open_tick: null, ...(tick.cursor !== undefined && { cursor: tick.cursor }) })
    .where('name', '=', tick.sensor)
    .where('open_tick', '=', tick.id)
    .execute()
  await sql`delete from sensor_tick where sensor = ${tick.sensor} and id <= (
      select id from sensor_tick where sensor = ${tick.sensor}
      order by id desc limit 1 offset ${TICKS_KEPT_MAX})`.execute(db)
}

/** Pauses a sensor, or lets it go on. */
export async function setPause(
  { db }: WriteTransaction,
  sensor: string,
  pause: Pause | undefined,
): Promise<void> {
  const values = {
    paused_ms: pause?.atMs ?? null,
    paused_by: pause?.by ?? null,
    paused_reason: pause?.reason ?? null,
  }
  await db
    .insertInto('sensor')
    .values({ name: sensor, ...values })
    .onConflict((conflict) => conflict.column('name').doUpdateSet(values))
    .execute()
}

export interface TickRow {
  readonly id: number
  readonly sensor: string
  readonly atMs: number
  readonly status: TickStatus
  readonly run: number | undefined
  readonly words: string
  readonly endedMs: number | undefined
}

/** Ticks that did something or failed, newest first; of one sensor or of all. */
export async function tickHistory(
  db: Connection,
  { sensor, limit }: { readonly sensor?: string; readonly limit: number },
): Promise<readonly TickRow[]> {
  let query = db.selectFrom('sensor_tick').selectAll().orderBy('id', 'desc').limit(limit)
  if (sensor !== undefined) query = query.where('sensor', '=', sensor)
  return (await query.execute()).map((row) => ({
    id: row.id,
    sensor: row.sensor,
    atMs: row.at_ms,
    status: row.status,
    run: row.run ?? undefined,
    words: row.words,
    endedMs: row.ended_ms ?? undefined,
  }))
}
