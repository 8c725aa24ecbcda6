/**
 * A project of the shipped program with as many partitions as wanted: its own registry and
 * configuration, made current by a real run, and then loaded as fill.ts does.
 *
 * The loaded nodes read nothing but their recipe: an unchanged run must not look at them at all.
 */
import { mkdirSync } from 'node:fs'
import { sql } from 'kysely'
import { readConfig } from '../../../assets/config.ts'
import { openPlatform } from '../../../assets/platform.ts'
import { initProject } from '../../../assets/project-template.ts'
import type { Connection } from '../../../engine/catalog/open.ts'
import { materialize } from '../../../engine/index.ts'
import { MIGRATIONS } from '../../../migrations/index.ts'
import { openLocalStore } from '../../../minio/local-store.ts'
import { REPOSITORY } from '../bundle.ts'
import { FIRST, countLive, loadBlock } from './fill.ts'
import type { GridSize } from './grid.ts'

const ASSETS = ['silver', 'gold_submitter', 'gold_canonical']

/** Makes the project in an empty folder. Returns how many partitions were loaded. */
export async function fillProduct(root: string, size: GridSize): Promise<number> {
  mkdirSync(root, { recursive: true })
  await initProject({ folder: root, from: REPOSITORY, withSamples: false })
  const config = readConfig({ root, environment: {}, flags: {}, cores: 2, memoryMb: 4096 })
  await using platform = await openPlatform({
    config,
    migrations: MIGRATIONS,
    openStore: ({ store }) => openLocalStore({ root: store.value }),
  })
  const { project } = platform
  const actor = { name: 'bench', reason: 'benchmark' }
  await materialize(project, { actor, command: 'fill', concurrency: 1 })
  let loaded = 0
  await project.catalog.write(async ({ db }) => {
    const blocks = size.types * (size.versions + 1)
    for (let at = 0; at < blocks; at++) {
      const asset = ASSETS[at % ASSETS.length] ?? 'silver'
      const facts = [await recipeOf(db, asset)].flatMap((fact) => fact ?? [])
      const first = FIRST + at * size.states * size.months
      await loadBlock(db, size, { asset, key: `b${at}`, first, facts })
      loaded += size.states * size.months
    }
    await loadSubmissions(db, Math.floor(loaded / 100))
    await countLive(db)
  })
  await sql`pragma wal_checkpoint(truncate)`.execute(project.catalog.db)
  return loaded
}

async function recipeOf(
  db: Connection,
  asset: string,
): Promise<{ readonly id: number; readonly version: number } | undefined> {
  const { rows } = await sql<{ id: number; version: number }>`
    select n.id, n.version from node n join asset a on a.id = n.asset
    where a.name = 'recipe' and n.key = ${asset}`.execute(db)
  return rows[0]
}

/** Submissions that were parsed and validated long ago; their inbox copies are gone. */
async function loadSubmissions(db: Connection, count: number): Promise<void> {
  await sql`with recursive at(n) as (select 1 union all select n + 1 from at where n < ${count})
    insert into submission (submission_id, submitter_id, state, file_type, layout_id, first_month,
      last_month, received_ms, received_at, status, grouping_method, drop_path, content_digest,
      is_test)
    select 'loaded-' || n, 'submitter-' || (n % 50), 'MA', 'medical', 'synthea', '2024-01',
      '2024-01', n, '2024-01-01T00:00:00.000Z', 'VALIDATED', 'marker', 'drop-' || n,
      'digest-' || n, 0 from at`.execute(db)
}
