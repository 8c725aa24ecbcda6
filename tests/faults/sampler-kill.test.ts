/** Samplers as processes: killed again and again, and two at once. Nothing is lost, nothing repeated. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { SampledFolder, filesBelow } from '../support/sampled-folder.ts'
import { countFault } from './support/count.ts'

const ENTRY = fileURLToPath(new URL('../cli/entry.ts', import.meta.url))
const FILES = 300
const KILLS = 10
const MANY = 2_000

const closing: SampledFolder[] = []
afterEach(async () => {
  for (const folder of closing.splice(0)) await folder[Symbol.asyncDispose]()
})

/** Files in several folders and days, of sizes and forms that differ. */
async function delivered(count: number): Promise<SampledFolder> {
  const folder = await SampledFolder.create()
  closing.push(folder)
  const lines = Array.from({ length: count }, (_, at) => {
    const ending = ['csv', 'jsonl', 'txt'][at % 3]
    const name = `${at % 7}/file-${at % 50}-${at}.${ending}`
    const row = (n: number): string =>
      ending === 'jsonl' ? `{"ssn":"123-45-${6000 + n}","n":${at}}` : `123-45-${6000 + n},${at}`
    const rows = Array.from({ length: (at % 11) + 1 }, (__, n) => row(n)).join('\n')
    folder.put(`bronze/${name}`, `${ending === 'jsonl' ? '' : 'ssn,n\n'}${rows}\n`)
    return { raw: `raw/${name}`, bronze: `bronze/${name}`, mtime: 1_737_200_000 + (at % 97) }
  })
  folder.tell(lines.slice(0, count / 2), { file: 'processed_2026-01-17.jsonl' })
  folder.tell(lines.slice(count / 2))
  return folder
}

interface Sampler {
  readonly child: ChildProcess
  readonly ended: Promise<{ readonly code: number | null; readonly stdout: string }>
}

function sampler({ root, environment }: SampledFolder): Sampler {
  const argv = [ENTRY, '--project', root, 'samples', 'make', '--workers', '1', '--json']
  const child = spawn(process.execPath, argv, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const code = new Promise<number | null>((resolve) => child.on('close', resolve))
  const ended = (async () => ({ stdout: await text(child.stdout), code: await code }))()
  return { child, ended }
}

async function report(folder: SampledFolder): Promise<Readonly<Record<string, unknown>>> {
  const { code, stdout } = await sampler(folder).ended
  expect(code).toBe(0)
  return JSON.parse(stdout) as Readonly<Record<string, unknown>>
}

const isDraft = (name: string): boolean => name.startsWith('.drafts/') || name.endsWith('.draft')

/** Everything below `samples/` but for drafts: bytes, and of profiles what a sample alone decides. */
function contents(folder: SampledFolder): Readonly<Record<string, unknown>> {
  const names = filesBelow(folder.path('samples')).filter((name) => !isDraft(name))
  return Object.fromEntries(
    names.map((name) => {
      const bytes = readFileSync(folder.path(`samples/${name}`), 'utf8')
      if (!name.endsWith('.profile.json')) return [name, bytes]
      // Against what it is held depends on what was sampled by then.
      const { drift: _, ...rest } = JSON.parse(bytes) as Readonly<Record<string, unknown>>
      return [name, rest]
    }),
  )
}

async function expectAllMade(folder: SampledFolder, count: number): Promise<void> {
  const rows = Object.values(await folder.rows())
  expect(rows).toHaveLength(count)
  expect(rows.filter(({ status, holder }) => status !== 'MADE' || holder !== null)).toEqual([])
  expect(new Set(rows.map(({ path }) => path)).size).toBe(count)
}

test('F1: a sampler killed ten times over three hundred files ends with the samples of one that was not', async () => {
  const whole = await delivered(FILES)
  expect(await report(whole)).toMatchObject({ made: FILES, lines: FILES, pending: 0 })
  const wanted = contents(whole)

  const folder = await delivered(FILES)
  for (let kill = 1; kill <= KILLS; kill += 1) {
    const { child, ended } = sampler(folder)
    const enough = Math.floor((kill * FILES) / (KILLS + 1))
    while (folder.samples().filter((name) => !isDraft(name)).length < enough) {
      if (child.exitCode !== null) throw new Error(`it ended before it had ${enough}`)
      await sleep(3)
    }
    // Some when it has just made so many, some a little later.
    await sleep((kill % 4) * 40)
    child.kill('SIGKILL')
    expect((await ended).code).toBe(null)
    countFault('F1')
    // What the ledger calls made lies there, whole.
    const made = Object.values(await folder.rows()).filter(({ status }) => status === 'MADE')
    const lying = contents(folder)
    const wrong = made.filter(({ path }) => lying[path ?? ''] !== wanted[path ?? ''])
    expect(wrong.map(({ raw }) => raw)).toEqual([])
  }
  expect(await report(folder)).toMatchObject({ pending: 0, failed: 0, missing: 0 })
  await expectAllMade(folder, FILES)
  expect(contents(folder)).toEqual(wanted)
  expect(await report(folder)).toMatchObject({ made: 0, lines: 0, pending: 0 })
})

test('two samplers at once share two thousand files, and make each once', async () => {
  const folder = await delivered(MANY)
  const both = await Promise.all([sampler(folder).ended, sampler(folder).ended])
  expect(both.map(({ code }) => code)).toEqual([0, 0])
  const reports = both.map(({ stdout }) => JSON.parse(stdout) as { made: number; lines: number })
  const sum = (of: 'made' | 'lines'): number => reports.reduce((all, one) => all + one[of], 0)
  expect([sum('made'), sum('lines')]).toEqual([MANY, MANY])
  // Each did its part: neither waited for the other.
  expect(Math.min(...reports.map(({ made }) => made))).toBeGreaterThan(0)
  await expectAllMade(folder, MANY)
  expect(folder.samples()).toHaveLength(MANY)
})
