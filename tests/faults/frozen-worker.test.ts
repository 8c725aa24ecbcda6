/**
 * F6: a worker frozen for longer than its claims last wakes up to commits that change nothing. On
 * PostgreSQL: a process that is frozen inside a transaction of SQLite stops all others, see
 * postgres-limits.test.ts for the same there.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setTimeout } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { orphans, storeOffences } from '../support/engine-state.ts'
import { freshDatabase } from '../support/postgres.ts'
import { AFTER, BEFORE, URL_FILE, openJob } from './engine-job.ts'
import { runNode } from './support/child.ts'
import { countFault } from './support/count.ts'
import { buildOffences } from './support/history.ts'

const CHILD = fileURLToPath(new URL('worker-child.ts', import.meta.url))
/** A claim stands for 15 s; the server ends an idle transaction after 20. */
const FROZEN_MS = 30_000

const closing: (() => Promise<void>)[] = []
afterAll(async () => {
  for (const close of closing) await close()
})

/** A folder whose catalog is a database of its own. */
async function freshRoot(): Promise<string> {
  const root = mkdtempSync(join(tmpdir(), 'tributary-frozen-'))
  const database = await freshDatabase()
  writeFileSync(join(root, URL_FILE), database.url)
  closing.push(async () => {
    await database.close()
    rmSync(root, { recursive: true, force: true })
  })
  return root
}

// They mostly wait.
test.concurrent.each(['attempt.staged', 'commit.synced', 'commit.committed'])(
  'frozen at %s: others build what it had claimed, and nothing is committed twice',
  async (name) => {
    const root = await freshRoot()
    const job = await openJob(root)
    await job.run('*', { facts: BEFORE })
    const zombie = runNode([CHILD, root, `${name}=pause:${FROZEN_MS}@2`])
    await setTimeout(5_000)
    const heir = await runNode([CHILD, root])
    countFault('F6')
    expect([heir.code, heir.stderr]).toEqual([0, ''])
    const { db } = job.project.catalog
    const count = async (): Promise<number> =>
      (await db.selectFrom('build').select('id').execute()).length
    const built = await count()
    expect((await zombie).signal).toBe(null)
    expect(await count()).toBe(built)
    expect(await buildOffences(job.project.catalog)).toEqual([])
    await job.run('*', { facts: AFTER })
    expect(await count()).toBe(built)
    expect(await storeOffences(job.project, { root })).toEqual([])
    expect(await orphans(job.project)).toEqual([])
    expect(await db.selectFrom('intent').selectAll().execute()).toEqual([])
    expect((await job.plan()).steps).toEqual([])
    await job.close()
  },
)
