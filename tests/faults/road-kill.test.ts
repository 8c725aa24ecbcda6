/**
 * SIGKILL at every failpoint of intake, parse, publish and commit; then a restart. The state equals
 * that of a run nobody killed, by content ids; nothing is left open and nothing lies about.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { decide } from '../../assets/decisions.ts'
import { listManifests } from '../../assets/processed-places.ts'
import { verifyProject } from '../../assets/verify/verify-project.ts'
import { auditStore, findResidue, makePlan } from '../../engine/index.ts'
import type { Project } from '../../engine/index.ts'
import { platformTables } from '../../registry/tables.ts'
import { encounters, medicalFile } from '../support/deliveries.ts'
import { openRoad } from '../support/open-road.ts'
import { RoadProject } from '../support/project.ts'
import { REPOSITORY } from '../support/road-folder.ts'
import { atTime, runRoad } from './road-run.ts'
import { runNode } from './support/child.ts'
import { countFault } from './support/count.ts'
import { sweptBy } from './support/failpoint-names.ts'

const FIRST_MS = Date.UTC(2026, 0, 5)
const SECOND_MS = Date.UTC(2026, 1, 5)
const SWEEP_MS = 300_000
const NAMES = sweptBy('road-kill.test.ts')
const RECOVERY = NAMES.filter((name) => name.startsWith('recover.'))

/**
 * A project in front of its second run: a month gets its second submitter, a correction replaces
 * two, an edited mapping touches all, a withdrawal retires one.
 */
let start: string
let wanted: Readonly<Record<string, string>>
let lines: readonly string[]
let hits: Readonly<Record<string, number>>
const roots: string[] = []

beforeAll(async () => {
  start = mkdtempSync(join(tmpdir(), 'tributary-kill-'))
  roots.push(start)
  const road = await RoadProject.create({ root: start, after: 'delete' })
  const rows = ['2024-01', '2024-02'].flatMap((month) => encounters(month, 3, 'a'))
  road.deliver('alpha/first', [medicalFile(['2024-01', '2024-02'], rows)])
  road.deliver('gamma/only', [medicalFile('2024-03', encounters('2024-03', 2, 'g'))])
  await road.platform[Symbol.asyncDispose]()
  await runRoad(start, FIRST_MS)
  // A copied file is another file: what was taken in shall not be delivered again.
  rmSync(join(start, 'inbox'), { recursive: true })
  road.deliver('alpha/second', [medicalFile('2024-01', encounters('2024-01', 4, 'fix'))])
  road.deliver('beta/first', [medicalFile('2024-01', encounters('2024-01', 2, 'b'))])
  road.edit('mappings/medical/synthea/v1.json', (document) => {
    const { columns } = document as unknown as { columns: Record<string, unknown> }
    columns['description'] = { source: 'ENCOUNTERCLASS' }
  })
  await using platform = await openRoad(start)
  const { submission_id: submission } = await platform.project.catalog.db
    .withTables<{ submission: { submission_id: string; drop_path: string } }>()
    .selectFrom('submission')
    .select('submission_id')
    .where('drop_path', '=', 'gamma/only')
    .executeTakeFirstOrThrow()
  const actor = { name: 'test', reason: 'a test' }
  await decide(atTime(platform, SECOND_MS), { kind: 'withdraw', submission }, actor)
}, SWEEP_MS)
afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true, force: true })
})

/** A copy of the project, in the same place for its paths. */
function copyOf(from: string): string {
  const root = mkdtempSync(join(tmpdir(), 'tributary-kill-'))
  roots.push(root)
  cpSync(from, root, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true })
  return root
}

interface Killed {
  readonly signal: NodeJS.Signals | null
  readonly hits: Readonly<Record<string, number>>
}

/** Runs the second run in a process of its own, to be killed at a hit. */
async function runChild(root: string, kill?: readonly [string, number]): Promise<Killed> {
  const script = join(REPOSITORY, 'tests/faults/road-child.ts')
  const plan = kill === undefined ? [] : [`${kill[0]}=crash@${kill[1]}`]
  const { signal, stdout } = await runNode([script, root, String(SECOND_MS), ...plan])
  if (signal === 'SIGKILL') countFault(kill?.[0].startsWith('recover.') === true ? 'F3' : 'F1')
  return { signal, hits: JSON.parse(stdout || '{}') as Readonly<Record<string, number>> }
}

/** `asset[key]` → content id, of everything that is stored. */
async function contentIds({ graph, catalog }: Project): Promise<Readonly<Record<string, string>>> {
  const rows = await catalog.db
    .selectFrom('node')
    .innerJoin('asset', 'asset.id', 'node.asset')
    .innerJoin('version', 'version.id', 'node.version')
    .select(['asset.name', 'node.key', 'version.content_id'])
    .execute()
  const isFact = (name: string): boolean => (graph.assets.get(name)?.kind ?? 'fact') === 'fact'
  return Object.fromEntries(
    rows.flatMap((row) =>
      isFact(row.name) ? [] : [[`${row.name}[${row.key}]`, row.content_id] as const],
    ),
  )
}

/** Every line of every processed manifest; of a landed file there is one. */
async function processedLines(root: string): Promise<readonly string[]> {
  const found = await Array.fromAsync(listManifests(join(root, 'staging')))
  return found.flatMap(({ path }) => readFileSync(path, 'utf8').split('\n').slice(0, -1)).toSorted()
}

/** Restarts what was killed, and holds everything it left against the run nobody killed. */
async function restart(root: string): Promise<void> {
  const report = await runRoad(root, SECOND_MS)
  expect(report.failures).toEqual([])
  await using platform = await openRoad(root)
  const project = atTime(platform, SECOND_MS)
  expect(await contentIds(project)).toEqual(wanted)
  const actor = { name: 'test', reason: 'a test' }
  expect((await makePlan(project, { actor })).steps).toEqual([])
  expect(await project.catalog.db.selectFrom('intent').selectAll().execute()).toEqual([])
  const { missing, forgotten, lagging } = await auditStore(project, { digests: true })
  expect({ missing, forgotten, lagging }).toEqual({ missing: [], forgotten: [], lagging: [] })
  expect(await findResidue(project)).toEqual({ units: [], strays: [], scratch: [] })
  // Everything is landed, so nothing lies in the inbox, and nothing of it is remembered.
  expect((await platform.inbox.list()).listed).toEqual([])
  const remembered = platformTables(project.catalog.db).selectFrom('inbox_object').selectAll()
  expect(await remembered.execute()).toEqual([])
  expect(await processedLines(root)).toEqual(lines)
}

test('a run nobody kills: every failpoint of it is hit', { timeout: SWEEP_MS }, async () => {
  const root = copyOf(start)
  hits = (await runChild(root)).hits
  await using platform = await openRoad(root)
  wanted = await contentIds(platform.project)
  lines = await processedLines(root)
  expect(lines).toHaveLength(4)
  const months = Object.keys(wanted).filter((name) => name.startsWith('gold_canonical'))
  expect(months).toEqual([
    'gold_canonical[MA/medical/2024-01]',
    'gold_canonical[MA/medical/2024-02]',
  ])
  expect(Object.keys(hits).toSorted()).toEqual(NAMES.filter((name) => !RECOVERY.includes(name)))
})

/** The first and the last hit; around the commit, where most can go wrong, one between them too. */
const hitsOf = (name: string): readonly number[] => {
  const count = hits[name] ?? 0
  const between = name.startsWith('commit.') ? [Math.ceil(count / 2)] : []
  return [...new Set([1, ...between, count])]
}

test.each(NAMES.filter((name) => !RECOVERY.includes(name)))(
  'killed at %s, it goes on where it was',
  { timeout: SWEEP_MS },
  async (name) => {
    await Promise.all(
      hitsOf(name).map(async (hit) => {
        const root = copyOf(start)
        expect((await runChild(root, [name, hit])).signal).toBe('SIGKILL')
        await restart(root)
      }),
    )
  },
)

test.each(RECOVERY)(
  'killed at %s while it recovers, it recovers again',
  { timeout: SWEEP_MS },
  async (name) => {
    for (const first of ['commit.synced', 'commit.committed']) {
      const root = copyOf(start)
      // The last group is the canonical months: they have something to take back or to show.
      expect((await runChild(root, [first, hits[first] ?? 0])).signal).toBe('SIGKILL')
      expect((await runChild(root, [name, 1])).signal).toBe('SIGKILL')
      await restart(root)
    }
  },
)

test(
  'killed and restarted, every invariant of the project holds',
  { timeout: SWEEP_MS },
  async () => {
    const root = copyOf(start)
    await runChild(root, ['commit.committed', 3])
    await restart(root)
    await using platform = await openRoad(root)
    const results = await verifyProject(platform, { deep: true })
    expect(results.filter((result) => !result.holds)).toEqual([])
  },
)
