/** What tells the rows of a partition apart: for canonical gold its schema says so. */
import type { NodeName, Project, RowKey } from '../../engine/index.ts'
import { parseKey } from '../../engine/index.ts'
import { LINEAGE_COLUMNS } from '../../registry/canonical-schema.ts'
import { activeSchema } from '../../registry/facts.ts'
import { storedRegistry } from '../registry-sync.ts'

/** Lineage columns that say whose rows they are, and not how they were made. */
const PLACES: readonly string[] = ['state', 'file_type', 'atomic_month', 'submitter_id']

/** The key of a canonical month's rows; undefined: whole rows tell themselves apart. */
export async function rowKeyOf(project: Project, node: NodeName): Promise<RowKey | undefined> {
  if (node.asset !== 'gold_canonical') return undefined
  const [, fileType = ''] = parseKey(node.key)
  const schema = activeSchema(await storedRegistry(project.catalog.db), fileType)
  const lineage = LINEAGE_COLUMNS.filter((name) => !PLACES.includes(name))
  return { key: schema?.key && ['submitter_id', ...schema.key], lineage }
}
