/** `materialize`: makes what is selected current. */
import type { NodeName } from '../core/key.ts'
import { nodeText } from '../core/key.ts'
import type { Outcome, Plan } from '../core/plan.ts'
import { systemClock } from '../run/clock.ts'
import { materialize } from '../run/materialize.ts'
import type { RunReport, RunnerEvent } from '../run/run-state.ts'
import { makePlan } from '../run/planning.ts'
import type { CommandCall, Problem } from './command.ts'
import { flagOption, textOption } from './command.ts'
import { EXIT } from './fault.ts'
import { listenForInterrupts } from './interrupt.ts'
import { partitionOf } from './node-name.ts'
import type { Terminal } from './output.ts'
import type { PlanCall } from './plan-call.ts'
import { openPlanCall, selectionText, wantedPlan } from './plan-call.ts'
import { FORMAT_VERSION } from './plan-json.ts'
import { Progress } from './progress.ts'
import { countText, counted, durationText } from './text.ts'
import { wholeNumber } from './whole-number.ts'

/** Runs `materialize`. */
export async function runMaterialize(call: CommandCall): Promise<number> {
  const wanted = wantedPlan(textOption(call, 'plan'))
  const selection = call.words.length === 0 ? (wanted?.selection ?? '*') : selectionText(call.words)
  const planned = await openPlanCall(call, selection)
  if (flagOption(call, 'dryRun')) {
    const plan = await makePlan(planned.project, planned.options)
    const { showPlan } = await import('./plan.ts')
    showPlan(call, planned, { plan, problems: [] })
    return EXIT.done
  }
  return materializeCall(call, planned, {
    command: 'materialize',
    ...(wanted !== undefined && { planId: wanted.id }),
  })
}

/** One run with progress, summary and exit code; `retry` shares it. */
export async function materializeCall(
  call: CommandCall,
  { opened, project, options }: PlanCall,
  how: { readonly command: string; readonly planId?: string },
): Promise<number> {
  const { terminal, json } = call
  if (json) terminal.printLine({ type: 'version', format_version: FORMAT_VERSION })
  const failuresMax = failuresMaxOf(call)
  const done: Done[] = []
  const progress = json ? undefined : progressOn(terminal)
  using interrupts = listenForInterrupts(terminal)
  const startedMs = systemClock.elapsedMs()
  const report = await materialize(project, {
    ...options,
    ...how,
    concurrency: concurrencyOf(call) ?? opened.concurrency,
    ...(failuresMax !== undefined && { failuresMax }),
    stop: interrupts.stop,
    abort: interrupts.abort,
    onEvent: (event) => {
      if (event.type === 'finished') done.push({ node: event.node, outcome: event.outcome })
      if (event.type === 'failed') done.push({ node: event.node, outcome: 'failed' })
      progress?.observe(event)
      if (json) printEvent(terminal, project.graph, event)
    },
  })
  progress?.end()
  // A run in which nothing happened found nothing, and costs no further look.
  const problems = report.run === undefined ? [] : ((await opened.problems?.(report.run)) ?? [])
  const spentMs = systemClock.elapsedMs() - startedMs
  if (json) printSummary(terminal, project.graph, { report, done, problems })
  else writeSummary(terminal, { report, problems, spentMs })
  return exitCode(report, problems)
}

interface Done {
  readonly node: NodeName
  readonly outcome: Outcome
}

/** As many as a pool has children. */
const JOBS_MAX = 64

type Graph = PlanCall['project']['graph']

function concurrencyOf(call: CommandCall): number | undefined {
  const text = textOption(call, 'jobs')
  if (text === undefined) return undefined
  return wholeNumber('-j', text, JOBS_MAX)
}

function failuresMaxOf(call: CommandCall): number | undefined {
  const text = textOption(call, 'maxFail')
  return text === undefined ? undefined : wholeNumber('--max-fail', text, 1_000_000)
}

function progressOn(terminal: Terminal): Progress {
  // The terminal's library is loaded only when there is something to redraw.
  const openScreen = async () => (await import('./live-screen.ts')).liveScreen()
  return new Progress(terminal, terminal.isLive ? openScreen : undefined, systemClock.elapsedMs)
}

function printEvent(terminal: Terminal, graph: Graph, event: RunnerEvent): void {
  if (event.type === 'planned') {
    const { id, steps, waiting, unchanged } = event.plan
    const counts = { steps: steps.length, waiting: waiting.length, unchanged }
    terminal.printLine({ type: 'planned', run: event.run, plan: id, ...counts })
    return
  }
  const { node, ...rest } = event
  terminal.printLine({
    ...rest,
    asset: node.asset,
    partition: partitionOf(graph, node),
  })
}

function printSummary(
  terminal: Terminal,
  graph: Graph,
  {
    report,
    done,
    problems,
  }: {
    readonly report: RunReport
    readonly done: readonly Done[]
    readonly problems: readonly Problem[]
  },
): void {
  const { run, plan, counts, status, failures } = report
  terminal.printLine({
    type: 'summary',
    run: run ?? null,
    plan: plan.id,
    status,
    ...counts,
    unchanged: plan.unchanged,
    waiting: plan.waiting.length,
    partitions: done.map(({ node, outcome }) => ({
      asset: node.asset,
      partition: partitionOf(graph, node),
      outcome,
    })),
    failures: failures.map(({ node, code, text, hint }) => ({
      asset: node.asset,
      partition: partitionOf(graph, node),
      code,
      text,
      hint,
    })),
    problems,
  })
}

const OUTCOMES = ['built', 'reused', 'cutoff', 'retired', 'failed'] as const
const FAILURES_SHOWN_MAX = 10

/** The summary block on stdout; failures and problems on stderr, before it. */
function writeSummary(
  terminal: Terminal,
  {
    report,
    problems,
    spentMs,
  }: {
    readonly report: RunReport
    readonly problems: readonly Problem[]
    readonly spentMs: number
  },
): void {
  const { run, plan, counts, failures, status } = report
  if (run === undefined) {
    terminal.print(
      `Nothing to do: ${counted(plan.unchanged, 'partition')} unchanged${waitingText(plan)}`,
    )
    return
  }
  const { err } = terminal
  for (const { node, code, text, hint } of failures.slice(0, FAILURES_SHOWN_MAX)) {
    terminal.note(`${err.red('failed')} ${nodeText(node)} ${err.bold(code)}: ${text}`)
    terminal.note(` to do: ${hint}  (tributary help ${code})`)
  }
  const left = failures.length - FAILURES_SHOWN_MAX
  if (left > 0) terminal.note(` and ${countText(left)} more: tributary runs ${run}`)
  for (const { severity, code, subject, words } of problems.slice(0, FAILURES_SHOWN_MAX)) {
    const paint = severity === 'error' ? err.red : err.yellow
    terminal.note(`${paint(severity)} ${err.bold(code)} ${subject}: ${words}`)
  }
  const parts = OUTCOMES.flatMap((outcome) =>
    counts[outcome] === 0 ? [] : [`${countText(counts[outcome])} ${outcome}`],
  )
  const tally = [...parts, `${countText(plan.unchanged)} unchanged`].join(' · ')
  terminal.print(
    `Run ${run} ${status}: ${tally}${waitingText(plan)}  ${terminal.out.dim(durationText(spentMs))}`,
  )
  if (failures.length > 0) terminal.print(`Try again with:  tributary retry ${run}`)
  if (status === 'interrupted') terminal.print('Go on with:  the same command')
}

const waitingText = (plan: Plan): string =>
  plan.waiting.length === 0 ? '' : ` · ${countText(plan.waiting.length)} waiting (tributary plan)`

function exitCode(report: RunReport, problems: readonly Problem[]): number {
  if (report.status === 'interrupted') return EXIT.interrupted
  const isFaulty = problems.some((problem) => problem.severity === 'error')
  return report.failures.length > 0 || isFaulty ? EXIT.failed : EXIT.done
}
