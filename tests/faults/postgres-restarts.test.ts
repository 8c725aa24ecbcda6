/** F7: PostgreSQL crashes and starts again under a process that works; it goes on, nothing is lost. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { EngineProject } from '../support/engine-project.ts'
import { storeOffences } from '../support/engine-state.ts'
import type { LocalCluster } from '../support/postgres-cluster.ts'
import { openLocalCluster } from '../support/postgres-cluster.ts'
import { MONTHS, openMonths } from './months-job.ts'
import { countFault } from './support/count.ts'
import { lookInFolder, readMonths } from './support/month-reader.ts'
import { seedOf, seeded } from './support/seed.ts'

const RESTARTS = 20

let cluster: LocalCluster
let root: string
let job: EngineProject
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'tributary-restarts-'))
  cluster = await openLocalCluster({ keepsCommits: true })
  job = await openMonths(root, { url: cluster.url, poolSize: 3 })
})
afterAll(async () => {
  await job.close()
  await cluster.close()
  rmSync(root, { recursive: true, force: true })
})

/** Acknowledged rows: what was said to be written. */
let written = 0
async function writeRows(stopping: AbortController): Promise<void> {
  try {
    for (; !stopping.signal.aborted; written++) {
      const path = String(written + 1)
      await job.project.catalog.write(async ({ db }) => {
        await db
          .insertInto('seen_file')
          .values({ scope: 'acknowledged', path, token: '', sha256: '' })
          .execute()
      })
      await setTimeout(20)
    }
  } finally {
    stopping.abort()
  }
}

const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await setTimeout(20)
}

async function runEditions(signal: AbortSignal): Promise<number> {
  let edition = 0
  while (!signal.aborted) {
    edition += 1
    const { status, counts } = await job.run('*', { facts: { 'edition/x': edition } })
    expect([edition, status, counts.built]).toEqual([edition, 'succeeded', MONTHS.length])
  }
  return edition
}

test('twenty crashes of the server: every run ends well, no row is lost, readers see nothing', async () => {
  const seed = seedOf()
  const draw = seeded(seed)
  const reader = readMonths(lookInFolder(root))
  const stopping = new AbortController()
  const working = Promise.all([runEditions(stopping.signal), writeRows(stopping)])
  // Awaited below; until then a failure must not be unhandled.
  working.catch(() => stopping.abort())
  for (let restart = 1; restart <= RESTARTS; restart++) {
    // Up for a moment, and for at least one write: what is repeated without end is given up.
    const before = written
    await setTimeout(300 + draw(1200))
    await until(() => written > before || stopping.signal.aborted)
    await cluster.restart()
    countFault('F7')
  }
  stopping.abort()
  const [editions] = await working.catch((error: unknown) => {
    throw new Error(`seed ${seed}`, { cause: error })
  })
  await reader.stop()
  expect(reader.offences).toEqual([])
  const { db } = job.project.catalog
  const rows = await db.selectFrom('seen_file').select('path').execute()
  expect(rows.map(({ path }) => Number(path)).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: written }, (_, at) => at + 1),
  )
  expect([written > RESTARTS, editions > 0]).toEqual([true, true])
  expect((await job.plan()).steps).toEqual([])
  expect(await storeOffences(job.project, { root })).toEqual([])
  const builds = await db
    .selectFrom('build')
    .innerJoin('node', 'node.id', 'build.node')
    .innerJoin('asset', 'asset.id', 'node.asset')
    .select('commit_number')
    .where('asset.name', '=', 'month')
    .execute()
  expect(builds.map((build) => build.commit_number).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: editions }, (_, at) => at + 1).flatMap((n) => MONTHS.map(() => n)),
  )
})
