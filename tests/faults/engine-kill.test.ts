import { execFile } from 'node:child_process'
import { cpSync, globSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { auditTrace } from '../../engine/catalog/trace-audit.ts'
import { loadDefinitions } from '../../engine/index.ts'
import type { EngineProject } from '../support/engine-project.ts'
import { orphans, presentNodes, storeOffences } from '../support/engine-state.ts'
import { AFTER, BEFORE, openJob } from './engine-job.ts'

const run = promisify(execFile)
const CHILD = fileURLToPath(new URL('engine-child.ts', import.meta.url))
const SOURCES = fileURLToPath(new URL('../..', import.meta.url))

/** Every failpoint there is in the engine and the store, read from the source. */
const NAMES = [
  ...new Set(
    globSync('{engine,minio}/**/*.ts', { cwd: SOURCES }).flatMap((path) =>
      [...readFileSync(join(SOURCES, path), 'utf8').matchAll(/failpoint\('([^']+)'\)/g)].map(
        ([, name = '']) => name,
      ),
    ),
  ),
].toSorted()

const folder = mkdtempSync(join(tmpdir(), 'tributary-kill-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let clean: ReadonlyMap<string, string>
let hits: Readonly<Record<string, number>>
/** What the killed runs hit, one after the other. */
const killedAt = new Set<string>()

const contents = async ({ project }: EngineProject): Promise<ReadonlyMap<string, string>> =>
  new Map(
    [...(await presentNodes(project.catalog))].map(([node, { contentId }]) => [node, contentId]),
  )

/** Runs the child; true: it was killed at the failpoint. */
async function killed(root: string, name: string, hit: number): Promise<boolean> {
  const child = run(process.execPath, [CHILD, root, name, String(hit)])
  const signal = await child.then(
    () => undefined,
    (error: { signal?: string }) => error.signal,
  )
  if (signal === 'SIGKILL') killedAt.add(name)
  return signal === 'SIGKILL'
}

function copyOf(name: string): string {
  const root = join(folder, name)
  cpSync(join(folder, 'before'), root, { recursive: true, verbatimSymlinks: true })
  return root
}

/** The next run ends what is left, and everything is as if nothing had happened. */
async function expectWhole(root: string): Promise<void> {
  const job = await openJob(root)
  try {
    await job.run('*', { facts: AFTER })
    expect(await contents(job)).toEqual(clean)
    const { project } = job
    expect(await storeOffences(project, { root })).toEqual([])
    expect(await orphans(project)).toEqual([])
    expect(globSync('**/*.{tmp,tributary-tmp}', { cwd: join(root, 'store') })).toEqual([])
    const { db, dialect } = project.catalog
    expect(await db.selectFrom('intent').selectAll().execute()).toEqual([])
    expect(
      await db.selectFrom('run').select('id').where('status', '=', 'running').execute(),
    ).toEqual([])
    const snapshot = { db, dialect }
    expect(
      (await auditTrace(snapshot, await loadDefinitions(project.graph, snapshot, false))).faults,
    ).toEqual([])
    expect((await job.plan()).steps).toEqual([])
    expect((await job.run()).run).toBe(undefined)
  } finally {
    await job.close()
  }
}

beforeAll(async () => {
  const before = await openJob(join(folder, 'before'))
  await before.run('*', { facts: BEFORE })
  await before.close()
  const root = copyOf('undisturbed')
  const { stdout } = await run(process.execPath, [CHILD, root])
  hits = JSON.parse(stdout) as Readonly<Record<string, number>>
  const job = await openJob(root)
  clean = await contents(job)
  expect(await storeOffences(job.project, { root })).toEqual([])
  await job.close()
})

const inRun = NAMES.filter((name) => !name.startsWith('recover.'))
const inRecovery = NAMES.filter((name) => name.startsWith('recover.'))

test('there are failpoints to sweep', () => {
  expect(inRun.length).toBeGreaterThan(8)
  expect(inRecovery.length).toBeGreaterThan(1)
})

test.each(inRun)('a run killed at %s is made whole by the next one', async (name) => {
  const last = hits[name] ?? 0
  expect([name, last]).not.toEqual([name, 0])
  for (const hit of new Set([1, Math.ceil(last / 2), last])) {
    const root = copyOf(`${name}-${hit}`)
    expect([name, hit, await killed(root, name, hit)]).toEqual([name, hit, true])
    await expectWhole(root)
  }
})

test.each(inRecovery)('a recovery killed at %s is repeated', async (name) => {
  for (const first of ['store.stage.part', 'commit.committed']) {
    const root = copyOf(`${name}-${first}`)
    expect(await killed(root, first, 2)).toBe(true)
    expect(await killed(root, name, 1)).toBe(true)
    await expectWhole(root)
  }
})

test('every failpoint of the engine and the store has killed a run', () => {
  expect([...killedAt].toSorted()).toEqual(NAMES)
  expect(readdirSync(folder).length).toBeGreaterThan(NAMES.length)
})
