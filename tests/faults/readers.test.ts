/** I4 on the folder: readers that never stop looking, through deaths at every step of a commit. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runNode } from './support/child.ts'
import { countFault } from './support/count.ts'
import { sweptBy } from './support/failpoint-names.ts'
import { lookInFolder, readMonths } from './support/month-reader.ts'

const CHILD = fileURLToPath(new URL('months-child.ts', import.meta.url))
const STEPS = sweptBy('engine-kill.test.ts').filter((name) =>
  /^(catalog|commit|store)\./.test(name),
)
let root = ''
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'tributary-readers-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

test('a month is never seen empty, mixed or older by a reader polling through every fault', async () => {
  const reader = readMonths(lookInFolder(root))
  let edition = 1
  await runNode([CHILD, root, '1', '1'])
  for (const name of STEPS) {
    for (const hit of [2, 5]) {
      const killed = await runNode([
        CHILD,
        root,
        String(edition),
        String(edition + 1),
        `${name}=crash@${hit}`,
      ])
      if (killed.signal === 'SIGKILL') countFault('F1')
      edition += 2
    }
  }
  expect((await runNode([CHILD, root, String(edition), String(edition)])).stderr).toBe('')
  await reader.stop()
  expect(reader.offences).toEqual([])
  expect(reader.seen()).toBeGreaterThan(STEPS.length * 2)
  expect(reader.looks()).toBeGreaterThan(edition * 10)
})
