import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findResidue, sweep } from '../../engine/index.ts'
import { withRunLease } from '../../engine/run/run-lease.ts'
import type { RoadProject } from '../support/project.ts'
import { manifestsOf } from './damage.ts'
import { soundRoad, verdictOn } from './verified-road.ts'

let road: RoadProject
beforeAll(async () => {
  road = await soundRoad()
})
afterAll(async () => road[Symbol.asyncDispose]())

const JANUARY = 'gold_canonical/MA/medical/atomic_month=2024-01'
const PRINT = 'a'.repeat(64)

function litter(it: RoadProject): readonly string[] {
  const folder = `data/.versions/${JANUARY}/@r99-1`
  mkdirSync(it.path(folder))
  writeFileSync(it.path(`${folder}/part-alpha.parquet`), 'half')
  const [manifest = ''] = manifestsOf(it, JANUARY)
  writeFileSync(`${manifest}.tmp`, '{')
  symlinkSync('nowhere', it.path(`data/${JANUARY}.tributary-tmp`))
  mkdirSync(it.path(`.tributary/scratch/${PRINT}`), { recursive: true })
  return [
    it.path(folder),
    `${manifest}.tmp`,
    it.path(`data/${JANUARY}.tributary-tmp`),
    it.path(`.tributary/scratch/${PRINT}`),
  ]
}

test('a sweep removes what no commit refers to, and nothing else', async () => {
  await using clone = await road.clone()
  const left = litter(clone)
  const found = await findResidue(clone.project)
  expect([found.units.length, found.strays.length, found.scratch.length]).toEqual([1, 2, 1])
  expect(await sweep(clone.project)).toEqual(found)
  expect(left.filter((path) => existsSync(path))).toEqual([])
  expect((await verdictOn(clone, { deep: true })).broken).toEqual([])
  expect(await sweep(clone.project)).toEqual({ units: [], strays: [], scratch: [] })
})

/** A claim of a run that is gone. */
const DEAD = { node: 1, run: 1, epoch: 1, holder: 'run:0', expires_ms: 0 } as const

test('a folder that an open intent names stays', async () => {
  await using clone = await road.clone()
  litter(clone)
  const { catalog } = clone.project
  const notes = JSON.stringify([`.versions/${JANUARY}/@r99-1`])
  const intent = { ...DEAD, state: 'prepared', notes } as const
  await catalog.db.insertInto('intent').values(intent).execute()
  expect((await findResidue(clone.project)).units).toEqual([])
})

test('what a dead run staged, or was about to remove, goes when its claims are ended', async () => {
  await using clone = await road.clone()
  for (const [node, state] of [
    [1, 'prepared'],
    [2, 'committed'],
  ] as const) {
    const unit = `.versions/${JANUARY}/@r98-${node}`
    mkdirSync(clone.path(`data/${unit}`))
    const intent = { ...DEAD, node, state, notes: JSON.stringify([unit]) }
    await clone.project.catalog.db.insertInto('intent').values(intent).execute()
  }
  await clone.run()
  expect((await findResidue(clone.project)).units).toEqual([])
  const { db } = clone.project.catalog
  expect(await db.selectFrom('intent').selectAll().execute()).toEqual([])
})

test('while something is dirty, a build in progress keeps its scratch', async () => {
  await using clone = await road.clone()
  litter(clone)
  const { submission_id: submission } = await clone.submission('beta/february')
  await clone.decide({ kind: 'withdraw', submission })
  expect((await findResidue(clone.project)).scratch).toEqual([])
  await clone.run()
  expect(existsSync(clone.path(`.tributary/scratch/${PRINT}`))).toBe(false)
})

test('a sweep waits for nobody: while a run is under way it is refused', async () => {
  await using clone = await road.clone()
  await withRunLease(clone.project, async () => {
    await expect(sweep(clone.project)).rejects.toMatchObject({ code: 'RUN_BUSY' })
  })
})
