/** How a file differs from the last one of its kind, by the profiles of their samples. Pure. */
import { counted } from '../engine/index.ts'
import type { SampleProfile } from './sample-profile.ts'

type Column = SampleProfile['columns'][number]

export interface Drift {
  readonly kind: 'other' | 'added' | 'removed' | 'reordered' | 'type' | 'missing' | 'length'
  /** its name, else `column 3`; of `reordered` the first that stands elsewhere; of `other` none */
  readonly column: string
  readonly words: string
}

/** Share of records without a value that says nothing yet. */
const MISSING_SHARE_MOVE = 0.2
/** Texts of differing length grow with every sample; so much is another column. */
const LENGTH_GROWTH = 1.5
/** Files that share fewer of their columns are of two kinds, and nothing has moved. */
const SAME_KIND_SHARE = 1 / 3
/** Changes that are told. */
const CHANGES_MAX = 200

/** What changed: that it is another kind of file, else columns first, then what they hold. Empty: nothing a person needs to see. */
export function driftOf(before: SampleProfile, now: SampleProfile): readonly Drift[] {
  const [old, own] = [byName(before), byName(now)]
  const added = [...own.keys()].filter((name) => !old.has(name))
  const removed = [...old.keys()].filter((name) => !own.has(name))
  const kept = [...own.keys()].filter((name) => old.has(name))
  const order = [...old.keys()].filter((name) => own.has(name))
  if (kept.length < SAME_KIND_SHARE * Math.min(old.size, own.size)) {
    return [otherKind(kept.length, own.size)]
  }
  const moved = kept.find((name, at) => name !== order[at])
  const changes: readonly Drift[] = [
    ...added.map((column): Drift => ({ kind: 'added', column, words: `${column} is new` })),
    ...removed.map((column): Drift => ({ kind: 'removed', column, words: `${column} is gone` })),
    ...(moved === undefined ? [] : [reordered(moved)]),
    ...kept.flatMap((column) => {
      const [a, b] = [old.get(column), own.get(column)]
      return a === undefined || b === undefined ? [] : held(column, { before: a, now: b })
    }),
  ]
  return changes.slice(0, CHANGES_MAX)
}

const otherKind = (kept: number, count: number): Drift => ({
  kind: 'other',
  column: '',
  words: `another kind of file: that one has ${kept} of its ${counted(count, 'column')}`,
})

const reordered = (column: string): Drift => ({
  kind: 'reordered',
  column,
  words: `the columns stand in another order, from ${column} on`,
})

/** Names that stand twice are told apart by their place among them. */
function byName({ columns }: SampleProfile): ReadonlyMap<string, Column> {
  const found = new Map<string, Column>()
  const times = new Map<string, number>()
  for (const [at, column] of columns.entries()) {
    const name = column.name ?? `column ${at + 1}`
    const number = (times.get(name) ?? 0) + 1
    times.set(name, number)
    found.set(number === 1 ? name : `${name} (${number})`, column)
  }
  return found
}

interface Pair {
  readonly before: Column
  readonly now: Column
}

function held(column: string, pair: Pair): readonly Drift[] {
  const found = { type: typeWords(pair), missing: missingWords(pair), length: lengthWords(pair) }
  return (['type', 'missing', 'length'] as const).flatMap((kind) => {
    const words = found[kind]
    return words === undefined ? [] : [{ kind, column, words: `${column} ${words}` }]
  })
}

/** What most of its texts are; undefined: it has none. */
const mainType = ({ types }: Column): string | undefined =>
  Object.entries(types).toSorted(([, a], [, b]) => b - a)[0]?.[0]

function typeWords({ before, now }: Pair): string | undefined {
  const [old, own] = [mainType(before), mainType(now)]
  if (old === undefined || own === undefined || old === own) return undefined
  return `was ${old} and is ${own}`
}

function missingShare({ nulls, empty, types }: Column): number {
  const missing = nulls + empty
  const filled = Object.values(types).reduce((sum, times) => sum + times, 0)
  return missing + filled === 0 ? 0 : missing / (missing + filled)
}

function missingWords({ before, now }: Pair): string | undefined {
  const [old, own] = [missingShare(before), missingShare(now)]
  if (Math.abs(own - old) <= MISSING_SHARE_MOVE) return undefined
  return `was missing in ${percent(old)} of the records and is in ${percent(own)}`
}

const percent = (share: number): string => `${Math.round(share * 100)} %`

function lengthWords({
  before: { lengths: old },
  now: { lengths: own },
}: Pair): string | undefined {
  if (old === null || own === null || old.max === own.max) return undefined
  const wasFixed = old.min === old.max
  if (!wasFixed && own.max <= old.max * LENGTH_GROWTH) return undefined
  return `was at most ${old.max} characters long and is ${own.max}`
}
