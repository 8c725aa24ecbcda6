/**
 * Builds and their parts: what was made, when, from what, and where it lies.
 *
 * A build row is history; the parts it owns (`parts_build`) are retained for the last versions, so
 * that a part is looked for before it is computed. A cutoff points at the parts it found equal.
 */
import { sql } from 'kysely'
import { ROLLBACK } from '../core/fingerprint.ts'
import type { Connection, DialectName, WriteTransaction } from './open.ts'
import { rowsTable } from './rows.ts'

export interface StoredPart {
  readonly name: string
  /** null: the build's own */
  readonly fingerprint: string | null
  readonly path: string
  readonly sizeBytes: number
  readonly sha256: string
  readonly rows: number | null
}

export interface NewBuild {
  readonly node: number
  readonly run: number
  readonly outcome: string
  readonly fingerprint: string | null
  readonly version: number
  readonly slots: string
  readonly attempt: string | null
  readonly atMs: number
  readonly ms: number
  readonly rows: number | null
  readonly sizeBytes: number | null
  readonly cause: string | null
  readonly error: string | null
  /** its own parts, those its node has already, or none */
  readonly parts: readonly StoredPart[] | 'same' | 'none'
  /** readers see another version after it: a new commit number and manifest */
  readonly publishes: boolean
}

interface Snapshot {
  readonly db: Connection
  readonly dialect: DialectName
}

/**
 * Inserts builds and their parts and points their nodes at them (failures leave the node as it
 * is). The commit number counts the versions published at a node.
 * @returns by node: build id and commit number
 */
export async function insertBuilds(
  { db, dialect }: WriteTransaction,
  builds: readonly NewBuild[],
): Promise<ReadonlyMap<number, { readonly build: number; readonly commitNumber: number }>> {
  if (builds.length === 0) return new Map()
  const wanted = rowsTable(
    dialect,
    {
      node: 'int',
      run: 'int',
      outcome: 'text',
      fingerprint: 'text',
      version: 'int',
      slots: 'text',
      attempt: 'text',
      same: 'int',
      at_ms: 'int',
      ms: 'int',
      rows: 'int',
      size_bytes: 'int',
      cause: 'text',
      error: 'text',
      step: 'int',
    },
    builds.map((build) => [
      build.node,
      build.run,
      build.outcome,
      build.fingerprint,
      build.version,
      build.slots,
      build.attempt,
      build.parts === 'same' ? 1 : 0,
      build.atMs,
      build.ms,
      build.rows,
      build.sizeBytes,
      build.cause,
      build.error,
      build.publishes ? 1 : 0,
    ]),
  )
  const { rows } = await sql<{ id: number; node: number; commit_number: number }>`
    insert into build (node, run, outcome, fingerprint, version, commit_number, slots, attempt,
      parts_build, at_ms, ms, rows, size_bytes, cause, error)
    select w.node, w.run, w.outcome, w.fingerprint, w.version,
      coalesce(last.commit_number, 0) + w.step, w.slots, w.attempt,
      case when w.same = 1 then coalesce(last.parts_build, 0) else 0 end, w.at_ms, w.ms,
      w.rows, w.size_bytes, w.cause, w.error
    from ${wanted} w join node n on n.id = w.node left join build last on last.id = n.built
    returning id, node, commit_number`.execute(db)
  const byNode = new Map(
    rows.map((row) => [row.node, { build: row.id, commitNumber: row.commit_number }]),
  )
  await insertParts({ db, dialect }, builds, byNode)
  const standing = builds.filter((build) => build.outcome !== 'failed')
  const heads = rowsTable(
    dialect,
    { node: 'int', build: 'int', own: 'int' },
    standing.map((build) => [
      build.node,
      byNode.get(build.node)?.build ?? 0,
      typeof build.parts !== 'string' ? 1 : 0,
    ]),
  )
  await sql`update node set built = w.build from ${heads} w where node.id = w.node`.execute(db)
  await sql`update build set parts_build = id from ${heads} w
    where build.id = w.build and w.own = 1`.execute(db)
  return byNode
}

async function insertParts(
  { db, dialect }: Snapshot,
  builds: readonly NewBuild[],
  byNode: ReadonlyMap<number, { readonly build: number }>,
): Promise<void> {
  const parts = builds.flatMap((build) =>
    typeof build.parts !== 'string'
      ? build.parts.map((part, ordinal) => [
          byNode.get(build.node)?.build ?? 0,
          ordinal,
          part.name,
          part.fingerprint,
          part.path,
          part.sizeBytes,
          part.sha256,
          part.rows,
        ])
      : [],
  )
  if (parts.length === 0) return
  const wanted = rowsTable(
    dialect,
    {
      build: 'int',
      ordinal: 'int',
      name: 'text',
      fingerprint: 'text',
      path: 'text',
      size_bytes: 'int',
      sha256: 'text',
      rows: 'int',
    },
    parts,
  )
  await sql`insert into part (build, ordinal, name, fingerprint, path, size_bytes, sha256, rows)
    select build, ordinal, name, fingerprint, path, size_bytes, sha256, rows
    from ${wanted} w`.execute(db)
}

/** A build that still owns or points at parts in the store. */
export interface RetainedBuild {
  readonly node: number
  readonly build: number
  readonly fingerprint: string | null
  readonly version: number
  /** of the version; null: absent */
  readonly contentId: string | null
  /** [[node, version], …] */
  readonly slots: string
  readonly commitNumber: number
  readonly current: boolean
  readonly rows: number | null
  readonly sizeBytes: number | null
  readonly parts: readonly StoredPart[]
  /** false: parts it had are gone */
  readonly isWhole: boolean
}

/** What a build read: the versions of its slots, by node. */
export class ReadVersions {
  readonly #pairs: readonly (readonly [node: number, version: number])[]
  #byNode: ReadonlyMap<number, number> | undefined

  constructor(slots: string) {
    this.#pairs = JSON.parse(slots) as readonly (readonly [number, number])[]
  }

  get size(): number {
    return this.#pairs.length
  }

  /** Slots keep their order from build to build, so the place is tried before anything is indexed. */
  of(node: number, place: number): number | undefined {
    const pair = this.#pairs[place]
    if (pair?.[0] === node) return pair[1]
    this.#byNode ??= new Map(this.#pairs)
    return this.#byNode.get(node)
  }

  [Symbol.iterator](): Iterator<readonly [number, number]> {
    return this.#pairs[Symbol.iterator]()
  }
}

const versionsRead = new WeakMap<RetainedBuild, ReadVersions>()

/** Parsed once, although several questions are asked of a build. */
export function readBy(build: RetainedBuild): ReadVersions {
  const known = versionsRead.get(build) ?? new ReadVersions(build.slots)
  versionsRead.set(build, known)
  return known
}

/** Builds of a node that are looked through for parts: many cutoffs may point at one version. */
export const BUILDS_MAX = 32

/** The last builds of nodes with their parts: the current one first, then newest first. */
export async function retainedBuilds(
  { db, dialect }: Snapshot,
  nodes: readonly number[],
  which: 'current' | 'all',
): Promise<ReadonlyMap<number, readonly RetainedBuild[]>> {
  const found = new Map<number, RetainedBuild[]>()
  if (nodes.length === 0) return found
  const wanted = rowsTable(
    dialect,
    { id: 'int' },
    nodes.map((id) => [id]),
  )
  const join =
    which === 'current'
      ? sql`b.id = n.built`
      : sql`b.node = n.id and b.outcome <> 'failed' and (b.id = n.built or b.id > coalesce(
          (select x.id from build x where x.node = n.id
            order by x.id desc limit 1 offset ${sql.lit(BUILDS_MAX)}), 0))`
  const { rows } = await sql<Row>`
    select b.node, b.id as build, b.fingerprint as "buildFingerprint", b.version,
      v.content_id as "contentId", b.slots,
      b.parts_build as "partsBuild", b.commit_number as "commitNumber", b.rows as "buildRows", b.size_bytes as "buildBytes",
      case when b.id = n.built then 1 else 0 end as current,
      p.name, p.fingerprint, p.path, p.size_bytes as "sizeBytes", p.sha256, p.rows
    from ${wanted} w join node n on n.id = w.id join build b on ${join}
    left join version v on v.id = b.version left join part p on p.build = b.parts_build
    order by b.node, current desc, b.id desc, p.ordinal`.execute(db)
  for (const row of rows) addRow(found, row)
  return found
}

interface Row {
  readonly node: number
  readonly build: number
  readonly buildFingerprint: string | null
  readonly version: number
  readonly contentId: string | null
  readonly slots: string
  readonly partsBuild: number
  readonly commitNumber: number
  readonly buildRows: number | null
  readonly buildBytes: number | null
  readonly current: number
  readonly name: string | null
  readonly fingerprint: string | null
  readonly path: string
  readonly sizeBytes: number
  readonly sha256: string
  readonly rows: number | null
}

function addRow(found: Map<number, RetainedBuild[]>, row: Row): void {
  const builds = found.get(row.node) ?? []
  found.set(row.node, builds)
  let build = builds.at(-1)
  if (build?.build !== row.build) {
    build = {
      node: row.node,
      build: row.build,
      fingerprint: row.buildFingerprint,
      version: row.version,
      contentId: row.contentId,
      slots: row.slots,
      commitNumber: row.commitNumber,
      current: row.current === 1,
      rows: row.buildRows,
      sizeBytes: row.buildBytes,
      parts: [],
      isWhole: row.partsBuild === 0 || row.name !== null,
    }
    builds.push(build)
  }
  if (row.name === null) return
  const part: StoredPart = {
    name: row.name,
    fingerprint: row.fingerprint ?? row.buildFingerprint,
    path: row.path,
    sizeBytes: row.sizeBytes,
    sha256: row.sha256,
    rows: row.rows,
  }
  ;(build.parts as StoredPart[]).push(part)
}

/**
 * The instant each fingerprint was first wanted, kept for ever; new ones get `atMs`.
 * It is the only clock reading that may enter a part's bytes.
 */
export async function firstWanted(
  { db, dialect }: WriteTransaction,
  fingerprints: readonly string[],
  atMs: number,
): Promise<ReadonlyMap<string, number>> {
  if (fingerprints.length === 0) return new Map()
  const wanted = rowsTable(
    dialect,
    { fingerprint: 'text' },
    fingerprints.map((one) => [one]),
  )
  await sql`insert into first_wanted (fingerprint, at_ms)
    select distinct fingerprint, ${sql.lit(atMs)} from ${wanted} w where true
    on conflict (fingerprint) do nothing`.execute(db)
  const { rows } = await sql<{ fingerprint: string; at_ms: number }>`
    select f.fingerprint, f.at_ms from ${wanted} w
    join first_wanted f on f.fingerprint = w.fingerprint`.execute(db)
  return new Map(rows.map((row) => [row.fingerprint, row.at_ms]))
}

/**
 * Parts that fell out of retention: their rows are removed; returned are the paths that no kept
 * version of the node names. (On S3 a part that carries over keeps its path.) A node that a person
 * rolled back lets go of nothing: the version it returns to may be the oldest. For a retired node
 * nothing is its current version, and counts as one.
 */
export async function releaseParts(
  { db, dialect }: WriteTransaction,
  nodes: readonly number[],
  keep: number,
): Promise<readonly string[]> {
  if (nodes.length === 0) return []
  const wanted = rowsTable(
    dialect,
    { id: 'int' },
    nodes.map((id) => [id]),
  )
  const { rows: old } = await sql<{ id: number }>`
    select id from (
      select b.id, b.node, n.built, case when n.version = 0 then 1 else 0 end as absent,
        row_number() over (partition by b.node order by b.id desc) as place
      from ${wanted} w join node n on n.id = w.id join build b on b.node = w.id
      where b.parts_build = b.id and exists (select 1 from part p where p.build = b.id)) ranked
    where place > ${keep} - absent and not exists (
      select 1 from build h where h.id = ranked.built and h.parts_build = ranked.id)
    and not exists (select 1 from edge e join node s on s.id = e.src join asset a on a.id = s.asset
      where e.dst = ranked.node and s.version <> 0 and a.name = ${ROLLBACK})
  `.execute(db)
  if (old.length === 0) return []
  const gone = rowsTable(
    dialect,
    { build: 'int' },
    old.map((row) => [row.id]),
  )
  const { rows } = await sql<{ path: string }>`
    delete from part where build in (select w.build from ${gone} w)
    returning path`.execute(db)
  const kept = await sql<{ path: string }>`
    select p.path from ${wanted} w join build b on b.node = w.id join part p on p.build = b.id
  `.execute(db)
  const stay = new Set(kept.rows.map((row) => row.path))
  return rows.flatMap((row) => (stay.has(row.path) ? [] : [row.path]))
}
