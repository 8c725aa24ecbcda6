/**
 * Which records of a file are shown. Records are offered in the order of the file, and chosen ones
 * come back in it. Memory: the records that are kept.
 */
import { SeededRandom } from '../seeded-random.ts'
import type { ContentEnd } from './content.ts'
import type { SampleRequest } from './contract.ts'

export interface Candidate<Kept> {
  /** it cannot be read as it should */
  readonly isFaulty: () => boolean
  readonly fields: () => readonly string[]
  /** a copy that stays valid */
  readonly keep: () => Kept
}

export interface Choice<Kept> {
  /** no record that follows is wanted */
  readonly isFull: boolean
  readonly offer: (candidate: Candidate<Kept>) => void
  readonly chosen: () => readonly Kept[]
}

type Wanted = Pick<SampleRequest, 'records' | 'strategy' | 'seed' | 'isReject'>

/** The choice of a request. */
export function choiceOf<Kept>(request: Wanted): Choice<Kept> {
  const { records, seed, isReject } = request
  if (request.strategy === 'head') return new Head(records)
  if (request.strategy === 'tail') return new Tail(records)
  if (request.strategy === 'reservoir') return new Reservoir(records, seed)
  return isReject === undefined ? new OddLengths(records) : new Rejects(records, isReject)
}

/** Whether a limit or damage ended it before all that was wanted was found. */
export const isCutAt = (
  { end }: { readonly end: ContentEnd | null },
  { strategy }: Pick<SampleRequest, 'strategy'>,
  { isFull }: { readonly isFull: boolean },
): boolean => end !== null && end !== 'whole' && !(strategy === 'head' && isFull)

class Head<Kept> implements Choice<Kept> {
  readonly #records: number
  readonly #kept: Kept[] = []

  constructor(records: number) {
    this.#records = records
  }
  get isFull(): boolean {
    return this.#kept.length >= this.#records
  }
  offer({ keep }: Candidate<Kept>): void {
    if (!this.isFull) this.#kept.push(keep())
  }
  chosen(): readonly Kept[] {
    return this.#kept
  }
}

/** Of every record a copy is made; all but the last ones are dropped, many at a time. */
class Tail<Kept> implements Choice<Kept> {
  readonly isFull = false
  readonly #records: number
  #kept: Kept[] = []

  constructor(records: number) {
    this.#records = records
  }
  offer({ keep }: Candidate<Kept>): void {
    this.#kept.push(keep())
    if (this.#kept.length >= this.#records * 2) this.#kept = this.#kept.slice(-this.#records)
  }
  chosen(): readonly Kept[] {
    return this.#kept.slice(-this.#records)
  }
}

/** A number's bits, at a time. */
const BITS = 20

/** Algorithm R (Vitter 1985): after any number of records each is in it with the same chance. */
class Reservoir<Kept> implements Choice<Kept> {
  readonly isFull = false
  readonly #records: number
  readonly #random: SeededRandom
  readonly #kept: { readonly order: number; readonly record: Kept }[] = []
  #seen = 0

  constructor(records: number, seed: string) {
    this.#records = records
    this.#random = new SeededRandom(seed)
  }
  offer({ keep }: Candidate<Kept>): void {
    const order = this.#seen
    this.#seen += 1
    const place = order < this.#records ? order : this.#below(this.#seen)
    if (place < this.#records) this.#kept[place] = { order, record: keep() }
  }
  chosen(): readonly Kept[] {
    return this.#kept.toSorted((a, b) => a.order - b.order).map(({ record }) => record)
  }
  /** Of two draws: one alone is too coarse for a million records. */
  #below(count: number): number {
    const high = this.#random.bits(BITS) * 2 ** BITS
    return Math.floor(((high + this.#random.bits(BITS)) / 2 ** (2 * BITS)) * count)
  }
}

class Rejects<Kept> implements Choice<Kept> {
  readonly #head: Head<Kept>
  readonly #isReject: (fields: readonly string[]) => boolean

  constructor(records: number, isReject: (fields: readonly string[]) => boolean) {
    this.#head = new Head(records)
    this.#isReject = isReject
  }
  get isFull(): boolean {
    return this.#head.isFull
  }
  offer(candidate: Candidate<Kept>): void {
    if (candidate.isFaulty() || this.#isReject(candidate.fields())) this.#head.offer(candidate)
  }
  chosen(): readonly Kept[] {
    return this.#head.chosen()
  }
}

/** Lengths that are told apart; the others count as one, which is not the most frequent. */
const LENGTHS_MAX = 64
const FAULTY = -1
const OTHER = -2

interface SameLength<Kept> {
  count: number
  readonly first: { readonly order: number; readonly record: Kept }[]
}

/** Records that are faulty or have not as many fields as most. Known when all were seen. */
class OddLengths<Kept> implements Choice<Kept> {
  readonly isFull = false
  readonly #records: number
  readonly #byLength = new Map<number, SameLength<Kept>>()
  #seen = 0

  constructor(records: number) {
    this.#records = records
  }
  offer({ isFaulty, fields, keep }: Candidate<Kept>): void {
    const order = this.#seen
    this.#seen += 1
    const same = this.#sameAs(isFaulty() ? FAULTY : fields().length)
    same.count += 1
    if (same.first.length < this.#records) same.first.push({ order, record: keep() })
  }
  chosen(): readonly Kept[] {
    const lengths = [...this.#byLength].filter(([length]) => length >= 0)
    const [most] = lengths.toSorted(([, a], [, b]) => b.count - a.count)
    return [...this.#byLength.values()]
      .filter((same) => same !== most?.[1])
      .flatMap(({ first }) => first)
      .toSorted((a, b) => a.order - b.order)
      .slice(0, this.#records)
      .map(({ record }) => record)
  }
  #sameAs(length: number): SameLength<Kept> {
    const isKnown = length < 0 || this.#byLength.has(length) || this.#byLength.size < LENGTHS_MAX
    const key = isKnown ? length : OTHER
    const same = this.#byLength.get(key) ?? { count: 0, first: [] }
    this.#byLength.set(key, same)
    return same
  }
}
