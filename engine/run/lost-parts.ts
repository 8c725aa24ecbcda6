/**
 * Parts that the store lost: they are not linked, and their owners are made again.
 *
 * The store is believed until somebody looks: `--verify`, or a build that finds a part gone. Then
 * the owner is dirty with cause `missing`, and only for such nodes is the store asked again.
 */
import { sql } from 'kysely'
import type { RetainedBuild, StoredPart } from '../catalog/builds.ts'
import type { Definitions } from '../catalog/membership.ts'
import { edgesInto } from '../catalog/nodes.ts'
import type { WriteTransaction } from '../catalog/open.ts'
import { rowsTable } from '../catalog/rows.ts'
import { markDirty } from '../catalog/trace.ts'
import type { ObjectStore } from '../core/ports.ts'

/** The builds of marked nodes without parts that are gone or have another size. */
export async function presentBuilds(
  store: ObjectStore,
  builds: ReadonlyMap<number, readonly RetainedBuild[]>,
  marked: readonly number[],
): Promise<ReadonlyMap<number, readonly RetainedBuild[]>> {
  if (marked.length === 0) return builds
  const present = new Map(builds)
  for (const node of marked) {
    const own = await Promise.all(
      (builds.get(node) ?? []).map(async (build) => {
        const parts = await presentParts(store, build.parts)
        return parts.length === build.parts.length ? build : { ...build, parts, isWhole: false }
      }),
    )
    present.set(node, own)
  }
  return present
}

/** The parts that are there in their size. */
export async function presentParts(
  store: ObjectStore,
  parts: readonly StoredPart[],
): Promise<readonly StoredPart[]> {
  const sizes = await store.sizes(parts.map((part) => part.path))
  return parts.filter((part, at) => sizes[at] === part.sizeBytes)
}

/** Marks the owners of lost parts; an output's owner is the node whose build writes it. */
export async function markLost(
  trx: WriteTransaction,
  { graph, ids }: Definitions,
  paths: readonly string[],
): Promise<void> {
  if (paths.length === 0) return
  const wanted = rowsTable(
    trx.dialect,
    { path: 'text' },
    paths.map((path) => [path]),
  )
  const { rows } = await sql<{ node: number; asset: number }>`
    select distinct b.node, n.asset from ${wanted} w join part p on p.path = w.path
    join build b on b.id = p.build join node n on n.id = b.node`.execute(trx.db)
  const owners: number[] = []
  for (const { node, asset } of rows) {
    if (graph.writerOf(ids.nameOf(asset)) === undefined) owners.push(node)
    else owners.push(...(await edgesInto(trx, [node])).map((edge) => edge.src))
  }
  const reason = 'a part is not in the store'
  await markDirty(
    trx,
    'missing',
    [...new Set(owners)].map((node) => ({ node, reason })),
  )
}
