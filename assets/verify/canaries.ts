/**
 * Canaries for I15: real values of PHI columns, so distinctive that they can only be themselves.
 *
 * The sample is a function of the data: the first silver months of each layout by key, and of each
 * text column marked `x-phi` the values with the lowest digests. They live in memory only.
 */
import { PARTS, isEngineError, quoteName, quoteText, rowsQuery } from '../../engine/index.ts'
import type { Layout } from '../../registry/layout.ts'
import { requireRegistry, storedFiles } from '../registry-sync.ts'
import type { ParseValue } from '../silver.ts'
import type { CurrentPart } from './catalog-look.ts'
import { currentNodes, currentParts, valuesByKey } from './catalog-look.ts'
import type { Verification } from './invariant.ts'

export interface Canary {
  readonly value: string
  /** where it comes from: `medical/synthea/v1.PATIENT` */
  readonly column: string
}

const LENGTH_MIN = 8
/** A value without a digit has to be this long: shorter ones are words of any language. */
const WORDS_LENGTH_MIN = 16
const PER_COLUMN_MAX = 8
const MONTHS_PER_LAYOUT_MAX = 3
/** The search costs rows × canaries. */
const CANARIES_MAX = 200

/** The sample, by column and value. */
export async function sampleCanaries(verification: Verification): Promise<readonly Canary[]> {
  const { db } = verification.platform.project.catalog
  const files = await storedFiles(db)
  const { layouts } = requireRegistry(files)
  const known = files.map((file) => file.text).join('\n')
  const parts = await partsByLayout(verification)
  const found: Canary[] = []
  for (const layout of layouts) {
    const own = parts.get(layout.id) ?? []
    if (own.length > 0) found.push(...(await sampleLayout(verification, layout, own)))
  }
  // What the registry itself says is no secret of a submitter.
  return found
    .filter(({ value }) => isDistinctive(value) && !known.includes(value))
    .slice(0, CANARIES_MAX)
}

const isDistinctive = (value: string): boolean =>
  value.length >= WORDS_LENGTH_MIN || (value.length >= LENGTH_MIN && /\d/.test(value))

/** Parts of the first months of each layout. */
async function partsByLayout({
  platform: { project },
  definitions,
}: Verification): Promise<ReadonlyMap<string, readonly CurrentPart[]>> {
  const { db } = project.catalog
  const parses = valuesByKey(await currentNodes<ParseValue>(db, definitions, 'parse'))
  const byMonth = Map.groupBy(await currentParts(db, definitions, 'silver'), (part) => part.key)
  const months = new Map<string, number>()
  const found = new Map<string, CurrentPart[]>()
  for (const [key, parts] of byMonth) {
    const layout = parses.get(key.split('/').slice(0, 3).join('/'))?.layout
    if (layout === undefined) continue
    const taken = months.get(layout) ?? 0
    if (taken === MONTHS_PER_LAYOUT_MAX) continue
    months.set(layout, taken + 1)
    found.set(layout, [...(found.get(layout) ?? []), ...parts])
  }
  return found
}

async function sampleLayout(
  { platform: { project, duck }, signal }: Verification,
  { id, slices }: Layout,
  parts: readonly CurrentPart[],
): Promise<readonly Canary[]> {
  const columns = slices.parse.columns.filter(
    (column) => column.type === 'string' && (slices.phi[column.name] ?? 'none') !== 'none',
  )
  if (columns.length === 0) return []
  try {
    const paths = await Promise.all(parts.map(async (part) => project.store.fetch(part)))
    const select = columns
      .map(
        ({ name }) => `(SELECT ${quoteText(`${id}.${name}`)} AS place, v FROM (
        SELECT DISTINCT ${quoteName(name)} AS v FROM ${PARTS}
        WHERE length(${quoteName(name)}) >= ${LENGTH_MIN}) ORDER BY md5(v), v LIMIT ${PER_COLUMN_MAX})`,
      )
      .join(' UNION ALL ')
    const rows = await rowsQuery({ select, parts: paths, duck, signal })
    return rows.map((row) => ({ column: textOf(row['place']), value: textOf(row['v']) }))
  } catch (error) {
    // Damaged parts are the business of I3 and I5; what is left is sampled.
    if (isEngineError(error, 'PART_MISSING') || isEngineError(error, 'PART_CHANGED')) return []
    throw error
  }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

/** Whether a text holds a value as a whole: nothing that goes on before or after it. */
export function holds(text: string, value: string): boolean {
  for (let at = text.indexOf(value); at >= 0; at = text.indexOf(value, at + 1)) {
    const before = text[at - 1] ?? ' '
    const after = text[at + value.length] ?? ' '
    if (!/[A-Za-z0-9]/.test(before) && !/[A-Za-z0-9]/.test(after)) return true
  }
  return false
}
