/**
 * The audit of the trace: what should be dirty, from two full scans, beside what is.
 *
 * 1. Edge versions: a node one of whose edges has another version than its source is dirty.
 * 2. Membership: `from` replayed over every node gives exactly the edges that are there.
 *
 * Reads only. Parents stream in pages by key, so memory is bounded by a page and by the faults
 * reported. Cost on SQLite: 0.12 µs an edge for the versions, 1 µs a node for the membership.
 */
import { sql } from 'kysely'
import type { KeysFrom } from '../core/asset.ts'
import type { Json } from '../core/digest.ts'
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

/** Parents read at once, and members compared at once: what bounds the memory of a replay. */
const PARENTS_MAX = 5_000
const MEMBERS_MAX = 50_000
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
  for (const fault of await auditVersions(snapshot, faultsMax)) report(fault)
  await auditMembers(snapshot, definitions, report)
  const { rows } = await sql<{ nodes: number; edges: number }>`
    select (select count(*) from node) as nodes, (select count(*) from edge) as edges
  `.execute(snapshot.db)
  const [counts] = rows
  return { nodes: counts?.nodes ?? 0, edges: counts?.edges ?? 0, faults, faultCount }
}

/** Nodes whose edges and dirty row disagree. One hash join; only disagreements leave the database. */
export async function auditVersions(
  { db }: Snapshot,
  limit: number,
): Promise<readonly AuditFault[]> {
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

/** What one asset gives to another. */
interface Giving {
  readonly child: string
  /** the child's row id */
  readonly asset: number
  readonly from: KeysFrom
}

interface ParentRow {
  readonly id: number
  readonly key: string
  readonly value: string | null
  /** edges out of it, members and readers */
  readonly degree: number
}

interface Member {
  readonly asset: number
  readonly key: string
}

/** Replays `from` over all nodes that give keys, asset by asset and page by page. */
export async function auditMembers(
  snapshot: Snapshot,
  { graph, ids }: Definitions,
  report: (fault: AuditFault) => void,
): Promise<void> {
  for (const { name } of graph.order) {
    const gives = graph.childrenOf(name).flatMap((child): readonly Giving[] => {
      const asset = graph.assets.get(child)
      const from =
        asset?.kind === 'value' || asset?.kind === 'stored' ? asset.from?.[name] : undefined
      return from === undefined ? [] : [{ child, asset: ids.idOf(child), from }]
    })
    if (gives.length === 0) continue
    let after: string | undefined
    for (let more = true; more;) {
      const page = await parentPage(snapshot, { asset: ids.idOf(name), gives, after })
      after = page.at(-1)?.key
      more = page.length === PARENTS_MAX
      for (const parents of bounded(page)) {
        const held = await membersOf(snapshot, gives, parents)
        const pairs = parents.map((parent) => ({ parent, held: held.get(parent.id) ?? [] }))
        pairs.forEach((pair) => compareMembers({ asset: name, gives, ...pair }, report))
      }
    }
  }
}

/** Parents in key order. Values are read only where a map looks at them: else the index covers it. */
async function parentPage(
  { db }: Snapshot,
  {
    asset,
    gives,
    after,
  }: {
    readonly asset: number
    readonly gives: readonly Giving[]
    /** undefined: from the start */
    readonly after: string | undefined
  },
): Promise<readonly ParentRow[]> {
  const readsValues = gives.some(({ from }) => from.by === 'value')
  const value = readsValues
    ? sql`(select v.value from version v where v.id = n.version)`
    : sql`null`
  const rest = after === undefined ? sql`` : sql`and n.key > ${after}`
  const { rows } = await sql<ParentRow>`
    select n.id, n.key, ${value} as value,
      (select count(*) from edge e where e.src = n.id) as degree
    from node n where n.asset = ${asset} ${rest}
    order by n.key limit ${sql.lit(PARENTS_MAX)}`.execute(db)
  return rows
}

/** Cuts a page where its parents have too many edges to be compared at once. */
function* bounded(page: readonly ParentRow[]): Iterable<readonly ParentRow[]> {
  let parents: ParentRow[] = []
  let members = 0
  for (const parent of page) {
    parents.push(parent)
    members += parent.degree
    if (members < MEMBERS_MAX) continue
    yield parents
    parents = []
    members = 0
  }
  yield parents
}

/** The members that are there, by parent; readers of a parent are no members. */
async function membersOf(
  { db, dialect }: Snapshot,
  gives: readonly Giving[],
  parents: readonly ParentRow[],
): Promise<ReadonlyMap<number, readonly Member[]>> {
  const found = new Map<number, Member[]>()
  const sources = parents.filter(({ degree }) => degree > 0)
  if (sources.length === 0) return found
  const wanted = rowsTable(
    dialect,
    { id: 'int' },
    sources.map(({ id }) => [id]),
  )
  // In this order: SQLite would begin with every node of the children's assets.
  const { rows } = await sql<Member & { src: number }>`
    select e.src, n.asset, n.key from ${wanted} w cross join edge e cross join node n
    where e.src = w.id and n.id = e.dst and n.asset in (${sql.join(gives.map(({ asset }) => asset))})`.execute(
    db,
  )
  for (const row of rows) {
    const members = found.get(row.src)
    if (members === undefined) found.set(row.src, [row])
    else members.push(row)
  }
  return found
}

function compareMembers(
  {
    asset,
    parent,
    gives,
    held,
  }: {
    readonly asset: string
    readonly parent: ParentRow
    readonly gives: readonly Giving[]
    readonly held: readonly Member[]
  },
  report: (fault: AuditFault) => void,
): void {
  const given = gives.flatMap(({ asset: child, from }) => {
    const value = parent.value === null ? undefined : (JSON.parse(parent.value) as Json)
    return from
      .keys(parseKey(parent.key), value)
      .map((key) => ({ asset: child, key: formatKey(key) }))
  })
  const [one] = given
  const [own] = held
  // Most parents give one key or none: 1,000,000 sets would be most of an audit.
  if (given.length <= 1 && held.length === given.length) {
    if (one?.key === own?.key && one?.asset === own?.asset) return
  }
  const isOneAsset = gives.length === 1
  const text = (member: Member): string =>
    isOneAsset ? member.key : `${member.asset}:${member.key}`
  const names = new Map(given.map((member) => [text(member), member]))
  const present = new Map(held.map((member) => [text(member), member]))
  const from = nodeText({ asset, key: parent.key })
  const tell = (kind: AuditFault['kind'], member: Member): void => {
    const child = gives.find((giving) => giving.asset === member.asset)?.child ?? ''
    report({ kind, node: nodeText({ asset: child, key: member.key }), parent: from })
  }
  for (const [name, member] of names) if (!present.has(name)) tell('member-missing', member)
  for (const [name, member] of present) if (!names.has(name)) tell('member-extra', member)
}
