/**
 * Takes over what the store's manifests say: nodes, contents, versions that are kept, their parts.
 *
 * An adopted node stands on a build row `restored` with the fingerprint its manifest names, and is
 * dirty: the next run resolves what it reads, finds that fingerprint, and computes nothing.
 */
import { sql } from 'kysely'
import { z } from 'zod'
import type { StoredPart } from '../catalog/builds.ts'
import { insertBuilds } from '../catalog/builds.ts'
import type { Definitions } from '../catalog/membership.ts'
import { createNodes, moveMemberships } from '../catalog/membership.ts'
import type { NodeRow } from '../catalog/nodes.ts'
import type { WriteTransaction } from '../catalog/open.ts'
import { rowsTable } from '../catalog/rows.ts'
import { commitTraces, markDirty } from '../catalog/trace.ts'
import type { HeadEntry } from '../catalog/unprojected.ts'
import type { ContentId } from '../core/digest.ts'
import { ABSENT, canonicalJson } from '../core/digest.ts'
import { EngineError } from '../core/errors.ts'
import { nodeText } from '../core/key.ts'
import type { Manifest } from './published.ts'

const NAME = z.strictObject({ asset: z.string(), key: z.string() })
const MANIFEST = z.strictObject({
  format: z.literal('tributary-manifest/1'),
  asset: z.string(),
  key: z.string(),
  commit_number: z.int().min(1),
  content_id: z.string(),
  fingerprint: z.string().nullable(),
  value: z.json(),
  written_by: NAME.exactOptional(),
  parts: z.array(
    z.strictObject({
      name: z.string(),
      path: z.string(),
      size_bytes: z.int().min(0),
      sha256: z.string(),
      rows: z.int().nullable(),
      fingerprint: z.string().exactOptional(),
      first_wanted_at: z.iso.datetime().exactOptional(),
    }),
  ),
})

/** Reads a manifest. Throws STORED_INVALID. */
export function readManifestText(
  text: string | undefined,
  place: { readonly path: string; readonly number: number },
): Manifest {
  try {
    return MANIFEST.parse(JSON.parse(text ?? ''))
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof z.ZodError)) throw error
    throw new EngineError('STORED_INVALID', place, { cause: error })
  }
}

export interface Adoption {
  readonly trx: WriteTransaction
  readonly definitions: Definitions
  /** the run that all restored build rows belong to */
  readonly run: number
  readonly atMs: number
  /** versions whose parts are kept */
  readonly retained: number
}

/** A node's manifests, oldest first: at least one. */
export type Kept = readonly Manifest[]

const rowsByName = ({ ids }: Definitions, rows: readonly NodeRow[]): ReadonlyMap<string, NodeRow> =>
  new Map(rows.map((row) => [nodeText({ asset: ids.nameOf(row.asset), key: row.key }), row]))

/**
 * Adopts many nodes with the last versions, whose parts are kept. Older manifests still say when
 * parts were first wanted, so that a withdrawal gives the bytes there were before. Returns how many
 * parts were taken over.
 */
export async function adoptNodes(adoption: Adoption, all: readonly Kept[]): Promise<number> {
  const { trx, definitions } = adoption
  const nodes = all.map((manifests) => manifests.slice(-adoption.retained))
  const lasts = nodes.flatMap((kept) => kept.at(-1) ?? [])
  const rows = rowsByName(definitions, await createNodes(trx, definitions, lasts))
  const idOf = (manifest: Manifest): number => rows.get(nodeText(manifest))?.id ?? 0
  await internContents(trx, nodes.flat(), idOf)
  const depth = nodes.reduce((most, kept) => Math.max(most, kept.length), 0)
  for (let back = depth; back > 0; back--) {
    // The oldest of all first, so that build rows stand in the order of their commits.
    const layer = nodes.flatMap((kept) => kept.at(-back) ?? [])
    await insertRestored(
      adoption,
      layer.map((manifest) => ({ manifest, node: idOf(manifest) })),
    )
  }
  await commitTraces(
    trx,
    lasts.map((manifest) => traceOf(manifest, idOf(manifest))),
  )
  await moveMemberships(
    trx,
    definitions,
    lasts.map((manifest) => ({
      id: idOf(manifest),
      asset: manifest.asset,
      key: manifest.key,
      value: manifest.content_id === ABSENT ? undefined : manifest.value,
    })),
  )
  await linkWriters(adoption, lasts, idOf)
  // A node that was there before has no edge that differs; the weakest mark makes a run look at it.
  const derived = lasts.filter(
    ({ asset }) => definitions.graph.assets.get(asset)?.kind === 'stored',
  )
  await markDirty(
    trx,
    'removed',
    derived.map((manifest) => ({ node: idOf(manifest) })),
  )
  await rememberWanted(trx, all.flat())
  return nodes.flat().reduce((sum, { parts }) => sum + parts.length, 0)
}

const traceOf = ({ content_id: contentId, value }: Manifest, node: number) => ({
  node,
  contentId: contentId as ContentId,
  value: value === null || contentId === ABSENT ? null : canonicalJson(value),
  read: [],
  dropped: [],
  claimRevision: 0,
})

async function internContents(
  { db, dialect }: WriteTransaction,
  manifests: readonly Manifest[],
  idOf: (manifest: Manifest) => number,
): Promise<void> {
  const present = manifests.filter((one) => one.content_id !== ABSENT)
  if (present.length === 0) return
  const wanted = rowsTable(
    dialect,
    { node: 'int', content_id: 'text', value: 'text' },
    present.map((one) => [
      idOf(one),
      one.content_id,
      one.value === null ? null : canonicalJson(one.value),
    ]),
  )
  await sql`insert into version (node, content_id, value)
    select node, content_id, value from ${wanted} w where true
    on conflict (node, content_id) do nothing`.execute(db)
}

async function insertRestored(
  { trx, run, atMs }: Adoption,
  layer: readonly { readonly manifest: Manifest; readonly node: number }[],
): Promise<void> {
  const versions = await versionsOf(trx, layer)
  const built = await insertBuilds(
    trx,
    layer.map(({ manifest, node }) => ({
      node,
      run,
      outcome: 'restored',
      fingerprint: manifest.fingerprint,
      version: versions.get(node) ?? 0,
      slots: '[]',
      attempt: null,
      atMs,
      ms: 0,
      rows: manifest.parts.reduce((sum, part) => sum + (part.rows ?? 0), 0),
      sizeBytes: manifest.parts.reduce((sum, part) => sum + part.size_bytes, 0),
      cause: null,
      error: null,
      parts: manifest.parts.length === 0 ? 'none' : manifest.parts.map(partOf),
      publishes: false,
    })),
  )
  const numbers = rowsTable(
    trx.dialect,
    { build: 'int', number: 'int' },
    layer.map(({ manifest, node }) => [built.get(node)?.build ?? 0, manifest.commit_number]),
  )
  await sql`update build set commit_number = w.number from ${numbers} w
    where build.id = w.build`.execute(trx.db)
}

const partOf = (part: Manifest['parts'][number]): StoredPart => ({
  name: part.name,
  fingerprint: part.fingerprint ?? null,
  path: part.path,
  sizeBytes: part.size_bytes,
  sha256: part.sha256,
  rows: part.rows,
})

async function versionsOf(
  { db, dialect }: WriteTransaction,
  layer: readonly { readonly manifest: Manifest; readonly node: number }[],
): Promise<ReadonlyMap<number, number>> {
  const wanted = rowsTable(
    dialect,
    { node: 'int', content_id: 'text' },
    layer.map(({ manifest, node }) => [node, manifest.content_id]),
  )
  const { rows } = await sql<{ node: number; id: number }>`
    select v.node, v.id from ${wanted} w
    join version v on v.node = w.node and v.content_id = w.content_id`.execute(db)
  return new Map(rows.map((row) => [row.node, row.id]))
}

/** An output's edge to the build that writes it; its version is set when all are adopted. */
async function linkWriters(
  { trx, definitions }: Adoption,
  manifests: readonly Manifest[],
  idOf: (manifest: Manifest) => number,
): Promise<void> {
  const written = manifests.flatMap((manifest) =>
    manifest.written_by === undefined ? [] : [{ node: idOf(manifest), by: manifest.written_by }],
  )
  if (written.length === 0) return
  const writers = rowsByName(
    definitions,
    await createNodes(
      trx,
      definitions,
      written.map(({ by }) => by),
    ),
  )
  const edges = rowsTable(
    trx.dialect,
    { dst: 'int', src: 'int' },
    written.map(({ node, by }) => [node, writers.get(nodeText(by))?.id ?? 0]),
  )
  await sql`insert into edge (dst, src, src_version) select dst, src, 0 from ${edges} w
    where true on conflict (dst, src) do nothing`.execute(trx.db)
}

/** Outputs have consumed what their writers are: called once, after the last adoption. */
export async function settleOutputs({ trx, definitions }: Adoption): Promise<void> {
  const outputs = [...definitions.graph.assets.values()].flatMap((asset) =>
    asset.kind === 'output' ? [definitions.ids.idOf(asset.name)] : [],
  )
  if (outputs.length === 0) return
  await sql`update edge set src_version = s.version from node s
    where s.id = edge.src and edge.src_version <> s.version
      and edge.dst in (select o.id from node o where o.asset in (${sql.join(outputs)}))`.execute(
    trx.db,
  )
}

async function rememberWanted(
  { db, dialect }: WriteTransaction,
  manifests: readonly Manifest[],
): Promise<void> {
  const wanted = new Map<string, number>()
  for (const { parts } of manifests) {
    for (const { fingerprint, first_wanted_at: at } of parts) {
      if (fingerprint !== undefined && at !== undefined) wanted.set(fingerprint, Date.parse(at))
    }
  }
  if (wanted.size === 0) return
  const rows = rowsTable(dialect, { fingerprint: 'text', at_ms: 'int' }, [...wanted])
  await sql`insert into first_wanted (fingerprint, at_ms) select fingerprint, at_ms from ${rows} w
    where true on conflict (fingerprint) do nothing`.execute(db)
}

/** Puts a later build on adopted nodes, and makes those that no manifest speaks of. */
export async function adoptHeads(adoption: Adoption, heads: readonly HeadEntry[]): Promise<void> {
  const { trx, definitions } = adoption
  if (heads.length === 0) return
  const names = heads.map(({ head }) => head)
  const rows = rowsByName(definitions, await createNodes(trx, definitions, names))
  const standing = await standingBuilds(
    trx,
    [...rows.values()].map(({ id }) => id),
  )
  const current = heads.flatMap((one) => {
    const node = rows.get(nodeText(one.head))?.id ?? 0
    const before = standing.get(node)
    // Another commit came after it, and its manifest said so.
    if (before !== undefined && before.commitNumber > one.commit_number) return []
    return [{ ...one, node, hasParts: (before?.partsBuild ?? 0) > 0 }]
  })
  const traced = current.map((one) => ({
    node: one.node,
    contentId: one.content_id as ContentId,
    value: one.value === null || one.content_id === ABSENT ? null : canonicalJson(one.value),
    read: [],
    dropped: [],
    claimRevision: 0,
  }))
  const { versions } = await commitTraces(trx, traced)
  await moveMemberships(
    trx,
    definitions,
    current.map(({ head, node, content_id: id, value }) => ({
      id: node,
      ...head,
      value: id === ABSENT ? undefined : value,
    })),
  )
  await insertBuilds(
    trx,
    current.map((one) => ({
      node: one.node,
      run: adoption.run,
      outcome: 'restored',
      fingerprint: one.fingerprint,
      version: versions.get(one.node) ?? 0,
      slots: '[]',
      attempt: null,
      atMs: adoption.atMs,
      ms: 0,
      rows: null,
      sizeBytes: null,
      cause: null,
      error: null,
      parts: one.hasParts ? 'same' : 'none',
      publishes: false,
    })),
  )
  await markDirty(
    trx,
    'removed',
    current.map(({ node }) => ({ node })),
  )
}

async function standingBuilds(
  { db, dialect }: WriteTransaction,
  nodes: readonly number[],
): Promise<ReadonlyMap<number, { readonly commitNumber: number; readonly partsBuild: number }>> {
  const wanted = rowsTable(
    dialect,
    { id: 'int' },
    nodes.map((id) => [id]),
  )
  const { rows } = await sql<{ node: number; commitNumber: number; partsBuild: number }>`
    select n.id as node, b.commit_number as "commitNumber", b.parts_build as "partsBuild"
    from ${wanted} w join node n on n.id = w.id join build b on b.id = n.built`.execute(db)
  return new Map(rows.map(({ node, ...row }) => [node, row]))
}
