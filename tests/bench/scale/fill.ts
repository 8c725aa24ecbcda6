/**
 * Fills a grid's catalog as if everything had been built once: 1,000,000 partitions in seconds
 * instead of the quarter of an hour that building them takes.
 *
 * Facts, recipes and assets come from a real run over a graph whose parents give no keys; the
 * partitions are then loaded by SQL that is the same on both databases. That the result is what
 * the engine would have made is checked by its own audit (bench.test.ts).
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { sql } from 'kysely'
import type { Connection } from '../../../engine/catalog/open.ts'
import type { Project } from '../../../engine/index.ts'
import { materialize, parseKey, sha256 } from '../../../engine/index.ts'
import type { GridOptions, GridSize } from './grid.ts'
import { openGrid, writeGridSources } from './grid.ts'

const ACTOR = { name: 'bench', reason: 'benchmark' }
/** Every part's bytes. */
const PART = '{}'
/** Ids of loaded nodes begin here, above those of the facts; version and build have the node's. */
export const FIRST = 100_000

/** Writes the sources and the catalog. `files` writes every part's file and link too. */
export async function fillGrid(options: GridOptions, files = false): Promise<void> {
  writeGridSources(options.root, options.size)
  const project = await openGrid({ ...options, empty: true })
  try {
    await materialize(project, { actor: ACTOR, command: 'fill', concurrency: 1 })
    await project.catalog.write(async ({ db }) => load(db, options.size))
    if (project.catalog.dialect === 'postgres') await moveSequences(project.catalog.db)
    else await sql`pragma wal_checkpoint(truncate)`.execute(project.catalog.db)
    if (files) await writeParts(project, options.root)
  } finally {
    await project.catalog.close()
  }
}

async function load(db: Connection, size: GridSize): Promise<void> {
  const node = await factNodes(db)
  const each = size.states * size.months
  let first = FIRST
  for (let type = 0; type < size.types; type++) {
    for (let version = 0; version < size.versions; version++) {
      const key = `t${type}/v${version}`
      const facts = [node(`delivery ${key}`), node('recipe silver')]
      await loadBlock(db, size, { asset: 'silver', key, first, facts })
      first += each
    }
  }
  for (let type = 0; type < size.types; type++) {
    const facts = [node(`mapping t${type}`), node('recipe canonical')]
    const newest = FIRST + ((type + 1) * size.versions - 1) * each
    await loadBlock(db, size, { asset: 'canonical', key: `t${type}`, first, facts, newest })
    first += each
  }
  await countLive(db)
}

/** Brings the number of nodes with content by asset up to what was loaded. */
export async function countLive(db: Connection): Promise<void> {
  await sql`update asset set live = (select count(*) from node
    where node.asset = asset.id and node.version <> 0)`.execute(db)
}

interface FactNode {
  readonly id: number
  readonly version: number
}

async function factNodes(db: Connection): Promise<(name: string) => FactNode> {
  const { rows } = await sql<FactNode & { readonly name: string }>`
    select n.id, n.version, a.name || ' ' || n.key as name
    from node n join asset a on a.id = n.asset`.execute(db)
  const byName = new Map(rows.map((row) => [row.name, row]))
  return (name) => {
    const row = byName.get(name)
    if (row === undefined) throw new Error(`${name} is no fact of the grid`)
    return row
  }
}

/** Consecutive nodes of one asset, one for each state and month. */
export interface Block {
  readonly asset: string
  /** what the keys begin with */
  readonly key: string
  readonly first: number
  /** what every node of the block reads, in the order of slot names */
  readonly facts: readonly FactNode[]
  /** the first of the silver nodes that the block's nodes read, one each */
  readonly newest?: number
}

/** Loads states × months nodes with their versions, edges, builds and parts. */
export async function loadBlock(
  db: Connection,
  { states, months }: Pick<GridSize, 'states' | 'months'>,
  { asset, key, first, facts, newest }: Block,
): Promise<void> {
  const upTo = (name: string, count: number): string =>
    `${name}s(${name}) as (select 0 union all select ${name} + 1 from ${name}s where ${name} < ${count - 1})`
  const inBlock = `id >= ${first} and id < ${first + states * months}`
  const source = newest === undefined ? '' : `id - ${first - newest}`
  const slots = facts.map(({ id, version }) => `[${id},${version}]`).join(',')
  const member = source === '' ? '' : `,[' || (${source}) || ',' || (${source}) || ']`
  const path = `'.versions/${asset}/' || key || '/@r1-' || id || '/part.json'`
  const statements = [
    `with recursive ${upTo('s', states)}, ${upTo('m', months)}
     insert into node (id, asset, key, version, built)
     select ${first} + s * ${months} + m, (select id from asset where name = '${asset}'),
       '${key}/s' || s || '/m' || m, ${first} + s * ${months} + m, ${first} + s * ${months} + m
     from ss cross join ms`,
    `insert into version (id, node, content_id, value)
     select id, id, '${'c'.repeat(52)}' || (100000000000 + id), null from node where ${inBlock}`,
    ...facts.map(
      (fact) =>
        `insert into edge (dst, src, src_version)
         select id, ${fact.id}, ${fact.version} from node where ${inBlock}`,
    ),
    ...(source === ''
      ? []
      : [
          `insert into edge (dst, src, src_version) select id, ${source}, ${source} from node where ${inBlock}`,
        ]),
    `insert into build (id, node, run, outcome, fingerprint, version, commit_number, slots, attempt,
       parts_build, at_ms, ms, rows, size_bytes, cause, error)
     select id, id, 1, 'built', '${'f'.repeat(52)}' || (100000000000 + id), id, 1,
       '[${slots}${member}]', 'r1-' || id, id, 1, 1, 1,
       ${PART.length}, null, null from node where ${inBlock}`,
    `insert into part (build, ordinal, name, fingerprint, path, size_bytes, sha256, rows)
     select id, 0, 'part.json', null, ${path}, ${PART.length}, '${sha256(PART)}', 1
     from node where ${inBlock}`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}

async function moveSequences(db: Connection): Promise<void> {
  for (const table of ['node', 'version', 'build']) {
    await sql
      .raw(
        `select setval(pg_get_serial_sequence('${table}', 'id'), (select max(id) from ${table}))`,
      )
      .execute(db)
  }
  await sql`analyze`.execute(db)
}

async function writeParts({ catalog, store, graph }: Project, root: string): Promise<void> {
  const { rows } = await sql<{ asset: string; key: string; path: string }>`
    select a.name as asset, n.key, p.path from part p join node n on n.built = p.build
    join asset a on a.id = n.asset`.execute(catalog.db)
  for (const { asset, key, path } of rows) {
    const folder = dirname(path)
    mkdirSync(join(root, 'state', 'store', folder), { recursive: true })
    writeFileSync(join(root, 'state', 'store', path), PART)
    const definition = graph.assets.get(asset)
    if (definition?.kind !== 'stored' || definition.publish === undefined) continue
    const publication = definition.publish(parseKey(key))
    await store.project({
      ...publication,
      current: { parts: [{ name: 'part.json', path: `${folder}/part.json` }] },
    })
  }
}
