import { describe, expect, test } from 'vitest'
import type { Breach, Variant } from '../support/protocol-model.ts'
import { checkProtocol } from '../support/protocol-schedule.ts'

// More: TRIBUTARY_TEST_SCHEDULES=300000 TRIBUTARY_TEST_SEED=…
const SCHEDULES = Number(process.env['TRIBUTARY_TEST_SCHEDULES'] ?? 4_000)
const SEED = Number(process.env['TRIBUTARY_TEST_SEED'] ?? 1)

const VARIANTS: readonly Variant[] = ['objects', 'links']
const BREACHES: Readonly<Record<Variant, readonly Breach[]>> = {
  objects: [
    'no epoch check',
    'intent read after the claim',
    'visible before the commit',
    'abort believed',
  ],
  links: [
    'no epoch check',
    'intent read after the claim',
    'visible before the commit',
    'old look believed',
  ],
}

describe.each(VARIANTS)('protocol P with %s', (variant) => {
  test(`${SCHEDULES} random schedules of workers, kills and zombies break nothing`, () => {
    const result = checkProtocol({ variant, schedules: SCHEDULES, seed: SEED })
    expect(result.violations).toEqual([])
    // The checker looked at something: workers died, were overtaken, and finished.
    expect(result.kills).toBeGreaterThan(SCHEDULES / 2)
    expect(result.overtaken).toBeGreaterThan(SCHEDULES / 20)
    expect(result.commits).toBeGreaterThan(SCHEDULES)
    expect(result.carried).toBeGreaterThan(SCHEDULES / 20)
  })

  test.each(BREACHES[variant])('the checker finds the protocol broken by: %s', (breach) => {
    const result = checkProtocol({ variant, breach, schedules: SCHEDULES, seed: SEED })
    expect(result.violations).not.toEqual([])
  })
})
