/**
 * Objects of registry files: closed, so that a misspelt property is an error and not a silence.
 *
 * Schemas hold shapes only, so that they export to JSON Schema for editors as they are; what a
 * shape cannot say is checked in *-checks.ts, where positions are known.
 */
import { z } from 'zod'
import { nearestName, shown } from '../engine/index.ts'

/**
 * An object that refuses unknown properties, each with the nearest known one.
 *
 * `description` is allowed everywhere and belongs to no slice. The message has one line for each
 * unknown key, in the order of the issue's `keys`.
 */
export function closed<const Shape extends z.ZodRawShape>(shape: Shape) {
  const whole = { ...shape, description: z.string().exactOptional() }
  const known = Object.keys(whole)
  return z.strictObject(whole, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => unknownProperty(key, known)).join('\n')
        : undefined,
  })
}

/** The outermost object of a file: editors find its JSON Schema by `$schema`. */
export const wholeDocument = <const Shape extends z.ZodRawShape>(shape: Shape) =>
  closed({ ...shape, $schema: z.string().exactOptional() })

/** An object of which exactly one of `names` must be there. */
export function exactlyOne<Schema extends z.ZodType<object>>(
  schema: Schema,
  names: readonly string[],
): Schema {
  return schema
    .refine((value) => names.filter((name) => name in value).length === 1, {
      error: `exactly one of ${names.join(', ')} must be there`,
    })
    .meta({ oneOf: names.map((name) => ({ required: [name] })) })
}

function unknownProperty(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known)
  const hint = nearest === undefined ? `known: ${known.join(', ')}` : `did you mean ${nearest}?`
  return `unknown property ${shown(name)}; ${hint}`
}
