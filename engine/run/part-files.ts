/** The current parts of one node, for readers inside the product. */
import type { StoredPart } from '../catalog/builds.ts'
import { retainedBuilds } from '../catalog/builds.ts'
import { findNodes } from '../catalog/nodes.ts'
import type { PartFile } from '../core/asset.ts'
import type { NodeName } from '../core/key.ts'
import type { Project } from './project.ts'
import { loadDefinitions } from './project.ts'

/** Where a node's parts lie in the store; none for a node that is absent or unknown. */
export async function storedParts(
  { catalog, graph }: Pick<Project, 'catalog' | 'graph'>,
  node: NodeName,
): Promise<readonly StoredPart[]> {
  const { ids } = await loadDefinitions(graph, catalog, false)
  const [row] = await findNodes(catalog, ids, [node])
  if (row === undefined || row.version === 0) return []
  const builds = await retainedBuilds(catalog, [row.id], 'current')
  return builds.get(row.id)?.[0]?.parts ?? []
}

/**
 * A node's parts as local files, each checked against its SHA-256; none for a node that is absent or
 * unknown. Throws PART_MISSING, PART_CHANGED.
 */
export async function partFiles(project: Project, node: NodeName): Promise<readonly PartFile[]> {
  const parts = await storedParts(project, node)
  return Promise.all(
    parts.map(async (part) => ({
      name: part.name,
      path: await project.store.fetch(part),
      sizeBytes: part.sizeBytes,
      rows: part.rows ?? undefined,
    })),
  )
}
