/** `backup` and `restore`: the catalog to a place and back, with what the store has to have. */
import { backUp, restore } from '../run/backup.ts'
import type { CommandCall } from './command.ts'
import { flagOption, textOption } from './command.ts'
import { EXIT } from './fault.ts'
import { showLongWork } from './long-work.ts'
import { FORMAT_VERSION } from './plan-json.ts'
import { counted } from './text.ts'

/** Runs `backup`. */
export async function runBackup(call: CommandCall): Promise<number> {
  const { terminal, json } = call
  const { project, backupPlace } = await call.open({ sync: false })
  const place = await backupPlace(call.words[0] ?? '')
  const work = await showLongWork(terminal, json)
  try {
    const backup = await backUp(project, place, {
      actor: { name: call.actor, reason: textOption(call, 'reason') ?? '' },
      withParts: flagOption(call, 'withParts'),
      onProgress: work.show,
    })
    if (json) terminal.printJson({ format_version: FORMAT_VERSION, place: place.name, ...backup })
    else {
      const parts = counted(backup.parts.lines, 'part')
      terminal.print(
        `${place.name}: revision ${backup.revision}, ${counted(backup.catalog.lines, 'line')}, ${parts} ${backup.with_parts ? 'copied' : 'named'}`,
      )
    }
    return EXIT.done
  } finally {
    work.end()
  }
}

/** Runs `restore`: 0, or 3 when the store lacks parts that the next run makes again. */
export async function runRestore(call: CommandCall): Promise<number> {
  const { terminal, json } = call
  const { project, backupPlace, catalogAt } = await call.open({ sync: false })
  const place = await backupPlace(call.words[0] ?? '')
  const into = textOption(call, 'into')
  const other = into === undefined ? undefined : await catalogAt(into)
  const work = await showLongWork(terminal, json)
  try {
    const actor = { name: call.actor, reason: textOption(call, 'reason') ?? 'a restore' }
    const told = await restore({ ...project, catalog: other ?? project.catalog }, place, { actor })
    const { putBack, ...rest } = told
    if (json) terminal.printJson({ format_version: FORMAT_VERSION, ...rest, put_back: putBack })
    else {
      const back = putBack === 0 ? '' : `, ${counted(putBack, 'part')} put back`
      terminal.print(
        `${counted(told.rows, 'row')}, and since the backup ${counted(told.nodes, 'partition')} and ${counted(told.objects, 'journal object')} from the store${back}`,
      )
      printLagging(terminal, told.lagging)
      for (const one of told.lost) terminal.print(`lost  ${one}; the next run makes it again`)
      terminal.print('See what is left to do with:  tributary plan')
    }
    return told.lost.length === 0 ? EXIT.done : EXIT.pending
  } finally {
    work.end()
    await other?.close()
  }
}

/** A projection is mended where the store may be written to. */
export function printLagging(terminal: CommandCall['terminal'], count: number): void {
  if (count === 0) return
  terminal.print(`${counted(count, 'partition')} not shown as they are:  tributary fsck --repair`)
}
