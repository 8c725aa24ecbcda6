/** What a project's catalog and store hold, read with queries of the tests' own. */
import { existsSync, lstatSync, readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { sql } from 'kysely'
import type { Catalog } from '../../engine/index.ts'
import { parseKey, sha256 } from '../../engine/index.ts'
import type { Project } from '../../engine/index.ts'

export interface StoredNode {
  readonly asset: string
  readonly key: string
  readonly contentId: string
  /** canonical JSON */
  readonly value: string | null
}

/** Every node with content but recipes, by `asset[key]`. */
export async function presentNodes({ db }: Catalog): Promise<ReadonlyMap<string, StoredNode>> {
  const { rows } = await sql<StoredNode>`
    select a.name as asset, n.key, v.content_id as "contentId", v.value from node n
    join asset a on a.id = n.asset join version v on v.id = n.version
    where a.name <> 'recipe' order by a.name, n.key`.execute(db)
  return new Map(rows.map((row) => [`${row.asset}[${row.key}]`, row]))
}

/** Every node there ever was, as `asset[key]`. */
export async function nodeNames({ db }: Catalog): Promise<readonly string[]> {
  const { rows } = await sql<{ node: string }>`
    select a.name || '[' || n.key || ']' as node from node n
    join asset a on a.id = n.asset`.execute(db)
  return rows.map(({ node }) => node)
}

/** What each node's last build read: node → (source, value), the recipe's value apart. */
export async function lastReads({
  db,
}: Catalog): Promise<
  ReadonlyMap<string, { readonly recipe: string; readonly slots: ReadonlyMap<string, string> }>
> {
  const { rows } = await sql<{ node: string; slots: string }>`
    select a.name || '[' || n.key || ']' as node, b.slots from node n
    join asset a on a.id = n.asset join build b on b.id = n.built`.execute(db)
  const { rows: versions } = await sql<{ id: number; asset: string; key: string; value: string }>`
    select v.id, a.name as asset, n.key, v.value from version v join node n on n.id = v.node
    join asset a on a.id = n.asset`.execute(db)
  const byId = new Map(versions.map((row) => [row.id, row]))
  return new Map(
    rows.map(({ node, slots }) => {
      let recipe = ''
      const read = new Map<string, string>()
      for (const [, version] of JSON.parse(slots) as readonly (readonly [number, number])[]) {
        const source = byId.get(version)
        if (source === undefined) continue
        if (source.asset === 'recipe') recipe = JSON.parse(source.value) as string
        else read.set(`${source.asset}[${source.key}]`, source.value)
      }
      return [node, { recipe, slots: read }]
    }),
  )
}

/** Nodes and what they have edges from. */
export type Edges = ReadonlyMap<string, ReadonlySet<string>>

export async function allEdges(db: Catalog['db']): Promise<Edges> {
  const { rows } = await sql<{ node: string; source: string }>`
    select a.name || '[' || n.key || ']' as node, b.name || '[' || s.key || ']' as source from edge e
    join node n on n.id = e.dst join asset a on a.id = n.asset
    join node s on s.id = e.src join asset b on b.id = s.asset`.execute(db)
  const edges = new Map<string, Set<string>>()
  for (const { node, source } of rows) edges.set(node, (edges.get(node) ?? new Set()).add(source))
  return edges
}

interface PartRow {
  readonly asset: string
  readonly key: string
  readonly commitNumber: number
  readonly version: number
  readonly name: string | null
  readonly path: string
  readonly sizeBytes: number
  readonly sha256: string
}

export interface CurrentPart {
  readonly asset: string
  readonly key: string
  readonly path: string
  readonly sizeBytes: number
  readonly sha256: string
}

/** The parts of every node's current version. */
export async function currentParts(db: Catalog['db']): Promise<readonly CurrentPart[]> {
  const { rows } = await sql<CurrentPart>`
    select a.name as asset, n.key, p.path, p.size_bytes as "sizeBytes", p.sha256
    from node n join asset a on a.id = n.asset
    join build b on b.id = n.built join part p on p.build = b.parts_build
    where n.version <> 0 order by a.name, n.key, p.ordinal`.execute(db)
  return rows
}

/**
 * Differences between what readers see and what the catalog says; empty: none. Nodes in `except`
 * have lost a part and were not built since; they may also be the writer of a node that did.
 */
export async function storeOffences(
  project: Project,
  { root, except = new Set() }: { readonly root: string; readonly except?: ReadonlySet<string> },
): Promise<readonly string[]> {
  const { rows } = await sql<PartRow>`
    select a.name as asset, n.key, b.commit_number as "commitNumber", n.version, p.name, p.path,
      p.size_bytes as "sizeBytes", p.sha256
    from node n join asset a on a.id = n.asset join build b on b.id = n.built
    left join part p on p.build = b.parts_build and n.version <> 0
    order by n.id, p.ordinal`.execute(project.catalog.db)
  if (project.store.name.startsWith('s3://')) return bucketOffences(project, rows, except.size > 0)
  const store = join(root, 'store')
  const offences: string[] = []
  const wanted = new Map<string, string>()
  for (const row of rows) {
    const asset = project.graph.assets.get(row.asset)
    if (asset?.kind !== 'stored' && asset?.kind !== 'output') continue
    const publication = asset.publish?.(parseKey(row.key))
    if (publication === undefined) continue
    const numbers = manifestNumbers(join(store, '.versions', publication.path, '_manifest'))
    const highest = numbers.at(-1) ?? 0
    if (highest !== row.commitNumber) {
      offences.push(`${row.asset}[${row.key}]: manifest ${highest}, commit ${row.commitNumber}`)
    }
    if (row.name === null) continue
    const isLost = !existsSync(join(store, row.path)) && except.size > 0
    if (isLost) continue
    wanted.set(join(publication.path, row.name), row.path)
    const path = join(store, row.path)
    if (!existsSync(path)) offences.push(`${row.path} is not there`)
    else if (sha256(readFileSync(path)) !== row.sha256) offences.push(`${row.path} has other bytes`)
  }
  const seen = publishedFiles(store)
  for (const [path, target] of wanted) {
    if (seen.get(path) !== target) offences.push(`${path} shows ${seen.get(path)}, not ${target}`)
  }
  for (const [path, target] of seen) {
    const isLost = except.size > 0 && target.endsWith('(dangling)')
    if (!wanted.has(path) && !isLost) offences.push(`${path} is a stale file`)
  }
  return offences
}

/** The same in a bucket, where an object is what readers see: parts and nothing else. */
async function bucketOffences(
  { graph, store, retainedVersions }: Project,
  rows: readonly PartRow[],
  mayLack: boolean,
): Promise<readonly string[]> {
  const offences: string[] = []
  const wanted = new Set<string>()
  for (const row of rows) {
    const asset = graph.assets.get(row.asset)
    if (asset?.kind !== 'stored' && asset?.kind !== 'output') continue
    const publication = asset.publish?.(parseKey(row.key))
    if (publication === undefined) continue
    const highest = (await store.lastManifest(publication.path))?.number ?? 0
    if (highest !== row.commitNumber) {
      offences.push(`${row.asset}[${row.key}]: manifest ${highest}, commit ${row.commitNumber}`)
    }
    if (row.name === null) continue
    wanted.add(row.path)
    const digest = await store.digest(row.path)
    if (digest === undefined && !mayLack) offences.push(`${row.path} is not there`)
    else if (digest !== undefined && digest !== row.sha256) {
      offences.push(`${row.path} has other bytes`)
    }
    if (!row.path.startsWith(`${publication.path}/`)) offences.push(`${row.path} lies elsewhere`)
  }
  // With older versions beside it a listing is not exact; the manifest is.
  for await (const unit of store.units()) {
    if (retainedVersions === 1 && !wanted.has(unit)) offences.push(`${unit} is a stale object`)
  }
  return offences
}

function manifestNumbers(folder: string): readonly number[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => Number(name.slice(0, -5)))
    .toSorted((a, b) => a - b)
}

/** Every file a reader finds under the published tree, and the version path behind it. */
export function publishedFiles(store: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const visit = (path: string, target: string): void => {
    const at = lstatSync(join(store, path), { throwIfNoEntry: false })
    if (at === undefined) return
    if (at.isSymbolicLink()) {
      const to = relative(
        store,
        resolve(dirname(join(store, path)), readlinkSync(join(store, path))),
      )
      if (!existsSync(join(store, to))) found.set(path, `${to} (dangling)`)
      else if (lstatSync(join(store, to)).isDirectory()) {
        for (const name of readdirSync(join(store, to))) visitFile(join(path, name), join(to, name))
      } else found.set(path, to)
    } else if (at.isDirectory()) {
      for (const name of readdirSync(join(store, path))) visit(join(path, name), join(target, name))
    } else found.set(path, target)
  }
  const visitFile = (path: string, target: string): void => {
    if (lstatSync(join(store, target)).isDirectory()) {
      for (const name of readdirSync(join(store, target)))
        visitFile(join(path, name), join(target, name))
    } else found.set(path, target)
  }
  for (const name of readdirSync(store)) if (name !== '.versions') visit(name, name)
  return found
}

/** Units of the store that no part of the catalog lies in. */
export async function orphans({ catalog, store }: Project): Promise<readonly string[]> {
  const { rows } = await sql<{ path: string }>`select path from part`.execute(catalog.db)
  const known = new Set(rows.map(({ path }) => store.unitOf(path)))
  const found: string[] = []
  for await (const unit of store.units()) if (!known.has(unit)) found.push(unit)
  return found
}
