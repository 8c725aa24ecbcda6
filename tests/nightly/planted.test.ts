/** The same at full size: 5,000,000 records of 60 columns, with planted defects. */
import { expect, test } from 'vitest'
import { scratchFolder } from '../table/parsing.ts'
import { parseTruth, plantedFile } from '../table/truth.ts'

test('of five million records every one is where the truth says', async () => {
  await using folder = await scratchFolder()
  const truth = await plantedFile(folder.path, { rows: 5_000_000, seed: 'planted' })
  const startMs = performance.now()
  const parsed = await parseTruth(truth, { folder: folder.path, workers: 2, memoryMb: 800 })
  const seconds = (performance.now() - startMs) / 1000
  console.log(`5,000,000 records, ${truth.planted.length} planted, in ${seconds.toFixed(1)} s`)
  const { totals } = parsed.outcome.report.files[0] ?? { totals: undefined }
  expect(totals).toMatchObject({
    accepted: { records: truth.rows - truth.planted.length },
    rejected: { records: truth.planted.length },
    control: { records: 2 },
  })
  expect(parsed.rejects).toEqual(truth.planted)
})
