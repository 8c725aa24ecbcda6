/**
 * The platform's rows that nothing else could give back: what arrived, what became of it, and the
 * registry. The store's journal holds them; what runs left as history (parses, validations, builds)
 * is not among them.
 */
import type { KeptTable } from '../engine/index.ts'

export const PLATFORM_KEPT: readonly KeptTable[] = [
  { table: 'registry_file', key: ['path'] },
  { table: 'submission', key: ['submission_id'] },
  { table: 'submission_file', key: ['submission_id', 'name'] },
  { table: 'inbox_object', key: ['path'] },
  { table: 'manifest_entry', key: ['source', 'release'] },
  { table: 'finding', key: ['id'] },
]
