/** F1 and F3 on workers: SIGKILL at every failpoint; who starts next goes on, and nothing is lost. */
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openJob } from './engine-job.ts'
import { runNode } from './support/child.ts'
import { countFault } from './support/count.ts'
import { EngineWhole } from './support/engine-whole.ts'
import { sweptBy } from './support/failpoint-names.ts'

const CHILD = fileURLToPath(new URL('worker-child.ts', import.meta.url))
const NAMES = sweptBy('worker-kill.test.ts')
const inRecovery = NAMES.filter((name) => name.startsWith('recover.'))
const inWork = NAMES.filter((name) => !inRecovery.includes(name))

let whole: EngineWhole
let hits: Readonly<Record<string, number>>
beforeAll(async () => {
  whole = await EngineWhole.create()
  const { stdout, stderr } = await runNode([CHILD, whole.copy()])
  expect(stderr).toBe('')
  hits = JSON.parse(stdout) as Readonly<Record<string, number>>
})
afterAll(() => whole[Symbol.dispose]())

const killed = async (root: string, name: string, hit: number): Promise<boolean> => {
  const { signal } = await runNode([CHILD, root, `${name}=crash@${hit}`])
  if (signal === 'SIGKILL') countFault(name.startsWith('recover.') ? 'F3' : 'F1')
  return signal === 'SIGKILL'
}

/** The next workers end what is left; the facts are the same, so nothing else is planned. */
async function expectGoneOn(root: string): Promise<void> {
  const { code, stderr } = await runNode([CHILD, root])
  expect([code, stderr]).toEqual([0, ''])
  const job = await openJob(root)
  expect(await job.project.catalog.db.selectFrom('job').selectAll().execute()).toEqual([])
  await whole.expectWhole(job, root)
  await job.close()
}

test.each(inWork)('workers killed at %s: others go on', async (name) => {
  const last = hits[name] ?? 0
  expect([name, last]).not.toEqual([name, 0])
  for (const hit of new Set([1, Math.ceil(last / 2)])) {
    const root = whole.copy()
    expect([name, hit, await killed(root, name, hit)]).toEqual([name, hit, true])
    await expectGoneOn(root)
  }
})

test.each(inRecovery)('a recovery killed at %s is repeated', async (name) => {
  const root = whole.copy()
  expect(await killed(root, 'commit.committed', 2)).toBe(true)
  expect(await killed(root, name, 1)).toBe(true)
  await expectGoneOn(root)
})
