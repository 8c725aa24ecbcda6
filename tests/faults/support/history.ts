/**
 * Checks what a catalog says has happened, whatever took part and however often it died.
 *
 * - every request that was acknowledged is there, and is done, open or dead;
 * - a request that is done was taken up by a claim made after it, and answered by that claim's
 *   commit;
 * - the commits of a partition are numbered without gap or repetition, and no attempt is in two.
 */
import type { Catalog } from '../../../engine/index.ts'
import { platformTables } from '../../../registry/tables.ts'

/** What is wrong with the builds, in words; empty: nothing. */
export async function buildOffences({ db }: Catalog): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('build')
    .innerJoin('node', 'node.id', 'build.node')
    .innerJoin('asset', 'asset.id', 'node.asset')
    .select(['build.id', 'build.node', 'build.commit_number', 'build.outcome', 'build.attempt'])
    .select(['asset.name', 'node.key'])
    .orderBy('build.id')
    .execute()
  const offences: string[] = []
  const last = new Map<number, number>()
  const attempts = new Set<string>()
  for (const row of rows) {
    const node = `${row.name}[${row.key}]`
    const before = last.get(row.node) ?? 0
    if (row.commit_number < before || row.commit_number > before + 1) {
      offences.push(`${node} went from commit ${before} to ${row.commit_number}`)
    }
    last.set(row.node, row.commit_number)
    if (row.attempt === null) continue
    const attempt = `${node} ${row.attempt}`
    if (attempts.has(attempt)) offences.push(`${attempt} was committed twice`)
    attempts.add(attempt)
  }
  return offences
}

const CLOSED = new Set(['SUCCEEDED', 'SKIPPED'])
const OPEN = new Set(['PENDING', 'CLAIMED', 'FAILED', 'DEAD'])

/** What is wrong with the requests, given the numbers that were told to those who made them. */
export async function requestOffences(
  { db }: Catalog,
  acknowledged: readonly number[],
): Promise<readonly string[]> {
  const rows = await platformTables(db)
    .selectFrom('canonical_rebuild_queue')
    .selectAll()
    .orderBy('queue_id')
    .execute()
  const known = new Set(rows.map((row) => row.queue_id))
  const lost = acknowledged.filter((id) => !known.has(id)).map((id) => `request ${id} is lost`)
  const repeated =
    new Set(acknowledged).size === acknowledged.length ? [] : ['a number was told twice']
  const wrong = rows.flatMap((row) => {
    const { queue_id: id, status, processed_ms: done, claimed_ms: claimed } = row
    if (done === null) return OPEN.has(status) ? [] : [`request ${id} is ${status} and not done`]
    if (!CLOSED.has(status)) return [`request ${id} is done and ${status}`]
    if (row.outcome === 'unchanged') return []
    if (claimed === null || claimed < row.enqueued_ms) {
      return [`request ${id} was answered by a claim made before it`]
    }
    return done < claimed ? [`request ${id} was answered before it was taken up`] : []
  })
  return [...lost, ...repeated, ...wrong]
}
