/** What a sync must not activate by accident: a schema that would block months which stand. */
import { activeSchema } from './facts.ts'
import { highestMapping } from './mapping.ts'
import type { Registry } from './registry.ts'
import { readSource } from './source.ts'
import type { Issue, RegistryFile } from './source.ts'

/**
 * One error for each ACTIVE layout without a mapping to a schema that `after` activates in place
 * of the one `before` had. A file type's first schema replaces nothing, so it blocks nothing.
 */
export function blockedActivations(
  before: Registry,
  after: Registry,
  files: readonly RegistryFile[],
): readonly Issue[] {
  return after.schemas.flatMap((schema) => {
    const { fileType, id } = schema
    const replaced = activeSchema(before, fileType)
    if (schema.status !== 'ACTIVE' || replaced === undefined || replaced.id === id) return []
    const unmapped = after.layouts.filter(
      ({ fileType: type, layout, slices }) =>
        type === fileType &&
        slices.route.status === 'ACTIVE' &&
        highestMapping(after.mappings, { fileType, layout, schema: id }) === undefined,
    )
    const path = after.documents.find((one) => one.what === 'schema' && one.id === id)?.path ?? ''
    return [...new Set(unmapped.map(({ layout }) => `${fileType}/${layout}`))].map((layout) => ({
      ...placeOfStatus(files.find((file) => file.path === path)),
      kind: 'error' as const,
      text: `${id} cannot replace ${replaced.id}: layout ${layout} has no ACTIVE mapping to it`,
    }))
  })
}

function placeOfStatus(file: RegistryFile | undefined): Omit<Issue, 'kind' | 'text'> {
  const source = file === undefined ? undefined : readSource(file)
  if (source === undefined || !('at' in source)) {
    return { file: file?.path ?? '', line: 1, column: 1 }
  }
  return source.at(['status'])
}
