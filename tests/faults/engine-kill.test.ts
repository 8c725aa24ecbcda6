/** F1 and F3 on the bare engine: SIGKILL at every failpoint of a run and of its recovery. */
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runNode } from './support/child.ts'
import { countFault } from './support/count.ts'
import { EngineWhole } from './support/engine-whole.ts'
import { sweptBy } from './support/failpoint-names.ts'

const CHILD = fileURLToPath(new URL('engine-child.ts', import.meta.url))
const NAMES = sweptBy('engine-kill.test.ts')
const inRun = NAMES.filter((name) => !name.startsWith('recover.'))
const inRecovery = NAMES.filter((name) => name.startsWith('recover.'))

let whole: EngineWhole
let hits: Readonly<Record<string, number>>
/** What the killed runs hit, one after the other. */
const killedAt = new Set<string>()

beforeAll(async () => {
  whole = await EngineWhole.create()
  const { stdout } = await runNode([CHILD, whole.copy()])
  hits = JSON.parse(stdout) as Readonly<Record<string, number>>
})
afterAll(() => whole[Symbol.dispose]())

/** Runs the child; true: it was killed at the failpoint. */
async function killed(root: string, name: string, hit: number): Promise<boolean> {
  const { signal } = await runNode([CHILD, root, `${name}=crash@${hit}`])
  if (signal === 'SIGKILL') {
    killedAt.add(name)
    countFault(name.startsWith('recover.') ? 'F3' : 'F1')
  }
  return signal === 'SIGKILL'
}

test('there are failpoints to sweep', () => {
  expect(inRun.length).toBeGreaterThan(8)
  expect(inRecovery.length).toBeGreaterThan(1)
})

test.each(inRun)('a run killed at %s is made whole by the next one', async (name) => {
  const last = hits[name] ?? 0
  expect([name, last]).not.toEqual([name, 0])
  for (const hit of new Set([1, Math.ceil(last / 2), last])) {
    const root = whole.copy()
    expect([name, hit, await killed(root, name, hit)]).toEqual([name, hit, true])
    await whole.expectAfterNextRun(root)
  }
})

test.each(inRecovery)('a recovery killed at %s is repeated', async (name) => {
  for (const first of ['store.stage.part', 'commit.committed']) {
    const root = whole.copy()
    expect(await killed(root, first, 2)).toBe(true)
    expect(await killed(root, name, 1)).toBe(true)
    await whole.expectAfterNextRun(root)
  }
})

test('every failpoint of the engine and the store has killed a run', () => {
  expect([...killedAt].toSorted()).toEqual(NAMES)
})
