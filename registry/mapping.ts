/**
 * Mappings: how one layout's rows become canonical rows, one for one.
 *
 * `mappings/{file_type}/{layout}/v{n}.json` names the schema it maps to; the highest ACTIVE
 * version to the file type's ACTIVE schema is used. A target column has one rule, or a list of
 * rules of which a later one applies from its `since` month on; so an edit with `since` rebuilds
 * no month before it.
 *
 * A rule is one of: `source` (a column), `const` (a value), `coalesce` (the first column that is
 * not empty), `expr` (expression.ts), `map` (a lookup: value → value), `month` (of a date). All
 * but `month` may have a `cast`, a type on the way to the target's.
 */
import { z } from 'zod'
import { assert } from '../engine/index.ts'
import { canonicalType } from './canonical-schema.ts'
import { readExpression } from './expression.ts'
import { leaf, sqlText } from './fields.ts'
import { compareVersions } from './names.ts'
import { closed, exactlyOne, wholeDocument } from './shape.ts'
import type { Scalar } from './fields.ts'

/** The kinds of mapping rule; a rule has exactly one of them. */
const RULE_KINDS = ['source', 'const', 'coalesce', 'expr', 'map', 'month'] as const

/** A text that readExpression reads; its issue knows where in the text. */
const expression = z.string().superRefine((text, context) => {
  const read = readExpression(text)
  if (!('problem' in read)) return
  const { problem, offset } = read
  context.addIssue({ code: 'custom', message: problem, params: { offset } })
})

const rule = exactlyOne(
  closed({
    source: leaf.column.exactOptional(),
    cast: canonicalType.exactOptional().describe('a type on the way to the target’s'),
    const: leaf.scalar.exactOptional(),
    coalesce: z.array(leaf.column).min(2).exactOptional().describe('the first that is not empty'),
    expr: expression.exactOptional().describe('a scalar SQL expression over the row’s columns'),
    map: closed({
      source: leaf.column,
      values: z
        .record(sqlText, leaf.scalar)
        .refine((values) => Object.keys(values).length > 0, 'a lookup has a value')
        .meta({ minProperties: 1 })
        .describe('a lookup; any other value becomes default, or empty'),
      default: leaf.scalar.exactOptional(),
    }).exactOptional(),
    month: closed({ source: leaf.column }).exactOptional().describe('%Y-%m of a date'),
    since: leaf.month.exactOptional(),
  }),
  RULE_KINDS,
)
export type RuleDocument = z.output<typeof rule>

export const mappingDocument = wholeDocument({
  schema: z.string().regex(/^[a-z][a-z0-9_]{0,63}\/v[1-9]\d{0,8}$/, 'a schema is file_type/vN'),
  status: leaf.status,
  columns: z.record(leaf.column, z.union([rule, z.array(rule).min(1)])),
})
export type MappingDocument = z.output<typeof mappingDocument>

const cell = z.union([leaf.scalar, z.null()])
const sampleRow = z.record(leaf.column, cell)

/** `v{n}.test.json` beside a mapping: rows as silver has them, and the canonical rows expected. */
export const mappingTestDocument = wholeDocument({
  month: leaf.month.exactOptional().describe('the month the rules are taken of'),
  rows: z.array(sampleRow).min(1),
  expect: z.array(sampleRow).min(1),
})
export type MappingTest = z.output<typeof mappingTestDocument>

type RuleKind =
  | { readonly source: string }
  | { readonly const: Scalar }
  | { readonly coalesce: readonly string[] }
  /** as readExpression writes it: white space and redundant brackets are no edit */
  | { readonly expr: string }
  | {
      readonly map: {
        readonly source: string
        readonly values: Readonly<Record<string, Scalar>>
        readonly default?: Scalar
      }
    }
  | { readonly month: { readonly source: string } }

/** One rule without what is not part of it: exactly one of the members, but for `cast`. */
export type MappingRule = RuleKind & { readonly cast?: string }

/** `since`: the first month a rule applies to; the first rule of a column may have none. */
export type DatedRule = MappingRule & { readonly since?: string }

export interface Mapping {
  readonly fileType: string
  readonly layout: string
  /** `v1` */
  readonly version: string
  /** `medical/synthea/v1` */
  readonly id: string
  /** the schema it maps to, `medical/v1` */
  readonly schema: string
  readonly status: 'ACTIVE' | 'INACTIVE'
  /** by canonical column; rules in order of `since` */
  readonly columns: Readonly<Record<string, readonly DatedRule[]>>
  readonly tests?: MappingTest
}

/** The rules in force in one month: what a canonical part of that month reads of a mapping. */
export interface MonthMapping {
  readonly schema: string
  readonly columns: Readonly<Record<string, MappingRule>>
}

/** A mapping document's rules as lists, descriptions dropped. */
export const mappingColumns = (document: MappingDocument): Mapping['columns'] =>
  Object.fromEntries(
    Object.entries(document.columns).map(([target, rules]) => [
      target,
      [rules].flat().map(ruleSlice),
    ]),
  )

function ruleSlice(document: RuleDocument): DatedRule {
  const { cast, since } = document
  return {
    ...ruleKind(document),
    ...(cast !== undefined && { cast }),
    ...(since !== undefined && { since }),
  }
}

function ruleKind({ source, coalesce, expr, map, month: dated, ...rest }: RuleDocument): RuleKind {
  if (source !== undefined) return { source }
  if (coalesce !== undefined) return { coalesce }
  if (expr !== undefined) {
    const read = readExpression(expr)
    assert(!('problem' in read), 'a mapping expression passed its reader and cannot be read')
    return { expr: read.sql }
  }
  if (dated !== undefined) return { month: { source: dated.source } }
  if (map !== undefined) {
    const { source: from, values, default: other } = map
    return { map: { source: from, values, ...(other !== undefined && { default: other }) } }
  }
  assert(rest.const !== undefined, 'a mapping rule without a kind passed its reader')
  return { const: rest.const }
}

/** The whole mapping as a fact: its version's name, its schema, every rule with its `since`. */
export const mappingSlice = ({
  version,
  schema,
  columns,
}: Mapping): Pick<Mapping, 'version' | 'schema' | 'columns'> => ({ version, schema, columns })

/** The mapping of one layout to one schema: the highest ACTIVE version; undefined: none. */
export const highestMapping = (
  mappings: readonly Mapping[],
  wanted: { readonly fileType: string; readonly layout: string; readonly schema: string },
): Mapping | undefined =>
  mappings
    .filter(
      (mapping) =>
        mapping.status === 'ACTIVE' &&
        mapping.fileType === wanted.fileType &&
        mapping.layout === wanted.layout &&
        mapping.schema === wanted.schema,
    )
    .toSorted((a, b) => compareVersions(b.version, a.version))[0]
