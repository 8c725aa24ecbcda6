/** A catalog that is lost comes back from the store alone. */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Catalog, Project, RolledForward } from '../../engine/index.ts'
import { fsck, makePlan, materialize, openCatalog, rebuildCatalog } from '../../engine/index.ts'
import { MIGRATIONS } from '../../migrations/index.ts'
import { freshDatabase } from '../support/postgres.ts'
import type { RoadProject } from '../support/project.ts'
import { decidedRoad, known } from './known-state.ts'
import { verdictOn } from './verified-road.ts'

const ACTOR = { name: 'test', reason: 'the disk is gone' }

let road: RoadProject
beforeAll(async () => {
  road = await decidedRoad()
})
afterAll(async () => road[Symbol.asyncDispose]())

/** The project on an empty catalog, rebuilt from the store. */
async function rebuilt(
  it: RoadProject,
  url: string,
): Promise<{ readonly project: Project; readonly catalog: Catalog; readonly told: RolledForward }> {
  const catalog = await openCatalog({ url, migrations: MIGRATIONS })
  const project = { ...it.project, catalog }
  const told = await rebuildCatalog(project, { actor: ACTOR })
  return { project, catalog, told }
}

test.each(['sqlite', 'postgres'] as const)(
  'on %s: same submissions, decisions, winners and holds; one run computes nothing',
  async (database) => {
    await using clone = await road.clone()
    const before = await known(clone.project)
    const folder = mkdtempSync(join(clone.root, 'other-'))
    const server = database === 'postgres' ? await freshDatabase() : undefined
    const { project, catalog, told } = await rebuilt(clone, server?.url ?? join(folder, 'c.db'))
    expect([told.lost, told.unknown]).toEqual([[], 0])
    const log: string[] = []
    const report = await materialize(project, {
      actor: ACTOR,
      command: 'materialize',
      concurrency: 2,
      onEvent: (event) => {
        if (event.type === 'finished') log.push(`${event.node.asset} ${event.outcome}`)
      },
    })
    expect(report.failures).toEqual([])
    expect([...new Set(log.map((line) => line.split(' ')[1]))]).toEqual(['cutoff'])
    expect(clone.platform.duck.started).toBe(0)
    expect(await known(project)).toEqual(before)
    const { steps, waiting } = await makePlan(project, { actor: ACTOR })
    expect(steps).toEqual([])
    expect(waiting).toEqual((await clone.plan()).waiting)
    expect((await fsck(project)).faults).toEqual([])
    const { platform } = clone
    expect((await verdictOn({ platform, project }, { deep: true })).broken).toEqual([])
    await catalog.close()
    await server?.close()
    rmSync(folder, { recursive: true })
  },
)
