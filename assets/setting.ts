/** One setting of a project: its value, and where it came from. */
import { readFileSync } from 'node:fs'

export type Origin = 'flag' | 'environment' | 'tributary.json' | 'default'

export interface Setting<Value> {
  readonly value: Value
  readonly origin: Origin
  /** never printed */
  readonly isSecret?: boolean
}

export type Environment = Readonly<Record<string, string | undefined>>

/** A variable's value, or the text of the file that `NAME_FILE` names; undefined: neither is set. */
export function fromEnvironment(environment: Environment, name: string): string | undefined {
  const file = environment[`${name}_FILE`]
  if (file !== undefined && file !== '') return readFileSync(file, 'utf8').trim()
  const value = environment[name]
  return value === '' ? undefined : value
}

/** The first of the variables that is set; undefined: none is. */
export function firstOf(
  environment: Environment,
  names: readonly string[],
): Setting<string> | undefined {
  for (const name of names) {
    const value = fromEnvironment(environment, name)
    if (value !== undefined) return { value, origin: 'environment' }
  }
  return undefined
}
