/**
 * Signals: whoever waits for work or for changes hears of a commit at once.
 *
 * A signal is only a hint that spares waiting for the next poll. On PostgreSQL it is NOTIFY, which
 * reaches every machine; on SQLite it reaches listeners of this process. It may be lost (a dropped
 * connection, another process), so listeners poll as well, and hear once after every reconnection.
 */
import type { Kysely } from 'kysely'
import { sql } from 'kysely'
import type { Tables } from './tables.ts'

/**
 * `work`: jobs were queued; `change`: something was committed that may make others ready; `request`:
 * somebody asked for something, told by a trigger (migrations/0004-sensors.ts)
 */
export type Channel = 'work' | 'change' | 'request'

/** Signals with the transaction: heard when it has committed, and not when it rolls back. */
export async function signal(
  { db, dialect }: { readonly db: Kysely<Tables>; readonly dialect: 'sqlite' | 'postgres' },
  channel: Channel,
): Promise<void> {
  // On SQLite every write that makes a revision is heard, see open.ts.
  if (dialect === 'postgres') await sql`select pg_notify(${channelName(channel)}, '')`.execute(db)
}

const channelName = (channel: Channel): string => `tributary_${channel}`

/** Listeners of this process. */
export class LocalSignals {
  readonly #listeners = new Set<() => void>()

  readonly fire = (): void => {
    for (const heard of this.#listeners) heard()
  }

  readonly listen = async (_channel: Channel, heard: () => void): Promise<AsyncDisposable> => {
    this.#listeners.add(heard)
    return { [Symbol.asyncDispose]: async () => void this.#listeners.delete(heard) }
  }
}

const RECONNECT_MS = [100, 500, 2_000, 5_000] as const

/** Listens on a connection of its own, which is opened again whenever it breaks. */
export async function listenOnPostgres(
  url: string,
  channel: Channel,
  heard: () => void,
): Promise<AsyncDisposable> {
  const { default: pg } = await import('pg')
  let isClosed = false
  let close = async (): Promise<void> => undefined
  let timer: NodeJS.Timeout | undefined
  const connect = async (failures: number): Promise<void> => {
    if (isClosed) return
    const client = new pg.Client({ connectionString: url, keepAlive: true })
    let isLost = false
    const lose = (): void => {
      if (isLost) return
      isLost = true
      void client.end().catch(() => undefined) // it is broken already
      if (isClosed) return
      const waitMs = RECONNECT_MS[Math.min(failures, RECONNECT_MS.length - 1)]
      timer = setTimeout(() => void connect(failures + 1), waitMs)
      timer.unref()
    }
    client.on('error', lose)
    client.on('end', lose)
    client.on('notification', heard)
    try {
      await client.connect()
      await client.query(`listen ${channelName(channel)}`)
    } catch {
      return lose() // the database is down or restarting: it is tried again, and polling goes on
    }
    if (isClosed) return client.end()
    failures = 0
    close = async () => client.end()
    heard()
  }
  await connect(0)
  return {
    [Symbol.asyncDispose]: async () => {
      isClosed = true
      clearTimeout(timer)
      await close().catch(() => undefined) // a connection that is gone needs no end
    },
  }
}
