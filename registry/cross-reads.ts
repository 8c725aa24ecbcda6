/**
 * What rules read beside the rows of the submission they judge: other files of the same submitter,
 * and the months before. Pure.
 */
import type { MeasuredRule, RuleSet } from './rule-set.ts'
import { HISTORY_MONTHS } from './rule-set.ts'

/** What the rules of one submission need of others. */
export interface CrossNeeds {
  /** by file type: how many months before its own a row may be looked up in */
  readonly files: Readonly<Record<string, number>>
  /** months of its own file type before its first */
  readonly historyMonths: number
}

/** undefined: the rules look at the submission alone. */
export function crossNeeds(rules: readonly MeasuredRule[]): CrossNeeds | undefined {
  const files: Record<string, number> = {}
  let historyMonths = 0
  for (const rule of rules) {
    if (rule.kind === 'TREND') historyMonths = HISTORY_MONTHS
    if (rule.kind !== 'CROSS_FILE') continue
    const { fileType } = rule.params.in
    files[fileType] = Math.max(files[fileType] ?? 0, rule.params.backMonths)
  }
  if (historyMonths === 0 && Object.keys(files).length === 0) return undefined
  return { files, historyMonths }
}

/** The file types whose standing months some rule reads, in order. */
export function readAcross(ruleSets: readonly RuleSet[]): readonly string[] {
  const found = ruleSets.flatMap(({ fileType, measure }) => {
    const needs = crossNeeds(measure)
    if (needs === undefined) return []
    return [...Object.keys(needs.files), ...(needs.historyMonths > 0 ? [fileType] : [])]
  })
  return [...new Set(found)].toSorted()
}
