/** F1 in full: every hit of every failpoint, as a death, an error and an error from there on. */
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Ended } from '../faults/support/child.ts'
import { runNode } from '../faults/support/child.ts'
import { countFault } from '../faults/support/count.ts'
import { expectSurvived } from '../faults/support/engine-errors.ts'
import { EngineWhole } from '../faults/support/engine-whole.ts'

const CHILD = fileURLToPath(new URL('../faults/engine-child.ts', import.meta.url))
const HITS_MAX = 5000

let whole: EngineWhole
beforeAll(async () => {
  whole = await EngineWhole.create()
})
afterAll(() => whole[Symbol.dispose]())

/** Whether it was killed; a run that was not has succeeded, and either way the next is whole. */
async function endedWell({ signal, code, stderr }: Ended, root: string): Promise<boolean> {
  if (signal !== 'SIGKILL') expect([code, stderr]).toEqual([0, ''])
  await whole.expectAfterNextRun(root)
  return signal === 'SIGKILL'
}

/** Repeats for hit 1, 2, 3 … until none fired; returns how many did. */
async function sweep(fire: (hit: number) => Promise<boolean>): Promise<number> {
  let hit = 1
  while (hit < HITS_MAX && (await fire(hit))) hit += 1
  return hit - 1
}

test('killed at every hit of every failpoint, it is made whole', async () => {
  const fired = await sweep(async (hit) => {
    const root = whole.copy()
    return endedWell(await runNode([CHILD, root, `*=crash@${hit}`]), root)
  })
  countFault('F1', fired)
  expect(fired).toBeGreaterThan(50)
})

test('killed at every hit of a recovery, it recovers', async () => {
  const fired = await sweep(async (hit) => {
    const root = whole.copy()
    await runNode([CHILD, root, 'commit.committed=crash@2'])
    return endedWell(await runNode([CHILD, root, `*=crash@${hit}`]), root)
  })
  countFault('F3', fired)
  expect(fired).toBeGreaterThan(20)
})

test.each(['', '+'])('an error at every hit%s leaves nothing undone', async (more) => {
  const fired = await sweep(
    async (hit) => (await expectSurvived(whole, `*=error:EIO@${hit}${more}`)) > 0,
  )
  countFault('F1', fired)
  expect(fired).toBeGreaterThan(50)
})
