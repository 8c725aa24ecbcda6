/** No value that is somebody's is shown by a layout that is not the file's, or as a name. */
import { describe, expect, test } from 'vitest'
import { sampleRecords } from '../../engine/index.ts'
import { sampleFile } from '../../engine/table/sample/sample-file.ts'
import { columnFacts } from '../../registry/sample-facts.ts'
import { decideMasks, maskColumns } from '../../registry/sample-mask.ts'
import { guessPhi } from '../../registry/phi-guess.ts'
import { profileSample } from '../../registry/sample-profile.ts'
import { guessedForm, layoutForm, trustedForm } from '../../registry/text-form.ts'
import type { Layout } from '../../registry/layout.ts'
import { columnsOf, shippedLayouts } from './sampled.ts'
import { firstDeliveries } from '../../assets/demo-data.ts'

const KEY = Buffer.alloc(32, 5)
const layouts = await shippedLayouts()
const layoutOf = (id: string): Layout => {
  const layout = layouts.find((one) => one.id === id)
  if (layout === undefined) throw new TypeError(`no layout ${id}`)
  return layout
}

/** A masked sample and its profile, as the sampler makes them. */
async function sampled(text: string, name: string, layout?: Layout) {
  const bytes = Buffer.from(text)
  const { bytes: sample, columns } = await sampleFile({
    file: {
      name,
      sizeBytes: bytes.length,
      read: async (from, to) => bytes.subarray(from, to),
    },
    records: 100,
    strategy: 'head',
    seed: 's',
    readBytesMax: 1 << 20,
    mask: maskColumns({ key: KEY, submitter: 'north', layout }),
    textForm: (head) => {
      const form = layout === undefined ? guessedForm(head, name) : layoutForm(head, layout.slices)
      return form === undefined ? form : trustedForm(head, form, layout?.slices)
    },
  })
  return {
    text: sample.toString(),
    profile: JSON.stringify(profileSample({ columns, records: 1, layout })),
    names: columns.map(({ name: own }) => own),
  }
}

const people = Array.from({ length: 30 }, (_, at) => ({
  name: `Qu${String.fromCharCode(97 + (at % 26))}ckenbush`,
  id: `88${at + 10}`,
}))

describe('a layout is believed of its own files alone', () => {
  const star = layoutOf('medical_claim/star/v1')
  const width = star.slices.parse.columns.length

  test('where records are as long as its own, and hold other things', async () => {
    const text = people
      .map(({ name, id }) =>
        Array.from({ length: width }, (_, at) => (at % 2 ? name : id)).join('*'),
      )
      .join('\n')
    const found = await sampled(text, 'x.txt', star)
    for (const { name, id } of people) {
      expect(found.text).not.toContain(name)
      expect(found.text.split(/[*\n]/)).not.toContain(id)
    }
  })

  test('where its header is not there', async () => {
    const synthea = layoutOf('medical/synthea/v1')
    const count = synthea.slices.parse.columns.length
    const text = people
      .map(({ name }) => Array.from({ length: count }, () => name).join(','))
      .join('\n')
    const found = await sampled(text, 'x.csv', synthea)
    expect(people.filter(({ name }) => found.text.includes(name))).toEqual([])
    expect(found.names.every((name) => name === undefined)).toBe(true)
  })

  test('where fixed width cuts something else', async () => {
    const text = people.map(({ name, id }) => `${name} ${id} `.repeat(12)).join('\n')
    for (const layout of layouts.filter(({ slices }) => slices.parse.format === 'fixed')) {
      const found = await sampled(text, 'x.txt', layout)
      expect([layout.id, people.filter(({ name }) => found.text.includes(name))]).toEqual([
        layout.id,
        [],
      ])
    }
  })

  test('what it calls none is detected where the texts are of another type', () => {
    const synthea = layoutOf('medical/synthea/v1')
    const names = synthea.slices.parse.columns.map(({ name }) => name)
    const columns = columnsOf(
      people.map(({ name }) => names.map(() => name)),
      names,
    )
    const found = decideMasks(columns.map(columnFacts), synthea)
    const kept = synthea.slices.parse.columns.filter((_, at) => found[at]?.kind === 'kept')
    expect(kept.filter(({ type }) => type !== 'string')).toEqual([])
  })
})

test('a column of which a layout says nothing is told by the name that the layout gives it', () => {
  const provider = layoutOf('provider/star/v1')
  const { columns } = provider.slices.parse
  const texts = people.map(({ name }) => columns.map(() => name))
  const found = decideMasks(columnsOf(texts).map(columnFacts), provider)
  expect(found.map(({ kind }) => kind)).not.toContain('kept')
})

test.each([
  ['mrn', 'direct'],
  ['Account Number', 'direct'],
  ['policy_id', 'direct'],
  ['chart_no', 'direct'],
  ['EncounterId', 'direct'],
  ['visit_id', 'direct'],
  ['claim_number', 'direct'],
  ['rendering_npi', undefined],
])('%s is %s by its name', (name, expected) => {
  expect(guessPhi(name)).toBe(expected)
})

describe('the first person of a file without a header is no header', () => {
  test.each([
    ['Doris Day,14 Elm Street,Lake County\nBob Roe,15 Oak Street,Dade County\n'],
    ['Doris Day,Elm Street,Lake County\nBob Roe,Oak Street,Dade County\n'],
    ['smith_john,hiv_clinic,denver_co\nroe_bob,eye_clinic,boston_ma\n'],
    ['Quackenbush,active,primary,medicare\nRoe,inactive,primary,medicaid\n'],
    ['Bill,Price,Day\nPat,Long,Page\n'],
  ])('%j', async (text) => {
    const found = await sampled(text, 'x.csv')
    const [first = ''] = text.split('\n')
    for (const cell of first.split(',')) {
      expect(found.text).not.toContain(cell)
      expect(found.profile).not.toContain(`"${cell}"`)
    }
    expect(found.names).toEqual(found.names.map(() => undefined))
  })

  test('nor is any record of the demo', () => {
    let records = 0
    for (const { text } of firstDeliveries()) {
      const [first = ''] = text.split('\n')
      const delimiter = /[|*,]/.exec(first)?.[0] ?? ','
      const dialect = { delimiter, quoteChar: null, header: false }
      const all = sampleRecords(Buffer.from(text), { dialect }, 500).slice(2)
      for (const { fields } of all) {
        records += 1
        const head = Buffer.from(`${fields.join(delimiter)}\n`)
        const form = { syntax: { dialect }, hasHeader: true }
        expect(trustedForm(head, form, undefined).hasHeader).toBe(false)
      }
    }
    expect(records).toBeGreaterThan(1000)
  })
})

test('the header of a layout that ships is its own; without it all are headers but one', () => {
  const headed = layouts.filter(({ slices: { parse } }) => parse.dialect.header)
  expect(headed.length).toBeGreaterThan(8)
  const strange = headed.filter(({ id, slices }) => {
    const head = Buffer.from(`${slices.route.headerNames?.join(',')}\n`)
    const dialect = { delimiter: ',', quoteChar: '"', header: false } as const
    const form = { syntax: { dialect }, hasHeader: true }
    expect([id, trustedForm(head, form, slices).hasHeader]).toEqual([id, true])
    return !trustedForm(head, form, undefined).hasHeader
  })
  // `2025 PW GPCI (with 1.0 Floor)` begins as no name does.
  expect(new Set(strange.map(({ fileType }) => fileType))).toEqual(new Set(['gpci']))
})

test('a cell of a header that is no word of names keeps its shape alone', async () => {
  const found = await sampled('member_id,Quackenbush,birth_date\nA1,x,2020-01-01\n', 'x.csv')
  expect(found.text).toMatch(/^member_id,Xxxxxxxxxxx,birth_date\n/)
  expect(found.profile).not.toContain('Quackenbush')
})

describe('members of JSON that are called by a person are hidden', () => {
  test.each([
    ['x.json', '{"Zebulon Quackenbush": {"paid": 1}, "P8812": {"paid": 2}}'],
    ['x.jsonl', '{"Quackenbush": {"paid": 1}}\n{"P8812": {"paid": 2}}\n'],
    ['x.json', '[{"member 8812": 1}, {"by": {"Quackenbush": true}}]'],
  ])('%s', async (name, text) => {
    const found = await sampled(text, name)
    for (const shown of [found.text, found.profile]) {
      expect(shown).not.toMatch(/Quackenbush|8812/)
    }
  })

  test('a map keyed by what differs in most records', async () => {
    const lines = ['lab', 'dose', 'visit', 'drug'].map((key) => `{"${key}": 1}`)
    expect((await sampled(lines.join('\n'), 'x.jsonl')).text).not.toMatch(/lab|dose|visit|drug/)
  })

  test('a name that many records have stays, whatever its words', async () => {
    const lines = people.map(({ id }) => `{"isQuorate": true, "memberId": "${id}"}`)
    expect((await sampled(lines.join('\n'), 'x.jsonl')).names).toEqual(['isQuorate', 'memberId'])
  })
})
