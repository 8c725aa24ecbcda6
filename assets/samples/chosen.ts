/** The files of a ledger that a person names. */
import type { Catalog } from '../../engine/index.ts'
import { EngineError, nearestName } from '../../engine/index.ts'
import type { SampleRow, SampleStatus } from './ledger-tables.ts'
import { ledgerTables } from './ledger-tables.ts'

export interface Choice {
  /** references, or paths of samples; empty: all */
  readonly names?: readonly string[]
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

/** At most `limit` files, the newest first. Throws SAMPLE_UNKNOWN for a name that nothing has. */
export async function chosen(
  { db }: Pick<Catalog, 'db'>,
  choice: Choice,
  limit: number,
): Promise<readonly SampleRow[]> {
  const { names = [], place, status, isRaw, isThere, madeBeforeMs } = choice
  let query = ledgerTables(db)
    .selectFrom('sample')
    .selectAll()
    .orderBy('mtime', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
  if (place !== undefined) {
    const whole = place.replace(/\/+$/, '')
    // A range and no pattern: `_` is a letter of names.
    query = query.where((eb) =>
      eb.or([
        eb('place', '=', whole),
        eb.and([eb('place', '>', `${whole}/`), eb('place', '<', `${whole}0`)]),
      ]),
    )
  }
  if (status !== undefined) query = query.where('status', '=', status)
  if (isThere === true) {
    query = query.where('made_ms', 'is not', null).where('status', '!=', 'PURGED')
  }
  if (isRaw === true) query = query.where('is_raw', '=', 1)
  if (madeBeforeMs !== undefined) query = query.where('made_ms', '<', madeBeforeMs)
  if (names.length > 0) {
    const some = names.slice(0, NAMES_MAX)
    const paths = some.map((name) => /(?:^|\/)samples\/(.+)$/.exec(name)?.[1] ?? name)
    query = query.where((eb) => eb.or([eb('raw', 'in', some), eb('path', 'in', paths)]))
  }
  const rows = await query.execute()
  if (names.length > 0) await requireAll({ db }, names, rows)
  return rows
}

async function requireAll(
  { db }: Pick<Catalog, 'db'>,
  names: readonly string[],
  rows: readonly SampleRow[],
): Promise<void> {
  const isKnown = (name: string): boolean =>
    rows.some(({ raw, path }) => raw === name || (path !== null && name.endsWith(path)))
  const unknown = names.find((name) => !isKnown(name))
  if (unknown === undefined) return
  const some = await ledgerTables(db).selectFrom('sample').select('raw').limit(NEAR_MAX).execute()
  const nearest = nearestName(
    unknown,
    some.map(({ raw }) => raw),
  )
  throw new EngineError('SAMPLE_UNKNOWN', { name: unknown, nearest })
}
