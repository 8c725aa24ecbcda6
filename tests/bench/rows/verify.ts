/** The unchanged run that looks at every part in the store too. */
import { join } from 'node:path'
import { driver } from '../bundle.ts'
import { EMPTY_NODE, inFolder, interleaved, medians, rounded } from '../measure.ts'
import type { Bench } from '../row.ts'
import { fillGrid } from '../scale/fill.ts'
import type { GridName } from '../scale/grid.ts'
import { GRIDS, partitionsOf } from '../scale/grid.ts'

const STARTS_MAX = 12

export const verify: Bench = {
  name: 'verify',
  run: async (scale, say) =>
    inFolder(async (folder) => {
      const name: GridName = scale.quick ? 160 : 100_000
      const root = join(folder, 'grid')
      say(`filling ${partitionsOf(GRIDS[name])} partitions with their files`)
      await fillGrid({ root, size: GRIDS[name] }, true)
      say('measuring')
      const words = [root, String(name)] as const
      const commands = [
        EMPTY_NODE,
        await driver('verify', ...words),
        await driver('unchanged', ...words),
      ]
      const [empty = [], verified = [], trusted = []] = await interleaved(
        commands,
        scale.quick ? 1 : 5,
      )
      const starts = medians(verified).wall_ms / medians(empty).wall_ms
      const { steps } = JSON.parse(verified[0]?.stdout ?? '{}') as { readonly steps: number }
      return [
        {
          name: 'verify',
          what: `the same with --verify, ${partitionsOf(GRIDS[name])} parts in a local store, nothing missing`,
          measured: { ...medians(verified), per_empty_node: rounded(starts), steps },
          beside: { empty_node: medians(empty), without_verify: medians(trusted) },
          ratio: rounded(starts),
          bar: `≤ ${STARTS_MAX}× an empty node`,
          met: starts <= STARTS_MAX && steps === 0,
        },
      ]
    }),
}
