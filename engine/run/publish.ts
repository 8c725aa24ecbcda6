/**
 * Publishes: makes the store show what the catalog says, for given nodes.
 *
 * A projection: it reads the catalog, writes manifests and links, and reads again until nothing
 * moved in between; so it may be repeated at any time, by anyone, and never leads the catalog.
 */
import { sql } from 'kysely'
import type { Definitions } from '../catalog/membership.ts'
import { rowsTable } from '../catalog/rows.ts'
import type { Json } from '../core/digest.ts'
import { ABSENT } from '../core/digest.ts'
import { EngineError } from '../core/errors.ts'
import { parseKey } from '../core/key.ts'
import type { Project } from './project.ts'

/** How often a node may move under a publication before it gives up: each time is a real commit. */
const ROUNDS_MAX = 100
/** How long a look at the catalog is believed: less than a hold stands. */
const LOOK_MAX_MS = 10_000

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
  readonly atMs: number
  readonly name: string | null
  readonly path: string
  readonly sizeBytes: number
  readonly sha256: string
  readonly rows: number | null
  readonly firstWantedMs: number | null
}

interface Shown {
  readonly head: PublishedRow
  readonly parts: readonly PublishedRow[]
}

/**
 * Brings manifests and links of the nodes up to the catalog. Safe to repeat. `keep` makes sure that
 * nobody else publishes them for some time, or throws: then another shows what is current.
 */
export async function publishNodes(
  project: Project,
  definitions: Definitions,
  {
    nodes,
    keep,
  }: { readonly nodes: readonly number[]; readonly keep: (forMs: number) => Promise<void> },
): Promise<void> {
  const done = new Map<number, number>()
  let left = nodes
  for (let round = 0; left.length > 0; round++) {
    if (round === ROUNDS_MAX) {
      throw new EngineError('ASSERTION', { what: 'a publication comes to rest within 100 rounds' })
    }
    const lookedMs = project.clock.elapsedMs()
    await keep(LOOK_MAX_MS)
    const shown = await read(project, left)
    const moved = shown.filter(({ head }) => done.get(head.node) !== head.build)
    for (const one of moved) {
      // What is held outlives a look by this much: a process that was frozen meanwhile looks again,
      // and never shows what another run has replaced since.
      if (project.clock.elapsedMs() - lookedMs > LOOK_MAX_MS) break
      await show(project, definitions, one)
      done.set(one.head.node, one.head.build)
    }
    left = moved.map(({ head }) => head.node)
  }
}

async function read({ catalog }: Project, nodes: readonly number[]): Promise<readonly Shown[]> {
  const wanted = rowsTable(
    catalog.dialect,
    { id: 'int' },
    nodes.map((id) => [id]),
  )
  const { rows } = await sql<PublishedRow>`
    select n.id as node, n.asset, n.key, n.built as build, n.version, v.content_id as "contentId",
      v.value, b.fingerprint, b.commit_number as "commitNumber", b.at_ms as "atMs", p.name, p.path,
      p.size_bytes as "sizeBytes", p.sha256, p.rows, f.at_ms as "firstWantedMs"
    from ${wanted} w join node n on n.id = w.id left join version v on v.id = n.version
    left join build b on b.id = n.built left join part p on p.build = b.parts_build
    left join first_wanted f on f.fingerprint = p.fingerprint
    order by n.id, p.ordinal`.execute(catalog.db)
  const byNode = new Map<number, { head: PublishedRow; parts: PublishedRow[] }>()
  for (const row of rows) {
    const one = byNode.get(row.node) ?? { head: row, parts: [] }
    byNode.set(row.node, one)
    if (row.name !== null && row.version !== 0) one.parts.push(row)
  }
  return [...byNode.values()]
}

async function show(
  project: Project,
  definitions: Definitions,
  { head, parts }: Shown,
): Promise<void> {
  const name = definitions.ids.nameOf(head.asset)
  const asset = definitions.graph.assets.get(name)
  if (asset?.kind !== 'stored' && asset?.kind !== 'output') return
  const publication = asset.publish?.(parseKey(head.key))
  if (publication === undefined) return
  // A retirement has a manifest too, of no parts: whoever reads the highest number must not go on
  // reading what is retired.
  if (head.commitNumber > 0) {
    const text = `${JSON.stringify(manifest(name, head, parts), null, 2)}\n`
    await project.store.writeManifest(publication.path, head.commitNumber, text)
  }
  const shown = parts.map((part) => ({ name: part.name ?? '', path: part.path }))
  const current = shown.length === 0 ? undefined : { parts: shown }
  await project.store.project({ ...publication, current })
}

/** What readers outside the product may rely on: the exact parts of one version of one node. */
const manifest = (asset: string, head: PublishedRow, parts: readonly PublishedRow[]): Json => ({
  format: 'tributary-manifest/1',
  asset,
  key: head.key,
  commit_number: head.commitNumber,
  content_id: head.contentId ?? ABSENT,
  fingerprint: head.fingerprint,
  parts: parts.map((part) => ({
    name: part.name,
    path: part.path,
    size_bytes: part.sizeBytes,
    sha256: part.sha256,
    rows: part.rows,
    ...(part.firstWantedMs !== null && {
      first_wanted_at: new Date(part.firstWantedMs).toISOString(),
    }),
  })),
})
