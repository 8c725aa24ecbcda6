/**
 * How a daemon is: what /healthz answers and /metrics counts. Reads only; no name of a file, a
 * submission or a person is in it.
 */
import { sql } from 'kysely'
import type { Project } from './project.ts'

export interface LeaseVital {
  readonly name: string
  readonly holder: string
  readonly endsInMs: number
}

export interface Vitals {
  /** undefined: it answers; else why not, as a code */
  readonly catalogFault: string | undefined
  readonly storeFault: string | undefined
  readonly leases: readonly LeaseVital[]
  /** dirty nodes by asset */
  readonly dirty: ReadonlyMap<string, number>
}

/** Vitals, and what the daemon knows beside them. */
export interface Figures extends Vitals {
  /** builds handed out: waiting, and taken */
  readonly queued: number
  readonly running: number
  readonly oldestWaitingMs: number
  /** open requests of the project's own queue, by status */
  readonly requests: ReadonlyMap<string, number>
  /** builds at once in this process */
  readonly slots: number
}

const NAME_OF_NOTHING = '_tributary_health'

/** Asks catalog and store one cheap question each. Never throws. */
export async function vitals(project: Project): Promise<Vitals> {
  const store = project.store.sizes([NAME_OF_NOTHING]).then(() => undefined, codeOf)
  try {
    const found = await project.catalog.read(async (db) => {
      const leases = await db.selectFrom('lease').selectAll().where('expires_ms', '>', 0).execute()
      const { rows } = await sql<{ name: string; count: number }>`
        select a.name, count(*) as count from dirty d join asset a on a.id = d.asset
        group by a.name`.execute(db)
      return { leases, dirty: new Map(rows.map((row) => [row.name, row.count])) }
    })
    const nowMs = project.clock.nowMs()
    return {
      catalogFault: undefined,
      storeFault: await store,
      dirty: found.dirty,
      leases: found.leases.flatMap(({ name, holder, expires_ms: endsMs }) =>
        endsMs > nowMs ? [{ name, holder, endsInMs: endsMs - nowMs }] : [],
      ),
    }
  } catch (error) {
    return { catalogFault: codeOf(error), storeFault: await store, leases: [], dirty: new Map() }
  }
}

/** An error as one word: its code, else its class. */
export const codeOf = (error: unknown): string => {
  if (!(error instanceof Error)) return 'unknown'
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
