/** Places of fixed-width fields: what overlaps, and which bytes belong to none. Pure. */

export interface Place {
  readonly label: string
  /** 1-based first byte */
  readonly start: number
  /** bytes */
  readonly length: number
}

/** Bytes of a record, 1-based, both included. */
export interface Hole {
  readonly first: number
  readonly last: number
  /** the fields on either side; undefined: the record starts or ends there */
  readonly before: string | undefined
  readonly after: string | undefined
}

const inOrder = (places: readonly Place[]): readonly Place[] =>
  places.toSorted((a, b) => a.start - b.start || a.length - b.length)

export interface Overlap {
  readonly earlier: Place
  readonly later: Place
}

/** Pairs of fields that share a byte: each with the one before it that reaches furthest. */
export function overlapsOf(places: readonly Place[]): readonly Overlap[] {
  const found: Overlap[] = []
  let furthest: Place | undefined
  for (const later of inOrder(places)) {
    if (furthest !== undefined && later.start < furthest.start + furthest.length) {
      found.push({ earlier: furthest, later })
    }
    const end = furthest === undefined ? 0 : furthest.start + furthest.length
    if (later.start + later.length > end) furthest = later
  }
  return found
}

/** Bytes before the last field (or up to `recordBytes`) that no field has. */
export function holesOf(places: readonly Place[], recordBytes?: number): readonly Hole[] {
  const found: Hole[] = []
  let next = 1
  let before: string | undefined
  for (const { label, start, length } of inOrder(places)) {
    if (start > next) found.push({ first: next, last: start - 1, before, after: label })
    if (start + length > next) [next, before] = [start + length, label]
  }
  if (recordBytes !== undefined && recordBytes >= next) {
    found.push({ first: next, last: recordBytes, before, after: undefined })
  }
  return found
}

export const overlapText = ({ earlier, later }: Overlap): string =>
  `${later.label} starts at byte ${later.start}, inside ${earlier.label}, which ends at ${earlier.start + earlier.length - 1}`

export const holeText = ({ first, last, before, after }: Hole): string => {
  const bytes = first === last ? `byte ${first} belongs` : `bytes ${first} to ${last} belong`
  const where =
    after === undefined
      ? `after ${before ?? 'the start'}`
      : `before ${after}${before === undefined ? '' : `, after ${before}`}`
  return `${bytes} to no field (${where})`
}

/** Overlaps and holes as sentences. */
export const placeFaults = (places: readonly Place[]): readonly string[] => [
  ...overlapsOf(places).map((overlap) => `${overlapText(overlap)}.`),
  ...holesOf(places).map((hole) => `${holeText(hole)}.`),
]
