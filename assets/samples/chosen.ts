/** The files of a ledger that a person names. */
import type { Catalog } from '../../engine/index.ts'
import type { Expression, ExpressionBuilder, SqlBool } from 'kysely'
import { EngineError, nearestName } from '../../engine/index.ts'
import type { LedgerTables, SampleRow, SampleStatus } from './ledger-tables.ts'
import { ledgerTables } from './ledger-tables.ts'

export interface Choice {
  /** references, or samples: their path below `samples/`, below `prefix`, or absolute; empty: all */
  readonly names?: readonly string[]
  /** of staging; absolute */
  readonly prefix: string
  /** a place, or its first parts */
  readonly place?: string | undefined
  readonly status?: SampleStatus | undefined
  readonly isRaw?: boolean
  /** of which a sample lies there, whatever became of its file since */
  readonly isThere?: boolean
  readonly madeBeforeMs?: number | undefined
}

const NAMES_MAX = 1000
const NEAR_MAX = 1000

/** At most `limit` files, the newest first. Throws SAMPLE_UNKNOWN, SAMPLE_PLACE_UNKNOWN for what nothing has. */
export async function chosen(
  { db }: Pick<Catalog, 'db'>,
  choice: Choice,
  limit: number,
): Promise<readonly SampleRow[]> {
  const { names = [], prefix, place, status, isRaw, isThere, madeBeforeMs } = choice
  let query = ledgerTables(db)
    .selectFrom('sample')
    .selectAll()
    .orderBy('mtime', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
  if (place !== undefined) query = query.where(isBelow(place))
  if (status !== undefined) query = query.where('status', '=', status)
  if (isThere === true) {
    query = query.where('made_ms', 'is not', null).where('status', '!=', 'PURGED')
  }
  if (isRaw === true) query = query.where('is_raw', '=', 1)
  if (madeBeforeMs !== undefined) query = query.where('made_ms', '<', madeBeforeMs)
  if (names.length > 0) query = query.where(isNamed({ names, prefix }))
  const rows = await query.execute()
  if (names.length > 0) await requireAll({ db }, { names, prefix })
  if (place !== undefined && rows.length === 0) await requirePlace({ db }, place)
  return rows
}

type Condition = (eb: ExpressionBuilder<LedgerTables, 'sample'>) => Expression<SqlBool>
interface Naming {
  readonly names: readonly string[]
  readonly prefix: string
}

const isNamed = ({ names, prefix }: Naming): Condition => {
  const some = names.slice(0, NAMES_MAX)
  const placed = some.flatMap((name) => sampleNamed(prefix, name) ?? [])
  return (eb) =>
    eb.or([
      eb('raw', 'in', some),
      eb('path', 'in', some),
      // Two places may have a sample of one path: whose it is stands in front of it.
      ...placed.map((one) => eb.and([eb('place', '=', one.place), eb('path', '=', one.path)])),
    ])
}

const isBelow = (place: string): Condition => {
  const whole = place.replace(/\/+$/, '')
  // A range and no pattern: `_` is a letter of names.
  return (eb) =>
    eb.or([
      eb('place', '=', whole),
      eb.and([eb('place', '>', `${whole}/`), eb('place', '<', `${whole}0`)]),
    ])
}

/** Nothing is like that, or there is no such place: the second is somebody's slip. */
async function requirePlace({ db }: Pick<Catalog, 'db'>, place: string): Promise<void> {
  const tables = ledgerTables(db)
  const one = await tables
    .selectFrom('sample')
    .select('id')
    .where(isBelow(place))
    .limit(1)
    .execute()
  if (one.length > 0) return
  const places = await tables.selectFrom('place').select('place').orderBy('place').execute()
  const nearest = nearestName(
    place,
    places.map((row) => row.place),
  )
  throw new EngineError('SAMPLE_PLACE_UNKNOWN', { place, nearest })
}

const PLACED = /^([^/]+\/[^/]+\/[^/]+)\/samples\/(.+)$/

/** The sample that a path names, absolute or below the staging prefix; undefined: it names none. */
export function sampleNamed(
  prefix: string,
  name: string,
): { readonly place: string; readonly path: string } | undefined {
  const below = name.startsWith(`${prefix}/`) ? name.slice(prefix.length + 1) : name
  const [, place, path] = PLACED.exec(below) ?? []
  return place === undefined || path === undefined ? undefined : { place, path }
}

/** A name is known whatever became of its file: what was purged is no slip. */
async function requireAll({ db }: Pick<Catalog, 'db'>, { names, prefix }: Naming): Promise<void> {
  const known = await ledgerTables(db)
    .selectFrom('sample')
    .select(['raw', 'path', 'place'])
    .where(isNamed({ names, prefix }))
    .execute()
  const unknown = names.find((name) => {
    const placed = sampleNamed(prefix, name)
    return !known.some(
      ({ raw, place, path }) =>
        raw === name || path === name || (placed?.place === place && placed.path === path),
    )
  })
  if (unknown === undefined) return
  const some = await ledgerTables(db).selectFrom('sample').select('raw').limit(NEAR_MAX).execute()
  const nearest = nearestName(
    unknown,
    some.map(({ raw }) => raw),
  )
  throw new EngineError('SAMPLE_UNKNOWN', { name: unknown, nearest })
}
