/**
 * F2 in small: killed between any two system calls of a run, at points drawn by a seed. The whole
 * sweep is nightly. F18: an fsync that fails is never taken for a commit.
 */
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openJob } from './engine-job.ts'
import { runNode } from './support/child.ts'
import { countFault } from './support/count.ts'
import { EngineWhole } from './support/engine-whole.ts'
import { seedOf, seeded } from './support/seed.ts'
import type { SyscallKind } from './support/syscalls.ts'
import { SYSCALLS, canTrace, failSyscall, killAtSyscall } from './support/syscalls.ts'

const CHILD = fileURLToPath(new URL('engine-child.ts', import.meta.url))
const traceable = canTrace()
if (!traceable) process.stderr.write('F2, F18: strace is missing or may not trace here\n')
const KINDS = Object.keys(SYSCALLS) as SyscallKind[]
const POINTS_A_KIND = 3

let whole: EngineWhole
beforeAll(async () => {
  whole = await EngineWhole.create()
})
afterAll(() => whole[Symbol.dispose]())

test.skipIf(!traceable).each(KINDS)('killed at drawn %s, it is made whole', async (kind) => {
  const seed = seedOf()
  const draw = seeded(seed)
  for (let point = 0; point < POINTS_A_KIND; point++) {
    const hit = 1 + draw(kind === 'pages' ? 120 : 20)
    const root = whole.copy()
    const { signal } = await killAtSyscall(kind, hit, [CHILD, root])
    if (signal === 'SIGKILL') countFault('F2')
    await whole.expectAfterNextRun(root).catch((error: unknown) => {
      throw new Error(`killed at ${kind} ${hit}, seed ${seed}`, { cause: error })
    })
  }
})

test.skipIf(!traceable)('a recovery killed at a drawn system call is repeated', async () => {
  const draw = seeded(seedOf())
  for (const kind of ['renames', 'removals', 'pages'] as const) {
    const root = whole.copy()
    await runNode([CHILD, root, 'commit.committed=crash@2'])
    const { signal } = await killAtSyscall(kind, 1 + draw(8), [CHILD, root])
    if (signal === 'SIGKILL') countFault('F3')
    await whole.expectAfterNextRun(root)
  }
})

const SYNC_FAULTS = [
  { calls: 'fsync,fdatasync', code: 'EIO' },
  { calls: 'pwrite64', code: 'ENOSPC' },
]
test.skipIf(!traceable).each(SYNC_FAULTS)(
  'F18: $calls failing with $code is an error, never a success that is not there',
  async ({ calls, code }) => {
    for (const when of ['1', '2', '4', '7', '5+']) {
      const root = whole.copy()
      const ended = await failSyscall(calls, { code, when }, [CHILD, root])
      countFault('F18')
      if (ended.code === 0) {
        const job = await openJob(root)
        await whole.expectWhole(job, root)
        await job.close()
      } else expect(ended.stderr).toMatch(/SQLITE_(IOERR|FULL)|STORE_UNUSABLE|ASSET_FAILED/)
      await whole.expectAfterNextRun(root)
    }
  },
)
