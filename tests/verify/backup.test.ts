/** The restore drill: a backup, a lost catalog, and everything is as it was. */
import { createHash } from 'node:crypto'
import { readFileSync, rmSync, truncateSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { BackupPlace, Catalog, Project } from '../../engine/index.ts'
import { backUp, fsck, makePlan, materialize, openCatalog, restore } from '../../engine/index.ts'
import { openBackupPlace } from '../../minio/backup-place.ts'
import { MIGRATIONS } from '../../migrations/index.ts'
import { encounters, medicalFile } from '../support/deliveries.ts'
import { rejectedCode } from '../support/error-code.ts'
import { freshDatabase } from '../support/postgres.ts'
import type { RoadProject } from '../support/project.ts'
import { partFilesOf } from './damage.ts'
import { decidedRoad, known } from '../support/known-state.ts'
import { verdictOn } from './verified-road.ts'

const ACTOR = { name: 'test', reason: 'a drill' }
const NO_S3 = { endpoint: undefined, region: 'none', credentials: undefined }
const DATABASES = ['sqlite', 'postgres'] as const

let road: RoadProject
beforeAll(async () => {
  road = await decidedRoad()
})
afterAll(async () => road[Symbol.asyncDispose]())

const placeOf = async (it: RoadProject): Promise<BackupPlace> =>
  openBackupPlace(it.path('backup'), NO_S3)

/** The project over an empty catalog of its own: the first one is lost. */
async function onEmpty(
  { project }: RoadProject,
  url: string,
): Promise<{ readonly project: Project; readonly catalog: Catalog }> {
  const catalog = await openCatalog({ url, migrations: MIGRATIONS })
  return { project: { ...project, catalog }, catalog }
}

/** Tables that a backup holds and `known` does not look at. */
async function history({ catalog: { db } }: Project): Promise<unknown> {
  const builds = await db.selectFrom('build').selectAll().orderBy('id').execute()
  const runs = await db.selectFrom('run').selectAll().where('command', '<>', 'restore').execute()
  return { builds, runs }
}

test.each(DATABASES)(
  'restored into %s: all is there, doctor holds, the plan is empty',
  async (to) => {
    await using clone = await road.clone()
    const place = await placeOf(clone)
    const backup = await backUp(clone.project, place, { actor: ACTOR, withParts: false })
    expect(backup.parts.lines).toBeGreaterThan(40)
    const before = [await known(clone.project), await history(clone.project)]
    const server = to === 'postgres' ? await freshDatabase() : undefined
    const { project, catalog } = await onEmpty(clone, server?.url ?? clone.path('new.db'))
    const told = await restore(project, place, { actor: ACTOR })
    expect([told.lost, told.nodes, told.putBack]).toEqual([[], 0, 0])
    expect([await known(project), await history(project)]).toEqual(before)
    expect((await makePlan(project, { actor: ACTOR })).steps).toEqual([])
    expect((await fsck(project)).faults).toEqual([])
    const { platform } = clone
    expect((await verdictOn({ platform, project }, { deep: true })).broken).toEqual([])
    // Numbers go on where they were: the next delivery is built as it would have been.
    clone.deliver('beta/late', [medicalFile('2024-03', encounters('2024-03', 6, 'late'))])
    const report = await materialize(project, { actor: ACTOR, command: 'x', concurrency: 2 })
    expect([report.failures, report.counts.built > 0]).toEqual([[], true])
    await catalog.close()
    await server?.close()
  },
)

test('from PostgreSQL into SQLite', async () => {
  await using server = await decidedRoad('postgres')
  const place = await placeOf(server)
  await backUp(server.project, place, { actor: ACTOR, withParts: false })
  const before = await known(server.project)
  const { project, catalog } = await onEmpty(server, server.path('new.db'))
  await restore(project, place, { actor: ACTOR })
  expect(await known(project)).toEqual(before)
  expect((await makePlan(project, { actor: ACTOR })).steps).toEqual([])
  const { platform } = server
  expect((await verdictOn({ platform, project })).broken).toEqual([])
  await catalog.close()
})

test('what was decided and built after the backup is not lost: the store says it', async () => {
  await using clone = await road.clone()
  const place = await placeOf(clone)
  await backUp(clone.project, place, { actor: ACTOR, withParts: false })
  const id = async (drop: string): Promise<string> => (await clone.submission(drop)).submission_id
  await clone.decide({ kind: 'withdraw', submission: await id('beta/short') })
  clone.deliver('beta/late', [medicalFile('2024-03', encounters('2024-03', 6, 'late'))])
  await clone.run()
  const before = await known(clone.project)
  const { project, catalog } = await onEmpty(clone, clone.path('new.db'))
  const told = await restore(project, place, { actor: ACTOR })
  expect([told.nodes > 0, told.entries > 0, told.lost]).toEqual([true, true, []])
  const started = clone.platform.duck.started
  const outcomes = new Set<string>()
  await materialize(project, {
    actor: ACTOR,
    command: 'materialize',
    concurrency: 2,
    onEvent: (event) => event.type === 'finished' && outcomes.add(event.outcome),
  })
  expect([[...outcomes], clone.platform.duck.started - started]).toEqual([['cutoff'], 0])
  expect(await known(project)).toEqual(before)
  const { platform } = clone
  expect((await verdictOn({ platform, project }, { deep: true })).broken).toEqual([])
  await catalog.close()
})

test('a backup with parts puts back what the store lost, raw files too', async () => {
  await using clone = await road.clone()
  const place = await placeOf(clone)
  const backup = await backUp(clone.project, place, { actor: ACTOR, withParts: true })
  const [path = ''] = await partFilesOf(clone, 'raw')
  const digest = (): string => createHash('sha256').update(readFileSync(path)).digest('hex')
  const before = digest()
  rmSync(path)
  const { project, catalog } = await onEmpty(clone, clone.path('new.db'))
  const told = await restore(project, place, { actor: ACTOR })
  expect([told.putBack, told.lost, digest(), backup.with_parts]).toEqual([1, [], before, true])
  await catalog.close()
})

test('a lost part without a copy is said, and made again by the next run', async () => {
  await using clone = await road.clone()
  const place = await placeOf(clone)
  await backUp(clone.project, place, { actor: ACTOR, withParts: false })
  const [path = ''] = await partFilesOf(clone, 'gold_canonical')
  rmSync(path)
  const { project, catalog } = await onEmpty(clone, clone.path('new.db'))
  const { lost } = await restore(project, place, { actor: ACTOR })
  expect(lost).toEqual([expect.stringMatching(/^gold_canonical\[.*is not in the store$/)])
  const { steps } = await makePlan(project, { actor: ACTOR })
  expect(steps.map(({ asset, causes }) => [asset, causes[0]?.kind])).toEqual([
    ['gold_canonical', 'missing'],
  ])
  await materialize(project, { actor: ACTOR, command: 'materialize', concurrency: 2 })
  expect((await fsck(project)).faults).toEqual([])
  await catalog.close()
})

test('a drill beside the living catalog writes nothing into its store', async () => {
  await using clone = await road.clone()
  const place = await placeOf(clone)
  await backUp(clone.project, place, { actor: ACTOR, withParts: false })
  const listing = async () => (await Array.fromAsync(clone.project.store.listing())).toSorted()
  const before = await listing()
  const { project, catalog } = await onEmpty(clone, clone.path('drill.db'))
  await restore(project, place, { actor: ACTOR })
  await makePlan(project, { actor: ACTOR })
  expect((await fsck(project)).faults).toEqual([])
  expect(await listing()).toEqual(before)
  await catalog.close()
})

test('a backup is never overwritten, and a damaged one or a catalog in use is refused', async () => {
  await using clone = await road.clone()
  const place = await placeOf(clone)
  const call = { actor: ACTOR, withParts: false }
  await backUp(clone.project, place, call)
  expect(await rejectedCode(backUp(clone.project, place, call))).toBe('BACKUP_EXISTS')
  expect(await rejectedCode(restore(clone.project, place, call))).toBe('CATALOG_NOT_EMPTY')
  const { project, catalog } = await onEmpty(clone, clone.path('new.db'))
  truncateSync(clone.path('backup/catalog.ndjson.gz'), 100)
  expect(await rejectedCode(restore(project, place, call))).toBe('BACKUP_INVALID')
  const nowhere = await openBackupPlace(clone.path('nowhere'), NO_S3)
  expect(await rejectedCode(restore(project, nowhere, call))).toBe('BACKUP_INVALID')
  await catalog.close()
})
