/** Real files read with the layouts that ship. The files lie beside the clone, never in it. */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { ParseOutcome, ParseSpec } from '../../engine/index.ts'
import { rowsQuery } from '../../engine/index.ts'
import { quoteName, quoteText } from '../../engine/table/quote.ts'
import { openRegistry } from '../../registry/folder.ts'
import { dataFolder } from '../support/scenario.ts'
import { REPOSITORY } from '../support/road-folder.ts'
import { Bench, type Parsed } from '../table/parsing.ts'

/** Parses real files with the layouts of the registry. */
export class RealFiles {
  readonly #folder: string
  readonly #specs: ReadonlyMap<string, ParseSpec>
  readonly bench: Bench

  private constructor(folder: string, specs: ReadonlyMap<string, ParseSpec>, bench: Bench) {
    this.#folder = folder
    this.#specs = specs
    this.bench = bench
  }

  /** undefined, and said so, where the data is not there. */
  static async open(folderName: string): Promise<RealFiles | undefined> {
    const folder = dataFolder(`real/${folderName}`)
    if (folder === undefined) return undefined
    const { registry } = await openRegistry(REPOSITORY)
    const specs = registry.layouts.map(({ id, slices }) => [id, slices.parse] as const)
    return new RealFiles(folder, new Map(specs), await Bench.open())
  }

  bytes(file: string): Buffer {
    return readFileSync(join(this.#folder, file))
  }

  spec(layout: string): ParseSpec {
    const spec = this.#specs.get(`${layout}/v1`)
    if (spec === undefined) throw new TypeError(`no layout ${layout}/v1 in the registry`)
    return spec
  }

  async run(file: string, layout: string): Promise<ParseOutcome> {
    return this.bench.run(this.bytes(file), this.spec(layout))
  }

  async parse(file: string, layout: string): Promise<Parsed> {
    return this.bench.parse(this.bytes(file), this.spec(layout))
  }
}

/** The layout's cells of each row, in order of the file, as text. */
export function cells({ rows }: Parsed, { columns }: ParseSpec): string[][] {
  return rows.map((row) => columns.map(({ name }) => String(row[name] ?? '')))
}

/**
 * Cells that differ between two parses, by column: rows are paired in order of their files. Both
 * have the same columns and types. Only columns with differences are there.
 */
export async function differingCells(
  bench: Bench,
  { columns }: ParseSpec,
  outcomes: readonly [ParseOutcome, ParseOutcome],
): Promise<Record<string, unknown>> {
  const partsOf = (outcome: ParseOutcome): string[] =>
    outcome.kind === 'failed'
      ? []
      : outcome.months.flatMap((month) => month.parts.map((part) => part.path))
  const sides = outcomes.map((outcome) => partsOf(outcome))
  const inOrder = (parts: readonly string[] = []): string =>
    `(SELECT *, row_number() OVER (ORDER BY line_number) AS nth
      FROM read_parquet([${parts.map(quoteText).join(', ')}], hive_partitioning=false))`
  const counts = columns.map(({ name }) => {
    const column = quoteName(name)
    return `count(*) FILTER (a.${column} IS DISTINCT FROM b.${column}) AS ${column}`
  })
  const select = `SELECT ${counts.join(', ')}
    FROM ${inOrder(sides[0])} a FULL JOIN ${inOrder(sides[1])} b USING (nth)`
  const folders = sides.flat().map((path) => dirname(path))
  const [row = {}] = await rowsQuery({ select, parts: [], folders, duck: bench.duck })
  return Object.fromEntries(Object.entries(row).filter(([, count]) => Number(count) !== 0))
}

/** How many records of each kind the one file has. */
export function totals({ outcome }: Pick<Parsed, 'outcome'>): Record<string, number> {
  const [file] = outcome.report?.files ?? []
  const kinds = Object.entries(file?.totals ?? {}).filter(([, { records }]) => records > 0)
  return Object.fromEntries(kinds.map(([kind, { records }]) => [kind, records]))
}
