/** Reads the store's manifests, path after path in batches, and adopts what the catalog lacks. */
import { sql } from 'kysely'
import { rowsTable } from '../catalog/rows.ts'
import type { ObjectStore } from '../core/ports.ts'
import type { Adoption, Kept } from './adopt.ts'
import { adoptNodes, readManifestText } from './adopt.ts'
import type { Manifest } from './published.ts'

export interface Adopted {
  readonly nodes: number
  readonly parts: number
  /** paths of assets that this program does not know */
  readonly unknown: number
}

interface PublishedPath {
  readonly path: string
  /** ascending */
  readonly numbers: readonly number[]
}

const PATHS_AT_ONCE = 500
/** manifests read at once */
const READS_AT_ONCE = 32

/** Adopts every published path that the catalog is behind of. Memory: a batch of paths. */
export async function adoptManifests(
  adoption: Adoption,
  store: ObjectStore,
  onProgress?: (done: number) => void,
): Promise<Adopted> {
  const counts = { nodes: 0, parts: 0, unknown: 0 }
  for await (const paths of batches(store)) {
    const { known, unknown } = await behindOf(adoption, await readAll(store, paths))
    counts.parts += await adoptNodes(adoption, known)
    counts.nodes += known.length
    counts.unknown += unknown
    onProgress?.(counts.nodes)
  }
  return counts
}

async function* batches(store: ObjectStore): AsyncIterable<readonly PublishedPath[]> {
  let batch: PublishedPath[] = []
  for await (const one of publishedPaths(store)) {
    batch.push(one)
    if (batch.length < PATHS_AT_ONCE) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

/** Paths of nodes; what begins with `_` is the engine's own. */
async function* publishedPaths(store: ObjectStore): AsyncIterable<PublishedPath> {
  let open: { path: string; numbers: number[] } | undefined
  for await (const { path, number } of store.manifests()) {
    if (path.startsWith('_')) continue
    if (open?.path === path) open.numbers.push(number)
    else {
      if (open !== undefined) yield open
      open = { path, numbers: [number] }
    }
  }
  if (open !== undefined) yield open
}

/** The manifests of each path, oldest first. */
async function readAll(
  store: ObjectStore,
  paths: readonly PublishedPath[],
): Promise<readonly Kept[]> {
  const queue = paths.flatMap(({ path, numbers }, place) =>
    numbers.map((number, at) => ({ place, at, path, number })),
  )
  const found: Manifest[][] = paths.map(() => [])
  const reader = async (): Promise<void> => {
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const { place, at, ...where } = next
      const text = await store.readManifest(where.path, where.number)
      const own = found[place]
      if (own !== undefined) own[at] = readManifestText(text, where)
    }
  }
  await Promise.all(Array.from({ length: READS_AT_ONCE }, reader))
  return found
}

/** Of each node what is beyond its commit number; a node that is not behind is left out. */
async function behindOf(
  { trx, definitions }: Adoption,
  all: readonly Kept[],
): Promise<{ readonly known: readonly Kept[]; readonly unknown: number }> {
  const { graph, ids } = definitions
  const known = all.filter(([first]) => {
    const kind = graph.assets.get(first?.asset ?? '')?.kind
    return kind === 'stored' || kind === 'output'
  })
  const wanted = rowsTable(
    trx.dialect,
    { place: 'int', asset: 'int', key: 'text' },
    known.map(([first], place) => [place, ids.idOf(first?.asset ?? ''), first?.key ?? '']),
  )
  const { rows } = await sql<{ place: number; number: number }>`
    select w.place, b.commit_number as number from ${wanted} w
    join node n on n.asset = w.asset and n.key = w.key join build b on b.id = n.built
  `.execute(trx.db)
  const standing = new Map(rows.map((row) => [row.place, row.number]))
  const behind = known.map((manifests, place) =>
    manifests.filter((one) => one.commit_number > (standing.get(place) ?? 0)),
  )
  return {
    known: behind.filter((manifests) => manifests.length > 0),
    unknown: all.length - known.length,
  }
}
