/**
 * Regular expressions people write in the registry.
 *
 * All are of the syntax that RE2 and JavaScript read alike (engine/table/pattern.ts): those on
 * values run in DuckDB and are explained in JavaScript; those on file names run in JavaScript
 * only and may name their groups. Names are whatever a submitter sends and JavaScript backtracks,
 * so there a repeated group may hold neither a repetition nor alternatives: `(a+)+`, `(a|a)*`.
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
  if (use === 'name' && repeatsAmbiguously(text)) {
    return 'the pattern repeats a group that itself repeats or has alternatives'
  }
  return new Set(names).size < names.length ? 'the pattern names a group twice' : undefined
}

const PIECE = /\\[^]|\[(?:\\[^]|[^\]])*\]|\((?:\?(?::|<\w+>))?|[)|]|(?:[*+?]|\{\d+,?\d*\})\??/g

/** Whether more than one way through a repeated group reads the same text. Of a sound pattern. */
function repeatsAmbiguously(text: string): boolean {
  const open = [false]
  /** of the group that ended just before this place, whether it is ambiguous */
  let ended: { readonly at: number; readonly isAmbiguous: boolean } | undefined
  for (const { 0: piece, index } of text.matchAll(PIECE)) {
    const isQuantifier = /^[*+?{]/.test(piece)
    const repeats = isQuantifier && !/^(?:\?|\{[01]\})/.test(piece)
    if (repeats && ended?.at === index && ended.isAmbiguous) return true
    if (piece.startsWith('(')) open.push(false)
    if (piece === ')') {
      ended = { at: index + 1, isAmbiguous: open.pop() ?? false }
      if (ended.isAmbiguous) open[open.length - 1] = true
    }
    const varies = piece === '|' || (isQuantifier && !/^\{\d+\}/.test(piece))
    if (varies) open[open.length - 1] = true
  }
  return false
}

/** The names of a pattern's groups, in order. */
export const groupNames = (text: string): readonly string[] =>
  [...text.matchAll(NAMED_GROUP)].map(([, name]) => name ?? '')

/** A file-name pattern as it is matched: the whole name, case ignored. */
export const fileNamePattern = (text: string): RegExp => new RegExp(`^(?:${text})$`, 'iu')
