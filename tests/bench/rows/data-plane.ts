/** raw → silver: a file of 60 columns to Parquet by month, beside bare DuckDB, which checks less. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { driver } from '../bundle.ts'
import type { Command } from '../measure.ts'
import { inFolder, interleaved, medians, mustRun, rounded } from '../measure.ts'
import type { Bench, Row, Scale } from '../row.ts'

const RATIO_MAX = 1.6
const ALL_MB_MAX = 2.25 * 1024
const OWN_MB_MAX = 150

interface Told {
  readonly rows: number
  readonly own_mb: number
  readonly all_mb: number
}

export const dataPlane: Bench = {
  name: 'data-plane',
  run: async (scale, say) => inFolder(async (folder) => onFile(folder, scale, say)),
}

async function onFile(
  folder: string,
  scale: Scale,
  say: (words: string) => void,
): Promise<readonly Row[]> {
  const rows = scale.quick ? 2_000 : 1_000_000
  say(`writing ${rows} rows of 60 columns`)
  const made = await mustRun(await driver('data-plane', 'make', folder, String(rows)))
  const { path } = JSON.parse(made.stdout) as { readonly path: string }
  say('measuring')
  const fresh = async (what: 'parse' | 'duckdb'): Promise<Command> => {
    const own = join(folder, what)
    const command = await driver('data-plane', what, path, own)
    // Each round writes into an empty folder.
    return {
      ...command,
      command: '/bin/sh',
      arguments: ['-c', 'rm -rf "$0"; exec "$@"', own, command.command, ...command.arguments],
    }
  }
  const commands = [
    await fresh('parse'),
    await fresh('duckdb'),
    await driver('data-plane', 'sha256', path),
  ]
  const [parsed = [], bare = [], hash = []] = await interleaved(commands, scale.quick ? 1 : 3)
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
  ]
}
