/** One run of a project folder at a given time; shared by the killed process and the one after. */
import type { Platform } from '../../assets/platform.ts'
import { materialize } from '../../engine/index.ts'
import type { Project, RunReport } from '../../engine/index.ts'
import { openRoad } from '../support/open-road.ts'

/** The project with a clock that stands still, so that two runs of it write the same bytes. */
export const atTime = ({ project }: Platform, clockMs: number): Project => ({
  ...project,
  clock: { ...project.clock, nowMs: () => clockMs },
})

export async function runRoad(root: string, clockMs: number): Promise<RunReport> {
  await using platform = await openRoad(root)
  return await materialize(atTime(platform, clockMs), {
    actor: { name: 'test', reason: 'a test' },
    command: 'materialize',
    concurrency: 2,
  })
}
