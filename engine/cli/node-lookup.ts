/** One partition as the catalog has it: its row, what it reads now, what its builds read. */
import { sql } from 'kysely'
import type { EdgeRow, NodeRow } from '../catalog/nodes.ts'
import { edgesInto, findNodes, nodesById } from '../catalog/nodes.ts'
import { Contents } from '../catalog/contents.ts'
import { rowsTable } from '../catalog/rows.ts'
import type { ContentId, Json } from '../core/digest.ts'
import { EngineError } from '../core/errors.ts'
import type { NodeName } from '../core/key.ts'
import { compareText, nodeText } from '../core/key.ts'
import { changedPointers } from '../core/plan.ts'
import type { Project } from '../run/project.ts'
import { loadDefinitions } from '../run/project.ts'
import type { Definitions } from '../catalog/membership.ts'

export interface Lookup {
  readonly project: Project
  readonly definitions: Definitions
  readonly contents: Contents
}

/** Opens a look at the catalog; read only. */
export async function openLookup(project: Project): Promise<Lookup> {
  const definitions = await loadDefinitions(project.graph, project.catalog, false)
  return { project, definitions, contents: new Contents() }
}

/** The row of a node. Throws NODE_UNKNOWN. */
export async function requireNode(
  { project, definitions }: Lookup,
  node: NodeName,
): Promise<NodeRow> {
  const [row] = await findNodes(project.catalog, definitions.ids, [node])
  if (row === undefined) throw new EngineError('NODE_UNKNOWN', { node: nodeText(node) })
  return row
}

/** One input, as a build read it or as it is now. */
export interface SlotRow extends NodeName {
  readonly node: number
  readonly version: number
  readonly contentId: ContentId
}

/** What a node reads now, present slots only, by name. */
export async function currentSlots(lookup: Lookup, node: number): Promise<readonly SlotRow[]> {
  const edges: readonly EdgeRow[] = await edgesInto(lookup.project.catalog, [node])
  return slotRows(
    lookup,
    edges.map((edge) => ({
      node: edge.src,
      version: edge.version,
      asset: edge.asset,
      key: edge.key,
    })),
  )
}

/** What builds read, by build id: `slots` is the catalog's `[[node, version], …]`. */
export async function builtSlots(
  lookup: Lookup,
  builds: readonly { readonly id: number; readonly slots: string }[],
): Promise<ReadonlyMap<number, readonly SlotRow[]>> {
  const read = builds.map((build) => ({
    id: build.id,
    slots: JSON.parse(build.slots) as readonly (readonly [number, number])[],
  }))
  const ids = [...new Set(read.flatMap((one) => one.slots.map(([node]) => node)))]
  const nodes = new Map((await nodesById(lookup.project.catalog, ids)).map((row) => [row.id, row]))
  const found = new Map<number, readonly SlotRow[]>()
  for (const { id, slots } of read) {
    const rows = slots.flatMap(([node, version]) => {
      const row = nodes.get(node)
      return row === undefined ? [] : [{ node, version, asset: row.asset, key: row.key }]
    })
    found.set(id, await slotRows(lookup, rows))
  }
  return found
}

async function slotRows(
  { project, definitions, contents }: Lookup,
  rows: readonly {
    readonly node: number
    readonly version: number
    readonly asset: number
    readonly key: string
  }[],
): Promise<readonly SlotRow[]> {
  await contents.load(
    project.catalog,
    rows.map((row) => row.version),
  )
  return rows
    .filter((row) => row.version !== 0)
    .map((row) => ({
      node: row.node,
      version: row.version,
      asset: definitions.ids.nameOf(row.asset),
      key: row.key,
      contentId: contents.get(row.version).contentId,
    }))
    .toSorted((a, b) => compareText(nodeText(a), nodeText(b)))
}

export interface SlotDifference extends NodeName {
  readonly from: ContentId | undefined
  readonly to: ContentId | undefined
  /** JSON pointers where both are values */
  readonly pointers: readonly string[]
}

/** The slots that differ between two reads, by name. */
export function slotDifferences(
  { contents }: Lookup,
  before: readonly SlotRow[],
  after: readonly SlotRow[],
): readonly SlotDifference[] {
  const old = new Map(before.map((slot) => [slot.node, slot]))
  const fresh = new Set(after.map((slot) => slot.node))
  const value = (slot: SlotRow | undefined): Json | undefined =>
    slot === undefined ? undefined : contents.get(slot.version).value
  const changed = after.flatMap((slot) => {
    const was = old.get(slot.node)
    if (was?.contentId === slot.contentId) return []
    const [from, to] = [value(was), value(slot)]
    const pointers = from === undefined || to === undefined ? [] : changedPointers(from, to)
    return [
      { asset: slot.asset, key: slot.key, from: was?.contentId, to: slot.contentId, pointers },
    ]
  })
  const removed = before
    .filter((slot) => !fresh.has(slot.node))
    .map(({ asset, key, contentId }) => ({
      asset,
      key,
      from: contentId,
      to: undefined,
      pointers: [],
    }))
  return [...changed, ...removed]
}

export interface BuildRow {
  readonly id: number
  readonly run: number
  readonly outcome: string
  readonly fingerprint: string | null
  readonly version: number
  readonly commit: number
  readonly slots: string
  readonly atMs: number
  readonly ms: number
  readonly rows: number | null
  readonly cause: string | null
  readonly error: string | null
}

/** The last builds of a node, newest first. */
export async function lastBuilds(
  { project }: Lookup,
  node: number,
  limit: number,
): Promise<readonly BuildRow[]> {
  const { rows } = await sql<BuildRow>`
    select id, run, outcome, fingerprint, version, commit_number as "commit", slots,
      at_ms as "atMs", ms, rows, cause, error
    from build where node = ${node} order by id desc limit ${sql.lit(limit)}`.execute(
    project.catalog.db,
  )
  return rows
}

export interface PartRow {
  readonly name: string
  readonly rows: number | null
  readonly sizeBytes: number
  readonly sha256: string
  readonly path: string
  readonly firstWantedMs: number | null
}

/** The parts of a node's current version, in order. */
export async function currentParts({ project }: Lookup, node: number): Promise<readonly PartRow[]> {
  const { catalog } = project
  const wanted = rowsTable(catalog.dialect, { id: 'int' }, [[node]])
  const { rows } = await sql<PartRow>`
    select p.name, p.rows, p.size_bytes as "sizeBytes", p.sha256, p.path,
      f.at_ms as "firstWantedMs"
    from ${wanted} w join node n on n.id = w.id join build b on b.id = n.built
    join part p on p.build = b.parts_build
    left join first_wanted f on f.fingerprint = coalesce(p.fingerprint, b.fingerprint)
    order by p.ordinal`.execute(catalog.db)
  return rows
}
