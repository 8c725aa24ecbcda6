/** `rollback`: a partition shows a kept version again, until it is cleared. */
import type { KeptVersion } from '../catalog/versions.ts'
import { keptVersions } from '../catalog/versions.ts'
import { EngineError, isEngineError } from '../core/errors.ts'
import type { NodeName } from '../core/key.ts'
import type { RollbackFact } from '../core/rollback.ts'
import { materialize } from '../run/materialize.ts'
import type { Project } from '../run/project.ts'
import { clearRollback, rollBack, standingRollbacks } from '../run/rollback.ts'
import type { CommandCall } from './command.ts'
import { flagOption, textOption } from './command.ts'
import { EXIT } from './fault.ts'
import { openLookup, requireNode } from './node-lookup.ts'
import { nodePath, parseNode, partitionOf } from './node-name.ts'
import { FORMAT_VERSION } from './plan-json.ts'
import { alignColumns, countText, isoText, shellWord, timeText } from './text.ts'
import { wholeNumber } from './whole-number.ts'

const COMMIT_MAX = 1_000_000_000

/** Runs `rollback`. */
export async function runRollback(call: CommandCall): Promise<number> {
  const { project } = await call.open({ sync: false })
  const node = parseNode(project.graph, call.words[0] ?? '')
  const to = textOption(call, 'to')
  if (flagOption(call, 'clear')) {
    if (to !== undefined) throw usage('--to and --clear exclude each other')
    return clear(call, project, node)
  }
  return to === undefined ? list(call, project, node) : goBack(call, project, { node, to })
}

async function goBack(
  call: CommandCall,
  project: Project,
  { node, to }: { readonly node: NodeName; readonly to: string },
): Promise<number> {
  const { terminal, json } = call
  const actor = { name: call.actor, reason: reasonOf(call) }
  const commitNumber = wholeNumber('--to', to, COMMIT_MAX)
  const version = await rollBack(project, { node, commitNumber, actor })
  const run = await show(call, project, { node, actor })
  const path = nodePath(node)
  if (json) {
    terminal.printJson({
      format_version: FORMAT_VERSION,
      asset: node.asset,
      partition: partitionOf(project.graph, node),
      rolled_back_to: versionJson(version),
      run: run ?? null,
    })
    return EXIT.done
  }
  terminal.print(`${path} shows commit ${commitNumber} of ${timeText(version.atMs)} again`)
  terminal.print(
    `It takes nothing new until:  tributary rollback ${shellWord(path)} --clear --reason TEXT`,
  )
  return EXIT.done
}

async function clear(call: CommandCall, project: Project, node: NodeName): Promise<number> {
  await clearRollback(project, { node, actor: { name: call.actor, reason: reasonOf(call) } })
  const path = nodePath(node)
  if (call.json) {
    const partition = partitionOf(project.graph, node)
    call.terminal.printJson({ format_version: FORMAT_VERSION, asset: node.asset, partition })
  } else {
    call.terminal.print(`${path} follows its inputs again: the next run makes it current`)
    call.terminal.print(`Look first with:  tributary plan ${shellWord(path)}`)
  }
  return EXIT.done
}

/**
 * Brings the version back now, by a run over this one node that looks at nothing outside. While
 * another run holds the project the decision stands, and that run or the next one carries it out.
 */
async function show(
  { terminal, actor: name }: CommandCall,
  project: Project,
  { node, actor }: { readonly node: NodeName; readonly actor: { readonly reason: string } },
): Promise<number | undefined> {
  try {
    const report = await materialize(
      { ...project, observers: [] },
      {
        selection: nodePath(node),
        actor: { name, reason: actor.reason },
        command: 'rollback',
        concurrency: 1,
      },
    )
    const [failure] = report.failures
    if (failure !== undefined) {
      throw new EngineError('ROLLBACK_REFUSED', { node: nodePath(node), reason: failure.text })
    }
    return report.run
  } catch (error) {
    if (isEngineError(error, 'RUN_BUSY')) {
      terminal.note(
        'The decision is recorded: the run that is going on, or the next, carries it out',
      )
    }
    throw error
  }
}

/** What can be gone back to. */
async function list(call: CommandCall, project: Project, node: NodeName): Promise<number> {
  const row = await requireNode(await openLookup(project), node)
  const versions = await keptVersions(project.catalog.db, row.id)
  const standing = (await standingRollbacks(project)).find(
    (one) => nodePath(one.node) === nodePath(node),
  )?.rollback
  const { terminal, json } = call
  if (json) {
    terminal.printJson({
      format_version: FORMAT_VERSION,
      asset: node.asset,
      partition: partitionOf(project.graph, node),
      rolled_back: standing === undefined ? null : rollbackJson(standing),
      versions: versions.map(versionJson),
    })
    return EXIT.done
  }
  if (standing !== undefined) {
    const { commitNumber, by, reason } = standing
    terminal.print(`Rolled back to commit ${commitNumber} by ${by}: ${reason}`)
  }
  const right = (title: string) => ({ title, align: 'right' }) as const
  const cells = versions.map((one) => [
    String(one.commitNumber),
    timeText(one.atMs),
    String(one.run),
    countText(rowsIn(one.parts)),
    one.contentId.slice(0, 12),
    one.isCurrent ? 'current' : '',
  ])
  const columns = [right('commit'), 'committed', right('run'), right('rows'), 'content', '']
  terminal.print(alignColumns(columns, cells, terminal.out.dim).join('\n'))
  return EXIT.done
}

/** The rows of some parts. */
export const rowsIn = (parts: KeptVersion['parts']): number =>
  parts.reduce((sum, part) => sum + (part.rows ?? 0), 0)

const rollbackJson = ({ commitNumber, contentId, by, reason }: RollbackFact): object => ({
  commit_number: commitNumber,
  content_id: contentId,
  by,
  reason,
})

/** A version as `--json` writes it. */
export const versionJson = (version: KeptVersion): object => ({
  commit_number: version.commitNumber,
  content_id: version.contentId,
  run: version.run,
  committed_at: isoText(version.atMs),
  rows: rowsIn(version.parts),
  current: version.isCurrent,
})

const usage = (reason: string): EngineError =>
  new EngineError('USAGE', { command: 'rollback', reason })

function reasonOf(call: CommandCall): string {
  const reason = textOption(call, 'reason')?.trim() ?? ''
  if (reason === '') throw usage('rollback needs --reason in words')
  return reason
}
