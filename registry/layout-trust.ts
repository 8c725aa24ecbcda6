/**
 * Which columns of a file are those of its layout, and whether what the layout calls harmless may be
 * believed: a file may lie in the folder of another layout. Pure.
 */
import { fieldGrammar, plainName } from '../engine/index.ts'
import type { ColumnSpec } from '../engine/index.ts'
import type { LayoutSlices, PhiClass } from './layout.ts'
import type { ColumnFacts } from './sample-facts.ts'

/** What of a layout decides about its columns. */
export interface MaskedLayout {
  readonly slices: Pick<LayoutSlices, 'parse' | 'phi'>
}

/** A column of the layout, and what of it is personal. */
export interface Known {
  readonly column: ColumnSpec
  /** undefined: the layout does not say it, or cannot be believed: it is detected */
  readonly class: PhiClass | undefined
}

/** Of the texts of a column, and of the columns of a layout that say what a text may be. */
const FIT_SHARE = 0.9

/** Names that the header of a layout's file has. */
export const ownNames = (layout: Pick<LayoutSlices, 'parse'> | undefined): ReadonlySet<string> =>
  new Set(layout?.parse.columns.map(headerOf))

const headerOf = (column: ColumnSpec & { readonly header?: string }): string =>
  plainName(column.header ?? column.name)

/** Of each column that of the layout; undefined: it has none. */
export function knownColumns(
  all: readonly ColumnFacts[],
  layout: MaskedLayout | undefined,
): readonly (Known | undefined)[] {
  if (layout === undefined) return []
  const { parse, phi } = layout.slices
  const own = parse.columns.map((column): Known => ({ column, class: phi[column.name] }))
  const byName = new Map(own.map((known) => [headerOf(known.column), known]))
  const named = all.map(({ column: { name } }) =>
    name === undefined ? undefined : byName.get(plainName(name)),
  )
  const isFixed = parse.format === 'fixed'
  const found = new Set(named).size - (named.includes(undefined) ? 1 : 0)
  // Of fixed width the names are the layout's, whatever the file is.
  if (!isFixed && found * 2 >= own.length) {
    return named.map((known, at) => believed(known, all[at]))
  }
  const hasNoNames = all.every(({ column: { name } }) => name === undefined)
  const isShaped = all.length === own.length && !parse.dialect.header && (isFixed || hasNoNames)
  const isWhole = isShaped && isFit(all, own)
  return all.map((facts, at) => {
    const places = [own[at], named[at]]
    return isWhole ? believed(own[at], facts) : masked(places)
  })
}

/** Of a file that is not surely the layout's: what is personal at this place or under this name. */
const masked = (places: readonly (Known | undefined)[]): Known | undefined =>
  places.find((known) => known?.class !== undefined && known.class !== 'none')

/** `none` only where the texts are such as the column has. */
function believed(known: Known | undefined, facts: ColumnFacts | undefined): Known | undefined {
  if (known?.class !== 'none' || facts === undefined) return known
  return fits(facts, known.column) ? known : { ...known, class: undefined }
}

/** Whether a layout says enough of what stands in its columns, and it does stand there. */
function isFit(all: readonly ColumnFacts[], own: readonly Known[]): boolean {
  const telling = own.flatMap(({ column }, at) => {
    const facts = all[at]
    const tells = column.type !== 'string' || isConstrained(column)
    return facts !== undefined && facts.counts.size > 0 && tells ? [fits(facts, column)] : []
  })
  return telling.length > 0 && telling.filter(Boolean).length >= telling.length * FIT_SHARE
}

const isConstrained = ({ maxLength, pattern, enum: values }: ColumnSpec): boolean =>
  maxLength !== undefined || pattern !== undefined || values !== undefined

/** Formats that have types of their own write values otherwise than a text does. */
function fits({ counts, column }: ColumnFacts, spec: ColumnSpec): boolean {
  const isTyped = column.type !== 'text'
  if (isTyped) return TYPED[spec.type].includes(column.type)
  const { reasons } = fieldGrammar(spec)
  let filled = 0
  let fit = 0
  for (const [text, count] of counts) {
    filled += count
    if (reasons(text).length === 0) fit += count
  }
  return fit >= filled * FIT_SHARE
}

type Typed = ColumnFacts['column']['type']
const TYPED: Readonly<Record<ColumnSpec['type'], readonly Typed[]>> = {
  string: [],
  integer: ['number'],
  decimal: ['number'],
  date: ['date', 'timestamp'],
  datetime: ['date', 'timestamp'],
  boolean: ['boolean'],
}
