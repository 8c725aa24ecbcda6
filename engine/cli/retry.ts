/** `retry`: builds again what failed in a run, and what could not start because of it. */
import type { CommandCall } from './command.ts'
import { EXIT } from './fault.ts'
import { materializeCall } from './materialize.ts'
import { nodeOfText, selectionOf } from './node-name.ts'
import { openPlanCall } from './plan-call.ts'
import { findRun, runFailures } from './run-rows.ts'
import { counted } from './text.ts'

/** Partitions of one selection: a selection's text has a limit. */
const NODES_OF_RUN_MAX = 50

/** Runs `retry`. */
export async function runRetry(call: CommandCall): Promise<number> {
  const { project } = await call.open()
  const run = await findRun(project.catalog.db, call.words[0])
  const failures = run === undefined ? [] : await runFailures(project.catalog.db, run.id)
  const nodes = failures.flatMap(({ node }) => nodeOfText(node) ?? [])
  if (nodes.length === 0) {
    call.terminal.print(run === undefined ? 'No run yet' : `Nothing failed in run ${run.id}`)
    return EXIT.done
  }
  call.terminal.note(`${counted(nodes.length, 'partition')} failed in run ${run?.id}`)
  let code: number = EXIT.done
  for (let at = 0; at < nodes.length; at += NODES_OF_RUN_MAX) {
    const selection = selectionOf(nodes.slice(at, at + NODES_OF_RUN_MAX), '+')
    const planned = await openPlanCall(call, selection)
    code = Math.max(code, await materializeCall(call, planned, { command: 'retry' }))
    if (code === EXIT.interrupted) return code
  }
  return code
}
