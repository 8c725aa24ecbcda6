/**
 * Which columns of a sample are masked, and how: by the layout's classes, else by detection.
 *
 * Where a layout is known its columns are found by their names in the header, or by position where
 * there are none; `none` stays. What it does not know is detected. Dates move, free text is dropped,
 * all else becomes tokens: see engine/table/sample/mask.ts.
 */
import { columnMask } from '../engine/index.ts'
import type { ColumnSpec, MaskColumns, MaskKind, SampledColumn } from '../engine/index.ts'
import type { LayoutSlices, PhiClass } from './layout.ts'
import { detectPhi, type Detected } from './sample-detect.ts'
import { areDates, columnFacts, type ColumnFacts } from './sample-facts.ts'

/** What of a layout decides about its columns. */
export interface MaskedLayout {
  readonly slices: Pick<LayoutSlices, 'parse' | 'phi'>
}

/** Of one column; it says nothing of a value. */
export interface MaskDecision {
  readonly class: PhiClass
  readonly kind: MaskKind | 'kept'
  readonly by: 'layout' | Detected['by']
}

/** Decides of every column, in order. */
export function decideMasks(
  all: readonly ColumnFacts[],
  layout: MaskedLayout | undefined,
): readonly MaskDecision[] {
  const known = knownColumns(all, layout)
  return all.map((facts, at) => {
    const spec = known[at]
    const found = spec === undefined ? detectPhi(facts) : classified(spec)
    return { ...found, kind: kindOf(facts, found.class, spec?.column) }
  })
}

/** A column of the layout, and what of it is personal. */
interface Known {
  readonly column: ColumnSpec
  readonly class: PhiClass
}

const classified = (known: Known): Pick<MaskDecision, 'class' | 'by'> => ({
  class: known.class,
  by: 'layout',
})

const plainName = (name: string): string =>
  name
    .replace(/^\ufeff/, '')
    .trim()
    .toLowerCase()

/** Of each column that of the layout; undefined: it has none, or cannot be trusted to be it. */
function knownColumns(
  all: readonly ColumnFacts[],
  layout: MaskedLayout | undefined,
): readonly (Known | undefined)[] {
  if (layout === undefined) return []
  const { parse, phi } = layout.slices
  const own = parse.columns.map((column): Known => ({ column, class: phi[column.name] ?? 'none' }))
  const byName = new Map(
    own.map((known) => [plainName(known.column.header ?? known.column.name), known]),
  )
  const named = all.map(({ column: { name } }) =>
    name === undefined ? undefined : byName.get(plainName(name)),
  )
  const found = new Set(named).size - (named.includes(undefined) ? 1 : 0)
  if (found * 2 >= own.length) return named
  // Names that are not the layout's, or records of another length: the rest is not what it seems.
  const isWhole =
    all.length === own.length && all.every(({ column: { name } }) => name === undefined)
  return all.map((_, at) =>
    [own[at], named[at]].find(
      (known) => known !== undefined && (isWhole || known.class !== 'none'),
    ),
  )
}

function kindOf(facts: ColumnFacts, phi: PhiClass, spec?: ColumnSpec): MaskDecision['kind'] {
  if (phi === 'none') return 'kept'
  if (spec?.type === 'date' || spec?.type === 'datetime' || areDates(facts)) return 'date'
  return isProse(facts, phi) ? 'drop' : 'token'
}

const PROSE_LENGTH = 64
const PROSE_WORDS = 3
/** The lengths of two words tell many a diagnosis. */
const PROSE_WORDS_SENSITIVE = 2
const WORD = /[^\s]*\p{L}[^\s]*/gu

function isProse({ counts, column }: ColumnFacts, phi: PhiClass): boolean {
  if (column.type !== 'text') return false
  const least = phi === 'sensitive' ? PROSE_WORDS_SENSITIVE : PROSE_WORDS
  return [...counts.keys()].some((text) => {
    if (!/\s/.test(text)) return false
    return text.length > PROSE_LENGTH || (text.match(WORD)?.length ?? 0) >= least
  })
}

export interface MaskOptions {
  /** of the deployment; 16 bytes at least */
  readonly key: Buffer
  /** whose dates move alike */
  readonly submitter: string
  /** undefined: it is not known, all is detected */
  readonly layout: MaskedLayout | undefined
}

/** How the sampler masks a file. */
export function maskColumns({ key, submitter, layout }: MaskOptions): MaskColumns {
  return (columns: readonly SampledColumn[]) => {
    const all = columns.map(columnFacts)
    const known = knownColumns(all, layout)
    return decideMasks(all, layout).map(({ class: phi, kind }, at) => {
      if (kind === 'kept') return null
      const column = columns[at] as SampledColumn
      return columnMask({
        kind,
        key,
        submitter,
        scope: phi,
        column,
        formats: known[at]?.column.formats ?? [],
        time: phi === 'direct' ? 'zero' : 'kept',
      })
    })
  }
}
