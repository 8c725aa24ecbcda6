/** F6, the queue's half: what a silent worker had taken is done by another, and it can end nothing. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import type { Job } from '../../engine/index.ts'
import { wordFact } from '../support/engine-assets.ts'
import type { EngineProject } from '../support/engine-project.ts'
import { engineProject } from '../support/engine-project.ts'
import { DISPATCHES, openExecutor } from '../support/workers.ts'
import { countFault } from './support/count.ts'

let at: EngineProject
afterEach(async () => at.close())

const OTHER = 'elsewhere:2:lively'
const TASK = { node: 1, asset: 'upper', key: '1', run: 1, place: 1, group: '', pool: '' }
/** A claim stands for 15 s, pg-boss's heartbeat for 10. */
const LOOKS_MAX = 80

test.each(DISPATCHES)('on %s, the %s executor queues it again', async (database, name) => {
  at = await engineProject({ assets: [wordFact], database })
  const { catalog } = at.project
  await using executor = await openExecutor(at, name)
  await catalog.write(async (trx) => executor.enqueue(trx, [TASK]))
  // Of another machine: nobody here can see that it is gone.
  const silent = 'elsewhere:1:silent'
  const first = await executor.take(silent, 1)
  expect(first.length).toBe(1)
  let second: readonly Job[] = []
  for (let look = 0; look < LOOKS_MAX && second.length === 0; look++) {
    await sleep(500)
    await executor.beat(OTHER, [])
    second = await executor.take(OTHER, 1)
  }
  expect(second.map(({ task }) => task)).toEqual([TASK])
  await catalog.write(async (trx) => executor.complete(trx, first))
  expect((await executor.outstanding(catalog.db)).map(({ isTaken }) => isTaken)).toEqual([true])
  await catalog.write(async (trx) => executor.complete(trx, second))
  expect(await executor.outstanding(catalog.db)).toEqual([])
  countFault('F6')
})
