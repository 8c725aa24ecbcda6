/** 200,000 records of 60 columns: what was planted is what is rejected, and bytes depend on nothing else. */
import { expect, test } from 'vitest'
import { scratchFolder } from './parsing.ts'
import { parseTruth, plantedFile } from './truth.ts'

test('accepted, rejected and control records equal the truth; 1, 2 and 4 workers write the same', async () => {
  await using folder = await scratchFolder()
  const truth = await plantedFile(folder.path, { rows: 200_000, seed: 'planted' })
  expect(truth.kinds.size).toBeGreaterThanOrEqual(9)
  const digests = []
  for (const [workers, memoryMb] of [
    [1, 800],
    [2, 500],
    [4, 800],
  ] as const) {
    const parsed = await parseTruth(truth, { folder: folder.path, workers, memoryMb })
    const { totals } = parsed.outcome.report.files[0] ?? { totals: undefined }
    expect(totals).toMatchObject({
      accepted: { records: truth.rows - truth.planted.length },
      rejected: { records: truth.planted.length },
      control: { records: 2 },
    })
    expect(parsed.rejects).toEqual(truth.planted)
    digests.push(parsed.digest)
  }
  expect(new Set(digests).size).toBe(1)
})
