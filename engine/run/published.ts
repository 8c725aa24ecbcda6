/**
 * What the store has to show of a node, as the catalog says: its manifest's text and its links.
 *
 * Publishing writes this, fsck compares with it, and a lost catalog is made again from it: so a
 * manifest holds all that the catalog knows of a node's content, its value included.
 */
import { sql } from 'kysely'
import type { Definitions } from '../catalog/membership.ts'
import { rowsTable } from '../catalog/rows.ts'
import type { Publication } from '../core/asset.ts'
import type { Json } from '../core/digest.ts'
import { ABSENT } from '../core/digest.ts'
import type { NodeName } from '../core/key.ts'
import { parseKey } from '../core/key.ts'
import type { Projection } from '../core/ports.ts'
import type { Project } from './project.ts'

export interface Published {
  readonly node: number
  readonly name: NodeName
  /** the build the node stands on */
  readonly build: number
  readonly publication: Publication
  /** undefined: nothing was published yet */
  readonly manifest: { readonly number: number; readonly text: string } | undefined
  readonly projection: Projection
}

/** One part in a manifest. */
export interface ManifestPart {
  readonly name: string
  readonly path: string
  readonly size_bytes: number
  readonly sha256: string
  readonly rows: number | null
  /** of an outlined part */
  readonly fingerprint?: string
  /** ISO 8601 with milliseconds */
  readonly first_wanted_at?: string
}

/** What readers outside the product may rely on: the exact parts of one version of one node. */
export interface Manifest {
  readonly format: 'tributary-manifest/1'
  readonly asset: string
  readonly key: string
  readonly commit_number: number
  /** `absent`: retired, no parts */
  readonly content_id: string
  readonly fingerprint: string | null
  /** counts and names that plans need; no value of a row */
  readonly value: Json
  /** of an output: the key of the build that writes it */
  readonly written_by?: NodeName
  readonly parts: readonly ManifestPart[]
}

interface PublishedRow {
  readonly node: number
  readonly asset: number
  readonly key: string
  readonly build: number
  readonly version: number
  readonly contentId: string | null
  readonly value: string | null
  readonly fingerprint: string | null
  readonly commitNumber: number
  readonly name: string | null
  readonly path: string
  readonly sizeBytes: number
  readonly sha256: string
  readonly rows: number | null
  readonly partFingerprint: string | null
  readonly firstWantedMs: number | null
}

/**
 * What is to be shown of the nodes, without those that are never published. The
 * fingerprint is that of the build that made the parts: a cutoff after it publishes nothing.
 */
export async function publishedNodes(
  project: Project,
  definitions: Definitions,
  nodes: readonly number[],
): Promise<readonly Published[]> {
  const rows = await read(project, nodes)
  const writers = await writersOf(project, definitions, rows)
  return [...Map.groupBy(rows, (row) => row.node)].flatMap(([, [head, ...more]]) => {
    if (head === undefined) return []
    const asset = definitions.ids.nameOf(head.asset)
    const definition = definitions.graph.assets.get(asset)
    if (definition?.kind !== 'stored' && definition?.kind !== 'output') return []
    const publication = definition.publish?.(parseKey(head.key))
    if (publication === undefined) return []
    const parts = [head, ...more].filter((row) => row.name !== null && row.version !== 0)
    const text = manifestText({ asset, head, parts, writer: writers.get(head.node) })
    const shown = parts.map((part) => ({ name: part.name ?? '', path: part.path }))
    return {
      node: head.node,
      name: { asset, key: head.key },
      build: head.build,
      publication,
      manifest: head.commitNumber > 0 ? { number: head.commitNumber, text } : undefined,
      projection: { ...publication, current: shown.length === 0 ? undefined : { parts: shown } },
    }
  })
}

async function read(
  { catalog }: Project,
  nodes: readonly number[],
): Promise<readonly PublishedRow[]> {
  if (nodes.length === 0) return []
  const wanted = rowsTable(
    catalog.dialect,
    { id: 'int' },
    nodes.map((id) => [id]),
  )
  const { rows } = await sql<PublishedRow>`
    select n.id as node, n.asset, n.key, n.built as build, n.version, v.content_id as "contentId",
      v.value, case when b.parts_build = 0 then b.fingerprint else o.fingerprint end as fingerprint,
      coalesce(b.commit_number, 0) as "commitNumber", p.name, p.path,
      p.size_bytes as "sizeBytes", p.sha256, p.rows, p.fingerprint as "partFingerprint",
      f.at_ms as "firstWantedMs"
    from ${wanted} w join node n on n.id = w.id left join version v on v.id = n.version
    left join build b on b.id = n.built left join build o on o.id = b.parts_build
    left join part p on p.build = b.parts_build
    left join first_wanted f on f.fingerprint = p.fingerprint
    order by n.id, p.ordinal`.execute(catalog.db)
  return rows
}

/** An output's one edge leads to the node whose build writes it. */
async function writersOf(
  { catalog }: Project,
  { graph, ids }: Definitions,
  rows: readonly PublishedRow[],
): Promise<ReadonlyMap<number, NodeName>> {
  const outputs = rows.filter(({ asset }) => graph.writerOf(ids.nameOf(asset)) !== undefined)
  if (outputs.length === 0) return new Map()
  const wanted = rowsTable(
    catalog.dialect,
    { id: 'int' },
    [...new Set(outputs.map(({ node }) => node))].map((id) => [id]),
  )
  const { rows: edges } = await sql<{ output: number; asset: number; key: string }>`
    select e.dst as output, n.asset, n.key from ${wanted} w join edge e on e.dst = w.id
    join node n on n.id = e.src`.execute(catalog.db)
  return new Map(edges.map(({ output, asset, key }) => [output, { asset: ids.nameOf(asset), key }]))
}

function manifestText({
  asset,
  head,
  parts,
  writer,
}: {
  readonly asset: string
  readonly head: PublishedRow
  readonly parts: readonly PublishedRow[]
  readonly writer: NodeName | undefined
}): string {
  const manifest: Manifest = {
    format: 'tributary-manifest/1',
    asset,
    key: head.key,
    commit_number: head.commitNumber,
    content_id: head.contentId ?? ABSENT,
    fingerprint: head.fingerprint,
    value: head.value === null ? null : (JSON.parse(head.value) as Json),
    ...(writer !== undefined && { written_by: writer }),
    parts: parts.map((part) => ({
      name: part.name ?? '',
      path: part.path,
      size_bytes: part.sizeBytes,
      sha256: part.sha256,
      rows: part.rows,
      ...(part.partFingerprint !== null && { fingerprint: part.partFingerprint }),
      ...(part.firstWantedMs !== null && {
        first_wanted_at: new Date(part.firstWantedMs).toISOString(),
      }),
    })),
  }
  return `${JSON.stringify(manifest, null, 2)}\n`
}
