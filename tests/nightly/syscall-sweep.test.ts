/** F2 in full: SIGKILL before every system call of a kind, until a run ends with no fault. */
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { countFault } from '../faults/support/count.ts'
import { EngineWhole } from '../faults/support/engine-whole.ts'
import type { SyscallKind } from '../faults/support/syscalls.ts'
import { SYSCALLS, canTrace, killAtSyscall } from '../faults/support/syscalls.ts'

const CHILD = fileURLToPath(new URL('../faults/engine-child.ts', import.meta.url))
const HITS_MAX = 2000
const KINDS = Object.keys(SYSCALLS) as SyscallKind[]
const traceable = canTrace()
if (!traceable) process.stderr.write('F2: strace is missing or may not trace here\n')

let whole: EngineWhole
beforeAll(async () => {
  whole = await EngineWhole.create()
})
afterAll(() => whole[Symbol.dispose]())

/** Kills one run and makes it whole; false: the run ended before that call. */
async function killedAt(kind: SyscallKind, hit: number): Promise<boolean> {
  const root = whole.copy()
  const { signal, code, stderr } = await killAtSyscall(kind, hit, [CHILD, root])
  if (signal !== 'SIGKILL') expect([code, stderr]).toEqual([0, ''])
  await whole.expectAfterNextRun(root).catch((error: unknown) => {
    throw new Error(`killed at ${kind} ${hit}`, { cause: error })
  })
  if (signal === 'SIGKILL') countFault('F2')
  return signal === 'SIGKILL'
}

test.skipIf(!traceable).each(KINDS)('killed at each of all %s, it is made whole', async (kind) => {
  let hit = 0
  for (let fired = true; fired && hit < HITS_MAX;) {
    // Two at a time: a killed run mostly waits for its disk.
    const both = await Promise.all([killedAt(kind, hit + 1), killedAt(kind, hit + 2)])
    hit += 2
    fired = both.every(Boolean)
  }
  expect(hit).toBeGreaterThan(4)
  expect(hit).toBeLessThan(HITS_MAX)
})
