/** Field lists of guides and descriptors as drafted layouts. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { sampleRecords } from '../../engine/index.ts'
import { readDescriptor } from '../../registry/descriptor.ts'
import type { LayoutDraft } from '../../registry/draft.ts'
import { draftDocument, draftText } from '../../registry/draft.ts'
import type { ListFault } from '../../registry/field-list.ts'
import { readFieldList } from '../../registry/field-list.ts'
import { guideType } from '../../registry/guide-type.ts'
import { layoutDocument } from '../../registry/layout.ts'
import { guessPhi } from '../../registry/phi-guess.ts'
import { dataFolder } from '../support/scenario.ts'

const CSV = { delimiter: ',', quoteChar: '"', header: false } as const
const OPTIONS = { title: 'a guide', delimiter: '|' }

function read(text: string | Buffer): LayoutDraft | ListFault {
  const records = sampleRecords(Buffer.from(text), { dialect: CSV }, 1000)
  return readFieldList(
    records.map(({ line, fields }) => ({ line, cells: fields })),
    OPTIONS,
  )
}

function drafted(text: string | Buffer): LayoutDraft {
  const draft = read(text)
  if ('reason' in draft) throw new Error(`${draft.line}:${draft.column} ${draft.reason}`)
  return draft
}

describe('a field list', () => {
  test('is read under the headings of a guide, whatever stands above them', () => {
    const draft = drafted(
      [
        'Appendix A: medical claims,,,,',
        'Data Element,Element Name,Type,Max Length,Required',
        'MC004,Payer claim control number,varchar,35,Yes',
        'MC005,Line counter,int,4,R',
        'MC017,Paid date,CCYYMMDD,8,No',
        'MC063,Paid amount,"decimal(10,2)",,',
        'MC010,Member SSN,char,9,',
      ].join('\n'),
    )
    expect(draft.fields).toEqual([
      {
        label: 'MC004',
        title: 'Payer claim control number',
        type: 'string',
        maxLength: 35,
        required: true,
      },
      { label: 'MC005', title: 'Line counter', type: 'integer', required: true },
      { label: 'MC017', title: 'Paid date', type: 'date', format: '%Y%m%d' },
      {
        label: 'MC063',
        title: 'Paid amount',
        type: 'number',
        decimal: { precision: 18, scale: 2 },
      },
      { label: 'MC010', title: 'Member SSN', type: 'string', maxLength: 9, phi: 'direct' },
    ])
    expect(draft).toMatchObject({
      format: 'csv',
      month: 'MC017',
      dialect: { delimiter: '|', header: true },
    })
    expect(layoutDocument.safeParse(draftDocument(draft)).success).toBe(true)
  })

  test('with positions is fixed width, and says what overlaps and what is left out', () => {
    const draft = drafted(
      'Field,From,To\nhcpcs,1,5\nmodifier,6,7\nwork,60-65,\npe,64,72\nstatus,58,58\n',
    )
    expect(draft.format).toBe('fixed')
    expect(draft.fields.map(({ at }) => at)).toEqual([
      { start: 1, length: 5 },
      { start: 6, length: 2 },
      { start: 60, length: 6 },
      { start: 64, length: 9 },
      { start: 58, length: 1 },
    ])
    expect(draft.verify).toContain('pe starts at byte 64, inside work, which ends at 65.')
    expect(draft.verify).toContain(
      'bytes 8 to 57 belong to no field (before status, after modifier).',
    )
  })

  test.each([
    ['a,b\n1,2\n', '1:1 none of the first 50 rows has headings'],
    ['name,type\n,\n', '1:1 no field is listed'],
    ['name,start,length\nx,one,3\n', '2:2 a start is a number'],
    ['name,length,start,end\nx,3,9,4\n', '2:3 the field ends before it starts'],
  ])('that is none is refused with its place: %j', (text, fault) => {
    const found = read(text)
    const said = 'reason' in found ? `${found.line}:${found.column} ${found.reason}` : ''
    expect(said.startsWith(fault)).toBe(true)
  })

  test('keeps labels that are no names as headers, and takes none twice', () => {
    const draft = drafted('name,type\nClaim #,text\nclaim,text\nstate,text\n2nd,text\n"a b",text\n')
    const text = draftText(draftDocument(draft))
    for (const field of [
      '{ "name": "claim", "x-header": "Claim #", "type": "string" }',
      '{ "name": "claim_2", "x-header": "claim", "type": "string" }',
      '{ "name": "state_2", "x-header": "state", "type": "string" }',
      '{ "name": "field_2nd", "x-header": "2nd", "type": "string" }',
    ]) {
      expect(text).toContain(field)
    }
  })
})

test.each([
  ['X(13)', {}, { type: 'string', maxLength: 13 }],
  ['-9(13).99', {}, { type: 'number', decimal: { precision: 15, scale: 2 } }],
  ['S9(5)V99', {}, { type: 'number', decimal: { precision: 7, scale: 2, implied: true } }],
  ['-9(4)', {}, { type: 'integer' }],
  ['YYYY-MM- DD', {}, { type: 'date', format: '%Y-%m-%d' }],
  ['Date', { length: 8 }, { type: 'date', format: '%Y%m%d' }],
  ['Date', { length: 6 }, { type: 'date', format: '%Y%m' }],
  ['Numeric', { length: 10, scale: 2 }, { type: 'number', decimal: { precision: 18, scale: 2 } }],
  ['NUMBER(22)', {}, { type: 'string', maxLength: 22 }],
  ['varchar[30]', { length: 30 }, { type: 'string', maxLength: 30 }],
  ['', {}, { type: 'string' }],
  ['9(11)', {}, { type: 'string', maxLength: 11 }],
  ['geography', {}, { type: 'string' }],
])('%j is %j', (cell, width, expected) => {
  expect(guideType(cell, width)).toMatchObject(expected)
})

test.each([
  ['Member Last Name', 'direct'],
  ['BENE_MBI_ID', 'direct'],
  ['SSN', 'direct'],
  ['patientId', 'direct'],
  ['Member ZIP Code', 'quasi'],
  ['BIRTHDATE', 'quasi'],
  ['Principal Diagnosis', 'sensitive'],
  ['Rendering Provider Last Name', undefined],
  ['Pharmacy ZIP Code', undefined],
  ['Paid Amount', undefined],
])('%s is %s', (name, expected) => {
  expect(guessPhi(name)).toBe(expected)
})

describe('a descriptor', () => {
  const schema = {
    fields: [
      { name: 'Claim ID', type: 'string', constraints: { required: true, unique: true } },
      { name: 'Paid_Date', type: 'date', format: '%m/%d/%Y' },
      { name: 'Where', type: 'geopoint' },
      { name: 'Paid', type: 'number' },
    ],
  }
  const named = { title: 'x', name: undefined }
  const fieldsOf = (document: unknown, name?: string) => {
    const draft = readDescriptor(document, { ...named, name })
    return 'reason' in draft ? draft.reason : draft.fields.map(({ label, type }) => [label, type])
  }
  const EXPECTED = [
    ['Claim ID', 'string'],
    ['Paid_Date', 'date'],
    ['Where', 'string'],
    ['Paid', 'number'],
  ]

  test('is read as a schema, a resource, a package and a CMS dictionary', () => {
    const resource = { name: 'claims', dialect: { delimiter: '|' }, schema }
    const pack = { resources: [resource, { name: 'other', schema }] }
    for (const document of [schema, resource, { resources: [resource] }, { data: schema }]) {
      expect(fieldsOf(document)).toEqual(EXPECTED)
    }
    expect(fieldsOf(pack, 'other')).toEqual(EXPECTED)
    expect(fieldsOf(pack)).toBe('name one of its resources with --resource: claims, other')
    expect(fieldsOf({ fields: [] })).toMatch(/^no table schema: .* at \/schema$/)
    expect(fieldsOf([])).toMatch(/^no table schema/)
  })

  test('names what it has no counterpart for', () => {
    const draft = readDescriptor(schema, named)
    const verify = 'reason' in draft ? [] : draft.verify
    expect(verify).toContain('Claim ID: constraints left out: unique.')
    expect(verify).toContain('Where: its type has no counterpart and is read as text.')
  })
})

const cclf = dataFolder('real/cclf-layouts')

test.runIf(cclf)('the 12 published CCLF lists are read, without a hole or an overlap', () => {
  const folder = cclf ?? ''
  const files = readdirSync(folder).filter((name) => name.endsWith('.csv'))
  expect(files).toHaveLength(12)
  for (const name of files) {
    const text = readFileSync(join(folder, name), 'utf8')
    const draft = drafted(text)
    expect(draft.format).toBe('fixed')
    // Blanks that a narrow column of the PDF put into names are out.
    expect(draft.fields.filter(({ label }) => /\s/.test(label)).length).toBeLessThanOrEqual(1)
    expect(draft.verify.filter((line) => line.includes('byte '))).toEqual([])
  }
})
