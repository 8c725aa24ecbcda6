/** Pausing a sensor, and letting it go on: a person's decision, with an audit row. */
import type { Actor } from '../catalog/runs.ts'
import { insertAudit } from '../catalog/runs.ts'
import { setPause } from '../catalog/sensors.ts'
import type { Project } from './project.ts'

export interface PauseChange {
  readonly sensor: string
  /** false: it goes on */
  readonly isPause: boolean
  readonly actor: Actor
}

/** Pauses or resumes; a pause holds for every daemon until it is taken back. */
export async function changePause(
  { catalog, clock }: Project,
  { sensor, isPause, actor }: PauseChange,
): Promise<void> {
  await catalog.write(async (trx) => {
    const atMs = clock.nowMs()
    const pause = { atMs, by: actor.name, reason: actor.reason }
    await setPause(trx, sensor, isPause ? pause : undefined)
    const action = isPause ? 'pause' : 'resume'
    await insertAudit(trx, { atMs, actor, action, subject: `sensor ${sensor}`, run: null })
  })
}
