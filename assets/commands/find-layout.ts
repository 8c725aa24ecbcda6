/** The layout a person names. */
import { EngineError, nearestName } from '../../engine/index.ts'
import type { Layout } from '../../registry/layout.ts'
import type { Registry } from '../../registry/registry.ts'

/** A layout by its id; without a version its highest. Throws USAGE with what is near. */
export function findLayout({ layouts }: Registry, reference: string, command: string): Layout {
  const found = layouts.findLast(({ id }) => id === reference || id.startsWith(`${reference}/`))
  if (found !== undefined) return found
  const ids = layouts.map(({ id }) => id)
  const nearest = nearestName(reference, ids)
  const meant = nearest === undefined ? `there are: ${ids.join(', ')}` : `did you mean ${nearest}?`
  throw new EngineError('USAGE', { command, reason: `no layout ${reference}; ${meant}` })
}
