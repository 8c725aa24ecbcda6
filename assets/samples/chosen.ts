/** The files of a ledger that a person names. */
import type { Expression, ExpressionBuilder, SqlBool } from 'kysely'
import { sql } from 'kysely'
import type { Catalog } from '../../engine/index.ts'
import { EngineError, nearestName } from '../../engine/index.ts'
import type { LedgerTables, SampleRow, SampleStatus } from './ledger-tables.ts'
import { ledgerTables } from './ledger-tables.ts'

/** What a ledger may call one file. */
export type Callings = readonly string[]

export interface Choice {
  /**
   * of each file whatever the ledger may call it: references, or samples: their path below
   * `samples/`, below `prefix`, or absolute; empty: all
   */
  readonly names?: readonly Callings[]
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

const NEAR_MAX = 1000

/** At most `limit` files, the newest first. Throws SAMPLE_UNKNOWN, SAMPLE_PLACE_UNKNOWN. */
export async function chosen(
  ledger: Pick<Catalog, 'db'>,
  choice: Choice,
  limit: number,
): Promise<readonly SampleRow[]> {
  await requireKnown(ledger, choice)
  return filtered(ledger, choice)
    .orderBy('mtime', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
}

/**
 * All of them by id, a page at a time, as they are when it is asked for. Cost: one scan of the
 * ledger. Throws SAMPLE_UNKNOWN, SAMPLE_PLACE_UNKNOWN before the first page.
 */
export async function* chosenPages(
  ledger: Pick<Catalog, 'db'>,
  choice: Choice,
  pageRows: number,
): AsyncIterable<readonly SampleRow[]> {
  await requireKnown(ledger, choice)
  for (let afterId = 0; ;) {
    const rows = await filtered(ledger, choice)
      .where('id', '>', afterId)
      .orderBy('id')
      .limit(pageRows)
      .execute()
    const last = rows.at(-1)
    if (last === undefined) return
    yield rows
    afterId = last.id
  }
}

function filtered({ db }: Pick<Catalog, 'db'>, choice: Choice) {
  const { names = [], prefix, place, status, isRaw, isThere, madeBeforeMs } = choice
  let query = ledgerTables(db).selectFrom('sample').selectAll()
  if (place !== undefined) query = query.where(isBelow(place))
  if (status !== undefined) query = query.where('status', '=', status)
  if (isThere === true) {
    query = query
      .where('status', '!=', 'PURGED')
      // A kill may leave values as they are where the row says that they were to go.
      .where((eb) =>
        eb.or([
          eb('made_ms', 'is not', null),
          eb.and([eb('is_raw', '=', 1), eb('path', 'is not', null)]),
        ]),
      )
  }
  if (isRaw === true) query = query.where('is_raw', '=', 1)
  if (madeBeforeMs !== undefined) query = query.where('made_ms', '<', madeBeforeMs)
  return names.length === 0 ? query : query.where(isNamed({ names, prefix }))
}

async function requireKnown(
  ledger: Pick<Catalog, 'db'>,
  { names = [], prefix, place }: Choice,
): Promise<void> {
  if (names.length > 0) await requireAll(ledger, { names, prefix, place })
  else if (place !== undefined) await requirePlace(ledger, place)
}

type Condition = (eb: ExpressionBuilder<LedgerTables, 'sample'>) => Expression<SqlBool>
type Naming = Required<Pick<Choice, 'names' | 'prefix'>> & Pick<Choice, 'place'>

const isNamed = ({ names, prefix }: Naming): Condition => {
  const some = [...new Set(names.flat())]
  const placed = some.flatMap((name) => {
    const found = sampleNamed(prefix, name)
    return found === undefined ? [] : [`${found.place}/${found.path}`]
  })
  return (eb) =>
    eb.or([
      eb('raw', 'in', some),
      eb('path', 'in', some),
      // Two places may have a sample of one path: whose it is stands in front of it. One list: a condition for each would be a tree that SQLite refuses at a depth of 1,000.
      ...(placed.length === 0 ? [] : [eb(sql<string>`place || '/' || path`, 'in', placed)]),
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

/** That nothing is like that is an answer; a place that is not there is somebody's slip. */
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
async function requireAll(
  { db }: Pick<Catalog, 'db'>,
  { names, prefix, place }: Naming,
): Promise<void> {
  let query = ledgerTables(db).selectFrom('sample').select(['raw', 'path', 'place'])
  if (place !== undefined) query = query.where(isBelow(place))
  const rows = await query.where(isNamed({ names, prefix })).execute()
  const known = new Set(rows.flatMap((row) => [row.raw, row.path, `${row.place}/${row.path}`]))
  const isKnown = (name: string): boolean => {
    const placed = sampleNamed(prefix, name)
    return known.has(name) || (placed !== undefined && known.has(`${placed.place}/${placed.path}`))
  }
  const unknown = names.find((callings) => !callings.some(isKnown))?.[0]
  if (unknown === undefined) return
  const some = await ledgerTables(db).selectFrom('sample').select('raw').limit(NEAR_MAX).execute()
  const nearest = nearestName(
    unknown,
    some.map(({ raw }) => raw),
  )
  const name = place === undefined ? unknown : `${unknown} below ${place}`
  throw new EngineError('SAMPLE_UNKNOWN', { name, nearest })
}
