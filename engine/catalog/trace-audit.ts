/**
 * The audit of the trace: what should be dirty, from two full scans, beside what is.
 *
 * 1. Edge versions: a node one of whose edges has another version than its source is dirty.
 * 2. Membership: `from` replayed over every node gives exactly the edges that are there.
 *
 * Reads only. Rows stream in pages by primary key, so memory is bounded by a page and by the
 * faults reported. Cost: O(nodes + edges), about 0.6 µs an edge on SQLite.
 */
import { sql } from 'kysely'
import type { AssetDefinition } from '../core/asset.ts'
import type { Json } from '../core/digest.ts'
import { RECIPE } from '../core/fingerprint.ts'
import { formatKey, nodeText, parseKey } from '../core/key.ts'
import type { Definitions } from './membership.ts'
import type { DialectName, Connection } from './open.ts'
import { rowsTable } from './rows.ts'

export interface AuditFault {
  readonly kind:
    | 'unmarked' // an edge differs and its node is not dirty
    | 'marked' // a node is dirty for its inputs and no edge differs
    | 'member-missing' // a parent gives a key and there is no edge
    | 'member-extra' // an edge that no parent gives
  /** `asset[key]` */
  readonly node: string
  /** the parent, for membership */
  readonly parent?: string
}

export interface AuditReport {
  readonly nodes: number
  readonly edges: number
  /** at most `faultsMax`; `faultCount` counts all */
  readonly faults: readonly AuditFault[]
  readonly faultCount: number
}

interface Snapshot {
  readonly db: Connection
  readonly dialect: DialectName
}

const PAGE_ROWS = 5_000
const FAULTS_MAX = 100

/** Compares the trace with a replay of everything that makes it. Call it inside one snapshot. */
export async function auditTrace(
  snapshot: Snapshot,
  definitions: Definitions,
  faultsMax = FAULTS_MAX,
): Promise<AuditReport> {
  const faults: AuditFault[] = []
  let faultCount = 0
  const report = (fault: AuditFault): void => {
    faultCount++
    if (faults.length < faultsMax) faults.push(fault)
  }
  for (const fault of await markFaults(snapshot, faultsMax)) report(fault)
  const nodes = await replayMemberships(snapshot, definitions, report)
  const { rows } = await sql<{ edges: number }>`select count(*) as edges from edge`.execute(
    snapshot.db,
  )
  return { nodes, edges: rows[0]?.edges ?? 0, faults, faultCount }
}

/** Nodes whose edges and dirty row disagree. One hash join; only disagreements leave the database. */
async function markFaults({ db }: Snapshot, limit: number): Promise<readonly AuditFault[]> {
  const differs = sql`(select distinct e.dst as node from edge e join node s on s.id = e.src
    where e.src_version <> s.version)`
  const { rows } = await sql<{ kind: 'unmarked' | 'marked'; asset: string; key: string }>`
    select 'unmarked' as kind, a.name as asset, n.key from ${differs} x
    join node n on n.id = x.node join asset a on a.id = n.asset
    where not exists (select 1 from dirty d where d.node = x.node)
    union all
    select 'marked' as kind, a.name as asset, n.key from dirty d
    join node n on n.id = d.node join asset a on a.id = n.asset
    where d.cause = 'input' and not exists (
      select 1 from edge e join node s on s.id = e.src
      where e.dst = d.node and e.src_version <> s.version)
    limit ${sql.lit(limit)}`.execute(db)
  return rows.map(({ kind, asset, key }) => ({ kind, node: nodeText({ asset, key }) }))
}

interface ParentRow {
  readonly id: number
  readonly asset: string
  readonly key: string
  readonly version: number
  readonly value: string | null
}

/** Replays `from` over all nodes, page by page. Returns how many nodes there are. */
async function replayMemberships(
  snapshot: Snapshot,
  definitions: Definitions,
  report: (fault: AuditFault) => void,
): Promise<number> {
  let nodes = 0
  for (let last = 0; ;) {
    const page = await parentPage(snapshot, last)
    const end = page.at(-1)
    if (end === undefined) return nodes
    last = end.id
    nodes += page.length
    await comparePage(snapshot, definitions, { page, report })
  }
}

async function parentPage({ db }: Snapshot, after: number): Promise<readonly ParentRow[]> {
  const { rows } = await sql<ParentRow>`
    select n.id, a.name as asset, n.key, n.version, v.value from node n
    join asset a on a.id = n.asset left join version v on v.id = n.version
    where n.id > ${after} order by n.id limit ${sql.lit(PAGE_ROWS)}`.execute(db)
  return rows
}

async function comparePage(
  { db, dialect }: Snapshot,
  { graph }: Definitions,
  {
    page,
    report,
  }: { readonly page: readonly ParentRow[]; readonly report: (fault: AuditFault) => void },
): Promise<void> {
  const givers = page.filter(({ asset }) => asset !== RECIPE && graph.assets.has(asset))
  const wanted = rowsTable(
    dialect,
    { id: 'int' },
    givers.map(({ id }) => [id]),
  )
  const { rows } = await sql<{ src: number; asset: string; key: string; read: string | null }>`
    select e.src, a.name as asset, n.key from ${wanted} w join edge e on e.src = w.id
    join node n on n.id = e.dst join asset a on a.id = n.asset`.execute(db)
  const held = new Map<number, Set<string>>()
  for (const row of rows) {
    const names = held.get(row.src) ?? new Set<string>()
    held.set(row.src, names)
    names.add(nodeText(row))
  }
  for (const parent of givers) {
    const given = givenBy(graph.assets, graph.childrenOf(parent.asset), parent)
    const present = held.get(parent.id) ?? new Set<string>()
    for (const name of given.names) {
      if (!present.has(name))
        report({ kind: 'member-missing', node: name, parent: nodeText(parent) })
    }
    for (const name of present) {
      const asset = name.slice(0, name.indexOf('['))
      if (!given.assets.has(asset) || given.names.has(name)) continue
      report({ kind: 'member-extra', node: name, parent: nodeText(parent) })
    }
  }
}

/** The members one node gives, and the assets to which it may give any. */
function givenBy(
  assets: ReadonlyMap<string, AssetDefinition>,
  children: readonly string[],
  parent: ParentRow,
): { readonly names: ReadonlySet<string>; readonly assets: ReadonlySet<string> } {
  const names = new Set<string>()
  const givenTo = new Set<string>()
  for (const name of children) {
    const child = assets.get(name)
    const from =
      child?.kind === 'value' || child?.kind === 'stored' ? child.from?.[parent.asset] : undefined
    if (from === undefined) continue
    givenTo.add(name)
    const value = parent.value === null ? undefined : (JSON.parse(parent.value) as Json)
    for (const key of from.keys(parseKey(parent.key), value)) {
      names.add(nodeText({ asset: name, key: formatKey(key) }))
    }
  }
  return { names, assets: givenTo }
}
