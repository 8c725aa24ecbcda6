/** A catalog that is lost comes back from the store alone. */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Catalog, Project, RolledForward } from '../../engine/index.ts'
import { fsck, makePlan, materialize, openCatalog, rebuildCatalog } from '../../engine/index.ts'
import { MIGRATIONS } from '../../migrations/index.ts'
import { encounters, medicalFile } from '../support/deliveries.ts'
import { freshDatabase } from '../support/postgres.ts'
import type { RoadProject } from '../support/project.ts'
import { soundRoad, verdictOn } from './verified-road.ts'

const ACTOR = { name: 'test', reason: 'the disk is gone' }

/** Everything a person would miss: submissions, decisions, contents, winners, holds, registry. */
async function known({ catalog }: Project): Promise<Readonly<Record<string, unknown>>> {
  const { db } = catalog
  const { rows: nodes } = await sql<{ name: string; key: string; content: string; value: string }>`
    select a.name, n.key, v.content_id as content, v.value, n.waiting from node n
    join asset a on a.id = n.asset join version v on v.id = n.version
    where a.name <> 'freshness' order by a.name, n.key`.execute(db)
  const tables: Record<string, unknown> = {}
  for (const table of [
    'submission',
    'submission_file',
    'registry_file',
    'inbox_object',
    'finding',
    'first_wanted',
  ]) {
    const { rows } = await sql<object>`select * from ${sql.table(table)} order by 1, 2`.execute(db)
    tables[table] = rows
  }
  const received = await db.selectFrom('catalog').select('received_ms').executeTakeFirstOrThrow()
  return { nodes, ...tables, received }
}

/** Every decision there is, once. */
async function decidedRoad(): Promise<RoadProject> {
  const road = await soundRoad()
  const id = async (drop: string): Promise<string> => (await road.submission(drop)).submission_id
  const alpha = (month: string) =>
    ({ state: 'MA', fileType: 'medical', submitter: 'alpha', month }) as const
  road.deliver('alpha/short', [medicalFile('2024-02', encounters('2024-02', 3, 'short'))])
  road.deliver('beta/short', [medicalFile('2024-01', encounters('2024-01', 2, 'short'))])
  road.deliver('alpha/again', [medicalFile('2024-02', encounters('2024-02', 3, 'short'))])
  road.deliver('gamma/first', [medicalFile('2024-01', encounters('2024-01', 2, 'g'))])
  road.deliver('alpha/odd', [{ name: 'what_is_this.csv', content: 'a,b\n1,2\n' }])
  await road.run()
  await road.decide({ kind: 'confirm', submission: await id('beta/short'), months: 'all' })
  await road.decide({ kind: 'reject', submission: await id('beta/february'), months: ['2024-02'] })
  await road.decide({ kind: 'pin', submission: await id('alpha/q1'), month: alpha('2024-01') })
  await road.run()
  return road
}

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
