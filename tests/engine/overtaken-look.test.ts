/** A sensor whose look something else overtook: it does not wait until it is due again. */
import { afterEach, expect, test } from 'vitest'
import type { Sensor } from '../../engine/index.ts'
import { EmbeddedExecutor, applyAndPlan } from '../../engine/index.ts'
import { observedRevision } from '../../engine/run/planning.ts'
import type { DaemonEvent } from '../../engine/run/daemon-event.ts'
import { Daemon } from '../../engine/run/daemon.ts'
import { library } from '../support/engine-assets.ts'
import type { EngineProject } from '../support/engine-project.ts'
import { engineProject, factChanges } from '../support/engine-project.ts'
import { ACTOR } from '../support/workers.ts'

let at: EngineProject
afterEach(async () => at.close())

test('what was taken in meanwhile is looked at again at once, not an hour later', async () => {
  at = await engineProject({ assets: library })
  const { project } = at
  const built = Promise.withResolvers<void>()
  let looks = 0
  const words: Sensor = {
    name: 'words',
    summary: 'a word',
    timing: { everyMs: 3_600_000 },
    look: async () => {
      looks += 1
      const seen = await observedRevision(project.catalog.db)
      // The first look is of a catalog that has moved on by the time it acts.
      const since = looks === 1 ? seen - 1 : seen
      const changes = [factChanges({ 'word/1': { text: 'one', shelves: [] } })]
      return {
        kind: 'act',
        why: 'a word was written',
        act: async (access) => applyAndPlan(access, { changes, since }),
      }
    },
  }
  const events: DaemonEvent[] = []
  await using executor = new EmbeddedExecutor(project)
  const daemon = await Daemon.start(project, {
    sensors: [words],
    executor,
    slots: 1,
    actor: ACTOR,
    onEvent: (event) => {
      events.push(event)
      if (event.type === 'finished') built.resolve()
    },
  })
  await built.promise
  await daemon.stop(1_000)
  expect(looks).toBe(2)
  const acts = events.flatMap((event) =>
    event.type === 'ticked' && event.result.kind === 'acted' ? [event.result.isOvertaken] : [],
  )
  expect(acts).toEqual([true, false])
})
