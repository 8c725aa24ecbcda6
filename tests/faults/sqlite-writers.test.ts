/** F10: two processes write to one SQLite catalog; nobody is told that it is busy. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { MONTHS, openMonths } from './months-job.ts'
import { runNode } from './support/child.ts'
import { countFault } from './support/count.ts'
import { buildOffences } from './support/history.ts'
import { storeOffences } from '../support/engine-state.ts'

const CHILD = fileURLToPath(new URL('months-child.ts', import.meta.url))
const EDITIONS = 25

test('a process that writes without pause and one that builds do not meet BUSY', async () => {
  const root = mkdtempSync(join(tmpdir(), 'tributary-writers-'))
  const job = await openMonths(root)
  const building = runNode([CHILD, root, '1', String(EDITIONS)])
  const done = building.then(() => true)
  let writes = 0
  while (!(await Promise.race([done, setTimeout(1, false)]))) {
    await job.project.catalog.write(async ({ db }) => {
      const path = String((writes += 1))
      await db
        .insertInto('seen_file')
        .values({ scope: 'test', path, token: '', sha256: '' })
        .execute()
    })
  }
  countFault('F10', writes)
  expect((await building).stderr).toBe('')
  const rows = await job.project.catalog.db.selectFrom('seen_file').select('path').execute()
  expect([rows.length, writes > EDITIONS]).toEqual([writes, true])
  expect(await buildOffences(job.project.catalog)).toEqual([])
  expect(await storeOffences(job.project, { root })).toEqual([])
  const built = await job.project.catalog.db.selectFrom('part').selectAll().execute()
  expect(built.length).toBeGreaterThanOrEqual(3 * MONTHS.length)
  await job.close()
  rmSync(root, { recursive: true, force: true })
})
