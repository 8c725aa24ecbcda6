/** F1 and F3 on PostgreSQL and MinIO: SIGKILL at every failpoint of a run and of its recovery. */
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runNode } from './support/child.ts'
import { countFault } from './support/count.ts'
import { sweptBy } from './support/failpoint-names.ts'
import { ServicesWhole } from './support/services-whole.ts'

const CHILD = fileURLToPath(new URL('engine-child.ts', import.meta.url))
const NAMES = sweptBy('s3-kill.services.test.ts')
/** Hit when something is ended, not when it is done. */
const IN_RECOVERY = /^(recover|s3\.abort)\./
const inRun = NAMES.filter((name) => !IN_RECOVERY.test(name))
const inRecovery = NAMES.filter((name) => IN_RECOVERY.test(name))

let whole: ServicesWhole
let hits: Readonly<Record<string, number>>
/** What the killed runs hit, one after the other. */
const killedAt = new Set<string>()

beforeAll(async () => {
  whole = await ServicesWhole.create()
  const { stdout } = await runNode([CHILD, await whole.copy()])
  hits = JSON.parse(stdout) as Readonly<Record<string, number>>
})
afterAll(async () => whole[Symbol.asyncDispose]())

/** Runs the child; true: it was killed at the failpoint. */
async function killed(root: string, name: string, hit: number): Promise<boolean> {
  const { signal } = await runNode([CHILD, root, `${name}=crash@${hit}`])
  if (signal === 'SIGKILL') {
    killedAt.add(name)
    countFault(IN_RECOVERY.test(name) ? 'F3' : 'F1')
  }
  return signal === 'SIGKILL'
}

test.each(inRun)('a run killed at %s is made whole by the next one', async (name) => {
  const last = hits[name] ?? 0
  expect([name, last]).not.toEqual([name, 0])
  // What other sweeps kill at every hit is killed once here.
  const isOurs = /^(s3|commit)\./.test(name)
  for (const hit of new Set(isOurs ? [1, last] : [Math.ceil(last / 2)])) {
    const root = await whole.copy()
    const wasKilled = await killed(root, name, hit)
    // How many groups are committed depends on the machine: the last hit may not come.
    if (hit < last) expect([name, hit, wasKilled]).toEqual([name, hit, true])
    await whole.expectAfterNextRun(root)
  }
})

test.each(inRecovery)('a recovery killed at %s is repeated', async (name) => {
  const firsts = name.startsWith('recover.') ? ['s3.noted', 'commit.committed'] : ['commit.synced']
  for (const first of firsts) {
    const root = await whole.copy()
    expect(await killed(root, first, 2)).toBe(true)
    expect(await killed(root, name, 1)).toBe(true)
    await whole.expectAfterNextRun(root)
  }
})

test('every failpoint of the engine and of the store in a bucket has killed a run', () => {
  expect([...killedAt].toSorted()).toEqual(NAMES)
})
