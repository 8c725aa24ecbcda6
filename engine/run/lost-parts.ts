/**
 * Parts that the store lost: they are not linked, and their owners are made again.
 *
 * The store is believed until somebody looks: `--verify`, or a build that finds a part gone. Then
 * the owner is dirty with cause `missing`, and only for such nodes is the store asked again.
 */
import { sql } from 'kysely'
import type { RetainedBuild, StoredPart } from '../catalog/builds.ts'
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

/** Marks the owners of lost parts; an output's owner is the build that writes it. */
export async function markLost(
  trx: WriteTransaction,
  lost: readonly { readonly path: string; readonly reason: string }[],
): Promise<void> {
  if (lost.length === 0) return
  const wanted = rowsTable(
    trx.dialect,
    { path: 'text', reason: 'text' },
    lost.map(({ path, reason }) => [path, reason]),
  )
  const { rows } = await sql<{ node: number; reason: string }>`
    select coalesce(e.src, b.node) as node, min(w.reason) as reason
    from ${wanted} w join part p on p.path = w.path join build b on b.id = p.build
    left join edge e on e.dst = b.node and exists (
      select 1 from node o where o.id = b.node and not exists (
        select 1 from edge r join node n on n.id = r.src join asset a on a.id = n.asset
        where r.dst = o.id and a.name = 'recipe'))
    group by coalesce(e.src, b.node)`.execute(trx.db)
  await markDirty(trx, 'missing', rows)
}
