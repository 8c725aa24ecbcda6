/** raw → silver: a file of 60 columns to Parquet by month, beside bare DuckDB, which checks less. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { driver } from '../bundle.ts'
import type { Command, Measure } from '../measure.ts'
import { inFolder, interleaved, medians, mustRun, rounded } from '../measure.ts'
import { READERS } from '../peers/readers.ts'
import type { Bench, Row, Scale } from '../row.ts'
import { skipped } from '../row.ts'

const RATIO_MAX = 1.6
const ALL_MB_MAX = 2.25 * 1024
const OWN_MB_MAX = 150
const LANDING_RATIO_MAX = 2
const RATIOS_MIN: Readonly<Record<string, number>> = {
  pandas: 4,
  csv_parse_and_parquet_wasm: 20,
}

interface Told {
  readonly rows: number
  readonly own_mb: number
  readonly all_mb: number
}

export const dataPlane: Bench = {
  name: 'data-plane',
  run: async (scale, say) => inFolder(async (folder) => onFile(folder, scale, say)),
}

/** Each round writes into an empty folder. */
const emptied = (folder: string, command: Command): Command => ({
  ...command,
  command: '/bin/sh',
  arguments: ['-c', 'rm -rf "$0"; exec "$@"', folder, command.command, ...command.arguments],
})

async function onFile(
  folder: string,
  scale: Scale,
  say: (words: string) => void,
): Promise<readonly Row[]> {
  // Of one million the last of six chunks would leave a worker idle for a sixth of the time.
  const rows = scale.quick ? 2_000 : 2_000_000
  say(`writing ${rows} rows of 60 columns`)
  const made = await mustRun(await driver('data-plane', 'make', folder, String(rows)))
  const { path } = JSON.parse(made.stdout) as { readonly path: string }
  say('measuring')
  const fresh = async (what: 'parse' | 'duckdb' | 'land'): Promise<Command> => {
    const own = join(folder, what)
    return emptied(own, await driver('data-plane', what, path, own))
  }
  const commands = [
    await fresh('parse'),
    await fresh('duckdb'),
    await driver('data-plane', 'sha256', path),
    await fresh('land'),
  ]
  const measured = await interleaved(commands, scale.quick ? 1 : 3)
  const [parsed = [], bare = [], hash = [], landed = []] = measured
  rmSync(join(folder, 'parse'), { recursive: true, force: true })
  const told = parsed.map(({ stdout }) => JSON.parse(stdout) as Told)
  const most = (of: (one: Told) => number): number => rounded(Math.max(...told.map(of)))
  const ratio = medians(parsed).wall_ms / medians(bare).wall_ms
  const [own, all] = [most((one) => one.own_mb), most((one) => one.all_mb)]
  return [
    {
      name: 'raw-to-silver',
      what: `${rows} rows of 60 columns to Parquet by month, with SHA-256, strict types, lineage and exact rejects`,
      measured: { ...medians(parsed), accepted: told[0]?.rows },
      beside: {
        bare_duckdb: {
          ...medians(bare),
          rows: (JSON.parse(bare[0]?.stdout ?? '{}') as Partial<Told>).rows,
        },
        sha256: medians(hash),
      },
      ratio: rounded(ratio),
      bar: `≤ ${RATIO_MAX}× bare DuckDB's partitioned COPY, wall`,
      met: ratio <= RATIO_MAX,
    },
    {
      name: 'raw-to-silver-memory',
      what: 'the most that the parse and its two workers had resident',
      measured: { parent_mb: own, all_mb: all },
      beside: {},
      ratio: null,
      bar: `≤ ${ALL_MB_MAX} MB in all, the parent ≤ ${OWN_MB_MAX} MB`,
      met: all <= ALL_MB_MAX && own <= OWN_MB_MAX,
    },
    landingRow(landed, hash),
    ...(await besideReaders(folder, scale, say)),
  ]
}

function landingRow(landed: readonly Measure[], hash: readonly Measure[]): Row {
  const ratio = medians(landed).cpu_ms / medians(hash).cpu_ms
  return {
    name: 'landing',
    what: 'the landing pass alone: SHA-256, records, chunk files; CPU time, start of the process included',
    measured: medians(landed),
    beside: { sha256: medians(hash) },
    ratio: rounded(ratio),
    bar: `≤ ${LANDING_RATIO_MAX}× the CPU time of reading and hashing the file`,
    met: ratio <= LANDING_RATIO_MAX,
  }
}

/** What a parse is beside pandas and csv-parse, which take minutes for the larger file. */
async function besideReaders(
  folder: string,
  scale: Scale,
  say: (words: string) => void,
): Promise<readonly Row[]> {
  const rows = scale.quick ? 2_000 : 200_000
  const small = join(folder, 'small')
  mkdirSync(small)
  const made = await mustRun(await driver('data-plane', 'make', small, String(rows)))
  const { path } = JSON.parse(made.stdout) as { readonly path: string }
  const found: Row[] = []
  for (const reader of READERS) {
    const least = RATIOS_MIN[reader.name] ?? 1
    const row = {
      name: `raw-to-silver-${reader.name}`,
      what: `${rows} rows of 60 columns to Parquet by month; wall time`,
      bar: `≥ ${least}× as fast as ${reader.name}`,
    }
    const why = reader.missing(scale.others)
    if (why !== undefined) {
      found.push(skipped(row, why))
      continue
    }
    say(reader.name)
    const [own, theirs] = [join(small, 'own'), join(small, 'theirs')]
    const commands = [
      emptied(own, await driver('data-plane', 'parse', path, own)),
      emptied(theirs, reader.command(path, theirs)),
    ]
    const [ours = [], others = []] = await interleaved(commands, scale.quick ? 1 : 3)
    const ratio = medians(others).wall_ms / medians(ours).wall_ms
    const beside = { [reader.name]: { ...medians(others), ...rowsIn(others) } }
    found.push({
      ...row,
      measured: { ...medians(ours), ...rowsIn(ours) },
      beside,
      ratio: rounded(ratio),
      met: ratio >= least,
    })
  }
  return found
}

const rowsIn = (measures: readonly Measure[]): { readonly rows: number | undefined } => ({
  rows: (JSON.parse(measures[0]?.stdout ?? '{}') as Partial<Told>).rows,
})
