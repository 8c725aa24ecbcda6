/**
 * `diff`: two kept versions of a partition, row by row.
 *
 * Parts that are byte for byte the same on both sides are not read. Values of rows are printed to
 * the person who asks, and nowhere else.
 */
import type { StoredPart } from '../catalog/builds.ts'
import type { KeptVersion } from '../catalog/versions.ts'
import { keptVersions } from '../catalog/versions.ts'
import { EngineError } from '../core/errors.ts'
import type { NodeName } from '../core/key.ts'
import { nodeText } from '../core/key.ts'
import type { Comparison, Side } from '../table/compare.ts'
import { KeyNotThere, compareTables } from '../table/compare.ts'
import type { CommandCall, OpenProject, RowKey } from './command.ts'
import { textOption } from './command.ts'
import type { Diff } from './diff-text.ts'
import { diffText } from './diff-text.ts'
import { EXIT } from './fault.ts'
import { openLookup, requireNode } from './node-lookup.ts'
import { parseNode, partitionOf } from './node-name.ts'
import { FORMAT_VERSION } from './plan-json.ts'
import { rowsIn, versionJson } from './rollback.ts'
import { wholeNumber } from './whole-number.ts'

/** For a bucket on a machine that has other work. */
const BUCKET_TIMEOUT_MS = 60 * 60 * 1000
const COMMIT_MAX = 1_000_000_000
const ROWS = 10
const ROWS_MAX = 1_000

/** Runs `diff`. */
export async function runDiff(call: CommandCall): Promise<number> {
  const opened = await call.open({ sync: false })
  const { project } = opened
  const node = parseNode(project.graph, call.words[0] ?? '')
  const row = await requireNode(await openLookup(project), node)
  const { from, to } = chosen(call, node, await keptVersions(project.catalog.db, row.id))
  const rowKey: RowKey = (await opened.rowKey?.(node)) ?? { key: undefined, lineage: [] }
  const diff = await compare(call, opened, { node, from, to, rowKey })
  if (call.json) call.terminal.printJson(diffJson(diff, partitionOf(project.graph, node)))
  else call.terminal.print(diffText(diff, call.terminal.out))
  return EXIT.done
}

/** The two versions: by default the current one and the one before it. */
function chosen(
  call: CommandCall,
  node: NodeName,
  kept: readonly KeptVersion[],
): Pick<Diff, 'from' | 'to'> {
  const numbers = kept.map((one) => one.commitNumber)
  const gone = (wanted: string): EngineError =>
    new EngineError('VERSION_GONE', { node: nodeText(node), wanted, kept: numbers })
  const named = (option: 'from' | 'to'): KeptVersion | undefined => {
    const text = textOption(call, option)
    if (text === undefined) return undefined
    const number = wholeNumber(`--${option}`, text, COMMIT_MAX)
    const version = kept.find((one) => one.commitNumber === number)
    if (version === undefined) throw gone(`commit ${number}`)
    return version
  }
  const to = named('to') ?? kept.find((one) => one.isCurrent)
  if (to === undefined) throw gone('current version')
  const from = named('from') ?? kept.find((one) => one.commitNumber < to.commitNumber)
  if (from === undefined) throw gone(`version before commit ${to.commitNumber}`)
  return { from, to }
}

async function compare(
  call: CommandCall,
  { project, query }: OpenProject,
  {
    node,
    from,
    to,
    rowKey,
  }: Pick<Diff, 'node' | 'from' | 'to'> & {
    readonly rowKey: RowKey
  },
): Promise<Diff> {
  const key = textOption(call, 'key')?.split(',') ?? rowKey.key
  const parts = differing(from.parts, to.parts)
  const all = [...parts.before, ...parts.after]
  const foreign = [...from.parts, ...to.parts].find(({ path }) => !path.endsWith('.parquet'))
  if (foreign !== undefined) {
    const reason = `${node.asset} is no table: its parts are not Parquet files`
    throw new EngineError('USAGE', { command: 'diff', reason })
  }
  const sizes = await project.store.sizes(all.map(({ path }) => path))
  const lost = all.find((part, at) => sizes[at] !== part.sizeBytes)
  if (lost !== undefined) throw new EngineError('PART_MISSING', { path: lost.path })
  const { paths, folders } = await query.files(all)
  const before: Side = { files: paths.slice(0, parts.before.length), rows: rowsIn(parts.before) }
  const after: Side = { files: paths.slice(parts.before.length), rows: rowsIn(parts.after) }
  const request = {
    before,
    after,
    key,
    apart: rowKey.lineage,
    sample: sampleOption(call),
    run: async (statements: readonly string[]) =>
      query.run({ statements, folders, timeoutMs: BUCKET_TIMEOUT_MS }),
  }
  try {
    const comparison = all.length === 0 ? NOTHING : await compareTables(request)
    return {
      node,
      from,
      to,
      key,
      comparison,
      sameParts: parts.same.length,
      sameRows: rowsIn(parts.same),
    }
  } catch (error) {
    if (!(error instanceof KeyNotThere)) throw error
    const reason = `--key names columns that are not in both versions: ${error.columns.join(', ')}`
    throw new EngineError('USAGE', { command: 'diff', reason }, { cause: error })
  }
}

function sampleOption(call: CommandCall): number {
  const text = textOption(call, 'rows')
  if (text === undefined) return call.json ? 0 : ROWS
  return text === '0' ? 0 : wholeNumber('--rows', text, ROWS_MAX)
}

const NOTHING: Comparison = {
  added: 0,
  removed: 0,
  changed: 0,
  unchanged: 0,
  columns: [],
  columnsAdded: [],
  columnsRemoved: [],
  sample: [],
}

/** Parts that are not on the other side too, by their bytes; equal ones are taken in pairs. */
function differing(
  before: readonly StoredPart[],
  after: readonly StoredPart[],
): Readonly<Record<'before' | 'after' | 'same', readonly StoredPart[]>> {
  const bySha = Map.groupBy(before, (part) => part.sha256)
  const same: StoredPart[] = []
  const rest: StoredPart[] = []
  for (const part of after) {
    const twin = bySha.get(part.sha256)?.pop()
    if (twin === undefined) rest.push(part)
    else same.push(part)
  }
  return { before: [...bySha.values()].flat(), after: rest, same }
}

function diffJson(diff: Diff, partition: Readonly<Record<string, string>>): object {
  const { node, from, to, key, comparison, sameRows } = diff
  const { added, removed, changed, unchanged, columns } = comparison
  const both = changed + unchanged + sameRows
  return {
    format_version: FORMAT_VERSION,
    asset: node.asset,
    partition,
    from: versionJson(from),
    to: versionJson(to),
    key: key ?? null,
    rows: { added, removed, changed, unchanged: unchanged + sameRows },
    columns: columns.map(({ name, equal, isApart }) => ({
      column: name,
      equal: equal + sameRows,
      compared: both,
      lineage: isApart,
    })),
    columns_added: comparison.columnsAdded,
    columns_removed: comparison.columnsRemoved,
    sample: comparison.sample,
  }
}
