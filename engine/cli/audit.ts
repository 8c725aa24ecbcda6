/** `audit list` and `audit verify`: who changed what and why, and whether that record is whole. */
import { EngineError } from '../core/errors.ts'
import { verifyAudit } from '../run/anchor.ts'
import type { CommandCall } from './command.ts'
import { textOption } from './command.ts'
import { EXIT } from './fault.ts'
import { FORMAT_VERSION } from './plan-json.ts'
import { alignColumns, counted, isoText, timeText } from './text.ts'
import { wholeNumber } from './whole-number.ts'

const LIMIT = 50

/** Runs `audit list`: the last rows, newest first. */
export async function runAuditList(call: CommandCall): Promise<number> {
  const { terminal } = call
  const { project } = await call.open({ sync: false })
  const actor = textOption(call, 'actor')
  const limit = wholeNumber('--limit', textOption(call, 'limit') ?? String(LIMIT), 100_000)
  let query = project.catalog.db.selectFrom('audit').selectAll()
  if (actor !== undefined) query = query.where('actor', '=', actor)
  query = query.where('at_ms', '>=', sinceMs(textOption(call, 'since')))
  const found = await query.orderBy('seq', 'desc').limit(limit).execute()
  if (call.json) {
    const rows = found.map(({ at_ms: atMs, ...row }) => ({ at: isoText(atMs), ...row }))
    terminal.printJson({ format_version: FORMAT_VERSION, rows })
    return EXIT.done
  }
  if (found.length === 0) terminal.print('Nothing was changed')
  else {
    const rows = found.map((row) => [
      String(row.seq),
      timeText(row.at_ms),
      row.actor,
      row.action,
      row.subject,
      row.run === null ? '' : String(row.run),
      row.reason,
    ])
    const columns = ['row', 'at', 'actor', 'action', 'subject', 'run', 'reason']
    terminal.print(alignColumns(columns, rows, terminal.out.dim).join('\n'))
  }
  return EXIT.done
}

const DATE = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z)?$/

/** A day or instant in UTC as milliseconds; 0 when none was given. Throws USAGE. */
function sinceMs(text: string | undefined): number {
  if (text === undefined) return 0
  const ms = DATE.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(ms)) {
    const reason = '--since is a day or an instant in UTC, as 2026-01-31 or 2026-01-31T08:00Z'
    throw new EngineError('USAGE', { command: 'audit list', reason })
  }
  return ms
}

/** Runs `audit verify`: 1 when the chain, an anchor or a change without a row says otherwise. */
export async function runAuditVerify(call: CommandCall): Promise<number> {
  const { terminal, json } = call
  const { project } = await call.open({ sync: false })
  const verdict = await verifyAudit(project)
  const isWhole = verdict.faultCount === 0
  const exitCode = isWhole ? EXIT.done : EXIT.failed
  if (json) {
    const { rows, head, anchors, endedAnchors, faults, faultCount } = verdict
    const more = { anchors, ended_anchors: endedAnchors, faults, fault_count: faultCount }
    terminal.printJson({ format_version: FORMAT_VERSION, holds: isWhole, rows, head, ...more })
    return exitCode
  }
  const { green, red } = terminal.out
  for (const fault of verdict.faults) terminal.print(`${red('broken')}  ${fault}`)
  if (verdict.faultCount > verdict.faults.length)
    terminal.print(`and ${verdict.faultCount - verdict.faults.length} more`)
  if (isWhole) {
    const ended = verdict.endedAnchors === 0 ? '' : `, ${verdict.endedAnchors} of an ended chain`
    const said = `${counted(verdict.rows, 'row')} chained, ${counted(verdict.anchors, 'anchor')}${ended}`
    terminal.print(`${green('holds')}  ${said}; the last is ${verdict.head.hash}`)
  }
  return exitCode
}
