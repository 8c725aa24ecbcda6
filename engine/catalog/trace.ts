/**
 * The trace: who consumed which version of what, and who is dirty because of it.
 *
 * Invariants (each kept by the transaction that could break it):
 * 1. `edge(dst, src, v)`: the last commit of dst read version v of src; v = 0 is `absent`, or a
 *    member that dst has not consumed yet.
 * 2. A node is in `dirty` if one of its edges has another version than its source, or it lost a
 *    member, or a part is missing, or a person forced it. Only direct dependents are marked, and
 *    only when the content really changed; that is early cutoff.
 * 3. A commit removes its own dirty row only if nothing marked it after it was claimed.
 * 4. Membership follows `from`: the transaction that creates, changes or retires a parent adds
 *    edges for new members and removes them for lost ones.
 *
 * Every function takes lists: a group of commits costs a fixed number of statements.
 */
import { sql } from 'kysely'
import type { ContentId } from '../core/digest.ts'
import { ABSENT } from '../core/digest.ts'
import type { WriteTransaction } from './open.ts'
import { rowsTable } from './rows.ts'

/** A node's new content, and what was read to make it. */
export interface TraceCommit {
  readonly node: number
  readonly contentId: ContentId
  /** canonical JSON */
  readonly value: string | null
  /** (source node, its version) of everything read */
  readonly read: readonly (readonly [number, number])[]
  /** sources of edges this commit no longer reads */
  readonly dropped: readonly number[]
  /** dirty marks up to this revision are answered by this commit */
  readonly claimRevision: number
  readonly waiting?: string | undefined
}

/** A node whose version this transaction changed. */
export interface Changed {
  readonly node: number
  readonly asset: number
  readonly key: string
  readonly version: number
  readonly before: number
}

/** Gives every commit its version id; 0 for absent content. In the order of `commits`. */
async function internVersions(
  { db, dialect }: WriteTransaction,
  commits: readonly TraceCommit[],
): Promise<ReadonlyMap<number, number>> {
  const present = commits.filter((commit) => commit.contentId !== ABSENT)
  if (present.length === 0) return new Map()
  const wanted = rowsTable(
    dialect,
    { node: 'int', content_id: 'text', value: 'text' },
    present.map(({ node, contentId, value }) => [node, contentId, value]),
  )
  await sql`insert into version (node, content_id, value)
    select node, content_id, value from ${wanted} w where true
    on conflict (node, content_id) do nothing`.execute(db)
  const { rows } = await sql<{ node: number; id: number }>`
    select w.node, v.id from ${wanted} w
    join version v on v.node = w.node and v.content_id = w.content_id
  `.execute(db)
  return new Map(rows.map((row) => [row.node, row.id]))
}

/**
 * Commits contents and traces, marks the direct dependents of what changed.
 *
 * Order inside the transaction: versions, nodes, edges, own dirty rows, dependents.
 * @returns the nodes whose version changed, and every commit's version id
 */
export async function commitTraces(
  trx: WriteTransaction,
  commits: readonly TraceCommit[],
): Promise<{
  readonly changed: readonly Changed[]
  readonly versions: ReadonlyMap<number, number>
}> {
  if (commits.length === 0) return { changed: [], versions: new Map() }
  const { db, dialect } = trx
  const versions = await internVersions(trx, commits)
  const next = rowsTable(
    dialect,
    { node: 'int', version: 'int', waiting: 'text', claimed: 'int' },
    commits.map(({ node, waiting, claimRevision }) => [
      node,
      versions.get(node) ?? 0,
      waiting ?? null,
      claimRevision,
    ]),
  )
  const { rows: changed } = await sql<Changed>`
    select n.id as node, n.asset, n.key, w.version, n.version as before
    from ${next} w join node n on n.id = w.node where n.version <> w.version
  `.execute(db)
  await sql`update node set version = w.version, waiting = w.waiting
    from ${next} w where node.id = w.node
    and (node.version <> w.version or node.waiting is not null or w.waiting is not null)`.execute(
    db,
  )
  await countLive(trx, changed)
  await writeEdges(trx, commits)
  await sql`delete from dirty where node in (
    select d.node from ${next} w join dirty d on d.node = w.node where d.revision <= w.claimed)`.execute(
    db,
  )
  await markOvertaken(trx, commits)
  await markDependents(trx, changed)
  return { changed, versions }
}

/** Keeps the number of nodes with content by asset: a plan says how many it leaves alone. */
async function countLive(
  { db, dialect }: WriteTransaction,
  changed: readonly Changed[],
): Promise<void> {
  const moves = new Map<number, number>()
  for (const { asset, version, before } of changed) {
    const move = (version === 0 ? 0 : 1) - (before === 0 ? 0 : 1)
    if (move !== 0) moves.set(asset, (moves.get(asset) ?? 0) + move)
  }
  if (moves.size === 0) return
  const wanted = rowsTable(dialect, { id: 'int', move: 'int' }, [...moves])
  await sql`update asset set live = live + w.move from ${wanted} w where asset.id = w.id`.execute(
    db,
  )
}

async function writeEdges(
  { db, dialect }: WriteTransaction,
  commits: readonly TraceCommit[],
): Promise<void> {
  const dropped = commits.flatMap(({ node, dropped: gone }) => gone.map((src) => [node, src]))
  if (dropped.length > 0) {
    const lost = rowsTable(dialect, { dst: 'int', src: 'int' }, dropped)
    await sql`delete from edge
      where (dst, src) in (select w.dst, w.src from ${lost} w)`.execute(db)
  }
  const read = commits.flatMap((commit) =>
    commit.read.map(([src, version]) => [commit.node, src, version]),
  )
  if (read.length === 0) return
  const edges = rowsTable(dialect, { dst: 'int', src: 'int', src_version: 'int' }, read)
  await sql`insert into edge (dst, src, src_version)
    select dst, src, src_version from ${edges} w where true
    on conflict (dst, src) do update set src_version = excluded.src_version
    where edge.src_version <> excluded.src_version`.execute(db)
}

/**
 * Marks commits whose sources moved while they were made. Their own mark may be gone: a source that
 * went back to what the last build had read un-marks, and this commit read what lay between.
 */
async function markOvertaken(
  trx: WriteTransaction,
  commits: readonly TraceCommit[],
): Promise<void> {
  const { db, dialect, revision } = trx
  const wanted = rowsTable(
    dialect,
    { node: 'int' },
    commits.map(({ node }) => [node]),
  )
  await sql`insert into dirty (node, asset, revision, cause, source)
    select e.dst, n.asset, ${revision}, 'input', min(e.src)
    from ${wanted} w join edge e on e.dst = w.node join node s on s.id = e.src
    join node n on n.id = e.dst
    where e.src_version <> s.version group by e.dst, n.asset
    on conflict (node) do nothing`.execute(db)
}

/** Marks the direct dependents that consumed another version; un-marks those it reverts. */
async function markDependents(trx: WriteTransaction, changed: readonly Changed[]): Promise<void> {
  if (changed.length === 0) return
  const { db, dialect, revision } = trx
  const sources = rowsTable(
    dialect,
    { src: 'int', version: 'int' },
    changed.map(({ node, version }) => [node, version]),
  )
  await sql`insert into dirty (node, asset, revision, cause, source)
    select e.dst, n.asset, ${revision}, 'input', min(e.src)
    from ${sources} w join edge e on e.src = w.src join node n on n.id = e.dst
    where e.src_version <> w.version group by e.dst, n.asset
    on conflict (node) do update set revision = excluded.revision`.execute(db)
  await sql`delete from dirty where cause = 'input' and node in (
      select e.dst from ${sources} w join edge e on e.src = w.src
      where e.src_version = w.version)
    and not exists (select 1 from edge e join node s on s.id = e.src
      where e.dst = dirty.node and e.src_version <> s.version)`.execute(db)
}

/** Marks nodes dirty for a cause of their own; an existing mark keeps its cause. */
export async function markDirty(
  { db, dialect, revision }: WriteTransaction,
  cause: 'input' | 'removed' | 'missing' | 'forced',
  marks: readonly { readonly node: number; readonly source?: number; readonly reason?: string }[],
): Promise<void> {
  if (marks.length === 0) return
  const wanted = rowsTable(
    dialect,
    { node: 'int', source: 'int', reason: 'text' },
    marks.map(({ node, source, reason }) => [node, source ?? null, reason ?? null]),
  )
  // A mark must not hide behind a weaker one. Forced and missing make equal slots build; a removal
  // leaves no edge that differs, so as an input mark it would vanish when another input reverts.
  const weaker = cause === 'removed' ? ['input'] : ['new', 'input', 'removed', 'missing', 'forced']
  const upgrade =
    cause === 'input'
      ? sql``
      : sql`, cause = case when dirty.cause in (${sql.join(weaker)})
          then excluded.cause else dirty.cause end,
        reason = coalesce(excluded.reason, dirty.reason)`
  await sql`insert into dirty (node, asset, revision, cause, source, reason)
    select w.node, n.asset, ${revision}, ${cause}, w.source, w.reason
    from ${wanted} w join node n on n.id = w.node where true
    on conflict (node) do update set revision = excluded.revision ${upgrade}`.execute(db)
}

/** Removes dirty marks that turned out to be no difference. */
export async function unmark(
  { db, dialect }: WriteTransaction,
  nodes: readonly number[],
): Promise<void> {
  if (nodes.length === 0) return
  const wanted = rowsTable(
    dialect,
    { node: 'int' },
    nodes.map((node) => [node]),
  )
  await sql`delete from dirty where node in (select w.node from ${wanted} w)`.execute(db)
}
