import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalJson } from '../../engine/index.ts'
import type { Json } from '../../engine/index.ts'
import { diffRegistries, jsonPointers } from '../../registry/diff.ts'
import { activeMapping, facts } from '../../registry/facts.ts'
import { compareVersions } from '../../registry/names.ts'
import { mappingForMonth } from '../../registry/mapping-month.ts'
import { readRegistry } from '../../registry/read.ts'
import type { Registry } from '../../registry/registry.ts'
import type { RegistryFile } from '../../registry/source.ts'
import {
  edited,
  LAYOUT,
  MAPPING,
  RULES,
  sampleFiles,
  SCHEMA,
  SUBMITTERS,
  VARIANCE,
} from './sample-registry.ts'

function read(files: readonly RegistryFile[]): Registry {
  const { registry, issues } = readRegistry(files)
  if (registry === undefined) throw new Error(JSON.stringify(issues))
  return registry
}
const sample = (changed: Readonly<Record<string, string>> = {}): Registry =>
  read(sampleFiles(changed))

const factTexts = (registry: Registry): ReadonlyMap<string, string> =>
  new Map(
    facts(registry).map(({ kind, key, slice }) => [`${kind}[${key.join()}]`, canonicalJson(slice)]),
  )

/** The facts that differ between the sound registry and an edited one. */
function changedFacts(changed: Readonly<Record<string, string>>): readonly string[] {
  const [before, after] = [factTexts(sample()), factTexts(sample(changed))]
  const names = new Set([...before.keys(), ...after.keys()])
  return [...names].filter((name) => before.get(name) !== after.get(name))
}

describe('a fact', () => {
  test('there is one for everything a build reads', () => {
    expect([...factTexts(sample()).keys()]).toEqual([
      'layout_judge[visits,clinic,v1]',
      'layout_parse[visits,clinic,v1]',
      'layout_phi[visits,clinic,v1]',
      'mapping[visits,clinic]',
      'rules_judge[visits,clinic]',
      'rules_measure[visits,clinic]',
      'schema[visits]',
      'submitter[north]',
      'variances[north,visits]',
    ])
  })

  test.each([
    [
      'a mapping rule',
      MAPPING,
      '"seen"\n    },\n    "amount"',
      '"seen", "cast": "DATE"\n    },\n    "amount"',
      'mapping[visits,clinic]',
    ],
    [
      'a column’s type',
      LAYOUT,
      '"maxLength": 20',
      '"maxLength": 21',
      'layout_parse[visits,clinic,v1]',
    ],
    [
      'a reject threshold',
      LAYOUT,
      '"share": 0.05',
      '"share": 0.06',
      'layout_judge[visits,clinic,v1]',
    ],
    ['a column’s PHI class', LAYOUT, '"sensitive"', '"direct"', 'layout_phi[visits,clinic,v1]'],
    ['a rule’s threshold', RULES, '"share": 0.02', '"share": 0.03', 'rules_judge[visits,clinic]'],
    ['a rule’s severity', RULES, '"SOFT"', '"HARD"', 'rules_judge[visits,clinic]'],
    ['a rule’s pattern', RULES, '{2}', '{3}', 'rules_measure[visits,clinic]'],
    ['a canonical column', SCHEMA, '"DECIMAL(18,2)"', '"DECIMAL(20,2)"', 'schema[visits]'],
    ['a submitter’s state', SUBMITTERS, '"MA"', '"ME"', 'submitter[north]'],
    ['a variance', VARIANCE, '0.5', '0.4', 'variances[north,visits]'],
  ])('an edit of %s changes exactly one', (...[, path, from, to, name]) => {
    expect(changedFacts(edited(path, from, to))).toEqual([name])
  })

  test.each([
    ['a description', LAYOUT, 'day of the visit', 'the day'],
    ['a rule’s description', RULES, 'one row a visit', 'once'],
    ['a mapping rule’s description', MAPPING, 'as delivered', 'x'],
    ['a variance’s reason', VARIANCE, 'new system', 'x'],
    ['a submitter’s name', SUBMITTERS, '"North"', '"The North"'],
    ['a kind that is so without a word', SUBMITTERS, '"kind": "delivers"', '"description": "x"'],
    ['what detects a layout', LAYOUT, 'visits_.*', 'visit_.*'],
    ['an effective window', LAYOUT, '2020-01', '2021-01'],
    ['a version that says what is so', LAYOUT, '"resources"', '"version": "v1", "resources"'],
  ])('an edit of %s changes none', (...[, path, from, to]) => {
    expect(changedFacts(edited(path, from, to))).toEqual([])
  })

  test('the order of keys and white space are in none', () => {
    const shuffled = (json: Json, seed: number): Json => {
      if (Array.isArray(json)) return json.map((member: Json) => shuffled(member, seed))
      if (json === null || typeof json !== 'object') return json
      const entries = Object.entries(json).map(
        ([name, member]) => [name, shuffled(member, seed)] as const,
      )
      const rank = (name: string): number => (name.charCodeAt(name.length - 1) * seed) % 31
      return Object.fromEntries(entries.toSorted(([a], [b]) => rank(a) - rank(b)))
    }
    const expected = factTexts(sample())
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1000 }),
        fc.integer({ min: 0, max: 4 }),
        (seed, space) => {
          const files = sampleFiles().map(({ path, text }) => ({
            path,
            text: JSON.stringify(shuffled(JSON.parse(text) as Json, seed), null, space),
          }))
          expect(factTexts(read(files))).toEqual(expected)
        },
      ),
      { numRuns: 30 },
    )
  })
})

describe('a mapping', () => {
  test('has in each month the rules in force, without their dates', () => {
    const [mapping] = sample().mappings
    if (mapping === undefined) throw new Error('no mapping')
    const kind = (month: string): unknown => mappingForMonth(mapping, month).columns['kind']
    expect(kind('2024-06')).toEqual({ const: 'unknown' })
    expect(kind('2024-07')).toEqual({ coalesce: ['code', 'home_state'] })
    expect(kind('2031-01')).toEqual({ coalesce: ['code', 'home_state'] })
    expect(mappingForMonth(mapping, '2024-07').columns['visit_id']).toEqual({ source: 'visit' })
  })

  test('an expression is what it says: white space and brackets are no edit of it', () => {
    const rule = (expr: string): unknown => {
      const text = `"expr": "${expr}"`
      return sample(edited(MAPPING, '"source": "paid"', text)).mappings[0]?.columns['amount']
    }
    const sql = `(("paid" + 1) * 2)`
    expect(rule('(paid + 1) * 2')).toEqual([{ expr: sql }])
    expect(rule(' ( (paid)+1)\\n *2')).toEqual([{ expr: sql }])
    expect(rule('paid + 1 * 2')).not.toEqual([{ expr: sql }])
  })

  test('a column whose first rule begins later is empty before', () => {
    const dated = edited(MAPPING, '"source": "paid"', '"source": "paid", "since": "2024-03"')
    const [mapping] = sample(dated).mappings
    if (mapping === undefined) throw new Error('no mapping')
    expect(Object.keys(mappingForMonth(mapping, '2024-02').columns)).not.toContain('amount')
    expect(mappingForMonth(mapping, '2024-03').columns['amount']).toEqual({ source: 'paid' })
  })

  test('the highest ACTIVE version is used, v10 after v9', () => {
    const text = sampleFiles().find(({ path }) => path === MAPPING)?.text ?? ''
    const at = (version: string, status = 'ACTIVE') => ({
      [MAPPING.replace('v1', version)]: text.replace('"ACTIVE"', `"${status}"`),
    })
    const registry = sample({ ...at('v9'), ...at('v10'), ...at('v11', 'INACTIVE') })
    const used = activeMapping(registry, { fileType: 'visits', layout: 'clinic' })
    expect(used?.version).toBe('v10')
    expect(registry.mappings.map(({ version }) => version)).toEqual(['v1', 'v9', 'v10', 'v11'])
  })

  test('versions are numbers, part by part', () => {
    const sorted = ['2019.0.1', 'v10', 'v9', '2019.0', 'v1', '2019.0.10'].toSorted(compareVersions)
    expect(sorted).toEqual(['v1', 'v9', 'v10', '2019.0', '2019.0.1', '2019.0.10'])
  })
})

describe('a diff', () => {
  test('names the pointer edited and the slices touched', () => {
    const before = sample()
    const after = sample({
      ...edited(LAYOUT, '"maxLength": 20', '"maxLength": 21'),
      ...edited(RULES, '"share": 0.02', '"share": 0.03'),
      ...edited(VARIANCE, 'new system', 'old system'),
      ...edited(SUBMITTERS, '"submitters": [', '"submitters": [{"id":"south","state":"MA"},'),
    })
    expect(diffRegistries(before, after)).toEqual([
      {
        kind: 'changed',
        what: 'layout',
        id: 'visits/clinic/v1',
        pointers: ['/resources/0/schema/fields/0/constraints/maxLength'],
        slices: ['parse'],
      },
      {
        kind: 'changed',
        what: 'rules',
        id: 'visits',
        pointers: ['/rules/1/threshold/share'],
        slices: ['judge'],
      },
      { kind: 'added', what: 'submitter', id: 'south', pointers: [], slices: ['submitter'] },
      {
        kind: 'changed',
        what: 'variance',
        id: 'north/visits/code_form',
        pointers: ['/reason'],
        slices: [],
      },
    ])
    expect(diffRegistries(after, before).map(({ kind }) => kind)).toContain('removed')
    expect(diffRegistries(before, before)).toEqual([])
    expect(diffRegistries(undefined, before)).toHaveLength(8)
  })

  test('an inserted member of a list is one pointer', () => {
    expect(jsonPointers([{ a: 1 }, { a: 2 }], [{ a: 1 }, { a: 9 }, { a: 2 }])).toEqual(['/1'])
    expect(jsonPointers({ 'a/b~': [1, 2] }, { 'a/b~': [1] })).toEqual(['/a~1b~0/1'])
    expect(jsonPointers({ a: null }, { a: [] })).toEqual(['/a'])
  })
})
