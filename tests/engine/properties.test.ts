import fc from 'fast-check'
import { describe, test } from 'vitest'
import type { Database } from '../support/engine-project.ts'
import { historyArbitrary } from '../support/engine-history.ts'
import { playHistory } from '../support/engine-script.ts'

// More, or a failing one again: TRIBUTARY_TEST_RUNS=5000 TRIBUTARY_TEST_SEED=…
const RUNS = Number(process.env['TRIBUTARY_TEST_RUNS'] ?? 100)
const SEED = process.env['TRIBUTARY_TEST_SEED']

describe.each<[Database, number]>([
  ['sqlite', RUNS],
  ['postgres', Math.ceil(RUNS / 25)],
])('on %s', (database, numRuns) => {
  test('after any history the state equals a clean rebuild, and each run did exactly what was needed', async () => {
    const history = historyArbitrary({ assets: 5, steps: 5 })
    await fc.assert(
      fc.asyncProperty(history, async (one) => playHistory(one, database)),
      { numRuns, ...(SEED !== undefined && { seed: Number(SEED) }) },
    )
  }, 600_000)
})
