/** The current parts of one node as local files, for readers inside the product. */
import { retainedBuilds } from '../catalog/builds.ts'
import { findNodes } from '../catalog/nodes.ts'
import type { PartFile } from '../core/asset.ts'
import type { NodeName } from '../core/key.ts'
import type { Project } from './project.ts'
import { loadDefinitions } from './project.ts'

/**
 * A node's parts, each checked against its SHA-256; none for a node that is absent or unknown.
 * Throws PART_MISSING, PART_CHANGED.
 */
export async function partFiles(project: Project, node: NodeName): Promise<readonly PartFile[]> {
  const { catalog, store } = project
  const { ids } = await loadDefinitions(project.graph, catalog, false)
  const [row] = await findNodes(catalog, ids, [node])
  if (row === undefined || row.version === 0) return []
  const builds = await retainedBuilds(catalog, [row.id], 'current')
  const parts = builds.get(row.id)?.[0]?.parts ?? []
  return Promise.all(
    parts.map(async (part) => ({
      name: part.name,
      path: await store.fetch(part),
      sizeBytes: part.sizeBytes,
      rows: part.rows ?? undefined,
    })),
  )
}
