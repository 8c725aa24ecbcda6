/** docs/your-own-assets.md, run: what it says of the example is what the example does. */
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Project } from '../../engine/index.ts'
import { makePlan, materialize, nodeText } from '../../engine/index.ts'
import { openWordCounts } from './word-counts.ts'

const CODE_LINES_MAX = 40
const actor = { name: 'test', reason: 'test' }
const root = mkdtempSync(join(tmpdir(), 'tributary-words-'))
const write = (name: string, text: string): void => writeFileSync(join(root, 'texts', name), text)
const shelf = (name: string): string =>
  readFileSync(join(root, `out/shelves/${name}/words.txt`), 'utf8')

let project: Project
beforeAll(async () => {
  mkdirSync(join(root, 'texts'))
  write('sea-voyage.txt', 'the ship sailed')
  write('sea-storm.txt', 'the wind rose')
  write('town-market.txt', 'bread and salt')
  project = await openWordCounts(root)
})
afterAll(async () => {
  await project.catalog.close()
  rmSync(root, { recursive: true, force: true })
})

async function run(): Promise<readonly string[]> {
  const done: string[] = []
  await materialize(project, {
    actor,
    command: 'test',
    concurrency: 2,
    onEvent: (event) => {
      if (event.type === 'finished') done.push(`${nodeText(event.node)} ${event.outcome}`)
    },
  })
  return done.toSorted()
}

test('the first run counts every text and lists every shelf', async () => {
  expect(await run()).toEqual([
    'shelf[sea] built',
    'shelf[town] built',
    'words[sea-storm.txt] built',
    'words[sea-voyage.txt] built',
    'words[town-market.txt] built',
  ])
  expect(shelf('sea')).toBe('sea-storm.txt: 3\nsea-voyage.txt: 3\n')
})

test('the next run builds nothing, and neither does a touched file', async () => {
  expect(await run()).toEqual([])
  utimesSync(join(root, 'texts/sea-storm.txt'), new Date(0), new Date(0))
  expect(await run()).toEqual([])
})

test('an edited text is planned with its shelf, and only they run', async () => {
  write('sea-storm.txt', 'the wind rose again')
  const { steps } = await makePlan(project, { actor })
  expect(steps.map((step) => `${nodeText(step)} ${step.verdict}`)).toEqual([
    'words[sea-storm.txt] build',
    'shelf[sea] maybe',
  ])
  expect(steps[0]?.causes[0]).toMatchObject({ kind: 'input', asset: 'text', key: 'sea-storm.txt' })
  expect(await run()).toEqual(['shelf[sea] built', 'words[sea-storm.txt] built'])
  expect(shelf('sea')).toBe('sea-storm.txt: 4\nsea-voyage.txt: 3\n')
})

test('an edit that leaves the count as it was stops there', async () => {
  write('sea-storm.txt', 'a wind rose again')
  expect(await run()).toEqual(['words[sea-storm.txt] cutoff'])
})

test('a shelf goes with its last text', async () => {
  rmSync(join(root, 'texts/town-market.txt'))
  expect(await run()).toEqual(['shelf[town] retired', 'words[town-market.txt] retired'])
  expect(readdirSync(join(root, 'out/shelves'))).toEqual(['sea'])
})

test('the page shows the code that ran, in at most 40 lines', () => {
  const path = (name: string): string => new URL(name, import.meta.url).pathname
  const code = readFileSync(path('word-counts.ts'), 'utf8').trimEnd()
  const page = readFileSync(path('../../docs/your-own-assets.md'), 'utf8')
  expect(page).toContain(code)
  const lines = code.split('\n').filter((line) => !/^\s*(\/\/|\/\*|import |$)/.test(line))
  expect(lines.length).toBeLessThanOrEqual(CODE_LINES_MAX)
})
