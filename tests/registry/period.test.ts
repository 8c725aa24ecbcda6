import { expect, test } from 'vitest'
import { monthAfter, monthsOf, vintagePeriod } from '../../registry/period.ts'

test('the months of a period are in order, at most 120, and none for no period', () => {
  expect(monthsOf({ first: '2023-11', last: '2024-02' })).toEqual([
    '2023-11',
    '2023-12',
    '2024-01',
    '2024-02',
  ])
  expect(monthsOf({ first: '2014-01', last: '2023-12' })).toHaveLength(120)
  for (const last of ['2024-01', '2013-12', '2014-13', '9999-01', '']) {
    expect(monthsOf({ first: '2014-01', last })).toEqual([])
  }
})

test('the month after December is January', () => {
  expect([monthAfter('2024-12'), monthAfter('2024-02')]).toEqual(['2025-01', '2024-03'])
})

test('a vintage declares the months it is effective', () => {
  const cases: Readonly<Record<string, string>> = {
    '2025A': '2025-01 2025-03',
    '2025D': '2025-10 2025-12',
    RVU25D: '2025-10 2025-12',
    rvu24ar: '2024-01 2024-03',
    '2025A-R-2025-01-10': '2025-01 2025-03',
    '2025Q3': '2025-07 2025-09',
    '2025-q2': '2025-04 2025-06',
    '2025': '2025-01 2025-12',
    '2025-07': '2025-07 2025-07',
    '202507': '2025-07 2025-07',
    '2021-01..2022-06': '2021-01 2022-06',
  }
  for (const [text, months] of Object.entries(cases)) {
    const period = vintagePeriod(text)
    expect([text, `${period?.first} ${period?.last}`]).toEqual([text, months])
  }
  for (const text of ['', '25', '2025E', '2025-13', '2025Q5', '2022-06..2021-01', 'D']) {
    expect([text, vintagePeriod(text)]).toEqual([text, undefined])
  }
})
