/** The plan after one mapping edit, and the full audit, at a million partitions. */
import { join } from 'node:path'
import { driver } from '../bundle.ts'
import { EMPTY_NODE, inFolder, interleaved, median, medians, mustRun, rounded } from '../measure.ts'
import type { Bench, Row } from '../row.ts'
import { fillGrid } from '../scale/fill.ts'
import type { GridName } from '../scale/grid.ts'
import { GRIDS, partitionsOf } from '../scale/grid.ts'

const PLAN_STARTS_MAX = 3
const AUDIT_STARTS_MAX = 15

interface Edited {
  readonly rounds: readonly {
    readonly wall_ms: number
    readonly cpu_ms: number
    readonly steps: number
  }[]
  readonly peak_rss_mb: number
}

interface Audited {
  readonly wall_ms: number
  readonly cpu_ms: number
  readonly versions_ms: number
  readonly members_ms: number
  readonly nodes: number
  readonly edges: number
  readonly faults: number
  readonly peak_rss_mb: number
}

export const edit: Bench = {
  name: 'edit',
  run: async (scale, say) =>
    inFolder(async (folder) => {
      const name: GridName = scale.quick ? 160 : 1_000_000
      const size = GRIDS[name]
      const root = join(folder, 'grid')
      say(`filling ${partitionsOf(size)} partitions`)
      await fillGrid({ root, size })
      say('measuring')
      const rounds = scale.quick ? 1 : 5
      const words = [root, String(name)] as const
      const [empty = []] = await interleaved([EMPTY_NODE], rounds)
      const edits: Edited[] = []
      for (let round = 0; round < rounds; round++) {
        const { stdout } = await mustRun(await driver('edit', ...words, String(round + 1)))
        edits.push(JSON.parse(stdout) as Edited)
      }
      const audits: Audited[] = []
      for (let round = 0; round < Math.min(3, rounds); round++) {
        const { stdout } = await mustRun(await driver('audit', ...words))
        audits.push(JSON.parse(stdout) as Audited)
      }
      const start = medians(empty).wall_ms
      return [
        planRow(edits, {
          start,
          affected: size.states * size.months,
          partitions: partitionsOf(size),
        }),
        auditRow(audits, start),
      ]
    }),
}

function planRow(
  edits: readonly Edited[],
  {
    start,
    affected,
    partitions,
  }: { readonly start: number; readonly affected: number; readonly partitions: number },
): Row {
  const first = median(edits.map(({ rounds }) => rounds[0]?.wall_ms ?? 0))
  const cpu = median(edits.map(({ rounds }) => rounds[0]?.cpu_ms ?? 0))
  const next = median(edits.flatMap(({ rounds }) => rounds.slice(1).map((one) => one.wall_ms)))
  const exact = edits.every(({ rounds }) => rounds.every((one) => one.steps === affected))
  return {
    name: 'plan-mapping-edit',
    what: `plan after one mapping edit that touches ${affected} of ${partitions} partitions, in process`,
    measured: {
      first_wall_ms: rounded(first),
      first_cpu_ms: rounded(cpu),
      next_wall_ms: rounded(next),
      next_per_empty_node: rounded(next / start),
      steps: edits[0]?.rounds[0]?.steps ?? 0,
      peak_rss_mb: rounded(Math.max(...edits.map((one) => one.peak_rss_mb))),
    },
    beside: { empty_node_wall_ms: rounded(start) },
    ratio: rounded(first / start),
    bar: `≤ ${PLAN_STARTS_MAX} empty Node starts, the process's first plan; exactly the partitions touched`,
    met: first / start <= PLAN_STARTS_MAX && exact,
  }
}

function auditRow(audits: readonly Audited[], start: number): Row {
  const middle = (of: (one: Audited) => number): number => rounded(median(audits.map(of)))
  const wall = middle((one) => one.wall_ms)
  const [first] = audits
  return {
    name: 'audit',
    what: `full audit of ${first?.nodes} nodes and ${first?.edges} edges: versions and membership`,
    measured: {
      wall_ms: wall,
      cpu_ms: middle((one) => one.cpu_ms),
      edge_versions_ms: middle((one) => one.versions_ms),
      members_replayed_ms: middle((one) => one.members_ms),
      faults: first?.faults ?? null,
      peak_rss_mb: middle((one) => one.peak_rss_mb),
    },
    beside: { empty_node_wall_ms: rounded(start) },
    ratio: rounded(wall / start),
    bar: `≤ ${AUDIT_STARTS_MAX} empty Node starts`,
    met: wall / start <= AUDIT_STARTS_MAX && first?.faults === 0,
  }
}
