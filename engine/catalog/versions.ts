/**
 * Versions of a partition that are kept: what was published, when, and the exact parts of it.
 *
 * A build row is history and stays; its parts stay while its version is retained. Nothing here looks
 * at the store.
 */
import { sql } from 'kysely'
import type { StoredPart } from './builds.ts'
import type { Connection } from './open.ts'

export interface KeptVersion {
  readonly build: number
  readonly commitNumber: number
  readonly contentId: string
  readonly run: number
  readonly atMs: number
  readonly isCurrent: boolean
  readonly parts: readonly StoredPart[]
}

interface VersionRow extends Omit<KeptVersion, 'isCurrent' | 'parts'> {
  readonly current: number
  readonly name: string
  readonly fingerprint: string | null
  readonly path: string
  readonly sizeBytes: number
  readonly sha256: string
  readonly rows: number | null
}

/** The versions of one node whose parts are kept, newest first. */
export async function keptVersions(db: Connection, node: number): Promise<readonly KeptVersion[]> {
  const { rows } = await sql<VersionRow>`
    select b.id as build, b.commit_number as "commitNumber", v.content_id as "contentId", b.run,
      b.at_ms as "atMs", case when h.parts_build = b.id and n.version <> 0 then 1 else 0 end as current,
      p.name, p.fingerprint, p.path, p.size_bytes as "sizeBytes", p.sha256, p.rows
    from node n join build h on h.id = n.built join build b on b.node = n.id
    join version v on v.id = b.version join part p on p.build = b.id
    where n.id = ${node} and b.parts_build = b.id and b.outcome <> 'failed'
    order by b.id desc, p.ordinal`.execute(db)
  const builds = Map.groupBy(rows, (row) => row.build)
  return [...builds.values()].flatMap((own) => {
    const [first] = own
    if (first === undefined) return []
    const { build, commitNumber, contentId, run, atMs, current } = first
    return [{ build, commitNumber, contentId, run, atMs, isCurrent: current === 1, parts: own }]
  })
}
