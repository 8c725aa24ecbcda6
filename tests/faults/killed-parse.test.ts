/** A parse killed at any moment and begun again ends with the same bytes; one that is stopped stops. */
import { spawn } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { scratchFolder } from '../table/parsing.ts'
import { plantedFile } from '../table/truth.ts'

const CHILD = join(import.meta.dirname, 'parse-child.ts')
const MOMENTS = 12
const STOP_MS_MAX = 1000

interface How {
  readonly killMs?: number
  readonly stopMs?: number
}

/** What the child printed: nothing when it was killed. */
async function run(file: string, folder: string, { killMs, stopMs }: How = {}): Promise<string> {
  const words = [file, folder, ...(stopMs === undefined ? [] : [String(stopMs)])]
  const child = spawn(process.execPath, [CHILD, ...words], { stdio: ['ignore', 'pipe', 'ignore'] })
  let text = ''
  child.stdout.on('data', (bytes: Buffer) => (text += bytes.toString()))
  const timer = killMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killMs)
  await new Promise((resolve) => child.once('close', resolve))
  clearTimeout(timer)
  return text
}

/** Chunk files, unfinished parts, and what DuckDB's children kept. */
const leftovers = async (folder: string): Promise<readonly string[]> =>
  (await readdir(folder, { recursive: true })).filter((name) =>
    /(?:^|\/)(?:\.?chunk-|tributary-duck-)/.test(name),
  )

test('killed twice at any moment, a parse ends with the bytes of one that was left alone', async () => {
  await using folder = await scratchFolder()
  const { path } = await plantedFile(folder.path, { rows: 20_000, seed: 'kill', defects: 0.01 })
  const startMs = performance.now()
  const whole = await run(path, join(folder.path, 'whole'))
  const wholeMs = performance.now() - startMs
  expect(JSON.parse(whole)).toHaveProperty('report')
  let killed = 0
  for (let moment = 1; moment <= MOMENTS; moment += 1) {
    const own = join(folder.path, `k${moment}`)
    const killMs = (wholeMs * moment) / (MOMENTS + 1)
    if ((await run(path, own, { killMs })) === '') killed += 1
    await run(path, own, { killMs: (wholeMs + killMs) / 2 })
    expect([moment, (await run(path, own)) === whole]).toEqual([moment, true])
    expect(await leftovers(join(own, 'out'))).toEqual([])
    expect(await leftovers(join(own, 'scratch'))).toEqual([])
  }
  expect(killed).toBeGreaterThan(MOMENTS / 2)
})

test('a parse that is stopped ends within a second, with nothing of its own left', async () => {
  await using folder = await scratchFolder()
  const { path } = await plantedFile(folder.path, { rows: 60_000, seed: 'stop', defects: 0.3 })
  for (const stopMs of [600, 1200, 2000]) {
    const own = join(folder.path, `s${stopMs}`)
    const told = JSON.parse(await run(path, own, { stopMs })) as {
      stopped?: string
      tookMs: number
    }
    expect([stopMs, told.stopped]).toEqual([stopMs, 'Error: enough'])
    expect(told.tookMs).toBeLessThan(STOP_MS_MAX)
    expect(await leftovers(own)).toEqual([])
  }
})
