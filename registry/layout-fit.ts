/**
 * How well a file fits a layout: the signals, each of which speaks only where both the file and the
 * layout have something to say. Source: design §6.4.
 */
import type { TableFormat } from '../engine/index.ts'
import type { LayoutRoute } from './layout.ts'
import { fileNamePattern } from './pattern.ts'
import { monthsOf, type Period } from './period.ts'

/** What the first records say, read in some layout's dialect. Absent: not there or not read. */
export interface FirstRecords {
  /** what the file is, where it is no text; absent: text, or not told */
  readonly format?: TableFormat
  /** of a workbook: it has no sheet that the layout names */
  readonly lacksSheet?: true
  /** the first record that is no control record, split */
  readonly headerNames?: readonly string[]
  /** fields of the first record that is no control record */
  readonly columnCount?: number
  /** of the first record of a file without delimiters, line end excluded */
  readonly recordBytes?: number
  readonly controlVersion?: string
  readonly controlPeriod?: Period
  /** the submitter's own code, e.g. `MC` */
  readonly controlFileType?: string
  readonly controlState?: string
  readonly testFlag?: boolean
  /** begins with that byte order mark, and the layout says another encoding */
  readonly isUtf16?: boolean
}

/** What routing reads of a layout; a registry Layout is one. */
export interface RoutedLayout {
  /** `medical/encounters/v1` */
  readonly id: string
  readonly fileType: string
  readonly slices: {
    readonly route: LayoutRoute & {
      /** what control records call the file type; absent: not compared */
      readonly controlFileTypes?: readonly string[]
    }
  }
}

/** A file as the signals see it. */
export interface FitFile {
  readonly name: string
  readonly records: FirstRecords
  /** as the name declares it, perhaps no sound one */
  readonly period: Period | undefined
  /** layouts that routing rules order for this file, with or without version; empty: none */
  readonly ordered: readonly string[]
  readonly states: readonly string[]
}

/** `out` rules the layout out; `miss` counts against it. */
export type Outcome = 'match' | 'miss' | 'out'

export interface Fit {
  readonly layout: RoutedLayout
  readonly outcomes: ReadonlyMap<string, Outcome>
  /** how the header differs, where it does: names of the layout and positions, nothing of the file */
  readonly headerWords?: string
}

/** Whether references, `type/layout` or `type/layout/version`, include a layout. */
export const includes = (references: readonly string[], { id }: RoutedLayout): boolean =>
  references.some((reference) => id === reference || id.startsWith(`${reference}/`))

const otherwise = (outcome: Outcome, holds: boolean): Outcome => (holds ? 'match' : outcome)

type Signal = (file: FitFile, layout: RoutedLayout) => Outcome | undefined

/** Of names, origin and dates, in the order they are told. */
const OUTER: Readonly<Record<string, Signal>> = {
  'routing rule': ({ ordered }, layout) =>
    ordered.length === 0 ? undefined : otherwise('out', includes(ordered, layout)),
  state({ states }, { slices }) {
    const wanted = slices.route.states
    if (wanted.length === 0) return undefined
    return otherwise(
      'out',
      states.every((state) => wanted.includes(state)),
    )
  },
  'file name'({ name }, { slices }) {
    const patterns = slices.route.fileNames
    if (patterns.length === 0) return undefined
    return otherwise(
      'miss',
      patterns.some((pattern) => fileNamePattern(pattern).test(name)),
    )
  },
  'effective window'({ records, period }, { slices }) {
    const { from, to } = slices.route.effective
    const declared = records.controlPeriod ?? period
    if ((from ?? to) === undefined || declared === undefined) return undefined
    if (monthsOf(declared).length === 0) return undefined
    const starts = from === undefined || from <= declared.last
    return otherwise('out', starts && (to === undefined || to >= declared.first))
  },
}

/** Of what the file is: they speak only against a layout. */
const FORM: Readonly<Record<string, Signal>> = {
  format: ({ records }, { slices }) => (records.format === slices.route.format ? undefined : 'out'),
  sheet: ({ records }) => (records.lacksSheet ? 'out' : undefined),
}

/** Of the file's content. */
const CONTENT: Readonly<Record<string, Signal>> = {
  'header names'({ records }, { slices }) {
    const wanted = slices.route.headerNames
    if (wanted === null || records.headerNames === undefined) return undefined
    return otherwise('out', sameNames(records.headerNames, wanted))
  },
  'column count': ({ records }, { slices }) =>
    records.columnCount === undefined
      ? undefined
      : otherwise('miss', records.columnCount === slices.route.columnCount),
  'record length'({ records }, { slices }) {
    const wanted = slices.route.recordBytes
    if (wanted === undefined || records.recordBytes === undefined) return undefined
    return otherwise('out', records.recordBytes === wanted)
  },
  'header version'({ records }, { slices }) {
    const wanted = slices.route.headerVersion
    if (wanted === null) return undefined
    if (records.controlVersion === undefined) return 'miss'
    return otherwise('out', records.controlVersion === wanted)
  },
  'file type code'({ records }, { slices }) {
    const wanted = slices.route.controlFileTypes
    if (wanted === undefined || records.controlFileType === undefined) return undefined
    return otherwise('out', wanted.includes(records.controlFileType))
  },
}

/** The same names in any order; a byte order mark and outer blanks do not count. */
function sameNames(found: readonly string[], wanted: readonly string[]): boolean {
  const names = found.map((name) => name.replace(/^\ufeff/, '').trim()).toSorted()
  const own = wanted.toSorted()
  return names.length === own.length && names.every((name, at) => name === own[at])
}

const NAMES_MAX = 3
const named = (all: readonly string[]): string =>
  all.slice(0, NAMES_MAX).join(', ') +
  (all.length > NAMES_MAX ? ` and ${all.length - NAMES_MAX} more` : '')

/** How a header differs from a layout's. What it says itself is not repeated: it may be a row. */
function headerDifference(
  { headerNames: found = [], isUtf16 = false }: FirstRecords,
  wanted: readonly string[],
): string {
  if (isUtf16) return 'the file begins with the mark of UTF-16: save it as UTF-8'
  const names = found.map((name) => name.replace(/^\ufeff/, '').trim())
  const missing = wanted.filter((name) => !names.includes(name))
  if (names.length === 1 && wanted.length > 1) {
    return `the header is one field instead of ${wanted.length}: is it separated by another character?`
  }
  if (missing.length === wanted.length)
    return 'the first record has none of the names: is there no header?'
  const unknown = names.flatMap((name, at) => (wanted.includes(name) ? [] : [`${at + 1}`]))
  const twice = names.flatMap((name, at) => (names.indexOf(name) < at ? [`${at + 1}`] : []))
  return [
    ...(missing.length > 0 ? [`the header lacks ${named(missing)}`] : []),
    ...(unknown.length > 0 ? [`no name of the layout stands in column ${named(unknown)}`] : []),
    ...(twice.length > 0 ? [`a name stands again in column ${named(twice)}`] : []),
  ].join('; ')
}

/** Asks every signal. */
export function fitOf(file: FitFile, layout: RoutedLayout): Fit {
  const asked = Object.entries({ ...OUTER, ...FORM, ...CONTENT })
  const said = asked.flatMap(([name, signal]): [string, Outcome][] => {
    const outcome = signal(file, layout)
    return outcome === undefined ? [] : [[name, outcome]]
  })
  const outcomes = new Map(said)
  const wanted = layout.slices.route.headerNames ?? []
  return outcomes.get('header names') === 'out'
    ? { layout, outcomes, headerWords: headerDifference(file.records, wanted) }
    : { layout, outcomes }
}

/**
 * Why a layout is ruled out; undefined for a possible one. A layout of which the content shows no
 * trace, though it could, is ruled out too.
 */
export function fitFault({ layout, outcomes, headerWords }: Fit): string | undefined {
  const out = [...outcomes].filter(([, outcome]) => outcome === 'out').map(([name]) => name)
  const header = headerWords === undefined ? '' : ` (${headerWords})`
  if (out.length > 0) return `${layout.id} differs in ${out.join(', ')}${header}`
  const content = [...outcomes.keys()].filter((name) => Object.hasOwn(CONTENT, name))
  const isSeen = content.length === 0 || content.some((name) => outcomes.get(name) === 'match')
  return isSeen ? undefined : `${layout.id} differs in ${content.join(', ')}`
}

/** Matches less misses: the higher, the better. */
export const fitScore = ({ outcomes }: Fit): number =>
  [...outcomes.values()].reduce((sum, outcome) => sum + (outcome === 'match' ? 1 : -1), 0)

/** `matched 3 of 4 signals: header names, …; not file name` */
export function explainFit({ outcomes }: Fit): string {
  if (outcomes.size === 0) return 'the only active layout of the file type; no signal to compare'
  const told = (wanted: Outcome): string[] =>
    [...outcomes].filter(([, outcome]) => outcome === wanted).map(([name]) => name)
  const [matched, missed] = [told('match'), told('miss')]
  const not = missed.length === 0 ? '' : `; not ${missed.join(', ')}`
  return `matched ${matched.length} of ${outcomes.size} signals: ${matched.join(', ')}${not}`
}
