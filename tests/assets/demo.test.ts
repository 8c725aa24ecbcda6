/** The demo, run to its end in a temporary folder as a newcomer runs it. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readConfig } from '../../assets/config.ts'
import { DEMO_DROPS } from '../../assets/demo-data.ts'
import { DEMO_EDIT, freeDemoFolder } from '../../assets/demo.ts'
import type { Platform } from '../../assets/platform.ts'
import { openPlatform } from '../../assets/platform.ts'
import { makePlan, materialize, parseKey } from '../../engine/index.ts'
import { MIGRATIONS } from '../../migrations/index.ts'
import { openLocalStore } from '../../minio/local-store.ts'
import { platformTables } from '../../registry/tables.ts'

const repository = join(import.meta.dirname, '../..')
const parent = mkdtempSync(join(tmpdir(), 'tributary-demo-'))
const folder = join(parent, 'demo')
const actor = { name: 'test', reason: 'test' }

let shown = ''
let noted = ''
let platform: Platform
beforeAll(async () => {
  const program = [join(repository, 'bin/tributary.js'), 'demo']
  const ran = await promisify(execFile)(process.execPath, program, { cwd: parent })
  shown = ran.stdout
  noted = ran.stderr
  platform = await openPlatform({
    config: readConfig({ root: folder, environment: {}, flags: {}, cores: 2, memoryMb: 4096 }),
    migrations: MIGRATIONS,
    openStore: ({ store }) => openLocalStore({ root: store.value }),
  })
})
afterAll(async () => {
  await platform[Symbol.asyncDispose]()
  rmSync(parent, { recursive: true, force: true })
})

const tables = () => platformTables(platform.project.catalog.db)

/** The canonical months each run built. */
async function monthsByRun(): Promise<readonly (readonly string[])[]> {
  const rows = await platform.project.catalog.db
    .selectFrom('build')
    .innerJoin('node', 'node.id', 'build.node')
    .innerJoin('asset', 'asset.id', 'node.asset')
    .select(['build.run', 'node.key'])
    .where('asset.name', '=', 'gold_canonical')
    .orderBy('node.key')
    .execute()
  const runs = await platform.project.catalog.db
    .selectFrom('run')
    .select('id')
    .orderBy('id')
    .execute()
  return runs.map(({ id }) =>
    rows.filter((row) => row.run === id).map((row) => parseKey(row.key)[2] ?? ''),
  )
}

const scene = (title: string): string => {
  const from = shown.indexOf(`: ${title}`)
  expect(from, `a scene «${title}»`).toBeGreaterThan(0)
  const to = shown.indexOf('\n── ', from)
  return shown.slice(from, to < 0 ? undefined : to)
}

test('the mapping edit builds exactly the months whose winners use that layout', async () => {
  const won = await tables()
    .selectFrom('winner_history')
    .innerJoin('submission', 'submission.submission_id', 'winner_history.submission_id')
    .select('winner_history.atomic_month')
    .distinct()
    .where('submission.layout_id', '=', 'medical_claim/cdl/v1')
    .orderBy('winner_history.atomic_month')
    .execute()
  const months = won.map((row) => row.atomic_month)
  const [first, edited, corrected, ...more] = await monthsByRun()
  expect(first).toHaveLength(6)
  expect(edited).toEqual(months)
  expect(months).toEqual(['2024-01', '2024-02', '2024-03', '2024-04'])
  expect(corrected).toEqual(['2024-02'])
  expect(more).toEqual([])
})

test('the plan of the edit names the place that was edited', () => {
  const text = scene('Edit one mapping rule')
  expect(text).toContain(DEMO_EDIT.path)
  expect(text).toContain(`${DEMO_EDIT.pointer}/`)
  expect(readFileSync(join(folder, DEMO_EDIT.path), 'utf8')).toContain(DEMO_EDIT.after)
})

test('the corrected file is the new winner, and is shown', async () => {
  const { submission_id: id } = await tables()
    .selectFrom('submission')
    .select('submission_id')
    .where('drop_path', '=', DEMO_DROPS.corrected)
    .executeTakeFirstOrThrow()
  expect(scene('A submitter corrects a file')).toMatch(new RegExp(`^${id} +180$`, 'm'))
})

test('every trouble is visible', () => {
  const text = scene('The troubles')
  for (const word of ['DUPLICATE', 'QUARANTINED', 'NEEDS_REVIEW', 'HELD']) {
    expect(text).toContain(word)
  }
  expect(text).toContain('the file named .csv holds an HTML page')
  expect(text).toContain('the file name matches no routing rule')
  expect(text).toMatch(/ 43 +TYPE_DECIMAL CDLMC123/)
  expect(text).toContain('3 out of period')
  // The bad value itself is health data.
  expect(shown + noted).not.toContain('1O5.50')
})

test('the end names the folder and three commands, and each of them runs', async () => {
  const end = shown.slice(shown.indexOf('The project stays in'))
  expect(end).toContain(folder)
  const commands = [...end.matchAll(/^ {2}node \S+ (.*)$/gm)].map(([, line = '']) => line)
  expect(commands).toHaveLength(3)
  const [status = '', explain = '', confirm = ''] = commands
  for (const line of [status, explain]) {
    const argv = [join(repository, 'bin/tributary.js'), ...line.split(' ')]
    const { stdout } = await promisify(execFile)(process.execPath, argv, { cwd: parent })
    expect(stdout).toContain('gold_canonical')
  }
  expect(confirm).toMatch(/submissions confirm \d{8}T\d{9}Z-[0-9a-f]{12} --reason "/)
})

test('a file tried first is told what would be refused, as the generator spoiled it', () => {
  const text = scene('A submitter tries a file first')
  expect(noted).toMatch(/^medical_claim\/star\/v1: .* 10 records spoiled$/m)
  expect(text).toMatch(/accepted +190\n.*\n +rejected +10\n/)
  expect(text).toContain('Not accepted. Correct what')
})

test('a second materialize there builds nothing, and the next plan is empty', async () => {
  expect(scene('Nothing changed, nothing runs')).toContain('Nothing to do')
  const again = await materialize(platform.project, { actor, command: 'test', concurrency: 2 })
  expect(again).toMatchObject({ run: undefined, counts: { built: 0, reused: 0, cutoff: 0 } })
  expect((await makePlan(platform.project, { actor })).steps).toEqual([])
})

test('nothing unexpected is said', () => {
  const lines = noted
    .split('\n')
    // A slow machine also says how far it is: ◼.
    .filter((line) => !/^(?:✓|◼|warning|error|Run|\d+ rows?|medical_claim|reading|$)/.test(line))
  expect(lines).toEqual([])
  expect(noted).not.toContain('ASSERTION')
})

test('a demo that is there already stays: the next one is demo-2', () => {
  expect(freeDemoFolder(parent)).toBe(join(parent, 'demo-2'))
  mkdirSync(join(parent, 'demo-2'))
  expect(freeDemoFolder(parent)).toBe(join(parent, 'demo-3'))
})
