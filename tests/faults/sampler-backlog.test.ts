/** F26: a backlog of manifests. Memory does not grow with it, and what was read is not read again. */
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { SampledFolder } from '../support/sampled-folder.ts'
import type { SamplerSpent } from './sampler-child.ts'
import { runNode } from './support/child.ts'
import { countFault } from './support/count.ts'

const CHILD = fileURLToPath(new URL('sampler-child.ts', import.meta.url))
const LINES = 200_000
/** A heap that would not hold the lines ends the process; where it is larger V8 lets garbage lie. */
const HEAP = '--max-old-space-size=100'
/** Of these 64 MB are the database's pages, which is where memory stops growing. */
const MEMORY_MAX_BYTES = 300 << 20

let folder: SampledFolder | undefined
afterEach(async () => folder?.[Symbol.asyncDispose]())

async function spent(root: string): Promise<SamplerSpent> {
  const { code, stdout, stderr } = await runNode([HEAP, CHILD, root, '0'])
  expect([code, stderr]).toEqual([0, ''])
  return JSON.parse(stdout) as SamplerSpent
}

test('two hundred thousand lines are taken in in bounded memory, and read once', async () => {
  folder = await SampledFolder.create()
  const own = folder
  own.backlog(LINES)
  const first = await spent(own.root)
  countFault('F26', LINES)
  expect(first).toMatchObject({ lines: LINES })
  expect(first.memoryMaxBytes).toBeLessThan(MEMORY_MAX_BYTES)
  const again = await spent(own.root)
  expect(again.lines).toBe(0)
  own.tell([{ raw: 'raw/new.csv', bronze: 'bronze/0.csv', mtime: 1 }])
  const more = await spent(own.root)
  expect(more.lines).toBe(1)
  // The manifest has 20 MB: what is read of it is what it gained.
  if (first.readBytes === undefined) return
  expect(first.readBytes).toBeGreaterThan(20_000_000)
  expect(more.readBytes).toBeLessThan(2_000_000)
})
