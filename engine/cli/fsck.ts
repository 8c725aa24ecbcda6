/** `fsck`: catalog, store, manifests and every byte, one line for each fault; `--repair` mends. */
import type { FsckFault, FsckReport } from '../run/fsck.ts'
import { fsck, repairStore } from '../run/fsck.ts'
import type { CommandCall } from './command.ts'
import { flagOption, textOption } from './command.ts'
import { EXIT } from './fault.ts'
import { showLongWork } from './long-work.ts'
import { materializeCall } from './materialize.ts'
import { openPlanCall } from './plan-call.ts'
import { FORMAT_VERSION } from './plan-json.ts'
import { counted } from './text.ts'

/** Runs `fsck`: 0 all is well or was mended, 1 faults stay, 3 the next run has parts to make. */
export async function runFsck(call: CommandCall): Promise<number> {
  const isRepair = flagOption(call, 'repair')
  const planned = await openPlanCall({ ...call, options: { ...call.options, sync: false } }, '*')
  const { project } = planned
  const report = await reportOf(call, project, isRepair)
  const isBuilding = isRepair && flagOption(call, 'build') && report.marked > 0
  print(call, report, { isRepair, isBuilding })
  if (!isRepair) return report.faults.length === 0 ? EXIT.done : EXIT.failed
  if (report.marked === 0) return EXIT.done
  if (!isBuilding) return EXIT.pending
  return materializeCall(call, planned, { command: 'fsck' })
}

async function reportOf(
  call: CommandCall,
  project: Parameters<typeof fsck>[0],
  isRepair: boolean,
): Promise<FsckReport> {
  const work = await showLongWork(call.terminal, call.json)
  const options = {
    onProgress: ({ what, done, of }: { what: string; done: number; of: number }) =>
      work.show(what, done, of),
  }
  try {
    if (!isRepair) return await fsck(project, options)
    const actor = { name: call.actor, reason: textOption(call, 'reason') ?? 'fsck --repair' }
    return await repairStore(project, { ...options, actor })
  } finally {
    work.end()
  }
}

function print(
  { terminal, json }: CommandCall,
  report: FsckReport,
  { isRepair, isBuilding }: { readonly isRepair: boolean; readonly isBuilding: boolean },
): void {
  const { checked, faults, marked } = report
  if (json) {
    const document = { format_version: FORMAT_VERSION, checked, repaired: isRepair, marked, faults }
    // What a run prints after it is NDJSON.
    if (isBuilding) terminal.printLine({ type: 'fsck', ...document })
    else terminal.printJson(document)
    return
  }
  for (const fault of faults) terminal.print(line(terminal, fault, isRepair))
  const looked = `${counted(checked.partitions, 'partition')}, ${counted(checked.parts, 'part')}, ${counted(checked.manifests, 'manifest')}`
  if (faults.length === 0) {
    terminal.print(`${looked}: all is as the catalog says`)
    return
  }
  terminal.print(`${looked}: ${counted(faults.length, 'fault')}`)
  if (!isRepair) terminal.print('Mend them with:  tributary fsck --repair')
  else if (marked > 0 && !isBuilding) {
    terminal.print(`${counted(marked, 'build')} left for:  tributary materialize`)
  }
}

const line = (
  { out }: CommandCall['terminal'],
  { kind, subject, words, repair }: FsckFault,
  isRepair: boolean,
): string =>
  `${out.red(kind)}  ${subject}: ${words}; ${isRepair ? 'repair: ' : '--repair: '}${repair}`
