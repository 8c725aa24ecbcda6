/** The decisions of a person about submissions: each recorded with actor and reason. */
import type { CommandCall } from '../../engine/index.ts'
import { EXIT, EngineError, parseKey, textOption } from '../../engine/index.ts'
import { monthsOf } from '../../registry/period.ts'
import type { Decision } from '../decisions.ts'
import { decide } from '../decisions.ts'
import { layoutParts } from '../facts.ts'
import { nextPlan, nextPlanJson, nextPlanText } from './next-plan.ts'
import type { OpenedPlatform } from './opened.ts'
import { requireReason } from './reason.ts'
import { submissionRow } from './submission-rows.ts'

type Call = CommandCall<OpenedPlatform>

/** Runs `submissions withdraw`. */
export async function runWithdraw(call: Call): Promise<number> {
  return decideAll(call, 'withdraw', [{ kind: 'withdraw', submission: call.words[0] ?? '' }])
}

/** Runs `submissions confirm`. */
export const runConfirm = async (call: Call): Promise<number> => judge(call, 'confirm')

/** Runs `submissions reject`. */
export const runReject = async (call: Call): Promise<number> => judge(call, 'reject')

async function judge(call: Call, kind: 'confirm' | 'reject'): Promise<number> {
  const months = monthsOption(call) ?? 'all'
  return decideAll(call, kind, [{ kind, submission: call.words[0] ?? '', months }])
}

/** Runs `submissions pin`. */
export async function runPin(call: Call): Promise<number> {
  const clear = textOption(call, 'clear')
  if (clear !== undefined) return decideAll(call, 'pin', [clearing(clear)])
  const { project } = await call.open()
  const [submission] = call.words
  if (submission === undefined) throw usage('submissions pin needs a submission, or --clear')
  const row = await submissionRow(project.catalog.db, submission)
  const period = monthsOf({ first: row.first_month ?? '', last: row.last_month ?? '' })
  const months = monthsOption(call) ?? period
  const { state, file_type: fileType, submitter_id: submitter } = row
  if (state === null || months.length === 0) {
    const reason = 'it is not routed, so it has no months'
    throw new EngineError('DECISION_INVALID', { subject: submission, reason })
  }
  return decideAll(
    call,
    'pin',
    months.map((month) => ({
      kind: 'pin',
      submission,
      month: { state, fileType, submitter, month },
    })),
  )
}

function clearing(partition: string): Decision {
  const [state = '', fileType = '', submitter = '', month = ''] = parseKey(
    partition.replace(/^winner[/[]/, '').replace(/\]$/, ''),
  )
  if (month === '') throw usage('--clear needs state/file_type/submitter/YYYY-MM')
  return { kind: 'pin', submission: undefined, month: { state, fileType, submitter, month } }
}

/** Runs `submissions route`. */
export async function runRoute(call: Call): Promise<number> {
  const { project, platform } = await call.open()
  const submission = call.words[0] ?? ''
  const row = await submissionRow(project.catalog.db, submission)
  const layout = textOption(call, 'layout') ?? row.layout_id ?? ''
  const { readFolder } = await import('../registry-sync.ts')
  const registry = await readFolder(platform.config.root)
  if (!registry.layouts.some(({ id }) => id === layout)) {
    const known = registry.layouts.map(({ id }) => id).join(', ')
    throw usage(`--layout needs one of: ${known}`)
  }
  const submitter = registry.submitters.find(({ id }) => id === row.submitter_id)
  const state = textOption(call, 'state') ?? row.state ?? submitter?.state
  if (state === undefined) throw usage('--state is needed: the submitter is not in the registry')
  const period = textOption(call, 'period')
  const [first = row.first_month, last = first] = period?.split(':') ?? [
    row.first_month,
    row.last_month,
  ]
  if (first === null || last === null) throw usage('--period is needed, as 2024-01:2024-03')
  const { fileType } = layoutParts(layout)
  return decideAll(call, `route as ${fileType}`, [
    { kind: 'route', submission, layout, state, first, last },
  ])
}

const usage = (reason: string): EngineError =>
  new EngineError('USAGE', { command: 'submissions', reason })

function monthsOption(call: Call): readonly string[] | undefined {
  const months = textOption(call, 'month')?.split(',')
  const wrong = months?.find((month) => !/^\d{4}-(0[1-9]|1[0-2])$/.test(month))
  if (wrong === undefined) return months
  throw usage(`--month needs YYYY-MM, several by comma: ${wrong} is none`)
}

/** Records the decisions, then says what the next run would do about them. */
async function decideAll(
  call: Call,
  name: string,
  decisions: readonly Decision[],
): Promise<number> {
  const { terminal } = call
  const reason = requireReason(call, `submissions ${name.split(' ')[0]}`)
  const { project, concurrency } = await call.open()
  for (const decision of decisions) await decide(project, decision, { name: call.actor, reason })
  const next = await nextPlan(call, project)
  if (call.json) {
    terminal.printJson({ format_version: '1.0', decisions, plan: nextPlanJson(next) })
    return EXIT.done
  }
  const subjects = new Set(decisions.map((decision) => decision.submission ?? 'the pin'))
  terminal.print(`Recorded: ${name} ${[...subjects].join(', ')}, by ${call.actor}: ${reason}`)
  terminal.print(nextPlanText(call, next, concurrency))
  return EXIT.done
}
