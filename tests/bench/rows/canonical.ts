/** Canonical gold: rows a second of a month of 20 submitters, and what one changed winner rewrites. */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { canonicalGoldPath } from '../../../assets/paths.ts'
import { sha256 } from '../../../engine/core/digest.ts'
import { materialize } from '../../../engine/index.ts'
import { encounters, medicalFile } from '../../support/deliveries.ts'
import { openRoad } from '../../support/open-road.ts'
import { makeRoadFolder } from '../../support/road-folder.ts'
import { driver } from '../bundle.ts'
import type { Measure } from '../measure.ts'
import { inFolder, interleaved, medians, mustRun, rounded } from '../measure.ts'
import type { Bench, Row, Scale } from '../row.ts'

const ROWS_PER_SECOND_MIN = 250_000
const SUBMITTERS = 20
const MONTH = '2024-01'

export const canonical: Bench = {
  name: 'canonical',
  run: async (scale, say) => {
    const rows: Row[] = []
    for (const columns of scale.quick ? [42] : [42, 165]) {
      say(`a month of ${SUBMITTERS} submitters, ${columns} columns`)
      rows.push(await inFolder(async (folder) => month(folder, columns, scale)))
    }
    say('one changed winner')
    return [...rows, await inFolder(oneWinner)]
  },
}

async function month(folder: string, columns: number, scale: Scale): Promise<Row> {
  const each = scale.quick ? 500 : 20_000
  const words = [folder, String(columns)]
  await mustRun(await driver('canonical', 'make', ...words, String(each)))
  const commands = [
    await driver('canonical', 'months', ...words, '2'),
    await driver('canonical', 'months', ...words, '1'),
    await driver('canonical', 'duckdb', ...words),
  ]
  const [two = [], one = [], bare = []] = await interleaved(commands, scale.quick ? 1 : 3)
  const speed = (all: readonly Measure[]): object => {
    const { rows } = JSON.parse(all[0]?.stdout ?? '{}') as { readonly rows: number }
    const times = medians(all)
    return { ...times, rows, rows_per_s: rounded((rows * 1000) / times.wall_ms) }
  }
  const { rows_per_s: found } = speed(two) as { readonly rows_per_s: number }
  return {
    name: `canonical-month-${columns}`,
    what: `${SUBMITTERS} submitters of ${each} rows, ${columns} columns: two months at once on two cores, processes and checks included`,
    measured: { two_months: speed(two), one_month: speed(one) },
    beside: { bare_duckdb_unordered_one_file: speed(bare) },
    ratio: rounded(medians(two).wall_ms / 2 / medians(bare).wall_ms),
    bar: `≥ ${ROWS_PER_SECOND_MIN} rows a second on two cores`,
    met: found >= ROWS_PER_SECOND_MIN,
  }
}

/** Digest by name of the month's parts, as readers find them. */
function partsOf(root: string): ReadonlyMap<string, string> {
  const path = canonicalGoldPath({ state: 'MA', fileType: 'medical', month: MONTH })
  const folder = join(root, 'data', path)
  const names = readdirSync(folder).filter((name) => name.endsWith('.parquet'))
  return new Map(names.map((name) => [name, sha256(readFileSync(join(folder, name)))]))
}

async function oneWinner(folder: string): Promise<Row> {
  const root = join(folder, 'project')
  mkdirSync(root)
  const ids = Array.from({ length: SUBMITTERS }, (_, at) => `s${String(at).padStart(2, '0')}`)
  makeRoadFolder(root, { submitters: Object.fromEntries(ids.map((id) => [id, 'MA'])) })
  const deliver = (submitter: string, drop: string, rows: number): void => {
    const { name, content } = medicalFile(MONTH, encounters(MONTH, rows))
    mkdirSync(join(root, 'inbox', submitter, drop), { recursive: true })
    writeFileSync(join(root, 'inbox', submitter, drop, name), content)
  }
  for (const [at, id] of ids.entries()) deliver(id, 'first', 5 + at)
  await using platform = await openRoad(root)
  const how = { actor: { name: 'bench', reason: 'bench' }, command: 'bench', concurrency: 2 }
  await materialize(platform.project, how)
  const before = partsOf(root)
  deliver(ids[7] ?? '', 'second', 100)
  await materialize(platform.project, how)
  const after = partsOf(root)
  const written = [...after].filter(([name, digest]) => before.get(name) !== digest).length
  return {
    name: 'canonical-one-winner',
    what: 'parts of a month of 20 submitters with other bytes after one winner changed',
    measured: { parts: after.size, written },
    beside: {},
    ratio: null,
    bar: '1 part of 20',
    met: after.size === SUBMITTERS && written === 1,
  }
}
