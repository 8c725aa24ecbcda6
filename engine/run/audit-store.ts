/**
 * Looks at the store: is every part there that the catalog counts on, and do readers see it?
 *
 * One pass over the part rows, in pages, each followed by a batch of look-ups in the store: memory
 * is bounded by a page and by what is wrong. Changes nothing; see verify-store.ts for the cure.
 */
import { sql } from 'kysely'
import type { Definitions } from '../catalog/membership.ts'
import type { Connection } from '../catalog/open.ts'
import type { NodeName } from '../core/key.ts'
import { parseKey } from '../core/key.ts'
import type { Projection } from '../core/ports.ts'
import type { Project } from './project.ts'
import { loadDefinitions } from './project.ts'
import type { NodeTest } from './select.ts'
import { compileSelection, selectedNodes } from './select.ts'

export interface AuditOptions {
  /** look at these nodes only; default: all */
  readonly selection?: string
  /** read every part and compare its SHA-256, too; `all`: those of retained versions as well */
  readonly digests?: boolean | 'all'
  /** after each page: parts looked at, of how many there are */
  readonly onProgress?: (done: number, of: number) => void
}

/** A part that is not what the catalog says. */
export interface PartFault extends NodeName {
  readonly kind: 'lost' | 'changed'
  readonly node: number
  readonly build: number
  readonly ordinal: number
  readonly part: string
  readonly path: string
  /** a size, a digest, or that it is gone: no value of the data */
  readonly what: string
}

export interface StoreAudit {
  /** current nodes and parts looked at */
  readonly nodes: number
  readonly parts: number
  /** current parts that are gone, or of another size (or digest, when asked for) */
  readonly missing: readonly PartFault[]
  /** parts of retained old versions that part reuse could still find, and that are gone */
  readonly forgotten: readonly PartFault[]
  /** nodes whose parts are there, but readers see something else */
  readonly lagging: readonly (NodeName & { readonly node: number })[]
}

interface PartRow {
  readonly build: number
  readonly ordinal: number
  readonly node: number
  readonly asset: number
  readonly key: string
  readonly name: string
  readonly path: string
  readonly sizeBytes: number
  readonly sha256: string | null
  readonly current: number
}

interface Auditing {
  readonly project: Project
  readonly definitions: Definitions
  readonly digests: NonNullable<AuditOptions['digests']>
  readonly parts: { current: number; nodes: number }
  readonly missing: PartFault[]
  readonly forgotten: PartFault[]
  readonly lagging: (NodeName & { readonly node: number })[]
}

const PAGE_ROWS = 10_000

/** Compares catalog and store. Cost: one look-up a part and one a publication. */
export async function auditStore(
  project: Project,
  { selection, digests = false, onProgress }: AuditOptions = {},
): Promise<StoreAudit> {
  const definitions = await loadDefinitions(project.graph, project.catalog, false)
  const isSelected: NodeTest =
    selection === undefined
      ? () => true
      : await selectedNodes(compileSelection(project.graph, selection), {
          ...project.catalog,
          definitions,
        })
  const auditing: Auditing = {
    project,
    definitions,
    digests,
    parts: { current: 0, nodes: 0 },
    missing: [],
    forgotten: [],
    lagging: [],
  }
  const of = onProgress === undefined ? 0 : await partCount(project.catalog.db)
  let done = 0
  for await (const rows of wholeBuilds(project.catalog.db, digests !== false)) {
    await auditRows(
      auditing,
      rows.filter((row) => isSelected(named(definitions, row))),
    )
    done += rows.length
    onProgress?.(done, of)
  }
  await auditRetired(auditing, isSelected)
  const { parts, missing, forgotten, lagging } = auditing
  return { nodes: parts.nodes, parts: parts.current, missing, forgotten, lagging }
}

async function partCount(db: Connection): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*) as count from part`.execute(db)
  return rows[0]?.count ?? 0
}

const named = (
  { ids }: Definitions,
  row: { readonly node: number; readonly asset: number; readonly key: string },
): NodeName & { readonly id: number } => ({
  id: row.node,
  asset: ids.nameOf(row.asset),
  key: row.key,
})

/** Pages of part rows; a build's rows are never on two pages. */
async function* wholeBuilds(db: Connection, digests: boolean): AsyncIterable<readonly PartRow[]> {
  let open: readonly PartRow[] = []
  for (let after: PartRow | undefined; ;) {
    const rows = await partPage(db, { after, digests })
    after = rows.at(-1)
    if (after === undefined) break
    const all = [...open, ...rows]
    const last = after.build
    open = all.filter((row) => row.build === last)
    yield all.slice(0, all.length - open.length)
  }
  yield open
}

/** Part rows that matter: those of current versions, and older ones that reuse could find. */
async function partPage(
  db: Connection,
  { after, digests }: { readonly after: PartRow | undefined; readonly digests: boolean },
): Promise<readonly PartRow[]> {
  const { rows } = await sql<PartRow>`
    select p.build, p.ordinal, n.id as node, n.asset, n.key, p.name, p.path,
      p.size_bytes as "sizeBytes", ${digests ? sql`p.sha256` : sql`null`} as sha256,
      case when h.parts_build = p.build and n.version <> 0 then 1 else 0 end as current
    from part p join build b on b.id = p.build join node n on n.id = b.node
    join build h on h.id = n.built
    where (p.build, p.ordinal) > (${after?.build ?? 0}, ${after?.ordinal ?? -1})
      and ((h.parts_build = p.build and n.version <> 0) or p.fingerprint is not null)
    order by p.build, p.ordinal limit ${sql.lit(PAGE_ROWS)}`.execute(db)
  return rows
}

async function auditRows(auditing: Auditing, rows: readonly PartRow[]): Promise<void> {
  const { project, definitions } = auditing
  const sizes = await project.store.sizes(rows.map((row) => row.path))
  const broken = new Set<number>()
  const current = new Map<number, PartRow[]>()
  for (const [at, row] of rows.entries()) {
    const what = sizeFault(row, sizes[at]) ?? (await digestFault(auditing, row))
    if (row.current === 1) {
      auditing.parts.current++
      const parts = current.get(row.node)
      if (parts === undefined) current.set(row.node, [row])
      else parts.push(row)
    }
    if (what === undefined) continue
    const { id: node, ...name } = named(definitions, row)
    const { build, ordinal } = row
    const kind = sizes[at] === undefined ? 'lost' : 'changed'
    const fault = {
      ...name,
      kind,
      node,
      build,
      ordinal,
      part: row.name,
      path: row.path,
      what,
    } as const
    if (row.current === 1) broken.add(node)
    ;(row.current === 1 ? auditing.missing : auditing.forgotten).push(fault)
  }
  auditing.parts.nodes += current.size
  const whole = [...current].filter(([node]) => !broken.has(node))
  await auditShown(
    auditing,
    whole.map(([, parts]) => parts),
  )
}

function sizeFault(row: PartRow, sizeBytes: number | undefined): string | undefined {
  if (sizeBytes === row.sizeBytes) return undefined
  return sizeBytes === undefined
    ? 'is not in the store'
    : `has ${sizeBytes} bytes, the catalog says ${row.sizeBytes}`
}

async function digestFault(
  { project, digests }: Auditing,
  row: PartRow,
): Promise<string | undefined> {
  const { sha256 } = row
  if (sha256 === null || (row.current === 0 && digests !== 'all')) return undefined
  const got = await project.store.digest(row.path)
  return got === sha256 ? undefined : 'has another SHA-256 than the catalog says'
}

/** Do readers see these nodes' parts? Each list holds the current parts of one node. */
async function auditShown(
  auditing: Auditing,
  nodes: readonly (readonly PartRow[])[],
): Promise<void> {
  const published = nodes.flatMap((parts) => {
    const [first] = parts
    if (first === undefined) return []
    const current = { parts: parts.map(({ name, path }) => ({ name, path })) }
    return projectionOf(auditing, first, current) ?? []
  })
  await reportLagging(auditing, published)
}

interface Published {
  readonly name: NodeName & { readonly node: number }
  readonly projection: Projection
}

function projectionOf(
  { project: { graph }, definitions }: Auditing,
  row: { readonly node: number; readonly asset: number; readonly key: string },
  current: Projection['current'],
): Published | undefined {
  const { id: node, ...name } = named(definitions, row)
  const asset = graph.assets.get(name.asset)
  if (asset?.kind !== 'stored' && asset?.kind !== 'output') return undefined
  const publication = asset.publish?.(parseKey(row.key))
  if (publication === undefined) return undefined
  return { name: { ...name, node }, projection: { ...publication, current } }
}

async function reportLagging(
  { project, lagging }: Auditing,
  published: readonly Published[],
): Promise<void> {
  const shown = await project.store.shows(published.map(({ projection }) => projection))
  lagging.push(...published.flatMap(({ name }, at) => (shown[at] === true ? [] : [name])))
}

/** Retired nodes that readers still see. */
async function auditRetired(auditing: Auditing, isSelected: NodeTest): Promise<void> {
  const { rows } = await sql<{ node: number; asset: number; key: string }>`
    select id as node, asset, key from node where version = 0 and built <> 0
  `.execute(auditing.project.catalog.db)
  const retired = rows.filter((row) => isSelected(named(auditing.definitions, row)))
  await reportLagging(
    auditing,
    retired.flatMap((row) => projectionOf(auditing, row, undefined) ?? []),
  )
}
