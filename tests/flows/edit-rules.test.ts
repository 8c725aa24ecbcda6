/** Code sets and tests in SQL on a project that stands: each edit measures what it says, no more. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RoadProject } from '../support/project.ts'
import { standingRoad } from './standing-road.ts'

const RULES = 'registry/rules/medical/default.json'
const KINDS = 'registry/code-sets/kinds.csv'

let standing: RoadProject
beforeAll(async () => {
  standing = await standingRoad()
  standing.write(KINDS, 'code,description\nambulatory,visit\ninpatient,stay\n')
  addRule(standing, {
    id: 'class_known',
    kind: 'ALLOWED_VALUES',
    params: { column: 'ENCOUNTERCLASS', codeSet: 'kinds' },
    severity: 'SOFT',
    threshold: { count: 0 },
  })
  await standing.run()
})
afterAll(async () => standing[Symbol.asyncDispose]())

const addRule = (road: RoadProject, rule: object): void =>
  road.edit(RULES, (document) => {
    const { rules } = document as unknown as { rules: object[] }
    rules.push(rule)
  })
/** Steps and log lines without submission ids, which hold a time. */
const kinds = (lines: readonly string[]): readonly string[] =>
  lines.map((line) => line.replace(/\d{8}T\d{9}Z-[0-9a-f]{12}/, '…'))

describe('a code set', () => {
  test('edited plans exactly the measures whose rules use it, and those run', async () => {
    await using road = await standing.clone()
    road.write(KINDS, 'code,description\nambulatory,visit\ninpatient,stay\nurgent,visit\n')
    const steps = kinds(await road.steps()).filter((line) => line.includes(' build'))
    expect(steps).toEqual(['measure alpha/medical/… build', 'measure beta/medical/… build'])
    const { log, brokenPromises } = await road.run()
    expect(brokenPromises).toEqual([])
    expect(kinds(log)).toEqual(['measure alpha/medical/… cutoff', 'measure beta/medical/… cutoff'])
  })

  test('whose descriptions or file format change is no edit', async () => {
    await using road = await standing.clone()
    road.write(KINDS, 'description,code\nother words,inpatient\n,ambulatory\n')
    expect(await road.steps()).toEqual([])
  })

  test('that loses a code warns, and the report names the lines, the header being the first', async () => {
    await using road = await standing.clone()
    road.write(KINDS, 'code\ninpatient\n')
    await road.run()
    expect((await road.statuses())['alpha/q1']).toBe('VALIDATED_WITH_WARNINGS')
    const { submission_id: id } = await road.submission('alpha/q1')
    const report = JSON.parse(
      readFileSync(road.path(`data/validation/${id}/latest/validation_report.json`), 'utf8'),
    ) as { readonly samples: { readonly line_numbers: Record<string, readonly number[]> } }
    expect(report.samples.line_numbers).toEqual({ class_known: [2, 3, 4, 5, 6, 7, 8, 9, 10] })
    expect(JSON.stringify(report)).not.toContain('ambulatory')
  })
})

test('a test that cannot be computed fails its measure by the rule’s name; mended, it runs', async () => {
  await using road = await standing.clone()
  addRule(road, {
    id: 'payer_number',
    kind: 'CUSTOM_SQL',
    params: { each: 'CAST(PAYER AS INTEGER) > 0' },
    severity: 'SOFT',
    threshold: { count: 0 },
  })
  const { report } = await road.run()
  const failures = report.failures.map(({ node, code }) => `${node.asset} ${code}`)
  expect(new Set(failures)).toEqual(new Set(['measure RULE_SQL_FAILED']))
  road.edit(RULES, (document) => {
    const { rules } = document as unknown as { rules: { params: object }[] }
    const last = rules.at(-1)
    if (last !== undefined) last.params = { each: "PAYER <> 'nobody'" }
  })
  expect((await road.run()).report.failures).toEqual([])
})
