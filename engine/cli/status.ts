/** `status`: one screen of assets, what is dirty or waits, and the last run. */
import { sql } from 'kysely'
import { dirtyCounts } from '../catalog/nodes.ts'
import { liveCounts } from '../catalog/overview.ts'
import type { Connection } from '../catalog/open.ts'
import type { AssetDefinition } from '../core/asset.ts'
import type { NodeName } from '../core/key.ts'
import type { Project } from '../run/project.ts'
import { loadDefinitions } from '../run/project.ts'
import { compileSelection, selectedNodes } from '../run/select.ts'
import type { CommandCall } from './command.ts'
import { flagOption } from './command.ts'
import { EXIT } from './fault.ts'
import { nodePath, partitionOf } from './node-name.ts'
import { selectionText } from './plan-call.ts'
import { FORMAT_VERSION } from './plan-json.ts'
import type { RunRow } from './run-rows.ts'
import { countsText, findRun, runJson } from './run-rows.ts'
import { alignColumns, countText, timeText } from './text.ts'

interface Partition extends NodeName {
  readonly id: number
  readonly state: 'live' | 'absent'
  /** the kind of its dirty mark */
  readonly dirty: string | null
  readonly waiting: string | null
  readonly rows: number | null
}

interface AssetCounts {
  readonly asset: string
  readonly kind: AssetDefinition['kind']
  readonly live: number
  readonly dirty: number
  readonly waiting: number
}

/** Runs `status`. */
export async function runStatus(call: CommandCall): Promise<number> {
  const { project } = await call.open({ sync: false })
  const keys = flagOption(call, 'keys')
  const isAll = call.words.length === 0
  const partitions =
    keys || !isAll ? await selectPartitions(project, selectionText(call.words)) : undefined
  const counts =
    partitions === undefined ? await allCounts(project) : countPartitions(project, partitions)
  const run = await findRun(project.catalog.db, undefined)
  if (call.json)
    printJson(call, project, { counts, run, partitions: keys ? partitions : undefined })
  else printText(call, project, { counts, run, partitions: keys ? partitions : undefined })
  return EXIT.done
}

interface Found {
  readonly counts: readonly AssetCounts[]
  readonly run: RunRow | undefined
  readonly partitions: readonly Partition[] | undefined
}

/** The assets that are made; facts come from outside and are never dirty. */
const madeAssets = ({ graph }: Project): readonly AssetDefinition[] =>
  graph.order.filter((asset) => asset.kind !== 'fact')

async function allCounts(project: Project): Promise<readonly AssetCounts[]> {
  const { db } = project.catalog
  const { ids } = await loadDefinitions(project.graph, project.catalog, false)
  const [live, dirty, waiting] = [
    await liveCounts(db),
    await dirtyCounts(db),
    await waitingCounts(db),
  ]
  return madeAssets(project).map(({ name, kind }) => ({
    asset: name,
    kind,
    live: live.get(name) ?? 0,
    dirty: dirty.get(ids.idOf(name)) ?? 0,
    waiting: waiting.get(ids.idOf(name)) ?? 0,
  }))
}

async function waitingCounts(db: Connection): Promise<ReadonlyMap<number, number>> {
  const { rows } = await sql<{ asset: number; count: number }>`
    select asset, count(*) as count from node where waiting is not null group by asset`.execute(db)
  return new Map(rows.map((row) => [row.asset, row.count]))
}

const countPartitions = (
  project: Project,
  partitions: readonly Partition[],
): readonly AssetCounts[] =>
  madeAssets(project).flatMap(({ name, kind }) => {
    const own = partitions.filter((one) => one.asset === name)
    if (own.length === 0) return []
    return [
      {
        asset: name,
        kind,
        live: own.filter((one) => one.state === 'live').length,
        dirty: own.filter((one) => one.dirty !== null).length,
        waiting: own.filter((one) => one.waiting !== null).length,
      },
    ]
  })

async function selectPartitions(project: Project, text: string): Promise<readonly Partition[]> {
  const { catalog, graph } = project
  const selection = compileSelection(graph, text)
  const definitions = await loadDefinitions(graph, catalog, false)
  const isSelected = await selectedNodes(selection, { ...catalog, definitions })
  const { rows } = await sql<Omit<Partition, 'state'> & { readonly version: number }>`
    select n.id, a.name as asset, n.key, n.version, d.cause as dirty, n.waiting, b.rows
    from node n join asset a on a.id = n.asset left join dirty d on d.node = n.id
    left join build b on b.id = n.built order by a.id, n.key`.execute(catalog.db)
  const made = new Set(madeAssets(project).map((asset) => asset.name))
  return rows
    .filter((row) => made.has(row.asset) && isSelected(row))
    .map(({ version, ...row }) => ({ ...row, state: version === 0 ? 'absent' : 'live' }))
}

function printJson({ terminal }: CommandCall, project: Project, found: Found): void {
  terminal.printJson({
    format_version: FORMAT_VERSION,
    store: project.store.name,
    catalog: project.catalog.name,
    last_run: found.run === undefined ? null : runJson(found.run),
    assets: found.counts,
    ...(found.partitions !== undefined && {
      partitions: found.partitions.map(({ asset, key, state, dirty, waiting, rows }) => ({
        asset,
        partition: partitionOf(project.graph, { asset, key }),
        state,
        dirty,
        waiting,
        rows,
      })),
    }),
  })
}

function printText({ terminal }: CommandCall, project: Project, found: Found): void {
  const { out } = terminal
  const { run, counts, partitions } = found
  terminal.print(
    alignColumns(
      ['', ''],
      [
        ['store', project.store.name],
        ['catalog', project.catalog.name],
        ['last run', run === undefined ? 'none yet' : runLine(run)],
      ],
    ).join('\n'),
  )
  const right = (title: string) => ({ title, align: 'right' }) as const
  const cells = counts.map(({ asset, kind, live, dirty, waiting }) => [
    asset,
    kind,
    countText(live),
    dirty === 0 ? '' : out.yellow(countText(dirty)),
    waiting === 0 ? '' : out.yellow(countText(waiting)),
  ])
  const columns = ['asset', 'kind', right('live'), right('dirty'), right('waiting')]
  terminal.print(`\n${alignColumns(columns, cells, out.dim).join('\n')}`)
  if (partitions !== undefined) {
    const rows = partitions.map((one) => [
      nodePath(one),
      one.state,
      one.dirty === null ? '' : `dirty: ${one.dirty}`,
      one.rows === null ? '' : countText(one.rows),
      one.waiting ?? '',
    ])
    const heads = ['partition', 'state', '', right('rows'), 'waiting']
    terminal.print(`\n${alignColumns(heads, rows, out.dim).join('\n')}`)
  }
  const isDirty = counts.some((one) => one.dirty > 0)
  if (isDirty) terminal.print('\nSee what a run would do:  tributary plan')
}

const runLine = (run: RunRow): string =>
  [
    String(run.id),
    run.command,
    run.status,
    timeText(run.ended_ms ?? run.started_ms),
    countsText(run),
  ]
    .filter((text) => text !== '')
    .join('  ')
