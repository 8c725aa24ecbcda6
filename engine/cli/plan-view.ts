/**
 * A plan as a person reads it: what is built where, and why, by asset and leading key values.
 *
 * Bounded whatever the plan's size: a group shows its first causes and says how many more there
 * are. Partitions of one group with the same causes share a line.
 */
import type { AssetGraph } from '../core/graph.ts'
import { parseKey } from '../core/key.ts'
import type { Cause, Plan, Step, Verdict, Waiting } from '../core/plan.ts'
import { nodePath } from './node-name.ts'
import type { Colors } from './output.ts'
import { alignColumns, countText, counted, durationText } from './text.ts'

export interface PlanViewOptions {
  readonly graph: AssetGraph
  readonly colors: Colors
  /** first line: where this plan would write */
  readonly target: string
  /** how to run it; undefined for a plan of what is not there */
  readonly apply: string | undefined
  /** every partition and cause, not only the first */
  readonly all: boolean
  readonly concurrency: number
}

const LINES_OF_GROUP_MAX = 8
const GROUPS_MAX = 40
const WAITING_MAX = 12
/** Characters of keys on one line. */
const KEYS_WIDTH = 48

/** The whole text, without a final line end. */
export function planText(plan: Plan, options: PlanViewOptions): string {
  const { colors, target, apply, all } = options
  const head = `Plan ${colors.bold(plan.id)} ${target}  ${colors.dim('(dry: nothing is written)')}`
  if (plan.steps.length === 0 && plan.waiting.length === 0) {
    return `${head}\nNothing to do: ${counted(plan.unchanged, 'partition')} unchanged`
  }
  const groups = groupSteps(plan.steps)
  const shown = all ? groups : groups.slice(0, GROUPS_MAX)
  const rows = shown.flatMap((group) => groupRows(group, options))
  const lines = [head, ...(rows.length > 0 ? ['', ...alignColumns(['', '', ''], rows)] : [])]
  if (groups.length > shown.length) {
    lines.push(`  and ${countText(groups.length - shown.length)} more groups: --json or --all`)
  }
  lines.push(...waitingLines(plan.waiting, options), '', `  ${totals(plan, options.concurrency)}`)
  if (apply !== undefined && plan.steps.length > 0) lines.push(`Apply with:  ${apply}`)
  return lines.join('\n')
}

interface Group {
  readonly asset: string
  /** leading key values, all but the last */
  readonly lead: string
  readonly steps: readonly Step[]
}

function groupSteps(steps: readonly Step[]): readonly Group[] {
  const groups = new Map<string, { asset: string; lead: string; steps: Step[] }>()
  for (const step of steps) {
    const lead = parseKey(step.key).slice(0, -1).join('/')
    const name = `${step.asset}\0${lead}`
    const group = groups.get(name) ?? { asset: step.asset, lead, steps: [] }
    groups.set(name, group)
    group.steps.push(step)
  }
  return [...groups.values()]
}

const VERDICTS: readonly Verdict[] = ['build', 'maybe', 'reuse', 'retire']

function verdictCounts(steps: readonly Step[]): string {
  return VERDICTS.flatMap((verdict) => {
    const count = steps.filter((step) => step.verdict === verdict).length
    return count === 0 ? [] : [`${countText(count)} ${verdict}`]
  }).join(', ')
}

function groupRows(group: Group, { colors, all }: PlanViewOptions): readonly (readonly string[])[] {
  const title = `  ${colors.bold(group.asset)} ${group.lead}`
  const lines = linesOf(group.steps)
  const shown = all ? lines : lines.slice(0, LINES_OF_GROUP_MAX)
  const left = lines.slice(shown.length).reduce((sum, line) => sum + line.keys.length, 0)
  return [
    [title.trimEnd(), verdictCounts(group.steps)],
    ...shown.map((line) => [`    ${keysText(line.keys, all)}`, line.verdict, line.why]),
    ...(left > 0 ? [[`    and ${countText(left)} more: --json or --all`]] : []),
  ]
}

interface Line {
  readonly verdict: string
  readonly why: string
  readonly keys: string[]
}

/** Steps with the same verdict and causes, together, in order of the first. */
function linesOf(steps: readonly Step[]): readonly Line[] {
  const lines = new Map<string, Line>()
  for (const step of steps) {
    const own = parseKey(step.key).at(-1) ?? ''
    const why = whyText(step, own)
    const name = `${step.verdict}\0${why}`
    const line = lines.get(name) ?? { verdict: step.verdict, why, keys: [] }
    lines.set(name, line)
    line.keys.push(own)
  }
  return [...lines.values()]
}

/** As many keys as fit, the rest counted: months fit, submission ids do not. */
function keysText(keys: readonly string[], all: boolean): string {
  if (all) return keys.join(' ')
  let shown = 1
  let width = keys[0]?.length ?? 0
  while (shown < keys.length && width + 1 + (keys[shown]?.length ?? 0) <= KEYS_WIDTH) {
    width += 1 + (keys[shown]?.length ?? 0)
    shown += 1
  }
  const named = keys.slice(0, shown).join(' ')
  return shown === keys.length ? named : `${named} and ${countText(keys.length - shown)} more`
}

const CAUSES_SHOWN_MAX = 2

/** The causes of a step in words; `own` is its last key value, said already. */
function whyText(step: Step, own: string): string {
  if (step.causes[0]?.kind === 'new') return 'new'
  const texts = step.causes.slice(0, CAUSES_SHOWN_MAX).map((cause) => causeText(cause, own))
  const more = step.causes.length + step.causesMore - texts.length
  const rest = more > 0 ? [`and ${counted(more, 'cause')} more`] : []
  const kept = step.partsKept ?? 0
  const parts = kept > 0 && (step.partsToCompute ?? 0) > 0 ? [`keeps ${counted(kept, 'part')}`] : []
  return [...texts, ...rest, ...parts].join('; ')
}

/** One cause in words; a key that ends like the partition's is said without that end. */
function causeText(cause: Cause, own: string): string {
  const name = nameText(cause, own)
  const places = cause.pointers?.map((pointer) => pointer || 'all of it').join(' ')
  switch (cause.kind) {
    case 'new':
      return 'new'
    case 'input':
      return places === undefined ? `${name} changed` : `${name} changed at ${places}`
    case 'added':
      return `${name} added`
    case 'removed':
      return `${name} removed`
    case 'recipe':
      return `the recipe of ${cause.key ?? 'this asset'} changed`
    case 'missing':
      return `missing: ${cause.reason ?? 'a part is not in the store'}`
    case 'forced':
      return `forced: ${cause.reason ?? ''}`
    case 'upstream':
      return `only if ${name} changes`
  }
}

function nameText({ asset = '', key = '' }: Cause, own: string): string {
  const values = parseKey(key)
  const short = values.length > 1 && values.at(-1) === own
  return `${asset} ${(short ? values.slice(0, -1) : values).join('/')}`.trimEnd()
}

function waitingLines(
  waiting: readonly Waiting[],
  { colors, all }: PlanViewOptions,
): readonly string[] {
  if (waiting.length === 0) return []
  const shown = all ? waiting : waiting.slice(0, WAITING_MAX)
  const rows = shown.map((one) => [`    ${nodePath(one)}`, one.kind, one.why])
  const left = waiting.length - shown.length
  return [
    '',
    `  ${colors.yellow('waiting')}  ${countText(waiting.length)}`,
    ...alignColumns(['', '', ''], rows),
    ...(left > 0 ? [`    and ${countText(left)} more: --json or --all`] : []),
  ]
}

function totals(plan: Plan, concurrency: number): string {
  const known = plan.steps.filter(
    (step) => step.verdict === 'build' && step.estimateMs !== undefined,
  )
  const ms = known.reduce((sum, step) => sum + (step.estimateMs ?? 0), 0) / Math.max(1, concurrency)
  return [
    ...(plan.steps.length === 0 ? ['nothing to build'] : [verdictCounts(plan.steps)]),
    ...(plan.waiting.length === 0 ? [] : [`${countText(plan.waiting.length)} waiting`]),
    `${countText(plan.unchanged)} unchanged`,
    ...(known.length === 0 ? [] : [`about ${durationText(ms)} from past builds`]),
  ].join(' · ')
}
