/**
 * Regular expressions people write in the registry.
 *
 * All are of the syntax that RE2 and JavaScript read alike (engine/table/pattern.ts): those on
 * values run in DuckDB and are explained in JavaScript; those on file names run in JavaScript
 * only and may name their groups.
 */
import { patternProblem } from '../engine/index.ts'

/** `data`: on values, by both engines; `name`: on file names, with named groups. */
export type PatternUse = 'data' | 'name'

const NAMED_GROUP = /\(\?<([A-Za-z]\w{0,30})>/g

/** What is wrong with a pattern, in words; undefined: nothing. */
export function patternFault(text: string, use: PatternUse): string | undefined {
  const problem = patternProblem(use === 'name' ? text.replaceAll(NAMED_GROUP, '(') : text)
  if (problem !== null) return `the pattern ${problem}`
  const names = groupNames(text)
  return new Set(names).size < names.length ? 'the pattern names a group twice' : undefined
}

/** The names of a pattern's groups, in order. */
export const groupNames = (text: string): readonly string[] =>
  [...text.matchAll(NAMED_GROUP)].map(([, name]) => name ?? '')

/** A file-name pattern as it is matched: the whole name, case ignored. */
export const fileNamePattern = (text: string): RegExp => new RegExp(`^(?:${text})$`, 'iu')
