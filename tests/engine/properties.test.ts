import fc from 'fast-check'
import { test } from 'vitest'
import { historyArbitrary } from '../support/engine-history.ts'
import { playHistory } from '../support/engine-script.ts'

// More runs, or a failing one again: TRIBUTARY_TEST_RUNS=5000 TRIBUTARY_TEST_SEED=…
const RUNS = Number(process.env['TRIBUTARY_TEST_RUNS'] ?? 100)
const SEED = process.env['TRIBUTARY_TEST_SEED']

const parameters = (numRuns: number) => ({
  numRuns,
  ...(SEED !== undefined && { seed: Number(SEED) }),
})

test('after any history the state equals a clean rebuild, and each run did what was needed', async () => {
  await fc.assert(
    fc.asyncProperty(historyArbitrary({ assets: 5, steps: 5 }), async (history) =>
      playHistory(history),
    ),
    parameters(RUNS),
  )
}, 600_000)
