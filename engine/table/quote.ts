/**
 * The only way a name or a text enters SQL that DuckDB runs.
 *
 * Names come from layouts and mappings, which are hostile input: they are checked against a small
 * alphabet first and quoted second.
 */
import { assert } from '../core/errors.ts'

/** Column, view and alias names: letters, digits and `_`, not starting with a digit, at most 128. */
export const NAME_PATTERN = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/

/** A SQL identifier. Asserts NAME_PATTERN: the registry reader refuses other names with a position. */
export function quoteName(name: string): string {
  assert(NAME_PATTERN.test(name), 'a name that is not [A-Za-z_][A-Za-z0-9_]* reached SQL')
  return `"${name}"`
}

/** A SQL text literal. DuckDB's text has no NUL, and half a character would become another. */
export function quoteText(text: string): string {
  assert(!text.includes('\0'), 'a text with a NUL byte reached SQL')
  assert(text.isWellFormed(), 'a text with half a character reached SQL')
  return `'${text.replaceAll("'", "''")}'`
}
