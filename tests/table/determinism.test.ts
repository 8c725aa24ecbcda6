import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isEngineError } from '../../engine/core/errors.ts'
import { DuckPool } from '../../engine/table/duck-pool.ts'
import type { ParseOutcome } from '../../engine/table/parse.ts'
import { Bench, column, parseSpec, scratchFolder } from './parsing.ts'

let bench: Bench
beforeAll(async () => {
  bench = await Bench.open(2)
})
afterAll(() => bench.close())

const SPEC = parseSpec(
  { delimiter: ',', quoteChar: '"', header: true },
  {
    columns: [column('id', 'integer', { required: true }), column('day', 'date'), column('text')],
    month: { column: 'day' },
  },
)
const TEXT = `id,day,text\n${Array.from({ length: 3000 }, (_, n) => {
  if (n % 97 === 0) return `x${n},2024-01-01,bad`
  const day = `2024-${String((n % 5) + 1).padStart(2, '0')}-15`
  return `${n},${n % 11 === 0 ? '' : day},${n % 7 === 0 ? `"a, ""b""\n${n}"` : `t${n}`}`
}).join('\n')}\n`

const written = (outcome: ParseOutcome) =>
  outcome.kind === 'parsed'
    ? {
        report: outcome.report,
        rejects: outcome.rejects.sha256,
        months: outcome.months.map(({ parts, ...month }) => ({
          ...month,
          parts: parts.map(({ path: _, ...part }) => part),
        })),
      }
    : expect.fail(outcome.detail)

test('bytes do not depend on workers, memory or place', async () => {
  await using folder = await scratchFolder()
  await using one = new DuckPool({ size: 1, folder: folder.path })
  const chunkBytes = 8000
  const first = await bench.parse(TEXT, SPEC, { chunkBytes })
  const second = await bench.parse(TEXT, SPEC, { chunkBytes, duck: one, memoryMb: 200 })
  expect(first.outcome.report?.chunks.length).toBeGreaterThan(5)
  expect(written(second.outcome)).toEqual(written(first.outcome))
})

test('the chunk size decides how rows are spread over parts, and nothing else', async () => {
  const whole = await bench.parse(TEXT, SPEC)
  const small = await bench.parse(TEXT, SPEC, { chunkBytes: 5000 })
  expect(small.rows).toEqual(whole.rows)
  expect(small.rejects).toEqual(whole.rejects)
  expect(written(small.outcome).rejects).toBe(written(whole.outcome).rejects)
  const chunkBytes = 100 * TEXT.length
  const larger = await bench.parse(TEXT, SPEC, { chunkBytes })
  expect(written(larger.outcome)).toEqual(written(whole.outcome))
})

test('an interrupted parse goes on where it was, to the same bytes', async () => {
  await using folder = await scratchFolder()
  const options = { chunkBytes: 8000, scratch: join(folder.path, 's'), out: join(folder.path, 'o') }
  const whole = await bench.parse(TEXT, SPEC, { chunkBytes: options.chunkBytes })
  const stop = new AbortController()
  const cut = bench.parse(TEXT, SPEC, {
    ...options,
    signal: stop.signal,
    onProgress: ({ chunks }) => void (chunks === 4 && stop.abort(new Error('power cut'))),
  })
  await expect(cut).rejects.toThrow('power cut')
  await using counting = new DuckPool({ size: 1, folder: folder.path, taskCountMax: 1 })
  const again = await bench.parse(TEXT, SPEC, { ...options, duck: counting })
  expect(written(again.outcome)).toEqual(written(whole.outcome))
  const chunks = whole.outcome.report?.chunks.length ?? 0
  // two tasks a chunk (rows, and what is read back of them); four chunks were done
  expect(counting.started).toBeLessThanOrEqual(2 * (chunks - 4))

  await using idle = new DuckPool({ size: 1, folder: folder.path })
  await bench.parse(TEXT, SPEC, { ...options, duck: idle })
  expect(idle.started).toBe(0)
})

test('a finished chunk whose part was damaged is parsed again', async () => {
  await using folder = await scratchFolder()
  const options = { chunkBytes: 8000, scratch: join(folder.path, 's'), out: join(folder.path, 'o') }
  const first = await bench.parse(TEXT, SPEC, options)
  const part = first.outcome.kind === 'parsed' ? first.outcome.months[1]?.parts[2]?.path : undefined
  const bytes = await readFile(part ?? '')
  bytes[10] = (bytes[10] ?? 0) ^ 1
  await writeFile(part ?? '', bytes)
  const again = await bench.parse(TEXT, SPEC, options)
  expect(written(again.outcome)).toEqual(written(first.outcome))
})

/** Kills a child of the pool as soon as it works, so many times, each time another. */
async function killChildren(duck: DuckPool, times: number): Promise<void> {
  const killed = new Set<number>()
  while (killed.size < times) {
    const pid = duck.pids.find((one) => !killed.has(one))
    if (pid !== undefined) {
      killed.add(pid)
      process.kill(pid, 'SIGKILL')
    }
    await setTimeout(1)
  }
}

test('a chunk whose child is killed is parsed again by another, to the same bytes', async () => {
  await using folder = await scratchFolder()
  await using duck = new DuckPool({ size: 1, folder: folder.path })
  const parse = bench.parse(TEXT, SPEC, { duck })
  await killChildren(duck, 1)
  const whole = await bench.parse(TEXT, SPEC)
  expect(written((await parse).outcome)).toEqual(written(whole.outcome))
  expect(duck.started).toBe(2)
})

test('a chunk whose child is killed twice fails the parse, which the next call ends', async () => {
  await using folder = await scratchFolder()
  await using duck = new DuckPool({ size: 1, folder: folder.path })
  const failing = bench.parse(TEXT, SPEC, { duck }).catch((error: unknown) => error)
  await killChildren(duck, 2)
  expect(isEngineError(await failing, 'DUCK_CHILD_LOST')).toBe(true)
  expect((await bench.parse(TEXT, SPEC, { duck })).rows.length).toBeGreaterThan(2900)
})
