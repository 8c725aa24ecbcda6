/** The peers' job: exactness, CPU a build, fsyncs, and bytes of state. */
import { join } from 'node:path'
import { driver } from '../bundle.ts'
import { catalogState } from '../catalog-state.ts'
import type { Command } from '../measure.ts'
import { inFolder, interleaved, median, mustRun, rounded } from '../measure.ts'
import { generate } from '../peers/cases.ts'
import { dagster, installDagster } from '../peers/dagster.ts'
import { compileBody, make, ninja } from '../peers/file-peers.ts'
import type { JobResult, Peer } from '../peers/peer.ts'
import { firstBuilds, playJob } from '../peers/peer.ts'
import type { Bench, Row, Scale } from '../row.ts'
import { skipped } from '../row.ts'
import { diskCalls } from '../strace.ts'

type Say = (words: string) => void

const sizesOf = ({ quick, full }: Scale): readonly number[] => {
  if (quick) return [20]
  return full ? [100, 1000, 10_000] : [100, 1000]
}

export const peers: Bench = {
  name: 'peers',
  run: async (scale, say) => {
    const rows: Row[] = []
    for (const n of sizesOf(scale)) rows.push(...(await jobRows(n, scale, say)))
    const n = scale.quick ? 20 : 2000
    say(`${n} value nodes`)
    rows.push(await valueRow(n))
    return rows
  },
}

async function jobRows(n: number, scale: Scale, say: Say): Promise<readonly Row[]> {
  return inFolder(async (folder) => {
    const rounds = scale.quick || n > 1000 ? 1 : 3
    const play = async (peer: Peer): Promise<JobResult> => {
      say(`${peer.name}, N=${n}`)
      return playJob(peer, { root: join(folder, peer.name), n, rounds })
    }
    const own = await play(await ourselves())
    const beside: Record<string, JobResult | string> = {}
    for (const [name, peer] of otherPeers(folder, n, scale)) {
      beside[name] = typeof peer === 'string' ? peer : await play(peer)
    }
    const builds = firstBuilds(n).length
    say(`first builds, N=${n}`)
    return [
      exactRow(n, own, beside),
      await cpuRow(folder, { n, builds, rounds: scale.quick ? 1 : 5, beside }),
      await syncRow(folder, n),
      await stateRow(folder, n, builds),
    ]
  })
}

async function ourselves(): Promise<Peer> {
  const command = await driver('peers')
  return {
    name: 'tributary',
    version: 'this tree',
    build: (root) => ({ ...command, arguments: [...command.arguments, root] }),
  }
}

/** By name: an engine, or why it is not played. */
function otherPeers(
  folder: string,
  n: number,
  scale: Scale,
): readonly (readonly [string, Peer | string])[] {
  const body = compileBody(folder)
  const without = body === undefined ? 'skipped: no C compiler' : 'skipped: not installed'
  const found: (readonly [string, Peer | string])[] = [
    ['ninja', (body && ninja(body)) ?? without],
    ['make', (body && make(body)) ?? without],
  ]
  if (!scale.dagster) return [...found, ['dagster', 'skipped: --dagster installs and plays it']]
  const missing = installDagster()
  if (missing !== undefined) return [...found, ['dagster', `skipped: ${missing}`]]
  if (n > 1000)
    return [...found, ['dagster', 'skipped: above N=1,000 it does not end in ten minutes']]
  found.push(['dagster_ranges', dagster(true)])
  return n > 100 ? found : [...found, ['dagster_per_key', dagster(false)]]
}

function exactRow(
  n: number,
  own: JobResult,
  beside: Readonly<Record<string, JobResult | string>>,
): Row {
  const sum = (lists: readonly (readonly number[])[]): number =>
    lists.flat().reduce((all, one) => all + one, 0)
  const cases = Object.values(own.cases)
  return {
    name: `peers-cases-${n}`,
    what: `the peers' job at N=${n}: builds executed and needed in cases a–g, by exec.log`,
    measured: { ...own },
    beside,
    ratio: sum(cases.map((one) => one.executed)) / sum(cases.map((one) => one.needed)),
    bar: 'executed = needed in all eight cases, no stale output',
    met: own.exact,
  }
}

const catalogOf = (root: string): string => join(root, 'state', 'catalog.db')

const PEER_CPU_MS = 1.8

async function cpuRow(
  folder: string,
  {
    n,
    builds,
    rounds,
    beside,
  }: {
    readonly n: number
    readonly builds: number
    readonly rounds: number
    readonly beside: Readonly<Record<string, JobResult | string>>
  },
): Promise<Row> {
  const first = async (...words: string[]): Promise<number> => {
    const root = join(folder, 'first')
    generate(root, n)
    const { cpuMs } = await mustRun(await driver('peers', root, ...words))
    return cpuMs
  }
  const durable: number[] = []
  const fast: number[] = []
  const empty: number[] = []
  for (let round = rounds === 1 ? 1 : 0; round <= rounds; round++) {
    const [start, synced, unsynced] = [
      await first('empty'),
      await first('job'),
      await first('job', '--fast'),
    ]
    // The first round fills the compile cache.
    if (round === 0) continue
    empty.push(start)
    durable.push((synced - start) / builds)
    fast.push((unsynced - start) / builds)
  }
  const perBuild = (result: JobResult | string | undefined): number | undefined =>
    typeof result === 'object' ? rounded((result.cases['a']?.cpu_ms ?? 0) / builds) : undefined
  const byPeer = Object.entries(beside).flatMap(([name, result]) => {
    const cpuMs = perBuild(result)
    return cpuMs === undefined ? [] : [[`${name}_cpu_ms_per_build`, cpuMs]]
  })
  const own = median(durable)
  const bar = perBuild(beside['ninja']) ?? PEER_CPU_MS
  return {
    name: `peers-cpu-${n}`,
    what: `engine CPU per build, first build of ${builds} with a no-op body, start-up taken off`,
    measured: {
      cpu_ms_per_build: rounded(own),
      without_fsync_cpu_ms_per_build: rounded(median(fast)),
      start_up_cpu_ms: rounded(median(empty)),
    },
    beside: Object.fromEntries(byPeer),
    ratio: rounded(own / bar),
    bar: `≤ ninja's on the same job (${PEER_CPU_MS} ms where it is not installed); stretch ≤ 0.6 ms`,
    met: own <= bar,
  }
}

async function syncRow(folder: string, n: number): Promise<Row> {
  const row = {
    name: `peers-fsyncs-${n}`,
    what: 'fsyncs of the catalog and its log per group of commits, first build',
    bar: '≤ 1 per group',
  }
  const root = join(folder, 'syncs')
  generate(root, n)
  const calls = await diskCalls(await driver('peers', root))
  if (calls === undefined) return skipped(row, 'strace is not installed or may not trace here')
  // Opening a new catalog migrates it, and closing writes its log back: neither belongs to a group.
  const empty = join(folder, 'no-groups')
  generate(empty, 0)
  const idle = await diskCalls(await driver('peers', empty))
  const { groups } = catalogState(catalogOf(root))
  const own = calls.syncs.catalog - (idle?.syncs.catalog ?? 0)
  return {
    ...row,
    measured: {
      groups,
      catalog_fsyncs: calls.syncs.catalog,
      of_an_empty_job: idle?.syncs.catalog ?? 0,
      parts_fsyncs: calls.syncs.store,
    },
    beside: {},
    ratio: rounded(own / groups),
    met: own <= groups,
  }
}

async function stateRow(folder: string, n: number, builds: number): Promise<Row> {
  const root = join(folder, 'bytes')
  const run = async (): Promise<{ readonly wal_bytes: number }> =>
    JSON.parse((await mustRun(await driver('peers', root))).stdout) as {
      readonly wal_bytes: number
    }
  generate(root, 0)
  await run()
  const empty = catalogState(catalogOf(root))
  generate(root, n)
  const first = await run()
  const built = catalogState(catalogOf(root))
  const again = await run()
  const after = catalogState(catalogOf(root))
  const each = (built.used_bytes - empty.used_bytes) / builds
  const idle = after.file_bytes - built.file_bytes + again.wal_bytes
  return {
    name: `peers-state-${n}`,
    what: 'bytes the catalog keeps per build, and what an unchanged run adds',
    measured: {
      bytes_per_build: rounded(each),
      with_log_bytes_per_build: rounded(
        (built.used_bytes - empty.used_bytes + first.wal_bytes) / builds,
      ),
      unchanged_bytes: idle,
      empty_catalog_bytes: empty.used_bytes,
    },
    beside: {},
    ratio: rounded(each / 1024),
    bar: '≤ 1 KB a build after the log is written back; 0 when nothing changed',
    met: each <= 1024 && idle === 0 && after.modified === built.modified,
  }
}

/** Value nodes: the same sources with and without one value node each. */
async function valueRow(n: number): Promise<Row> {
  return inFolder(async (folder) => {
    const root = join(folder, 'values')
    const round = async (job: string): Promise<Command> => driver('peers', root, job)
    const cpu = async (job: string): Promise<number> => {
      const values: number[] = []
      for (let at = 0; at < 3; at++) {
        generate(root, n)
        values.push((await mustRun(await round(job))).cpuMs)
      }
      return median(values)
    }
    await interleaved([await round('empty')], 1)
    const facts = await cpu('facts')
    const values = await cpu('values')
    const each = (values - facts) / n
    return {
      name: 'value-nodes',
      what: `CPU per value node: ${n} sources with one value node each, less the same sources alone`,
      measured: { cpu_ms_per_value: rounded(each), facts_cpu_ms: rounded(facts) },
      beside: {},
      ratio: null,
      bar: '≤ 0.6 ms, the stretch of a stored build',
      met: each <= 0.6,
    }
  })
}
