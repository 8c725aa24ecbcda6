/**
 * The registry as the engine observes it: one small fact for everything that a build may read.
 *
 * A fact's slice is canonical: descriptions, key order and white space are not in it, so that an
 * edit of those changes no fact. What only intake reads (routing rules, a layout's `route` slice)
 * is no fact: it decides about new deliveries and rebuilds nothing.
 */
import { canonicalJson, compareText } from '../engine/index.ts'
import type { Json } from '../engine/index.ts'
import { schemaSlice } from './canonical-schema.ts'
import type { CanonicalSchema } from './canonical-schema.ts'
import { codeSetSlice } from './code-set.ts'
import type { FactKind } from './fact-kinds.ts'
import { highestMapping, mappingSlice } from './mapping.ts'
import type { Mapping } from './mapping.ts'
import type { Registry } from './registry.ts'
import { readAcross } from './cross-reads.ts'
import { ruleSetFor } from './rule-set.ts'
import { submitterSlice } from './submitter.ts'
import { varianceSlice } from './variance.ts'

export interface RegistryFact {
  readonly kind: FactKind
  /** one value per dimension */
  readonly key: readonly string[]
  readonly slice: Json
}

/**
 * Every fact of a registry, by kind and key.
 *
 * A layout that is not ACTIVE keeps its facts: submissions that have it are still read. A layout
 * without a mapping to the active schema has no `mapping` fact, which blocks its months.
 */
export function facts(registry: Registry): readonly RegistryFact[] {
  const layouts = registry.layouts.flatMap(({ fileType, layout, version, slices }) => [
    fact('layout_parse', [fileType, layout, version], slices.parse),
    fact('layout_judge', [fileType, layout, version], slices.judge),
    ...(Object.keys(slices.phi).length === 0
      ? []
      : [fact('layout_phi', [fileType, layout, version], slices.phi)]),
  ])
  const names = new Map(
    registry.layouts.map(({ fileType, layout }) => [`${fileType}/${layout}`, { fileType, layout }]),
  )
  const byLayout = [...names.values()].flatMap(({ fileType, layout }) => {
    const set = ruleSetFor(registry.ruleSets, { fileType, layout })
    const mapping = activeMapping(registry, { fileType, layout })
    return [
      fact('rules_measure', [fileType, layout], set?.measure ?? []),
      fact('rules_judge', [fileType, layout], set?.judge ?? {}),
      ...(mapping === undefined
        ? []
        : [fact('mapping', [fileType, layout], mappingSlice(mapping))]),
    ]
  })
  const schemas = registry.schemas
    .filter(({ status }) => status === 'ACTIVE')
    .map((schema) => fact('schema', [schema.fileType], schemaSlice(schema)))
  const submitters = registry.submitters.map((submitter) =>
    fact('submitter', [submitter.id], submitterSlice(submitter)),
  )
  const codeSets = Map.groupBy(registry.codeSets, ({ name }) => name)
  const all = [
    ...layouts,
    ...byLayout,
    ...schemas,
    ...submitters,
    ...varianceFacts(registry),
    ...readAcross(registry.ruleSets).map((fileType) => fact('read_across', [fileType], true)),
    ...[...codeSets].map(([name, versions]) => fact('code_set', [name], codeSetSlice(versions))),
  ]
  return all.toSorted(
    (a, b) => compareText(a.kind, b.kind) || compareText(a.key.join('/'), b.key.join('/')),
  )
}

const fact = (kind: FactKind, key: readonly string[], slice: unknown): RegistryFact => ({
  kind,
  key,
  // Through its canonical text, so that what is kept is exactly what is compared.
  slice: JSON.parse(canonicalJson(slice)) as Json,
})

function varianceFacts({ variances }: Registry): readonly RegistryFact[] {
  const groups = Map.groupBy(variances, ({ submitter, fileType }) => `${submitter}/${fileType}`)
  return [...groups].map(([key, group]) =>
    fact(
      'variances',
      key.split('/'),
      group.map(varianceSlice).toSorted((a, b) => compareText(a.rule, b.rule)),
    ),
  )
}

/** The ACTIVE schema of a file type. */
export const activeSchema = (registry: Registry, fileType: string): CanonicalSchema | undefined =>
  registry.schemas.find((schema) => schema.fileType === fileType && schema.status === 'ACTIVE')

/** The mapping in use for a layout: the highest ACTIVE one to the file type's ACTIVE schema. */
export function activeMapping(
  registry: Registry,
  layout: { readonly fileType: string; readonly layout: string },
): Mapping | undefined {
  const schema = activeSchema(registry, layout.fileType)
  if (schema === undefined) return undefined
  return highestMapping(registry.mappings, { ...layout, schema: schema.id })
}
