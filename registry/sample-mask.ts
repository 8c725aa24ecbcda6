/**
 * Which columns of a sample are masked, and how: by the layout's classes, else by detection.
 *
 * Where a layout is known its columns are found by their names in the header, or by position where
 * there are none; `none` stays, if the file is of that layout. What it does not say is detected. Dates move, free text is dropped,
 * all else becomes tokens: see engine/table/sample/mask.ts.
 */
import { columnMask } from '../engine/index.ts'
import type { ColumnSpec, MaskColumns, MaskKind, SampledColumn } from '../engine/index.ts'
import { knownColumns, ownNames, type MaskedLayout } from './layout-trust.ts'
import type { PhiClass } from './layout.ts'
import { detectPhi, type Detected } from './sample-detect.ts'
import { areDates, columnFacts, type ColumnFacts } from './sample-facts.ts'

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
    const found =
      spec?.class === undefined
        ? detectPhi(facts, spec?.column)
        : { class: spec.class, by: 'layout' as const }
    return { ...found, kind: kindOf(facts, found.class, spec?.column) }
  })
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
  const mask = (columns: readonly SampledColumn[]): ReturnType<MaskColumns> => {
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
  return Object.assign(mask, { ownNames: ownNames(layout?.slices) })
}
