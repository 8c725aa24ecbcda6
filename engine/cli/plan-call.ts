/** What `plan` and `materialize` share: their selection and the options that change a plan. */
import { existsSync, readFileSync } from 'node:fs'
import { EngineError } from '../core/errors.ts'
import type { PlanOptions } from '../run/planning.ts'
import type { Observation, Project } from '../run/project.ts'
import { verifyStore } from '../run/verify-store.ts'
import type { CommandCall, OpenProject } from './command.ts'
import { flagOption, textOption } from './command.ts'
import { shellWord } from './text.ts'

/** Several words are a union: `plan silver raw` is `silver or raw`. */
export const selectionText = (words: readonly string[]): string =>
  words.length === 0
    ? '*'
    : words.length === 1
      ? (words[0] ?? '*')
      : words.map((word) => `(${word})`).join(' or ')

export interface PlanCall {
  readonly opened: OpenProject
  readonly project: Project
  readonly options: PlanOptions
}

/** Opens the project as the options say. Throws CONFIG_…, CATALOG_…, REGISTRY_INVALID. */
export async function openPlanCall(call: CommandCall, selection: string): Promise<PlanCall> {
  const opened = await call.open({ sync: call.options['sync'] !== false })
  const reason = textOption(call, 'force')
  if (reason !== undefined && reason.trim() === '') {
    throw new EngineError('USAGE', { command: 'plan', reason: '--force needs a reason in words' })
  }
  const also: Observation[] = flagOption(call, 'verify')
    ? [await verifyStore(opened.project, selection === '*' ? {} : { selection })]
    : []
  const actor = { name: call.actor, reason: reason ?? textOption(call, 'reason') ?? '' }
  return {
    opened,
    project: opened.project,
    options: { selection, actor, also, ...(reason !== undefined && { force: true }) },
  }
}

/** A plan named by its id, or by the file `plan -o` wrote. */
export interface WantedPlan {
  readonly id: string
  readonly selection?: string
}

/** Reads `--plan ID|FILE`. */
export function wantedPlan(text: string | undefined): WantedPlan | undefined {
  if (text === undefined) return undefined
  if (!existsSync(text)) return { id: text }
  try {
    const saved = JSON.parse(readFileSync(text, 'utf8')) as { id?: unknown; selection?: unknown }
    if (typeof saved.id !== 'string') throw new SyntaxError('no id')
    const { selection } = saved
    return { id: saved.id, ...(typeof selection === 'string' && { selection }) }
  } catch (error) {
    const reason = `${text} is no plan that \`tributary plan -o\` wrote`
    throw new EngineError('USAGE', { command: 'materialize', reason }, { cause: error })
  }
}

/** The command that applies a plan made with these options. */
export function applyCommand(call: CommandCall, planId: string): string {
  const force = textOption(call, 'force')
  const words = [
    'tributary materialize',
    ...call.words.map(shellWord),
    `--plan ${planId}`,
    ...(force === undefined ? [] : [`--force ${shellWord(force)}`]),
    ...(flagOption(call, 'verify') ? ['--verify'] : []),
    ...(call.options['sync'] === false ? ['--no-sync'] : []),
  ]
  return words.join(' ')
}
