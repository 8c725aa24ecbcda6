/** Edits of rules, layouts and the rest of the registry: each touches what it says, and no more. */
import { readFileSync, renameSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encounters, medicalFile } from '../support/deliveries.ts'
import type { RoadProject } from '../support/project.ts'
import { changedNames, partIdentities, standingRoad } from './standing-road.ts'

let standing: RoadProject
beforeAll(async () => {
  standing = await standingRoad()
  // A correction whose codes are out of range: it wins with a warning.
  const odd = encounters('2024-02', 4, 'odd').map((row) => ({ ...row, CODE: '999999' }))
  standing.deliver('alpha/odd-codes', [medicalFile('2024-02', odd)])
  await standing.run()
})
afterAll(async () => standing[Symbol.asyncDispose]())

const RULES = 'registry/rules/medical/default.json'
const LAYOUT = 'registry/layouts/medical/synthea.json'

interface RulesFile {
  rules: { id: string; severity: string; threshold: object; params: Record<string, unknown> }[]
}
interface LayoutFile {
  resources: [{ schema: { fields: Record<string, unknown>[] } }]
  'x-ingest': Record<string, unknown>
}

const editRule = (road: RoadProject, id: string, change: Partial<RulesFile['rules'][0]>): void =>
  road.edit(RULES, (document) => {
    const { rules } = document as unknown as RulesFile
    const rule = rules.find((one) => one.id === id)
    if (rule !== undefined) Object.assign(rule, change)
  })
const editLayout = (road: RoadProject, change: (layout: LayoutFile) => void): void =>
  road.edit(LAYOUT, (document) => change(document as unknown as LayoutFile))

/** Lines of a log without submission ids, which hold a time. */
const kinds = (log: readonly string[]): readonly string[] =>
  log.map((line) => line.replace(/\d{8}T\d{9}Z-[0-9a-f]{12}/, '…'))

describe('rules', () => {
  test('a severity is judged anew without data, and only changed winners rebuild', async () => {
    await using road = await standing.clone()
    expect((await road.statuses())['alpha/odd-codes']).toBe('VALIDATED_WITH_WARNINGS')
    editRule(road, 'code_in_range', { severity: 'HARD' })
    const { log, brokenPromises } = await road.run()
    expect(brokenPromises).toEqual([])
    // The part of before the correction is still kept: nothing is computed at all.
    expect(kinds(log)).toEqual([
      'gold_canonical MA/medical/2024-02 reused',
      'gold_submitter MA/medical/alpha/2024-02 reused',
      'outbox alpha/medical/… built',
      'outbox alpha/medical/… built',
      'outbox beta/medical/… built',
      'validation_report alpha/medical/… built',
      'validation_report alpha/medical/… built',
      'validation_report beta/medical/… built',
    ])
    expect(road.platform.duck.started).toBe(0)
    expect((await road.statuses())['alpha/odd-codes']).toBe('VALIDATION_FAILED')
    expect(await road.canonicalRows('MA/medical/2024-02')).toHaveLength(3 + 3)
    expect(await road.steps()).toEqual([])
  })

  test('a threshold that changes no verdict rebuilds no month', async () => {
    await using road = await standing.clone()
    const before = partIdentities(road)
    editRule(road, 'code_in_range', { threshold: { share: 0.02 } })
    const { log } = await road.run()
    expect(log.filter((line) => line.startsWith('gold'))).toEqual([])
    expect(road.platform.duck.started).toBe(0)
    expect(changedNames(before, partIdentities(road))).toEqual([])
  })

  test('a parameter is measured again, and rebuilds nothing while every verdict stands', async () => {
    await using road = await standing.clone()
    editRule(road, 'code_in_range', { params: { column: 'CODE', min: 1, max: 100_000 } })
    const { log } = await road.run()
    expect(kinds(log)).toEqual([
      'measure alpha/medical/… cutoff',
      'measure alpha/medical/… cutoff',
      'measure beta/medical/… cutoff',
    ])
  })

  test('a description or another order of rules is no edit', async () => {
    await using road = await standing.clone()
    road.edit(RULES, (document) => {
      const { rules } = document as unknown as RulesFile
      return { ...document, description: 'other words', rules: rules.toReversed() }
    })
    expect(await road.steps()).toEqual([])
  })
})

describe('layouts', () => {
  test('an edit of how a file is read parses it again, and equal rows end there', async () => {
    await using road = await standing.clone()
    const before = partIdentities(road)
    editLayout(road, ({ resources: [{ schema }] }) => {
      const field = schema.fields.find(({ name }) => name === 'PAYER')
      Object.assign(field ?? {}, { constraints: { maxLength: 40 } })
    })
    const { log, brokenPromises } = await road.run()
    expect(brokenPromises).toEqual([])
    expect(kinds(log).filter((line) => line.startsWith('parse'))).toHaveLength(3)
    expect(log.filter((line) => line.startsWith('gold'))).toEqual([])
    expect(changedNames(before, partIdentities(road))).toEqual([])
    expect(await road.steps()).toEqual([])
  })

  test('an edit that changes rows rebuilds the months in which they changed', async () => {
    await using road = await standing.clone()
    editLayout(road, ({ resources: [{ schema }] }) => {
      const field = schema.fields.find(({ name }) => name === 'CODE')
      Object.assign(field ?? {}, { constraints: { maxLength: 5 } })
    })
    // Every row of the odd correction is a reject now: too many, so its parse fails.
    const { canonical } = await road.run()
    expect(canonical).toEqual(['MA/medical/2024-02 reused'])
    expect((await road.statuses())['alpha/odd-codes']).toBe('PARSE_FAILED')
  })

  test('an edit of which files have it parses nothing again', async () => {
    await using road = await standing.clone()
    editLayout(road, (layout) => {
      layout['x-ingest']['detect'] = { fileNames: ['enc_[0-9]{6}[.]csv'] }
      layout['x-ingest']['effective'] = { from: '2020-01' }
    })
    expect(await road.steps()).toEqual([])
  })

  test('an edit of its reject threshold is judged without data', async () => {
    await using road = await standing.clone()
    editLayout(road, (layout) => {
      layout['x-ingest']['reject'] = { share: 0.5 }
    })
    const { log } = await road.run()
    expect(new Set(log.map((line) => line.split(' ')[0]))).toEqual(
      new Set(['outbox', 'validation_report']),
    )
    expect(road.platform.duck.started).toBe(0)
  })

  test('a description is no edit', async () => {
    await using road = await standing.clone()
    editLayout(road, (layout) => {
      Object.assign(layout, { description: 'other words', title: 'another title' })
    })
    expect(await road.steps()).toEqual([])
  })

  test('a new layout with its mapping and no submission builds nothing', async () => {
    await using road = await standing.clone()
    const layout = JSON.parse(readFileSync(road.path(LAYOUT), 'utf8')) as LayoutFile
    layout.resources[0].schema.fields.push({ name: 'EXTRA', type: 'string' })
    road.write('registry/layouts/medical/wide.json', JSON.stringify(layout))
    road.write(
      'mappings/medical/wide/v1.json',
      readFileSync(road.path('mappings/medical/synthea/v1.json')),
    )
    expect(await road.steps()).toEqual([])
    const { log } = await road.run()
    expect(log).toEqual([])
  })

  test('taken away, its submissions fail in words and its months stand; put back, all is as it was', async () => {
    await using road = await standing.clone()
    const before = partIdentities(road)
    const moves = [
      [LAYOUT, 'registry/layouts/medical/encounters.json'],
      ['mappings/medical/synthea', 'mappings/medical/encounters'],
    ] as const
    for (const [from, to] of moves) renameSync(road.path(from), road.path(to))
    const { report, canonical } = await road.run()
    expect(canonical).toEqual([])
    const failures = report.failures.map(({ node, code }) => `${node.asset} ${code}`)
    expect(new Set(failures)).toEqual(new Set(['parse LAYOUT_MISSING']))
    expect(changedNames(before, partIdentities(road))).toEqual([])
    for (const [from, to] of moves) renameSync(road.path(to), road.path(from))
    expect(await road.steps()).toEqual([])
    expect((await road.run()).report.failures).toEqual([])
  })
})

test('a file of the registry that only moves changes nothing', async () => {
  await using road = await standing.clone()
  const moved = [
    [LAYOUT, 'registry/layouts/medical/synthea.v1.json'],
    ['registry/routing/conventions.json', 'registry/routing/names.json'],
    ['registry/rules/medical/default.json', 'registry/rules/medical/all.json'],
  ] as const
  for (const [from, to] of moved) renameSync(road.path(from), road.path(to))
  expect(await road.steps()).toEqual([])
  expect((await road.run()).log).toEqual([])
})
