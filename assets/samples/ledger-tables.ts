/** The ledger's tables as Kysely sees them: see migrations/sample-ledger.ts. */
import type { Generated, Selectable } from 'kysely'
import type { Connection } from '../../engine/index.ts'

export type SampleStatus = 'PENDING' | 'MADE' | 'MISSING' | 'FAILED' | 'SKIPPED' | 'PURGED'

/** Times are milliseconds since 1970, but `mtime`: seconds, as in a manifest. */
export type LedgerTables = {
  manifest: {
    place: string
    file: string
    /** of its first bytes: another one under its name begins otherwise */
    mark: string | null
    offset_bytes: number
    lines: number
    faults: number
    read_ms: number
  }
  /** a digest of what decides how its samples are made, as of the last pass */
  place: { place: string; policy: string }
  sample: SampleTable
}

export type SampleRow = Selectable<SampleTable>

interface SampleTable {
  id: Generated<number>
  place: string
  raw: string
  /** digest of `raw`: an index takes 2,700 bytes on PostgreSQL, a reference has more */
  raw_id: string
  bronze: string
  mtime: number
  size: number | null
  sha256: string | null
  seq: number | null
  status: SampleStatus
  code: string | null
  words: string | null
  attempts: number
  /** of MISSING: when it is looked for again */
  retry_ms: number
  holder: string | null
  expires_ms: number
  /** under the place's `samples/` */
  path: string | null
  format: string | null
  records: number | null
  bytes: number | null
  read_bytes: number | null
  is_raw: number
  raw_until_ms: number | null
  made_ms: number | null
}

/** The handle with the ledger's tables. */
export const ledgerTables = (db: Connection) => db.withTables<LedgerTables>()
