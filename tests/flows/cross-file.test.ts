/** Rules across files on a project: what arrives late, is corrected or withdrawn is judged again. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { claimLines, starClaims, starFile } from '../support/deliveries.ts'
import type { TextFile } from '../support/deliveries.ts'
import { RoadProject } from '../support/project.ts'

const RULES = 'registry/rules/medical_claim/star.json'
const MONTHS = ['2024-01', '2024-02', '2024-03', '2024-04']

const claims = (month: string, count = 12): TextFile => starClaims(month, claimLines(month, count))
const enrolled = (month: string, members: number): TextFile =>
  starFile({
    fileType: 'eligibility',
    code: 'ME',
    months: month,
    rows: Array.from({ length: members }, (_, at) => ({
      payor_code: 'P1',
      member_key: `p-${at + 1}`,
      coverage_month: month.replace('-', ''),
    })),
  })

interface RuleJson {
  readonly id: string
  readonly params: object
}
const enrolledRules = (document: Readonly<Record<string, unknown>>): readonly RuleJson[] =>
  (document['rules'] as readonly RuleJson[]).filter(({ id }) => id === 'member_enrolled')

let standing: RoadProject
beforeAll(async () => {
  standing = await RoadProject.create({ submitters: { plan: 'MA', other: 'MA' } })
  standing.edit(RULES, (document) => {
    for (const rule of enrolledRules(document)) {
      Object.assign(rule, { severity: 'HARD', threshold: { count: 0 } })
      Object.assign(rule.params, { backMonths: 0 })
    }
  })
  standing.deliver('plan/c1', [claims('2024-01')])
  standing.deliver('plan/c2', [claims('2024-02')])
  standing.deliver('other/c1', [claims('2024-01')])
  const { report, brokenPromises } = await standing.run()
  expect([report.failures, brokenPromises]).toEqual([[], []])
})
afterAll(async () => standing[Symbol.asyncDispose]())

/** A submission's report, as it is published. */
async function reportOf(road: RoadProject, drop: string) {
  const { submission_id: id } = await road.submission(drop)
  const path = road.path(`data/validation/${id}/latest/validation_report.json`)
  return JSON.parse(readFileSync(path, 'utf8')) as {
    readonly cross_measure?: {
      readonly rules: Record<string, object>
      readonly samples: Record<string, readonly number[]>
    }
    readonly trend?: {
      readonly rules: Record<string, object>
      readonly months: Record<string, readonly string[]>
    }
  }
}
const ran = async (road: RoadProject): Promise<readonly string[]> => {
  const { report, log, brokenPromises } = await road.run()
  expect([report.failures, brokenPromises]).toEqual([[], []])
  expect(await road.steps()).toEqual([])
  return log.map((line) => line.replace(/\d{8}T\d{9}Z-[0-9a-f]{12}/, '…'))
}

test('while no eligibility is there, claims are not judged by it and win their months', async () => {
  expect(await standing.statuses()).toEqual({
    'plan/c1': 'VALIDATED',
    'plan/c2': 'VALIDATED',
    'other/c1': 'VALIDATED',
  })
  const { cross_measure: found } = await reportOf(standing, 'plan/c1')
  expect(found?.rules['member_enrolled']).toEqual({ violations: 0, denominator: 0 })
})

test('an eligibility file that lacks members fails exactly the claims of its months', async () => {
  await using road = await standing.clone()
  road.deliver('plan/e1', [enrolled('2024-01', 9)])
  const log = await ran(road)
  expect(log.filter((line) => /cross_measure|gold/.test(line))).toEqual([
    'cross_measure plan/medical_claim/… built',
    'gold_canonical MA/eligibility/2024-01 built',
    // The other submitter's part is there already, and submitter gold is a copy.
    'gold_canonical MA/medical_claim/2024-01 reused',
    'gold_submitter MA/eligibility/plan/2024-01 reused',
    'gold_submitter MA/medical_claim/plan/2024-01 retired',
  ])
  expect(await road.statuses()).toEqual({
    'plan/c1': 'VALIDATION_FAILED',
    'plan/c2': 'VALIDATED',
    'other/c1': 'VALIDATED',
    'plan/e1': expect.stringMatching(/^VALIDATED/),
  })
  const { cross_measure: found } = await reportOf(road, 'plan/c1')
  expect(found?.rules['member_enrolled']).toEqual({ violations: 3, denominator: 12 })
  // The header record is line 1: members 10 to 12 are on lines 11 to 13.
  expect(found?.samples).toEqual({ member_enrolled: [11, 12, 13] })

  road.deliver('plan/e2', [enrolled('2024-01', 12)])
  await ran(road)
  expect((await road.statuses())['plan/c1']).toBe('VALIDATED')
  expect(await road.canonicalRows('MA/medical_claim/2024-01', ['claim_id'])).toHaveLength(24)

  const { submission_id: id } = await road.submission('plan/e2')
  await road.decide({ kind: 'withdraw', submission: id })
  await ran(road)
  expect((await road.statuses())['plan/c1']).toBe('VALIDATION_FAILED')
})

test('claims may wait for their eligibility: whenAbsent says so', async () => {
  await using road = await standing.clone()
  road.edit(RULES, (document) => {
    for (const { params } of enrolledRules(document)) Object.assign(params, { whenAbsent: 'fail' })
  })
  await ran(road)
  expect((await road.statuses())['plan/c1']).toBe('VALIDATION_FAILED')
  road.deliver('plan/e1', [enrolled('2024-01', 12)])
  await ran(road)
  expect(await road.statuses()).toMatchObject({
    'plan/c1': 'VALIDATED',
    'plan/c2': 'VALIDATION_FAILED',
    'other/c1': 'VALIDATION_FAILED',
  })
})

test('a month far from the median of those before it warns, until what stands before it changes', async () => {
  await using road = await standing.clone()
  const perMember = (month: string, lines: number): TextFile =>
    starClaims(
      month,
      claimLines(month, 12).flatMap((one) =>
        Array.from({ length: lines }, (_, at) => ({ ...one, line: at + 1 })),
      ),
    )
  road.deliver('plan/c3', [claims('2024-03')])
  road.deliver('plan/c4', [perMember('2024-04', 3)])
  const before = await ran(road)
  expect(before.filter((line) => line.startsWith('gold_canonical'))).toEqual(
    MONTHS.slice(2).map((month) => `gold_canonical MA/medical_claim/${month} built`),
  )
  expect(await road.statuses()).toMatchObject({
    'plan/c3': 'VALIDATED',
    'plan/c4': 'VALIDATED_WITH_WARNINGS',
  })
  const { trend } = await reportOf(road, 'plan/c4')
  expect(trend).toEqual({
    rules: {
      paid_per_member_trend: { violations: 1, denominator: 1 },
      rows_per_member_trend: { violations: 1, denominator: 1 },
    },
    months: { paid_per_member_trend: ['2024-04'], rows_per_member_trend: ['2024-04'] },
  })
  for (const month of MONTHS.slice(0, 3)) {
    road.deliver(`plan/again-${month}`, [perMember(month, 3)])
  }
  await ran(road)
  expect((await road.statuses())['plan/c4']).toBe('VALIDATED')
})
