/**
 * The layout lint: what is suspicious about a layout by itself, and beside a sample of its files.
 *
 * Fields that share bytes, bytes that hold data and belong to no field (a field cut at its
 * neighbour), records of another length than expected, a sample of which every record is skipped,
 * and a twin (the same data in another format) that has other values. Pure; no value is told.
 */
import type { ParseSpec, RecordLengths } from '../engine/index.ts'
import type { Hole, Place } from './places.ts'
import { holesOf, overlapText, overlapsOf } from './places.ts'
import type { Path } from './source.ts'

/** What the lint reads of a parse slice. */
export type PlacedSpec = Pick<ParseSpec, 'columns' | 'rows'>

/** Something suspicious, with the place in the layout that a person would edit. */
export interface Lint {
  readonly path: Path
  readonly kind: 'error' | 'warning'
  readonly text: string
}

const SAMPLE: Path = ['resources', 0, 'path']
const fieldPath = (at: number): Path => ['resources', 0, 'schema', 'fields', at, 'x-at']

/** Empty for delimited text. */
export const placesOf = ({ columns }: PlacedSpec): readonly Place[] =>
  columns.flatMap(({ name, at }) => (at === undefined ? [] : [{ label: name, ...at }]))

/** Fields of one layout that share bytes. */
export function lintPlaces(spec: PlacedSpec): readonly Lint[] {
  return overlapsOf(placesOf(spec)).map((overlap) => ({
    path: fieldPath(spec.columns.findIndex(({ name }) => name === overlap.later.label)),
    kind: 'warning',
    text: `${overlapText(overlap)}: one of them is cut, or longer than it is`,
  }))
}

export interface ExpectedBytes {
  /** of each data record; undefined: it may end early */
  readonly bytes: number | undefined
  readonly holes: readonly Hole[]
}

/** What a record of a fixed-width layout should be; undefined: it is delimited text. */
export function expectedBytes(spec: PlacedSpec): ExpectedBytes | undefined {
  const places = placesOf(spec)
  const bytes = spec.rows?.exactBytes
  return places.length === 0 ? undefined : { bytes, holes: holesOf(places, bytes) }
}

/** A sample's records beside what its layout expects of them. */
export function lintLengths(
  spec: PlacedSpec,
  sample: string,
  { expected, found }: { readonly expected: ExpectedBytes; readonly found: RecordLengths },
): readonly Lint[] {
  const { bytes } = expected
  const looked = found.lengths.filter((one) => bytes === undefined || one.bytes === bytes)
  const all = looked.reduce((sum, { records }) => sum + records, 0)
  return [
    ...(bytes === undefined ? lintReach(spec, sample, found) : lintExact(sample, bytes, found)),
    ...expected.holes.flatMap((hole, at) => {
      const data = found.filled[at]
      return data === undefined || data.records === 0
        ? []
        : [cutField(spec, sample, { hole, data, all })]
    }),
  ]
}

/** Records of a layout that says how long every one is. */
function lintExact(sample: string, bytes: number, { lengths }: RecordLengths): readonly Lint[] {
  const [most] = lengths
  if (most === undefined || most.bytes === bytes) return []
  const right = lengths.find((one) => one.bytes === bytes)?.records ?? 0
  const found = `most data records of ${sample} have ${most.bytes} bytes (first: line ${most.line})`
  return [
    {
      path: SAMPLE,
      kind: right === 0 ? 'error' : 'warning',
      text: `${found}, ${right === 0 ? 'none has' : `${right} have`} the ${bytes} of this layout: correct exactBytes and the places`,
    },
  ]
}

/** Fields that start behind the end of every record. */
function lintReach(spec: PlacedSpec, sample: string, { lengths }: RecordLengths): readonly Lint[] {
  if (lengths.length === 0) return []
  const longest = Math.max(...lengths.map(({ bytes }) => bytes))
  return spec.columns.flatMap(({ name, at }, index) =>
    at === undefined || at.start <= longest
      ? []
      : [
          {
            path: fieldPath(index),
            kind: 'warning' as const,
            text: `${name} starts at byte ${at.start}, and the longest data record of ${sample} has ${longest}`,
          },
        ],
  )
}

function cutField(
  spec: PlacedSpec,
  sample: string,
  cut: {
    readonly hole: Hole
    readonly data: { readonly records: number; readonly line: number }
    readonly all: number
  },
): Lint {
  const { hole, data, all } = cut
  const { first, last, before, after } = hole
  const bytes = first === last ? `byte ${first}` : `bytes ${first} to ${last}`
  const advice = [
    ...(after === undefined ? [] : [`${after} starts too late`]),
    ...(before === undefined ? [] : [`${before} ends too early`]),
    'a field is missing',
  ].join(', or ')
  const at = spec.columns.findIndex(({ name }) => name === (after ?? before))
  return {
    path: fieldPath(at),
    kind: 'warning',
    text: `${bytes} of ${sample} hold data in ${data.records} of ${all} records (first: line ${data.line}) and belong to no field: ${advice}`,
  }
}

/** Accepted and rejected records of a sample, and why. */
export interface SampleCount {
  readonly accepted: number
  readonly rejected: number
  /** `TYPE_DATE paid_on`, most records first */
  readonly reasons: readonly string[]
}

const REASONS_TOLD = 3

export function lintCount(
  sample: string,
  { accepted, rejected, reasons }: SampleCount,
): readonly Lint[] {
  const told = reasons.slice(0, REASONS_TOLD).join(', ')
  const why = told === '' ? '' : ` (${told})`
  if (accepted === 0) {
    const text = `every record of ${sample} is skipped${why}: this layout does not describe it`
    return [{ path: SAMPLE, kind: 'error', text }]
  }
  if (rejected === 0) return []
  const text = `${rejected} of ${accepted + rejected} records of ${sample} are rejected${why}`
  return [{ path: SAMPLE, kind: 'warning', text }]
}

/** How the rows of two twins compare, in the order of their files. */
export interface TwinComparison {
  readonly rows: number
  readonly twinRows: number
  /** of the columns both have, those that differ */
  readonly columns: readonly {
    readonly name: string
    readonly rows: number
    /** the first pair's records */
    readonly line: number
    readonly twinLine: number
  }[]
}

export function lintTwin(
  spec: PlacedSpec,
  names: { readonly sample: string; readonly twin: string },
  { rows, twinRows, columns }: TwinComparison,
): readonly Lint[] {
  const { sample, twin } = names
  if (rows !== twinRows) {
    const text = `${sample} has ${rows} rows and its twin ${twin} ${twinRows}: one of the layouts takes other records for data`
    return [{ path: SAMPLE, kind: 'warning', text }]
  }
  return columns.map(({ name, rows: differing, line, twinLine }) => ({
    path: ['resources', 0, 'schema', 'fields', spec.columns.findIndex((one) => one.name === name)],
    kind: 'warning',
    text: `${name} differs from its twin ${twin} in ${differing} of ${rows} rows (first: record ${line}, there ${twinLine}): a place, a type or a name is wrong in one of them`,
  }))
}
