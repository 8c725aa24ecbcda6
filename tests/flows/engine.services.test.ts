/** The engine's flows on PostgreSQL and MinIO, as they are on a plain clone. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { engineBuilds } from '../contracts/engine-builds.ts'
import { engineEdits } from '../contracts/engine-edits.ts'
import { historyArbitrary } from '../support/engine-history.ts'
import { playHistory } from '../support/engine-script.ts'

engineBuilds('services')
engineEdits('services')

// More, or a failing one again: TRIBUTARY_TEST_RUNS=500 TRIBUTARY_TEST_SEED=…
const RUNS = Math.ceil(Number(process.env['TRIBUTARY_TEST_RUNS'] ?? 100) / 20)
const SEED = Number(process.env['TRIBUTARY_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

test(`after any history on services the state equals a clean rebuild (seed ${SEED})`, async () => {
  const history = historyArbitrary({ assets: 5, steps: 5 })
  const played = await fc.check(
    fc.asyncProperty(history, async (one) => playHistory(one, 'services')),
    { numRuns: RUNS, seed: SEED },
  )
  expect(fc.defaultReportMessage(played)).toBe(undefined)
})
