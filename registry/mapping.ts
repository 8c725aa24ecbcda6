/**
 * Mappings: how one layout's rows become canonical rows, one for one.
 *
 * `mappings/{file_type}/{layout}/v{n}.json` names the schema it maps to; the highest ACTIVE
 * version to the file type's ACTIVE schema is used. A target column has one rule, or a list of
 * rules of which a later one applies from its `since` month on; so an edit with `since` rebuilds
 * no month before it.
 */
import { z } from 'zod'
import { assert } from '../engine/index.ts'
import { canonicalType } from './canonical-schema.ts'
import { leaf } from './fields.ts'
import { compareVersions } from './names.ts'
import { closed, exactlyOne, wholeDocument } from './shape.ts'
import type { Scalar } from './fields.ts'

/** The kinds of mapping rule; a rule has exactly one of them. */
const RULE_KINDS = ['source', 'const', 'coalesce', 'map', 'month'] as const

const rule = exactlyOne(
  closed({
    source: leaf.column.exactOptional(),
    cast: canonicalType.exactOptional().describe('with source: a type on the way to the target'),
    const: leaf.scalar.exactOptional(),
    coalesce: z.array(leaf.column).min(2).exactOptional().describe('the first that is not empty'),
    map: closed({
      source: leaf.column,
      values: z
        .record(z.string(), leaf.scalar)
        .describe('any other value becomes default, or empty'),
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

/** One rule without what is not part of it: exactly one of the members, but for `cast`. */
export type MappingRule =
  | { readonly source: string; readonly cast?: string }
  | { readonly const: Scalar }
  | { readonly coalesce: readonly string[] }
  | {
      readonly map: {
        readonly source: string
        readonly values: Readonly<Record<string, Scalar>>
        readonly default?: Scalar
      }
    }
  | { readonly month: { readonly source: string } }

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
  const since = document.since === undefined ? {} : { since: document.since }
  return { ...ruleKind(document), ...since }
}

function ruleKind({
  source,
  cast,
  coalesce,
  map,
  month: dated,
  ...rest
}: RuleDocument): MappingRule {
  if (source !== undefined) return cast === undefined ? { source } : { source, cast }
  if (coalesce !== undefined) return { coalesce }
  if (dated !== undefined) return { month: { source: dated.source } }
  if (map !== undefined) {
    const { source: from, values, default: other } = map
    return { map: { source: from, values, ...(other !== undefined && { default: other }) } }
  }
  assert(rest.const !== undefined, 'a mapping rule without a kind passed its reader')
  return { const: rest.const }
}

/** The layout columns a rule reads. */
export function ruleSources(dated: MappingRule): readonly string[] {
  if ('source' in dated) return [dated.source]
  if ('coalesce' in dated) return dated.coalesce
  if ('map' in dated) return [dated.map.source]
  if ('month' in dated) return [dated.month.source]
  return []
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
