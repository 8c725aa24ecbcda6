/**
 * F19, F20, F21, F24 and F28 on a whole project: clocks that jump, deliveries that come again, files
 * that kill what parses them, edits during a build, a process without memory.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { installFailpoints } from '../../engine/index.ts'
import { encounters, medicalFile } from '../support/deliveries.ts'
import { RoadProject } from '../support/project.ts'
import { verdictOn } from '../verify/verified-road.ts'
import { runNode } from './support/child.ts'
import { countFault } from './support/count.ts'

const JANUARY = 'MA/medical/2024-01'
const MAPPING = 'mappings/medical/synthea/v1.json'
const ENTRY = fileURLToPath(new URL('../cli/entry.ts', import.meta.url))
const HOUR_MS = 3_600_000
const YEAR_MS = 365 * 24 * HOUR_MS

let standing: RoadProject
beforeAll(async () => {
  standing = await RoadProject.create()
  standing.deliver('alpha/first', [medicalFile('2024-01', encounters('2024-01', 10, 'first'))])
  await standing.run()
})
afterEach(() => installFailpoints(undefined))
afterAll(async () => standing[Symbol.asyncDispose]())

async function expectSound(road: RoadProject): Promise<void> {
  expect(await road.steps()).toEqual([])
  const verdict = await verdictOn(road)
  expect(verdict.broken.map((id) => verdict.of(id).words)).toEqual([])
}

test.each([
  ['an hour ahead', HOUR_MS],
  ['three hours back', -3 * HOUR_MS],
  ['in 2040', 14 * YEAR_MS],
])('F19: with a clock %s the later delivery still wins', async (_, aheadMs) => {
  await using road = await standing.clone()
  road.advance(aheadMs)
  road.deliver('alpha/second', [medicalFile('2024-01', encounters('2024-01', 12, 'second'))])
  await road.run()
  road.advance(-aheadMs)
  road.deliver('alpha/third', [medicalFile('2024-01', encounters('2024-01', 13, 'third'))])
  await road.run()
  countFault('F19', 2)
  expect(await road.canonicalRows(JANUARY)).toHaveLength(13)
  const received = (await road.submissions()).map((row) => row.received_ms)
  expect(new Set(received).size).toBe(3)
  await expectSound(road)
})

test('F20: the same bytes again and again are duplicates, other bytes under an old name are not', async () => {
  await using road = await standing.clone()
  const same = medicalFile('2024-01', encounters('2024-01', 10, 'first'))
  for (let again = 1; again <= 5; again++) road.deliver(`alpha/again-${again}`, [same])
  const first = await road.run()
  countFault('F20', 5)
  expect(first.canonical).toEqual([])
  const statuses = Object.values(await road.statuses())
  expect(statuses.filter((status) => status === 'DUPLICATE')).toHaveLength(5)
  road.deliver('alpha/again-1', [medicalFile('2024-01', encounters('2024-01', 11, 'new'))])
  const second = await road.run()
  countFault('F20')
  expect(second.canonical).toEqual([`${JANUARY} built`])
  await expectSound(road)
})

/** Children of this process that run DuckDB. */
const duckChildren = (): readonly number[] =>
  execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(process.pid)], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes('duck-child'))
    .map((line) => Number.parseInt(line, 10))

test('F21: children that die and a bomb fail their files alone; the others are built', async () => {
  await using road = await standing.clone()
  road.deliver('beta/bomb', [
    { name: 'medical_202401_202401.csv.gz', content: gzipSync(Buffer.alloc(64 << 20, 'x,')) },
  ])
  road.deliver('gamma/first', [medicalFile('2024-01', encounters('2024-01', 7, 'g'))])
  // A chunk whose child dies once is tried again: to fail, its children have to go on dying.
  const killed = new Set<number>()
  const killing = setInterval(() => {
    for (const pid of duckChildren().filter((one) => !killed.has(one))) {
      process.kill(pid, 'SIGKILL')
      killed.add(pid)
    }
  }, 20)
  const first = await road.run()
  clearInterval(killing)
  countFault('F21', 1 + killed.size)
  expect([killed.size > 1, first.report.status === 'succeeded']).toEqual([true, false])
  await road.run()
  expect(await road.canonicalRows(JANUARY)).toHaveLength(17)
  expect((await road.statuses())['beta/bomb']).not.toMatch(/^VALIDATED/)
})

test('F24: a mapping edited while its month is built is built once more', async () => {
  await using road = await standing.clone()
  road.edit(MAPPING, (document) => {
    const { columns } = document as unknown as { columns: Record<string, unknown> }
    columns['description'] = { source: 'ENCOUNTERCLASS' }
  })
  let isEdited = false
  installFailpoints((name) => {
    if (name !== 'attempt.built' || isEdited) return
    isEdited = true
    const text = readFileSync(road.path(MAPPING), 'utf8')
    road.write(MAPPING, text.replace('"ENCOUNTERCLASS"', '"REASONDESCRIPTION"'))
  })
  const first = await road.run()
  installFailpoints(undefined)
  countFault('F24')
  expect([isEdited, first.canonical]).toEqual([true, [`${JANUARY} built`]])
  expect(await road.steps()).toEqual([`gold_canonical ${JANUARY} build`])
  expect((await road.run()).canonical).toEqual([`${JANUARY} built`])
  await expectSound(road)
})

test('F28: a process that runs out of memory says so or dies, and the next one ends its work', async () => {
  await using road = await standing.clone()
  const rows = encounters('2024-02', 60_000, 'many')
  road.deliver('beta/large', [medicalFile('2024-02', rows)])
  for (const heapMb of [24, 32, 48]) {
    const words = [`--max-old-space-size=${heapMb}`, ENTRY, '--project', road.root, 'materialize']
    const { code, signal, stderr } = await runNode(words)
    countFault('F28')
    const isWell = code === 0
    expect([heapMb, isWell || signal === 'SIGABRT' || /error|memory/i.test(stderr)]).toEqual([
      heapMb,
      true,
    ])
  }
  await road.run()
  expect(await road.canonicalRows('MA/medical/2024-02')).toHaveLength(rows.length)
  await expectSound(road)
})
