/** `runs`: the list, or one run's builds by asset and its failures. */
import { sql } from 'kysely'
import type { Connection } from '../catalog/open.ts'
import type { CommandCall } from './command.ts'
import { textOption } from './command.ts'
import { EXIT } from './fault.ts'
import { wholeNumber } from './whole-number.ts'
import { FORMAT_VERSION } from './plan-json.ts'
import type { RunRow } from './run-rows.ts'
import { countsText, findRun, runFailures, runJson } from './run-rows.ts'
import { alignColumns, countText, durationText, timeText } from './text.ts'

const LIMIT = 20

/** Runs `runs`. */
export async function runRuns(call: CommandCall): Promise<number> {
  const { project } = await call.open({ sync: false })
  const { db } = project.catalog
  return call.words.length === 0 ? listRuns(call, db) : showRun(call, db)
}

async function listRuns(call: CommandCall, db: Connection): Promise<number> {
  const { terminal } = call
  const limit = wholeNumber('--limit', textOption(call, 'limit') ?? String(LIMIT), 100_000)
  const runs = await db.selectFrom('run').selectAll().orderBy('id', 'desc').limit(limit).execute()
  if (call.json) {
    terminal.printJson({ format_version: FORMAT_VERSION, runs: runs.map(runJson) })
    return EXIT.done
  }
  if (runs.length === 0) terminal.print('No run yet')
  else {
    const rows = runs.map((run) => [
      String(run.id),
      timeText(run.started_ms),
      run.ended_ms === null ? '' : durationText(run.ended_ms - run.started_ms),
      run.command,
      run.actor,
      run.status,
      countsText(run),
    ])
    const columns = ['run', 'started', 'took', 'command', 'actor', 'status', 'outcome']
    terminal.print(alignColumns(columns, rows, terminal.out.dim).join('\n'))
  }
  return EXIT.done
}

interface AssetOutcome {
  readonly asset: string
  readonly outcome: string
  readonly builds: number
  readonly rows: number
  readonly ms: number
}

async function showRun(call: CommandCall, db: Connection): Promise<number> {
  const { terminal } = call
  const run = (await findRun(db, call.words[0])) as RunRow
  const builds = await buildsOf(db, run.id)
  const failures = await runFailures(db, run.id)
  if (call.json) {
    terminal.printJson({ format_version: FORMAT_VERSION, ...runJson(run), builds, failures })
    return EXIT.done
  }
  const head = [
    ['run', `${run.id}  ${run.status}`],
    ['command', run.command],
    ['actor', run.actor],
    ...(run.reason === null || run.reason === '' ? [] : [['reason', run.reason]]),
    ['plan', run.plan ?? ''],
    ['started', timeText(run.started_ms)],
    ['ended', run.ended_ms === null ? 'not yet' : timeText(run.ended_ms)],
  ]
  terminal.print(alignColumns(['', ''], head).join('\n'))
  if (builds.length > 0) {
    const rows = builds.map((one) => [
      one.asset,
      one.outcome,
      countText(one.builds),
      one.rows === 0 ? '' : countText(one.rows),
      durationText(one.ms),
    ])
    const right = (title: string) => ({ title, align: 'right' }) as const
    const columns = ['asset', 'outcome', right('builds'), right('rows'), right('build time')]
    terminal.print(`\n${alignColumns(columns, rows, terminal.out.dim).join('\n')}`)
  }
  for (const { node, code, text } of failures) terminal.print(`\nfailed ${node} ${code}: ${text}`)
  if (failures.length > 0) terminal.print(`\nTry again with:  tributary retry ${run.id}`)
  return EXIT.done
}

async function buildsOf(db: Connection, run: number): Promise<readonly AssetOutcome[]> {
  // PostgreSQL gives sums as text.
  const { rows } = await sql<{ [Name in keyof AssetOutcome]: string }>`
    select a.name as asset, b.outcome, count(*) as builds, coalesce(sum(b.rows), 0) as rows,
      coalesce(sum(b.ms), 0) as ms
    from build b join node n on n.id = b.node join asset a on a.id = n.asset
    where b.run = ${run} group by a.id, a.name, b.outcome order by a.id, b.outcome`.execute(db)
  return rows.map((row) => ({
    ...row,
    builds: Number(row.builds),
    rows: Number(row.rows),
    ms: Number(row.ms),
  }))
}
