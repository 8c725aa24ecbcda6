/** `rebuild-catalog`: an empty catalog becomes what the store says. */
import type { Project } from '../run/project.ts'
import type { RolledForward } from '../run/roll-forward.ts'
import { rebuildCatalog } from '../run/roll-forward.ts'
import { printLagging } from './backup.ts'
import type { CommandCall } from './command.ts'
import { textOption } from './command.ts'
import { EXIT } from './fault.ts'
import { showLongWork } from './long-work.ts'
import type { LongWork } from './long-work.ts'
import { FORMAT_VERSION } from './plan-json.ts'
import { counted } from './text.ts'

/** Runs `rebuild-catalog`: 0, or 3 when the store lacks parts that the next run makes again. */
export async function runRebuildCatalog(call: CommandCall): Promise<number> {
  const { project, catalogAt } = await call.open({ sync: false })
  const into = textOption(call, 'into')
  const work = await showLongWork(call.terminal, call.json)
  const other = into === undefined ? undefined : await catalogAt(into)
  try {
    const told = await rebuild(call, { ...project, catalog: other ?? project.catalog }, work)
    print(call, told, into)
    return told.lost.length === 0 ? EXIT.done : EXIT.pending
  } finally {
    work.end()
    await other?.close()
  }
}

async function rebuild(
  call: CommandCall,
  project: Project,
  work: LongWork,
): Promise<RolledForward> {
  const reason = textOption(call, 'reason') ?? 'the catalog was lost'
  const actor = { name: call.actor, reason }
  return rebuildCatalog(project, { actor, onProgress: work.show })
}

function print({ terminal, json }: CommandCall, told: RolledForward, into?: string): void {
  if (json) {
    terminal.printJson({ format_version: FORMAT_VERSION, ...told })
    return
  }
  const { objects, entries, nodes, parts, lost, unknown } = told
  terminal.print(
    `${counted(entries, 'entry').replace(/entrys$/, 'entries')} of ${counted(objects, 'journal object')}, ${counted(nodes, 'partition')}, ${counted(parts, 'part')}`,
  )
  printLagging(terminal, told.lagging)
  for (const one of lost) terminal.print(`lost  ${one}; the next run makes it again`)
  if (unknown > 0) {
    terminal.note(`${counted(unknown, 'thing')} of assets this version does not have were left out`)
  }
  terminal.print('Not in the store, and not restored: runs, events, history of parses and checks')
  const where = into === undefined ? '' : '  (with that catalog in tributary.json)'
  terminal.print(`Take it up with:  tributary materialize${where}`)
}
