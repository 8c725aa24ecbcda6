/**
 * Routing rules: from a file's name to its file type and declared period.
 *
 * A rule's pattern matches a whole base name, case ignored. The named groups `begin` and `end`
 * are months as YYYYMM; `begin` alone is a period of one month. Rules of one submitter come
 * before rules of any; then the lowest priority number wins (seed 003, submitter_file_config).
 */
import { z } from 'zod'
import { leaf, pattern } from './fields.ts'
import { closed, wholeDocument } from './shape.ts'
import { fileNamePattern } from './pattern.ts'

export const routingDocument = wholeDocument({
  rules: z
    .array(
      closed({
        pattern: pattern('name'),
        file_type: leaf.fileType,
        layout: leaf.layoutReference.exactOptional(),
        submitter: leaf.id.exactOptional().describe('only files of this submitter'),
        state: leaf.state.exactOptional().describe('instead of the submitter’s'),
        priority: z.int().min(0).exactOptional().describe('the lowest wins; 100 by default'),
      }),
    )
    .min(1),
})
export type RoutingDocument = z.output<typeof routingDocument>

export interface RoutingRule {
  readonly pattern: string
  readonly fileType: string
  readonly layout?: string
  readonly submitter?: string
  readonly state?: string
  readonly priority: number
}

/** A rule that matched a name. Months are `YYYY-MM`, inclusive. */
export interface RoutingMatch {
  readonly rule: RoutingRule
  readonly period?: { readonly begin: string; readonly end: string }
}

const PRIORITY = 100

export const routingRules = (document: RoutingDocument): readonly RoutingRule[] =>
  document.rules.map((rule) => ({
    pattern: rule.pattern,
    fileType: rule.file_type,
    priority: rule.priority ?? PRIORITY,
    ...(rule.layout !== undefined && { layout: rule.layout }),
    ...(rule.submitter !== undefined && { submitter: rule.submitter }),
    ...(rule.state !== undefined && { state: rule.state }),
  }))

/**
 * The rules of the best rank that match a file name; more than one file type among them is
 * ambiguous, and never a guess. A name whose months are impossible or reversed does not match.
 */
export function matchRouting(
  rules: readonly RoutingRule[],
  file: { readonly name: string; readonly submitter: string },
): readonly RoutingMatch[] {
  const own = rules.filter((rule) => (rule.submitter ?? file.submitter) === file.submitter)
  const matches = own.flatMap((rule) => {
    const found = fileNamePattern(rule.pattern).exec(file.name)
    return found === null ? [] : matched(rule, found.groups ?? {})
  })
  const best = Math.min(...matches.map(({ rule }) => rank(rule)))
  return matches.filter(({ rule }) => rank(rule) === best)
}

const rank = (rule: RoutingRule): number =>
  rule.priority + (rule.submitter === undefined ? Number.MAX_SAFE_INTEGER / 2 : 0)

function matched(rule: RoutingRule, groups: Readonly<Record<string, string>>): RoutingMatch[] {
  if (groups['begin'] === undefined) return [{ rule }]
  const [begin, end] = [groups['begin'], groups['end'] ?? groups['begin']].map(monthOf)
  if (begin === undefined || end === undefined || begin > end) return []
  return [{ rule, period: { begin, end } }]
}

/** `202403` as `2024-03`; undefined for anything else. */
export function monthOf(text: string): string | undefined {
  const [, year, month] = /^(\d{4})(0[1-9]|1[0-2])$/.exec(text) ?? []
  return year === undefined ? undefined : `${year}-${month}`
}
