/** A million lines: taken in, read once, and sampled at a rate that is printed. */
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import type { SamplerSpent } from '../faults/sampler-child.ts'
import { runNode } from '../faults/support/child.ts'
import { countFault } from '../faults/support/count.ts'
import { SampledFolder } from '../support/sampled-folder.ts'

const CHILD = fileURLToPath(new URL('../faults/sampler-child.ts', import.meta.url))
const LINES = 1_000_000
/** A heap that would not hold the lines ends the process. */
const HEAP = '--max-old-space-size=100'
const MEMORY_MAX_BYTES = 300 << 20
const SAMPLE_MS = 120_000
const HOUR_MS = 3_600_000

let folder: SampledFolder | undefined
afterEach(async () => folder?.[Symbol.asyncDispose]())

async function spent(root: string, sampleMs: number): Promise<SamplerSpent> {
  const { code, stdout, stderr } = await runNode([HEAP, CHILD, root, String(sampleMs)])
  expect([code, stderr]).toEqual([0, ''])
  return JSON.parse(stdout) as SamplerSpent
}

test('a million lines are taken in in bounded memory and read once; the rest is a matter of time', async () => {
  folder = await SampledFolder.create()
  folder.backlog(LINES)
  const first = await spent(folder.root, 0)
  countFault('F26', LINES)
  expect(first).toMatchObject({ lines: LINES })
  expect(first.memoryMaxBytes).toBeLessThan(MEMORY_MAX_BYTES)
  const second = await spent(folder.root, SAMPLE_MS)
  expect(second.lines).toBe(0)
  if (second.readBytes !== undefined) expect(second.readBytes).toBeLessThan(2_000_000)
  expect(second.made).toBeGreaterThan(0)
  expect(second.memoryMaxBytes).toBeLessThan(MEMORY_MAX_BYTES)
  const files = Math.round((second.made / second.sampleMs) * HOUR_MS)
  console.log(
    `take-in: ${Math.round(first.takeInMs)} ms for ${LINES} lines, ${first.memoryMaxBytes >> 20} MB at most; ` +
      `again: ${Math.round(second.takeInMs)} ms, ${second.readBytes} bytes read; ` +
      `sampling: ${second.made} files in ${Math.round(second.sampleMs)} ms, ${files} an hour, ${second.memoryMaxBytes >> 20} MB`,
  )
})
