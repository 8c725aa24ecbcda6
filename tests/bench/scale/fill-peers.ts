/** Fills the catalog of the peers' job as if it had been built once, for as many sources as wanted. */
import { sql } from 'kysely'
import type { Connection } from '../../../engine/catalog/open.ts'
import { materialize } from '../../../engine/index.ts'
import { MAPPINGS, generate } from '../peers/cases.ts'
import { openPeers } from '../peers/job.ts'
import { FIRST, countLive } from './fill.ts'

/** Writes N sources and the catalog; no parts' files. */
export async function fillPeers(root: string, n: number): Promise<void> {
  generate(root, n)
  const project = await openPeers({ root, job: 'empty-job' })
  try {
    const actor = { name: 'bench', reason: 'benchmark' }
    await materialize(project, { actor, command: 'fill', concurrency: 1 })
    await project.catalog.write(async ({ db }) => load(db, n))
    await sql`pragma wal_checkpoint(truncate)`.execute(project.catalog.db)
  } finally {
    await project.catalog.close()
  }
}

/** silver i, gold i and canonical m follow each other; facts have smaller ids than FIRST + 2 N. */
async function load(db: Connection, n: number): Promise<void> {
  const silver = FIRST + n
  const gold = silver + n
  const canonical = gold + n
  const months = Math.floor(n / 10)
  const node = (asset: string, key: string): string =>
    `(select f.id from node f join asset a on a.id = f.asset where a.name = '${asset}' and f.key = ${key})`
  const members = Array.from({ length: 10 }, (_, at) => gold + at)
  for (const { asset, first, count, reads } of [
    { asset: 'silver', first: silver, count: n, reads: [node('source', 'n.key')] },
    { asset: 'gold', first: gold, count: n, reads: [`(n.id - ${n})`] },
    {
      asset: 'canonical',
      first: canonical,
      count: months,
      reads: [
        ...members.map((member) => `((n.id - ${canonical}) * 10 + ${member})`),
        node('mapping', `cast((n.id - ${canonical}) % ${MAPPINGS} as text)`),
      ],
    },
  ]) {
    const block = `n.id >= ${first} and n.id < ${first + count}`
    const sources = [...reads, node('recipe', `'${asset}'`)]
    const version = (source: string): string =>
      `(select s.version from node s where s.id = ${source})`
    const slots = sources.map((source) => `'[' || ${source} || ',' || ${version(source)} || ']'`)
    for (const statement of [
      `with recursive at(i) as (select 0 union all select i + 1 from at where i < ${count - 1})
       insert into node (id, asset, key, version, built)
       select ${first} + i, (select id from asset where name = '${asset}'), cast(i as text),
         ${first} + i, ${first} + i from at`,
      `insert into version (id, node, content_id, value)
       select n.id, n.id, '${'c'.repeat(52)}' || (100000000000 + n.id), null from node n where ${block}`,
      ...sources.map(
        (source) =>
          `insert into edge (dst, src, src_version)
           select n.id, ${source}, ${version(source)} from node n where ${block}`,
      ),
      `insert into build (id, node, run, outcome, fingerprint, version, commit_number, slots,
         attempt, parts_build, at_ms, ms, rows, size_bytes, cause, error)
       select n.id, n.id, 1, 'built', '${'f'.repeat(52)}' || (100000000000 + n.id), n.id, 1,
         '[' || ${slots.join(` || ',' || `)} || ']', 'r1-' || n.id, n.id, 1, 1, null, 1000, null, null
       from node n where ${block}`,
    ]) {
      await sql.raw(statement).execute(db)
    }
  }
  await countLive(db)
}
