/** One changed source of N: the decision must not grow with N. */
import { join } from 'node:path'
import { driver } from '../bundle.ts'
import { inFolder, median, mustRun, rounded } from '../measure.ts'
import type { Bench } from '../row.ts'
import { fillPeers } from '../scale/fill-peers.ts'

const DECISION_MS_MAX = 20
/** Flat: the largest N may take this many times the smallest; the rest is noise of a millisecond. */
const GROWTH_MAX = 2

interface Decided {
  readonly rounds: readonly {
    readonly look_ms: number
    readonly decide_ms: number
    readonly steps: number
  }[]
}

export const oneSource: Bench = {
  name: 'one-source',
  run: async (scale, say) =>
    inFolder(async (folder) => {
      const sizes = scale.quick ? [20, 40] : [100, 1000, 10_000, 100_000]
      const decisions: Record<string, number> = {}
      const looks: Record<string, number> = {}
      let exact = true
      for (const n of sizes) {
        const root = join(folder, String(n))
        say(`filling ${n} sources`)
        await fillPeers(root, n)
        const all: Decided['rounds'][number][] = []
        for (let round = 0; round < (scale.quick ? 1 : 3); round++) {
          const { stdout } = await mustRun(await driver('one-source', root, String(round + 1)))
          const { rounds } = JSON.parse(stdout) as Decided
          // The first plan of a process compiles its statements and code.
          all.push(...rounds.slice(1))
        }
        decisions[String(n)] = rounded(median(all.map((one) => one.decide_ms)))
        looks[String(n)] = rounded(median(all.map((one) => one.look_ms)))
        exact &&= all.every((one) => one.steps === 3)
      }
      const times = sizes.map((n) => decisions[String(n)] ?? Number.NaN)
      const largest = Math.max(...times)
      const growth = (times.at(-1) ?? Number.NaN) / (times[0] ?? Number.NaN)
      return [
        {
          name: 'one-source',
          what: 'one changed source of N, from the observed fact to the plan of three builds',
          measured: { decide_ms_by_n: decisions, list_and_stat_ms_by_n: looks, exact },
          beside: {},
          ratio: rounded(growth),
          bar: `≤ ${DECISION_MS_MAX} ms at every N, flat: N=${sizes.at(-1)} ≤ ${GROWTH_MAX}× N=${sizes[0]}`,
          met: largest <= DECISION_MS_MAX && growth <= GROWTH_MAX && exact,
        },
      ]
    }),
}
