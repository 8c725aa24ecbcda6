/**
 * What lies beside a sample: what its columns hold, in counts and names of types, never in values;
 * and how that differs from the last file of the same kind. Pure.
 */
import { z } from 'zod'
import { assert, formatsReading, printable } from '../engine/index.ts'
import type { SampledColumn } from '../engine/index.ts'
import { areDates, columnFacts, type ColumnFacts } from './sample-facts.ts'
import type { MaskedLayout } from './layout-trust.ts'
import { decideMasks } from './sample-mask.ts'

const NAME_LENGTH_MAX = 128
const COLUMNS_MAX = 10_000

const count = z.int().min(0)
const columnShape = z.strictObject({
  name: z.string().max(NAME_LENGTH_MAX).nullable().describe('null: the file has no names'),
  types: z
    .record(z.string(), count)
    .describe('texts of each type: integer, decimal, boolean, text, or a date format'),
  nulls: count.describe('not there'),
  empty: count.describe('empty or blank'),
  distinct: count.describe('texts that differ, blanks around them not counted'),
  lengths: z
    .strictObject({ min: count, max: count })
    .nullable()
    .describe('code points, blanks around a text not counted; null: nothing is there'),
  leadingZeros: count.describe('texts that begin with 0 before another digit'),
  mask: z
    .strictObject({
      class: z.enum(['none', 'direct', 'quasi', 'sensitive']),
      kind: z.enum(['token', 'date', 'drop', 'kept']),
      by: z.enum(['layout', 'name', 'content']),
    })
    .describe('what was decided; a sample that is shown raw has the decision too'),
})

/** The profile's JSON, version 1. */
export const sampleProfile = z.strictObject({
  format: z.literal('sample-profile/1'),
  records: count,
  columns: z.array(columnShape).max(COLUMNS_MAX),
})
export type SampleProfile = z.output<typeof sampleProfile>
type ColumnShape = SampleProfile['columns'][number]

export interface ProfileSampleRequest {
  /** as they lie there, not masked */
  readonly columns: readonly SampledColumn[]
  readonly records: number
  /** the one the sample is masked by */
  readonly layout: MaskedLayout | undefined
}

/** Counts what a sample holds. Cost: half a millisecond for a thousand texts. */
export function profileSample({ columns, records, layout }: ProfileSampleRequest): SampleProfile {
  const all = columns.slice(0, COLUMNS_MAX).map(columnFacts)
  const masks = decideMasks(all, layout)
  return {
    format: 'sample-profile/1',
    records,
    columns: all.map((facts, at) => {
      const mask = masks[at]
      assert(mask, 'every column has a decision')
      return { ...shapeOf(facts), mask }
    }),
  }
}

const INTEGER = /^[-+]?\d+$/
const DECIMAL = /^[-+]?(?:\d+\.\d*|\.\d+|\d+(?=[eE]))(?:[eE][-+]?\d+)?$/
const BOOLEAN = /^(?:true|false)$/i
const LEADING_ZERO = /^[-+]?0\d/

function shapeOf(facts: ColumnFacts): Omit<ColumnShape, 'mask'> {
  const { column, counts, nulls, empty } = facts
  const types: Record<string, number> = {}
  let leadingZeros = 0
  let min = Infinity
  let max = 0
  for (const [text, times] of counts) {
    const type = typeOf(text, facts)
    types[type] = (types[type] ?? 0) + times
    if (LEADING_ZERO.test(text)) leadingZeros += times
    const length = codePoints(text)
    min = Math.min(min, length)
    max = Math.max(max, length)
  }
  const name = column.name === undefined ? null : shownName(column.name)
  const lengths = counts.size === 0 ? null : { min, max }
  return { name, types, nulls, empty, distinct: counts.size, lengths, leadingZeros }
}

const codePoints = (text: string): number => {
  let points = 0
  for (const _ of text) points += 1
  return points
}

const shownName = (name: string): string =>
  Array.from(printable(name))
    .slice(0, NAME_LENGTH_MAX / 2)
    .join('')

/** Digits are a date only in a column of dates. */
function typeOf(text: string, facts: ColumnFacts): string {
  if (areDates(facts)) {
    const own = formatsReading(text)
    const format = facts.formats.find(([one]) => own.includes(one))
    if (format !== undefined) return format[0]
  }
  if (INTEGER.test(text)) return 'integer'
  if (DECIMAL.test(text)) return 'decimal'
  return BOOLEAN.test(text) ? 'boolean' : 'text'
}
