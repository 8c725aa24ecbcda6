import { describe, expect, test } from 'vitest'
import { judge } from '../../registry/judge.ts'
import type { JudgeRequest } from '../../registry/judge.ts'

const request: JudgeRequest = {
  measures: {
    totalRows: 100,
    rules: {
      code: { violations: 2, denominator: 100 },
      key: { violations: 0, denominator: 100 },
    },
  },
  judgeSlice: {
    code: { severity: 'SOFT', threshold: { share: 0.02 } },
    key: { severity: 'HARD', threshold: { count: 0 } },
  },
  layoutJudge: { reject: { share: 0.05 } },
  parseCounts: { accepted: 100, rejected: 5 },
  variances: [],
  receivedAt: '2024-06-30T23:59:59.999Z',
}
const outcome = (change: Partial<JudgeRequest>) => judge({ ...request, ...change }).outcome
const measured = (code: number, key: number): Partial<JudgeRequest> => ({
  measures: {
    totalRows: 100,
    rules: {
      code: { violations: code, denominator: 100 },
      key: { violations: key, denominator: 100 },
    },
  },
})

describe('a submission', () => {
  test('whose violations are within every threshold is VALIDATED', () => {
    expect(judge(request)).toEqual({
      outcome: 'VALIDATED',
      findings: [
        {
          rule: 'layout_rejects',
          severity: 'HARD',
          violations: 5,
          denominator: 105,
          share: 5 / 105,
          threshold: { share: 0.05 },
          passed: true,
        },
        {
          rule: 'code',
          severity: 'SOFT',
          violations: 2,
          denominator: 100,
          share: 0.02,
          threshold: { share: 0.02 },
          passed: true,
        },
        {
          rule: 'key',
          severity: 'HARD',
          violations: 0,
          denominator: 100,
          share: 0,
          threshold: { count: 0 },
          passed: true,
        },
      ],
    })
  })

  test('with a failed SOFT rule has warnings, with a failed HARD rule fails', () => {
    expect(outcome(measured(3, 0))).toBe('VALIDATED_WITH_WARNINGS')
    expect(outcome(measured(3, 1))).toBe('VALIDATION_FAILED')
  })

  test('with too many rejects failed its parse, whatever its rules say', () => {
    expect(outcome({ parseCounts: { accepted: 100, rejected: 6 } })).toBe('PARSE_FAILED')
    expect(outcome({ parseCounts: { accepted: 0, rejected: 1 } })).toBe('PARSE_FAILED')
    expect(outcome({ parseCounts: { accepted: 0, rejected: 0 } })).toBe('VALIDATED')
    const byCount = { layoutJudge: { reject: { count: 5 } } }
    expect(outcome({ ...byCount, parseCounts: { accepted: 1, rejected: 5 } })).toBe('VALIDATED')
  })
})

describe('a variance', () => {
  const variance = { rule: 'key', threshold: { share: 0.5 }, expires: '2024-06-30' }

  test('replaces the threshold up to the end of its last day, judged at receipt', () => {
    const failing = { ...measured(0, 40), variances: [variance] }
    expect(outcome(failing)).toBe('VALIDATED')
    expect(outcome({ ...failing, receivedAt: '2024-07-01T00:00:00.000Z' })).toBe(
      'VALIDATION_FAILED',
    )
    const { findings } = judge({ ...request, ...failing })
    expect(findings.find(({ rule }) => rule === 'key')?.variance).toEqual({
      expires: '2024-06-30',
      instead: { count: 0 },
    })
  })

  test('can be of the layout’s reject threshold', () => {
    const rejects = { ...variance, rule: 'layout_rejects' }
    const parseCounts = { accepted: 60, rejected: 40 }
    expect(outcome({ parseCounts, variances: [rejects] })).toBe('VALIDATED')
  })
})
