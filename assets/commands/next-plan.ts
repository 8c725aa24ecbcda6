/** What the next run would do, shown after a decision or before a sync. */
import type { CommandCall, Plan, Project } from '../../engine/index.ts'
import { makePlan, planDocument, planText } from '../../engine/index.ts'
import type { OpenedPlatform } from './opened.ts'

export interface NextPlan {
  readonly project: Project
  readonly plan: Plan
}

/** Plans everything in a project, or in a variant of it. Writes nothing. */
export async function nextPlan(
  call: CommandCall<OpenedPlatform>,
  project: Project,
): Promise<NextPlan> {
  const plan = await makePlan(project, { actor: { name: call.actor, reason: '' } })
  return { project, plan }
}

/** The plan as text, for a person. */
export function nextPlanText(
  { terminal }: CommandCall<OpenedPlatform>,
  { project, plan }: NextPlan,
  concurrency: number,
): string {
  return planText(plan, {
    graph: project.graph,
    colors: terminal.out,
    target: `store ${project.store.name}`,
    apply: 'tributary materialize',
    all: false,
    concurrency,
  })
}

/** The plan as JSON. */
export const nextPlanJson = ({ project, plan }: NextPlan): object =>
  planDocument(project.graph, plan)
