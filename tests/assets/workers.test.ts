import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readConfig } from '../../assets/config.ts'
import { machineMemoryMb, workersFor } from '../../assets/workers.ts'

let root = ''
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'tributary-workers-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

test.each([
  { cores: 2, memoryMb: 24_576, workers: 2 },
  { cores: 16, memoryMb: 8192, workers: 7 },
  { cores: 16, memoryMb: 2304, workers: 2 },
  { cores: 2, memoryMb: 2303, workers: 1 },
  { cores: 8, memoryMb: 512, workers: 1 },
  { cores: 1, memoryMb: 0, workers: 1 },
  { cores: 256, memoryMb: 1_048_576, workers: 64 },
])('$cores cores and $memoryMb MB: $workers workers', ({ workers, ...machine }) => {
  expect(workersFor(machine)).toBe(workers)
})

test('the memory of a container is its own, and a limit above the machine’s is none', () => {
  const total = 24 * 2 ** 30
  expect(machineMemoryMb({ total, limit: 2 ** 30 })).toBe(1024)
  for (const limit of [undefined, 0, 2 ** 63]) {
    expect(machineMemoryMb({ total, limit })).toBe(24_576)
  }
})

test('a memory budget decides the workers, unless their number is given', () => {
  const workers = (document: object, environment: Record<string, string> = {}) => {
    writeFileSync(join(root, 'tributary.json'), JSON.stringify(document))
    const { concurrency, memoryMb } = readConfig({
      root,
      environment,
      flags: {},
      cores: 8,
      memoryMb: 16_384,
    })
    return [concurrency.value, concurrency.origin, memoryMb.value, memoryMb.origin]
  }
  expect(workers({})).toEqual([8, 'default', 16_384, 'default'])
  expect(workers({ memory_mb: 4096 })).toEqual([3, 'default', 4096, 'tributary.json'])
  expect(workers({ memory_mb: 4096 }, { TRIBUTARY_MEMORY_MB: '2400' })).toEqual([
    2,
    'default',
    2400,
    'environment',
  ])
  expect(workers({ memory_mb: 4096, concurrency: 6 })).toEqual([
    6,
    'tributary.json',
    4096,
    'tributary.json',
  ])
})
