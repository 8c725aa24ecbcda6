/** Rejects counted by reason: code and column. */
import type { Reason } from './grammar.ts'

export interface ReasonCount {
  readonly code: string
  readonly column: string | null
  readonly count: number
}

/** Bounded by codes times columns. */
export class ReasonCounts {
  readonly #counts = new Map<string, ReasonCount>()

  /** Counts the faults of one record. */
  add(reasons: readonly Reason[]): void {
    for (const { code, column } of reasons) this.#count({ code, column, count: 1 })
  }

  /** Takes over what was counted elsewhere. */
  merge(counts: readonly ReasonCount[]): void {
    for (const row of counts) this.#count(row)
  }

  #count({ code, column, count }: ReasonCount): void {
    const name = `${code}\0${column ?? ''}`
    const before = this.#counts.get(name)?.count ?? 0
    this.#counts.set(name, { code, column, count: count + before })
  }

  /** in the order they were met first */
  get rows(): readonly ReasonCount[] {
    return [...this.#counts.values()]
  }

  /** by code, then column */
  get sorted(): readonly ReasonCount[] {
    const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
    return [...this.#counts].toSorted(([a], [b]) => order(a, b)).map(([, row]) => row)
  }
}
