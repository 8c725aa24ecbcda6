/** Samples that are made with masks: what lies in the file, and in real public files. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { firstDeliveries } from '../../assets/demo-data.ts'
import { columnMask } from '../../engine/index.ts'
import type { SampledColumn } from '../../engine/index.ts'
import type { Strategy } from '../../engine/table/sample/contract.ts'
import { sampleFile } from '../../engine/table/sample/sample-file.ts'
import type { Layout } from '../../registry/layout.ts'
import { columnFacts } from '../../registry/sample-facts.ts'
import type { MaskedLayout } from '../../registry/layout-trust.ts'
import { decideMasks, maskColumns } from '../../registry/sample-mask.ts'
import { dataFolder } from '../support/scenario.ts'
import { columnsOf, recordsOf, shippedLayouts } from './sampled.ts'

const KEY = Buffer.alloc(32, 3)
let layouts: readonly Layout[]
beforeAll(async () => {
  layouts = await shippedLayouts()
})
const layoutOf = (id: string): Layout => {
  const layout = layouts.find((one) => one.id === id)
  if (layout === undefined) throw new TypeError(`no layout ${id}`)
  return layout
}

/** A sample's bytes, masked as `layout` says. */
async function sampled(
  text: string,
  how: {
    readonly name: string
    readonly layout: MaskedLayout | undefined
    readonly syntax?: Layout['slices']['parse']
    readonly strategy?: Strategy
  },
): Promise<string> {
  const bytes = Buffer.from(text)
  const { syntax } = how
  const form = syntax && { syntax, hasHeader: syntax.dialect.header }
  const { bytes: sample } = await sampleFile({
    file: {
      name: how.name,
      sizeBytes: bytes.length,
      read: async (from, to) => bytes.subarray(from, to),
    },
    records: 100,
    strategy: how.strategy ?? 'head',
    seed: 's',
    readBytesMax: 1 << 20,
    mask: maskColumns({ key: KEY, submitter: 'north', layout: how.layout }),
    textForm: () => form,
  })
  return sample.toString()
}

describe('a sample that is made with masks', () => {
  test.each(['layout', 'detection'])('has no identifier of the demo in it, by %s', async (by) => {
    const layout = layoutOf('medical_claim/star/v1')
    const claims = firstDeliveries().filter(({ text }) => text.startsWith('HD*'))
    for (const { text } of claims) {
      const members = new Set(text.match(/\b[A-Z]M\d{6}\b/g))
      const sample = await sampled(text, {
        name: 'claims.txt',
        layout: by === 'layout' ? layout : undefined,
        syntax: layout.slices.parse,
      })
      expect(sample.split('\n').length).toBeGreaterThan(90 * Number(text.length > 8000))
      const found = sample.match(/\b[A-Z]M\d{6}\b/g) ?? []
      expect(found.filter((token) => members.has(token))).toEqual([])
    }
  })

  test('of JSON keeps types, members and what is missing', async () => {
    const records = [
      { memberId: 'M001', age: 41, paid: { amount: 10.5 }, dob: '1990-05-01', note: null },
      { memberId: 'M002', age: 7, paid: { amount: 0.25 }, dob: '2020-01-31', isDead: true },
    ]
    const text = records.map((record) => JSON.stringify(record)).join('\n')
    const lines = (await sampled(text, { name: 'x.jsonl', layout: undefined })).trim().split('\n')
    const masked = lines.map((line): unknown => JSON.parse(line))
    expect(masked).toEqual(
      records.map((record) => ({
        ...record,
        memberId: expect.stringMatching(/^[A-Z]00[1-9]$/),
        dob: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
      })),
    )
    expect(text).not.toContain(lines[0])
    for (const record of records) {
      expect(lines.join()).not.toContain(record.memberId)
      expect(lines.join()).not.toContain(record.dob)
    }
  })

  test('of lines without columns keeps only how long they are', async () => {
    const sample = await sampled('Jane Doe was here\nand here\n', {
      name: 'x.log',
      layout: undefined,
    })
    expect(sample).toBe(`${'x'.repeat(17)}\n${'x'.repeat(8)}\n`)
  })
})

/** Numbers of columns whose originals are found in what replaces them, and that detection leaves. */
function judged(columns: readonly SampledColumn[], layout: Layout) {
  const masks = maskColumns({ key: KEY, submitter: 'north', layout })(columns)
  const own = decideMasks(columns.map(columnFacts), layout)
  const bare = columns.map((column) => ({ ...column, name: undefined }))
  const found = [columns, bare].map((all) => decideMasks(all.map(columnFacts), undefined))
  const survivors: number[] = []
  const undetected: number[] = []
  for (const [at, { texts }] of columns.entries()) {
    const filled = texts.flatMap((text) => (text === null || text === '' ? [] : [text]))
    const { class: phi, kind } = own[at] ?? {}
    if (phi === 'none' || filled.length === 0) continue
    const isOriginal = (text: string, token = ''): boolean =>
      kind === 'date' ? token === text : filled.includes(token)
    if (filled.some((text) => isOriginal(text, masks[at]?.(text)))) survivors.push(at + 1)
    const isLeft = found.some((decisions) => decisions[at]?.kind === 'kept')
    if (phi === 'direct' && isLeft) undetected.push(at + 1)
  }
  return { survivors, undetected }
}

test.for([
  ['synthea/patients.csv', 'members/synthea/v1'],
  ['desynpuf/DE1_0_2008_Beneficiary_Summary_File_Sample_1.csv', 'synpuf_beneficiary/desynpuf/v1'],
  ['desynpuf/DE1_0_2008_to_2010_Inpatient_Claims_Sample_1.csv', 'synpuf_inpatient/desynpuf/v1'],
] as const)(
  'no personal value of %s survives; detection finds who it is',
  ([file, id], context) => {
    const folder = dataFolder('real')
    if (folder === undefined) return context.skip()
    const layout = layoutOf(id)
    const head = readFileSync(join(folder, file)).subarray(0, 200_000)
    const [names, ...records] = recordsOf(head, layout).slice(0, 101)
    expect(judged(columnsOf(records, names), layout)).toEqual({ survivors: [], undetected: [] })
  },
)

test('a token of one file is that of another, whatever else stands there', () => {
  const tokens = ['members', 'claims'].map((file) => {
    const texts = ['A000123', ...Array.from({ length: 50 }, (_, at) => `${file}${at}`)]
    const column: SampledColumn = { name: undefined, texts, type: 'text' }
    const mask = { kind: 'token', key: KEY, submitter: file, scope: 'direct', column } as const
    return columnMask(mask)('A000123')
  })
  expect(new Set(tokens).size).toBe(1)
})
