/** `logs`: what a run did, build by build, in order of time. */
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Connection } from '../catalog/open.ts'
import { nodeText } from '../core/key.ts'
import type { CommandCall } from './command.ts'
import { flagOption, textOption } from './command.ts'
import { EXIT } from './fault.ts'
import { FORMAT_VERSION } from './plan-json.ts'
import { findRun } from './run-rows.ts'
import { countText, durationText, isoText, timeText } from './text.ts'

interface LogLine {
  readonly id: number
  readonly atMs: number
  readonly node: string
  readonly outcome: string
  readonly ms: number
  readonly rows: number | null
  readonly error: string | null
}

const POLL_MS = 500
/** Lines read at once. */
const PAGE = 5000

/** Runs `logs`. With `--json` one line each, as NDJSON. */
export async function runLogs(call: CommandCall): Promise<number> {
  const { terminal, json } = call
  const { project } = await call.open({ sync: false })
  const { db } = project.catalog
  const run = await findRun(db, textOption(call, 'run'))
  if (json) terminal.printLine({ type: 'version', format_version: FORMAT_VERSION })
  if (run === undefined) {
    if (!json) terminal.print('No run yet')
    return EXIT.done
  }
  const say = (ms: number, words: string): void => {
    if (!json) terminal.print(`${timeText(ms)}  run ${run.id}  ${words}`)
  }
  say(run.started_ms, `${run.command} by ${run.actor}`)
  for (let after = 0; ; await sleep(POLL_MS)) {
    // Asked before the lines are read: what ends the run comes after its last line.
    const now = await findRun(db, String(run.id))
    after = await printAfter(call, db, { run: run.id, after })
    const isFollowed = flagOption(call, 'follow') && !terminal.readerLeft.aborted
    if (now?.ended_ms == null && isFollowed) continue
    if (now?.ended_ms != null) say(now.ended_ms, now.status)
    return EXIT.done
  }
}

/** Prints the lines after one; returns the last one's id. */
async function printAfter(
  call: CommandCall,
  db: Connection,
  { run, after }: { readonly run: number; readonly after: number },
): Promise<number> {
  for (let last = after; ;) {
    const lines = await linesAfter(db, run, last)
    for (const line of lines) printLine(call, line)
    last = lines.at(-1)?.id ?? last
    if (lines.length < PAGE) return last
  }
}

function printLine({ terminal, json }: CommandCall, line: LogLine): void {
  const { atMs, node, outcome, ms, rows, error } = line
  if (json) {
    terminal.printLine({ at: isoText(atMs), node, outcome, ms, rows, error })
    return
  }
  const more = [
    ...(rows === null ? [] : [`${countText(rows)} rows`]),
    durationText(ms),
    ...(error === null ? [] : [error]),
  ].join('  ')
  const word = outcome === 'failed' ? terminal.out.red(outcome) : outcome
  terminal.print(`${timeText(atMs)}  ${word.padEnd(7)}  ${node}  ${more}`.trimEnd())
}

async function linesAfter(db: Connection, run: number, after: number): Promise<readonly LogLine[]> {
  const { rows } = await sql<
    Omit<LogLine, 'node'> & { readonly asset: string; readonly key: string }
  >`
    select b.id, b.at_ms as "atMs", a.name as asset, n.key, b.outcome, b.ms, b.rows, b.error
    from build b join node n on n.id = b.node join asset a on a.id = n.asset
    where b.run = ${run} and b.id > ${after} order by b.id limit ${sql.lit(PAGE)}`.execute(db)
  return rows.map(({ asset, key, ...row }) => ({ ...row, node: nodeText({ asset, key }) }))
}
