/** Profiles of samples: counts and types, no values; and what changed since the last one. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { firstDeliveries } from '../../assets/demo-data.ts'
import type { SampledColumn } from '../../engine/index.ts'
import { driftOf } from '../../registry/sample-drift.ts'
import { profileSample, sampleProfile, type SampleProfile } from '../../registry/sample-profile.ts'
import { columnsOf } from './sampled.ts'

const profile = (columns: readonly SampledColumn[]): SampleProfile =>
  profileSample({ columns, records: columns[0]?.texts.length ?? 0, layout: undefined })

const column = (name: string | undefined, ...texts: (string | null)[]): SampledColumn => ({
  name,
  texts,
  type: 'text',
})

test('a profile counts types, what is missing, what differs, lengths and leading zeros', () => {
  const mixed = column('MIXED', '007', '12.5', 'true', 'Ärzte', '', ' ', null, '007')
  const { columns, format } = profile([mixed, column('SEEN', '20240131', '20240201', 'soon')])
  expect(format).toBe('sample-profile/1')
  expect(columns).toEqual([
    {
      name: 'MIXED',
      types: { integer: 2, decimal: 1, boolean: 1, text: 1 },
      nulls: 1,
      empty: 2,
      distinct: 4,
      lengths: { min: 3, max: 5 },
      leadingZeros: 2,
      mask: { class: 'direct', kind: 'token', by: 'content' },
    },
    {
      name: 'SEEN',
      types: { '%Y%m%d': 2, text: 1 },
      nulls: 0,
      empty: 0,
      distinct: 3,
      lengths: { min: 4, max: 8 },
      leadingZeros: 0,
      mask: { class: 'quasi', kind: 'date', by: 'content' },
    },
  ])
})

test('a profile has the shape of its version, whatever the texts and names are', () => {
  const text = fc.option(fc.string({ unit: 'binary', maxLength: 12 }))
  const named = fc.record({
    name: fc.option(fc.string({ unit: 'binary', maxLength: 300 }), { nil: undefined }),
    texts: fc.array(text, { maxLength: 8 }),
    type: fc.constantFrom('text', 'number', 'boolean', 'date', 'timestamp', 'bytes'),
  } as const)
  fc.assert(
    fc.property(fc.array(named, { maxLength: 4 }), (columns) => {
      const made = profile(columns)
      expect(sampleProfile.parse(JSON.parse(JSON.stringify(made)))).toEqual(made)
      expect(driftOf(made, made)).toEqual([])
    }),
  )
})

test('no value of the demo stands in a profile', () => {
  for (const { text } of firstDeliveries().filter((file) => file.text.startsWith('HD*'))) {
    const records = text.split('\n').map((line) => line.split('*'))
    const json = JSON.stringify(profile(columnsOf(records)))
    const long = records.flat().filter((value) => value.length > 4)
    expect(long.length).toBeGreaterThan(100)
    expect(long.filter((value) => json.includes(value))).toEqual([])
  }
})

const drift = (before: readonly SampledColumn[], now: readonly SampledColumn[]) =>
  driftOf(profile(before), profile(now)).map(({ kind, words }) => `${kind}: ${words}`)

test('columns that came, went and moved are told', () => {
  const [a, b, c] = [column('A', '1'), column('B', '2'), column('C', '3')]
  expect(drift([a, b], [b, a, c])).toEqual([
    'added: C is new',
    'reordered: the columns stand in another order, from B on',
  ])
  expect(drift([a, b], [a])).toEqual(['removed: B is gone'])
  expect(drift([a, a], [a, a, a])).toEqual(['added: A (3) is new'])
  expect(drift([column(undefined, '1')], [column(undefined, '1'), column(undefined, 'x')])).toEqual(
    ['added: column 2 is new'],
  )
})

test('a file that shares less than a third of its columns is of another kind, and nothing else is told', () => {
  const of = (...names: readonly string[]) => names.map((name) => column(name, '1'))
  expect(drift(of('A', 'B', 'C', 'D'), of('A', 'X', 'Y', 'Z'))).toEqual([
    'other: another kind of file: that one has 1 of its 4 columns',
  ])
  expect(drift(of('A', 'B', 'C'), of('A', 'X', 'Y'))).toHaveLength(4)
})

test('other types, other lengths, and values that are missing now are told', () => {
  expect(drift([column('A', '1')], [column('A', 'x')])).toEqual(['type: A was integer and is text'])
  expect(drift([column('D', '20240101')], [column('D', '2024-01-01')])).toEqual([
    'type: D was %Y%m%d and is %Y-%m-%d',
    'length: D was at most 8 characters long and is 10',
  ])
  const full = column('A', '11', '12', '13', '14', '15')
  expect(drift([full], [column('A', '11', '12', '13', '14', '')])).toEqual([])
  expect(drift([full], [column('A', '11', null, '13', '14', '')])).toEqual([
    'missing: A was missing in 0 % of the records and is in 40 %',
  ])
  expect(drift([column('N', 'abc', 'ab')], [column('N', 'abcd')])).toEqual([])
  expect(drift([column('N', 'abc', 'ab')], [column('N', 'abcde')])).toEqual([
    'length: N was at most 3 characters long and is 5',
  ])
})
