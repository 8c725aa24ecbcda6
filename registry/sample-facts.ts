/** What the texts of a sampled column have in common: what its mask and its profile stand on. */
import { formatsFound } from '../engine/index.ts'
import type { SampledColumn } from '../engine/index.ts'

export interface ColumnFacts {
  readonly column: SampledColumn
  /** how often each text stands there, blanks around it gone; blank ones not counted */
  readonly counts: ReadonlyMap<string, number>
  readonly nulls: number
  /** empty or blank */
  readonly empty: number
  /** date formats that read some of the distinct texts, and how many; the likeliest first */
  readonly formats: readonly (readonly [format: string, count: number])[]
}

/** Of columns that are still held: the mask and the profile ask for the same ones. */
const known = new WeakMap<SampledColumn, ColumnFacts>()

/** Holds values, for as long as the sample is being made. */
export function columnFacts(column: SampledColumn): ColumnFacts {
  const before = known.get(column)
  if (before !== undefined) return before
  const facts = factsOf(column)
  known.set(column, facts)
  return facts
}

function factsOf(column: SampledColumn): ColumnFacts {
  const counts = new Map<string, number>()
  let nulls = 0
  let empty = 0
  for (const given of column.texts) {
    const text = given?.trim()
    if (text === undefined) nulls += 1
    else if (text === '') empty += 1
    else counts.set(text, (counts.get(text) ?? 0) + 1)
  }
  return { column, counts, nulls, empty, formats: formatsFound(counts.keys()) }
}

/** Whether most of what stands in a column are dates of one format. */
export const areDates = ({ formats: [likeliest], counts }: ColumnFacts): boolean =>
  likeliest !== undefined && likeliest[1] * 2 >= counts.size
