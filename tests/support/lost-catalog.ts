/** Loses a project's catalog: an empty one is made again from the store alone, and one run adopts it. */
import type { Catalog, Project, RolledForward } from '../../engine/index.ts'
import { materialize, openCatalog, rebuildCatalog } from '../../engine/index.ts'
import { MIGRATIONS } from '../../migrations/index.ts'
import type { RoadProject } from './project.ts'

const ACTOR = { name: 'test', reason: 'the disk is gone' }

export interface Rebuilt {
  readonly project: Project
  readonly catalog: Catalog
  readonly told: RolledForward
  /** what the run did with stored nodes: how many of each outcome */
  readonly outcomes: Readonly<Record<string, number>>
  readonly failures: number
  /** DuckDB children that the run started */
  readonly children: number
  readonly rebuildMs: number
  readonly runMs: number
}

/** Rebuilds into an empty catalog at `url`, beside the one there is, and runs. Close the catalog. */
export async function rebuiltFromStore(road: RoadProject, url: string): Promise<Rebuilt> {
  const catalog = await openCatalog({ url, migrations: MIGRATIONS })
  const project = { ...road.project, catalog }
  const startMs = performance.now()
  const told = await rebuildCatalog(project, { actor: ACTOR })
  const rebuiltMs = performance.now()
  const before = road.platform.duck.started
  const outcomes: Record<string, number> = {}
  const report = await materialize(project, {
    actor: ACTOR,
    command: 'materialize',
    concurrency: 2,
    onEvent: (event) => {
      if (event.type !== 'finished') return
      outcomes[event.outcome] = (outcomes[event.outcome] ?? 0) + 1
    },
  })
  return {
    project,
    catalog,
    told,
    outcomes,
    failures: report.failures.length,
    children: road.platform.duck.started - before,
    rebuildMs: Math.round(rebuiltMs - startMs),
    runMs: Math.round(performance.now() - rebuiltMs),
  }
}
