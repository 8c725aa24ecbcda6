/** Plans as lines, and what a run did of them. */
import type { Plan } from '../../engine/index.ts'

export const stepLines = (plan: Plan): readonly string[] =>
  plan.steps.map((step) => `${step.asset} ${step.key} ${step.verdict}`).toSorted()

/**
 * The promise of a plan: every `build` ran, and nothing unlisted did.
 *
 * A submission's id holds the time at which it was taken in, which a plan made before does not
 * know; so ids are compared by the digest in them.
 */
export function promisesBroken(plan: Plan, log: readonly string[]): readonly string[] {
  const withoutTime = (text: string): string => text.replaceAll(/\d{8}T\d{9}Z-/g, '')
  const ran = new Set(log.map((line) => withoutTime(line.slice(0, line.lastIndexOf(' ')))))
  const listed = plan.steps.map((step) => ({
    node: withoutTime(`${step.asset} ${step.key}`),
    mustRun: step.verdict === 'build',
  }))
  const names = new Set(listed.map(({ node }) => node))
  return [
    ...listed.filter((one) => one.mustRun && !ran.has(one.node)).map((one) => `idle: ${one.node}`),
    ...[...ran].filter((node) => !names.has(node)).map((node) => `unlisted: ${node}`),
  ]
}
