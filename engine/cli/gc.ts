/** `gc`: removes residue and what is beyond retention. */
import { EngineError } from '../core/errors.ts'
import type { GcReport, Retention } from '../run/gc.ts'
import { collectGarbage } from '../run/gc.ts'
import type { CommandCall } from './command.ts'
import { flagOption, textOption } from './command.ts'
import { EXIT } from './fault.ts'
import { FORMAT_VERSION } from './plan-json.ts'
import { alignColumns, countText } from './text.ts'

/** Runs `gc`. */
export async function runGc(call: CommandCall): Promise<number> {
  const { project, retention } = await call.open({ sync: false })
  const isDryRun = flagOption(call, 'dryRun')
  const report = await collectGarbage(project, {
    retention: ageOf(textOption(call, 'olderThan')) ?? retention,
    actor: { name: call.actor, reason: textOption(call, 'reason') ?? '' },
    isDryRun,
  })
  print(call, report, isDryRun)
  return EXIT.done
}

const HOUR_MS = 60 * 60 * 1000
const UNIT_MS: Readonly<Record<string, number>> = { h: HOUR_MS, d: 24 * HOUR_MS }

function ageOf(text: string | undefined): Retention | undefined {
  if (text === undefined) return undefined
  const [, count, unit = ''] = /^(\d{1,5})([hd])$/.exec(text) ?? []
  const unitMs = UNIT_MS[unit]
  if (unitMs === undefined) {
    const reason = `--older-than takes an age as 7d or 12h: ${text} is none`
    throw new EngineError('USAGE', { command: 'gc', reason })
  }
  const ageMs = Number(count) * unitMs
  return { historyMs: ageMs, logsMs: ageMs }
}

function print({ terminal, json }: CommandCall, report: GcReport, isDryRun: boolean): void {
  if (json) {
    terminal.printJson({ format_version: FORMAT_VERSION, dry_run: isDryRun, ...report })
    return
  }
  const right = { title: '', align: 'right' } as const
  const verb = isDryRun ? 'would go' : 'removed'
  const rows = [
    ...report.removed.map(({ what, count }) => [verb, countText(count), what, '']),
    ...report.kept.map(({ what, count, why }) => ['kept', countText(count), what, why]),
  ]
  terminal.print(alignColumns(['', right, '', ''], rows).join('\n'))
  if (isDryRun) terminal.print('Remove it with:  tributary gc')
}
