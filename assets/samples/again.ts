/** Files that are to be sampled, whatever was made of them before. */
import type { Catalog } from '../../engine/index.ts'
import { ledgerTables } from './ledger-tables.ts'

/** Ids in one statement. */
const IDS_MAX = 1000

export interface Again {
  readonly ids: readonly number[]
  /** until when their samples hold values as they are; undefined: they are masked */
  readonly rawUntilMs: number | undefined
}

/** Makes files pending again. Claims on them end: what is made of them now counts for nothing. */
export async function makeAgain(ledger: Catalog, { ids, rawUntilMs }: Again): Promise<void> {
  for (let at = 0; at < ids.length; at += IDS_MAX) {
    const some = ids.slice(at, at + IDS_MAX)
    await ledger.write(async ({ db }) => {
      await ledgerTables(db)
        .updateTable('sample')
        .set({ status: 'PENDING', attempts: 0, retry_ms: 0, holder: null, expires_ms: 0 })
        .set((eb) =>
          rawUntilMs === undefined
            ? // One that lies there as it is leaves first.
              { raw_until_ms: eb.case().when('is_raw', '=', 1).then(0).else(null).end() }
            : { is_raw: 1, raw_until_ms: rawUntilMs },
        )
        .where('id', 'in', some)
        .execute()
    })
  }
}
