/** What the bench prints: one row for each thing that has a bar. */

/** Named figures; units last in the name. */
export type Figures = Readonly<Record<string, unknown>>

export interface Row {
  readonly name: string
  readonly what: string
  readonly measured: Figures
  /** the same thing done by something else, in the same run */
  readonly beside: Figures
  /** what the bar is about; null when it is a count or nothing was measured */
  readonly ratio: number | null
  readonly bar: string
  /** null: not measured, and `measured.skipped` says why */
  readonly met: boolean | null
}

/** A row that could not be measured here, and why. */
export const skipped = (row: Pick<Row, 'name' | 'what' | 'bar'>, reason: string): Row => ({
  ...row,
  measured: { skipped: reason },
  beside: {},
  ratio: null,
  met: null,
})

/** How large the rows are to be. */
export interface Scale {
  /** tiny: only that the harness works */
  readonly quick: boolean
  /** the peers' job at 10,000 sources too */
  readonly full: boolean
  /** install Dagster into a cache folder outside the repository where it is missing */
  readonly dagster: boolean
  /** install pandas and csv-parse into a cache folder outside the repository where they are missing */
  readonly others: boolean
}

/** One group of rows, measured together. */
export interface Bench {
  readonly name: string
  readonly run: (scale: Scale, say: (words: string) => void) => Promise<readonly Row[]>
}
