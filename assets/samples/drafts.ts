/** Drafts of samples that nobody is at any more: a killed sampler leaves them, values and all. */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Catalog } from '../../engine/index.ts'
import { ledgerTables } from './ledger-tables.ts'

/** Where drafts lie, beside what they become: `{id of the file}-{token of the sampler}`. */
export const DRAFTS = '.drafts'

/** Removes every draft of a file that no sampler holds. Claims of the dead are let go before. */
export async function removeDrafts(ledger: Catalog, prefix: string): Promise<void> {
  const tables = ledgerTables(ledger.db)
  const places = await tables.selectFrom('sample').select('place').distinct().execute()
  const held = await tables
    .selectFrom('sample')
    .select('id')
    .where('holder', 'is not', null)
    .execute()
  const ids = new Set(held.map(({ id }) => String(id)))
  for (const { place } of places) {
    const folder = join(prefix, place, 'samples', DRAFTS)
    for (const name of namesIn(folder)) {
      if (!ids.has(name.split('-', 1)[0] ?? '')) rmSync(join(folder, name), { force: true })
    }
  }
}

/** A folder that may not be read is for the files of its place to say. */
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES') return []
    throw error
  }
}
