/** A run that finds nothing to do, process start to exit, at two sizes a hundred times apart. */
import { join } from 'node:path'
import { driver, program } from '../bundle.ts'
import type { CatalogState } from '../catalog-state.ts'
import { catalogState } from '../catalog-state.ts'
import type { Command, Measure } from '../measure.ts'
import { EMPTY_NODE, inFolder, interleaved, medians, mustRun, rounded } from '../measure.ts'
import type { Bench, Figures, Row, Scale } from '../row.ts'
import { fillGrid } from '../scale/fill.ts'
import type { GridName } from '../scale/grid.ts'
import { GRIDS, partitionsOf } from '../scale/grid.ts'
import { fillProduct } from '../scale/product.ts'
import { diskCalls } from '../strace.ts'

const STARTS_MAX = 4
const GROWTH_MAX = 1.5
const BAR = `≤ ${STARTS_MAX}× an empty node at 10,000, at 1,000,000 ≤ ${GROWTH_MAX}× that; 0 rows written, 0 data bytes read`

export const unchanged: Bench = {
  name: 'unchanged',
  run: async (scale, say) =>
    inFolder(async (folder) => {
      const names: readonly GridName[] = scale.quick ? [160, 160] : [10_000, 1_000_000]
      const places = names.map((name, at) => ({
        name,
        grid: join(folder, `grid${at}`),
        product: join(folder, `product${at}`),
      }))
      for (const { name, grid, product } of places) {
        say(`filling ${partitionsOf(GRIDS[name])} partitions`)
        await fillGrid({ root: grid, size: GRIDS[name] })
        await fillProduct(product, GRIDS[name])
      }
      const [small, large] = places
      if (small === undefined || large === undefined) return []
      say('measuring')
      return [
        await pairRow(scale, {
          name: 'unchanged-program',
          what: '`tributary materialize` (bundle) on the shipped assets, nothing changed',
          commands: [await materialize(small.product), await materialize(large.product)],
          catalogs: [productCatalog(small.product), productCatalog(large.product)],
          beside: { launcher: await materialize(small.product, true) },
        }),
        await pairRow(scale, {
          name: 'unchanged-engine',
          what: 'the bare engine (bundle) on the grid with 160 source files, nothing changed',
          commands: [
            await driver('unchanged', small.grid, String(small.name)),
            await driver('unchanged', large.grid, String(large.name)),
          ],
          catalogs: [gridCatalog(small.grid), gridCatalog(large.grid)],
          beside: {},
        }),
      ]
    }),
}

const gridCatalog = (root: string): string => join(root, 'state', 'catalog.db')
const productCatalog = (root: string): string => join(root, '.tributary', 'catalog.db')

const materialize = async (root: string, launched = false): Promise<Command> =>
  program(['-C', root, 'materialize'], launched)

interface Pair {
  readonly name: string
  readonly what: string
  readonly commands: readonly [Command, Command]
  readonly catalogs: readonly [string, string]
  readonly beside: Readonly<Record<string, Command>>
}

async function pairRow(scale: Scale, pair: Pair): Promise<Row> {
  const extra = Object.entries(pair.beside)
  // The first start compiles; after it the catalogs are as an unchanged run leaves them.
  for (const command of pair.commands) await mustRun(command)
  const before = pair.catalogs.map(catalogState)
  const commands = [EMPTY_NODE, ...pair.commands, ...extra.map(([, command]) => command)]
  const [empty = [], small = [], large = [], ...rest] = await interleaved(
    commands,
    scale.quick ? 1 : 9,
  )
  const written = pair.catalogs.map((path, at) => rowsWritten(before[at], catalogState(path)))
  const touched = await diskCalls(pair.commands[1])
  const starts = medians(small).wall_ms / medians(empty).wall_ms
  const growth = medians(large).wall_ms / medians(small).wall_ms
  const still = written.every((one) => !one) && (touched?.catalog_writes ?? 0) === 0
  return {
    name: pair.name,
    what: pair.what,
    measured: {
      ...times('small', small),
      ...times('large', large),
      small_per_empty_node: rounded(starts),
      large_per_small: rounded(growth),
      cpu_per_empty_node: rounded(medians(small).cpu_ms / medians(empty).cpu_ms),
      catalog_changed: written,
      catalog_writes: touched?.catalog_writes ?? 'no strace',
      part_files_opened: touched?.store_opens ?? 'no strace',
    },
    beside: {
      ...times('empty_node', empty),
      ...Object.assign({}, ...extra.map(([name], at) => times(name, rest[at] ?? []))),
    },
    ratio: rounded(starts),
    bar: BAR,
    met: starts <= STARTS_MAX && growth <= GROWTH_MAX && still && (touched?.store_opens ?? 0) === 0,
  }
}

function times(name: string, measures: readonly Measure[]): Figures {
  const { wall_ms, cpu_ms } = medians(measures)
  return { [`${name}_wall_ms`]: wall_ms, [`${name}_cpu_ms`]: cpu_ms }
}

const rowsWritten = (before: CatalogState | undefined, after: CatalogState): boolean =>
  before?.revision !== after.revision ||
  before.modified !== after.modified ||
  before.file_bytes !== after.file_bytes
