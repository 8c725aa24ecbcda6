/**
 * The pieces every registry document is made of: ids, versions, months, thresholds, and objects
 * that refuse unknown properties.
 *
 * Schemas here hold shapes only, so that they export to JSON Schema for editors as they are;
 * what a shape cannot say is checked in *-checks.ts, where positions are known.
 */
import { z } from 'zod'
import { compareText, NAME_PATTERN } from '../engine/index.ts'
import { patternFault, type PatternUse } from './pattern.ts'

/** A file type: also a view's name, so letters, digits and `_` only. */
export const FILE_TYPE = /^[a-z][a-z0-9_]{0,63}$/
/** A submitter, a layout, a rule file: one folder name of an object's path. */
export const ID = /^(?!.*\.\.)[a-z0-9_][a-z0-9_.-]{0,63}$/
/** `v2`, or a submitter guide's own number like `2019.0.0`. No leading zeros: one text a version. */
export const LAYOUT_VERSION = /^v?(?:0|[1-9]\d{0,8})(?:\.(?:0|[1-9]\d{0,8})){0,3}$/
/** `v2`: of a canonical schema or a mapping. */
export const VERSION = /^v[1-9]\d{0,8}$/
const MONTH = /^\d{4}-(?:0[1-9]|1[0-2])$/

const PROPERTY_SHOWN_MAX = 60

export const fileType = z.string().regex(FILE_TYPE, `a file type is ${FILE_TYPE.source}`)
export const id = z.string().regex(ID, `an id is ${ID.source}`)
export const column = z.string().regex(NAME_PATTERN, `a column name is ${NAME_PATTERN.source}`)
/** `YYYY-MM` */
export const month = z.string().regex(MONTH, 'a month is YYYY-MM')
/** `YYYY-MM-DD` */
export const day = z.iso.date('a day is YYYY-MM-DD')
export const state = z.string().regex(/^[A-Z]{2}$/, 'a state is two capital letters')
export const status = z.enum(['ACTIVE', 'INACTIVE'])
export const ruleId = z.string().regex(/^[a-z][a-z0-9_]{0,63}$/, 'a rule id is [a-z][a-z0-9_]*')
/** `medical/synthea` or one version of it, `medical/synthea/v1` */
export const layoutReference = z
  .string()
  .regex(/^[a-z][a-z0-9_]*\/[a-z0-9_.-]+(?:\/[a-z0-9.]+)?$/, 'a layout is file_type/layout')
/** What a mapping writes or a rule compares with: text, a number or a truth value. */
export const scalar = z.union([z.string().max(1024), z.number(), z.boolean()])
export type Scalar = z.output<typeof scalar>

/** A regular expression that JavaScript and RE2 read alike. */
export const pattern = (use: PatternUse) =>
  z.string().superRefine((text, context) => {
    const fault = patternFault(text, use)
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault })
  })

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

/** How many records may fail: a number of them, or a share of all. Exactly one is there. */
export const threshold = exactlyOne(
  closed({
    count: z.int().min(0).exactOptional(),
    share: z.number().min(0).max(1).exactOptional(),
  }),
  ['count', 'share'],
)
export interface Threshold {
  /** failures allowed, inclusive */
  readonly count?: number
  /** failures allowed as a share of all records, 0..1, inclusive */
  readonly share?: number
}

/** Orders versions by their numbers: v10 after v9, 2019.0.0 before 2019.1. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.replace(/^v/, '').split('.').map(Number))
  const parts = Math.max(left?.length ?? 0, right?.length ?? 0)
  for (let at = 0; at < parts; at++) {
    const difference = (left?.[at] ?? 0) - (right?.[at] ?? 0)
    if (difference !== 0) return difference
  }
  return compareText(a, b)
}

function unknownProperty(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known)
  const hint = nearest === undefined ? `known: ${known.join(', ')}` : `did you mean ${nearest}?`
  return `unknown property ${shown(name)}; ${hint}`
}

/** A name from a file, quoted and cut to 60 characters. */
export const shown = (name: string): string => JSON.stringify(name.slice(0, PROPERTY_SHOWN_MAX))

/** The known name within two edits (case ignored), if there is one. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const text = name.slice(0, PROPERTY_SHOWN_MAX).toLowerCase()
  return known
    .map((candidate) => ({ candidate, edits: editDistance(text, candidate.toLowerCase()) }))
    .filter(({ candidate, edits }) => edits <= Math.min(2, Math.floor(candidate.length / 2)))
    .toSorted((a, b) => a.edits - b.edits)[0]?.candidate
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
