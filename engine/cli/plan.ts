/** `plan`: what a run would do and why. Writes nothing. */
import { writeFileSync } from 'node:fs'
import { makePlan } from '../run/planning.ts'
import type { Plan } from '../core/plan.ts'
import type { CommandCall, OpenProject, Problem } from './command.ts'
import { flagOption, textOption } from './command.ts'
import { EngineError } from '../core/errors.ts'
import { EXIT } from './fault.ts'
import type { PlanCall } from './plan-call.ts'
import { applyCommand, openPlanCall, selectionText } from './plan-call.ts'
import { planDocument } from './plan-json.ts'
import { planText } from './plan-view.ts'

/** Runs `plan`. */
export async function runPlan(call: CommandCall): Promise<number> {
  const planned = await openPlanCall(call, selectionText(call.words))
  const whatIf = textOption(call, 'whatIf')
  const project = whatIf === undefined ? planned.project : await asIf(planned.opened, whatIf)
  const plan = await makePlan(project, planned.options)
  const problems = (await planned.opened.planNotes?.(plan.steps)) ?? []
  const output = textOption(call, 'output')
  const document = planDocument(project.graph, plan)
  if (output !== undefined) writeFileSync(output, `${JSON.stringify(document, null, 2)}\n`)
  showPlan(call, { ...planned, project }, { plan, problems })
  return flagOption(call, 'detailedExitcode') && plan.steps.length > 0 ? EXIT.pending : EXIT.done
}

/** A plan as this call wants it: for people or for programs. */
export function showPlan(
  call: CommandCall,
  { opened, project }: Pick<PlanCall, 'opened' | 'project'>,
  { plan, problems }: { readonly plan: Plan; readonly problems: readonly Problem[] },
): void {
  const { terminal } = call
  const document = planDocument(project.graph, plan)
  if (call.json) {
    terminal.printJson(problems.length === 0 ? document : { ...document, problems })
    return
  }
  const isReal = textOption(call, 'whatIf') === undefined
  terminal.print(
    planText(plan, {
      graph: project.graph,
      colors: terminal.out,
      target: `store ${project.store.name} · catalog ${project.catalog.name}`,
      apply: isReal ? applyCommand(call, plan.id) : undefined,
      all: flagOption(call, 'all'),
      concurrency: opened.concurrency,
    }),
  )
  for (const { severity, code, subject, words } of problems) {
    terminal.note(`${severity} ${code} ${subject}: ${words}`)
  }
}

async function asIf(opened: OpenProject, files: string): Promise<PlanCall['project']> {
  if (opened.whatIf !== undefined) return opened.whatIf(files.split(','))
  throw new EngineError('USAGE', { command: 'plan', reason: 'this project has no --what-if' })
}
