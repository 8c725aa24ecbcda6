/** The CMS synthetic public use files of 2008 to 2010. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { RealFiles, totals } from './real-files.ts'

let files: RealFiles | undefined
beforeAll(async () => {
  files = await RealFiles.open('desynpuf')
})
afterAll(() => files?.bench.close())

// 2007-12 to 2010-12 by each of the file's date columns.
test('inpatient claims: every row is in one of 37 months, or of no month, as 7 are', async (context) => {
  if (files === undefined) return context.skip()
  const name = 'DE1_0_2008_to_2010_Inpatient_Claims_Sample_1.csv'
  const outcome = await files.run(name, 'synpuf_inpatient/desynpuf')
  if (outcome.kind === 'failed') throw new Error(outcome.detail)
  const { accepted, rejected } = outcome.report
  expect(accepted + rejected).toBe(5775)
  const months = outcome.months.map(({ month, rows }) => [month, rows] as const)
  expect(months.filter(([month]) => month !== '__unknown__')).toHaveLength(37)
  expect(months.find(([month]) => month === '__unknown__')?.[1]).toBe(7)
  expect(months.reduce((sum, [, rows]) => sum + rows, 0)).toBe(accepted)
})

test.for(['2008', '2010'])(
  'beneficiaries of %s are all rows of one month',
  async (year, context) => {
    if (files === undefined) return context.skip()
    const name = `DE1_0_${year}_Beneficiary_Summary_File_Sample_1.csv`
    const outcome = await files.run(name, 'synpuf_beneficiary/desynpuf')
    const lines = files.bytes(name).toString('latin1').trimEnd().split('\n').length
    expect(totals({ outcome })).toEqual({ accepted: lines - 1, header: 1 })
  },
)
