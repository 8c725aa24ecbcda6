/** F23: wake-ups that never arrive: work that was queued meanwhile is found by the next look. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { BuildWorker, EmbeddedExecutor, Reconciler } from '../../engine/index.ts'
import type { EngineProject } from '../support/engine-project.ts'
import { factChanges } from '../support/engine-project.ts'
import type { FreshDatabase } from '../support/postgres.ts'
import { freshDatabase } from '../support/postgres.ts'
import { ACTOR } from '../support/workers.ts'
import { MONTHS, openMonths } from './months-job.ts'
import { countFault } from './support/count.ts'
import { buildOffences } from './support/history.ts'
import type { TcpProxy } from './support/tcp-proxy.ts'
import { openTcpProxy, targetOf, through } from './support/tcp-proxy.ts'

const EDITIONS = 10
const POLL_MS = 500
/** A claim that a cut left open ends after 15 s. */
const LOOKS_MAX = 1_200

let root: string
let database: FreshDatabase
let proxy: TcpProxy
let planner: EngineProject
let builder: EngineProject
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'tributary-wake-'))
  database = await freshDatabase()
  proxy = await openTcpProxy(targetOf(database.url))
  planner = await openMonths(root, { url: database.url })
  builder = await openMonths(root, { url: through(database.url, proxy) })
})
afterAll(async () => {
  await planner.close()
  await builder.close()
  await proxy.close()
  await database.close()
  rmSync(root, { recursive: true, force: true })
})

const isBuilt = async (edition: number): Promise<boolean> => {
  const { db } = planner.project.catalog
  const builds = await db
    .selectFrom('build')
    .select('id')
    .where('commit_number', '=', edition)
    .execute()
  const dirty = await db.selectFrom('dirty').select('node').execute()
  return builds.length >= MONTHS.length && dirty.length === 0
}

test('a worker whose connections are cut whenever something is queued builds all of it', async () => {
  const reconciler = new Reconciler(planner.project, {
    executor: new EmbeddedExecutor(planner.project),
    actor: ACTOR,
  })
  await using worker = await BuildWorker.start(builder.project, {
    executor: new EmbeddedExecutor(builder.project),
    slots: 2,
    actor: ACTOR,
    pollMs: POLL_MS,
  })
  for (let edition = 1; edition <= EDITIONS; edition++) {
    proxy.cutAll()
    countFault('F23')
    await reconciler.tick([factChanges({ 'edition/x': edition })])
    for (let look = 0; !(await isBuilt(edition)); look++) {
      expect([edition, look < LOOKS_MAX]).toEqual([edition, true])
      await setTimeout(50)
      // As a daemon does: what the worker let go of in the middle of a commit is ended by it.
      if (look % 20 === 19) await reconciler.tick([])
    }
  }
  await worker.stop(1_000)
  expect(await buildOffences(planner.project.catalog)).toEqual([])
})
