/** Masks change what is in a field of a text, and nothing around it. */
import { describe, expect, test } from 'vitest'
import type { MaskColumns, TextForm } from '../../../engine/table/sample/contract.ts'
import { form, sampleBytes } from './sampling.ts'

const upper =
  (...columns: readonly number[]): MaskColumns =>
  (found) =>
    found.map((_, at) => (columns.includes(at) ? (text) => text.toUpperCase() : null))

const masked = async (text: string | Buffer, mask: MaskColumns, textForm: TextForm) => {
  const sample = await sampleBytes('x.csv', Buffer.from(text as Buffer), { mask, form: textForm })
  return { text: sample.bytes.toString(), ...sample }
}

test('delimiters, quotes, line ends, empty fields and blank lines stay', async () => {
  const text = '\ufeffid,name\r\n\r\nab,"c ""d"", \r\ne"\n,""\nq"r,s'
  const found = await masked(text, upper(0, 1), form())
  expect(found.text).toBe('\ufeffid,name\r\n\r\nAB,"C ""D"", \r\nE"\n,""\nQ"R,S')
  expect(found.columns.map(({ name, texts }) => [name, texts])).toEqual([
    ['id', ['ab', '', 'q"r']],
    ['name', ['c "d", \r\ne', '', 's']],
  ])
})

test('a mask whose text would break the record is quoted, or loses what breaks it', async () => {
  const mask: MaskColumns = () => [() => '",\n', null]
  const quoting = await masked('a,b\n1,2\n', mask, form())
  expect(quoting.text).toBe('a,b\n""",\n",2\n')
  const { syntax } = form()
  const bare = form(',', { syntax: { ...syntax, dialect: { ...syntax.dialect, quoteChar: null } } })
  expect((await masked('a,b\n1,2\n', mask, bare)).text).toBe('a,b\n"xx,2\n')
})

test('of records that are not trusted to have columns only the shape is left', async () => {
  const text = 'HD,Ann Lee,2024\nid,name\n1,bob\n2,Ann,Ü9\n3,"x" y\n4,c\0d\n'
  const found = await masked(text, upper(1), form(',', { preambleRecords: 1 }))
  expect(found.text).toBe('XX,Xxx Xxx,0000\nid,name\n1,BOB\n0,Xxx,xx0\n0,"x" x\n0,x\0x\n')
  expect(found.columns[1]?.texts).toEqual(['bob', null, null, null])
  expect(found.records).toBe(4)
})

test('a name in the header that looks like data is hidden', async () => {
  const found = await masked('MRN0012345,name\n1,b\n', upper(), form())
  expect(found.text).toBe('XXX0000000,name\n1,b\n')
  expect(found.columns.map(({ name }) => name)).toEqual(['XXX0000000', 'name'])
})

test.for(['900-11-2233', 'ann@example.org', '19700101'])(
  'a record of data where the header should be gives no names: %s',
  async (cell) => {
    const found = await masked(`Ann,${cell}\nBob,2\n`, upper(), form())
    expect(found.text).toBe(`Xxx,${cell.replaceAll(/[a-z]/g, 'x').replaceAll(/\d/g, '0')}\nBob,2\n`)
    expect(found.columns.map(({ name }) => name)).toEqual([undefined, undefined])
  },
)

test('no header: columns have no names, and the first record is masked too', async () => {
  const found = await masked('a,b\nc,d\n', upper(1), form(',', { hasHeader: false }))
  expect(found.text).toBe('a,B\nc,D\n')
  expect(found.columns.map(({ name }) => name)).toEqual([undefined, undefined])
})

describe('texts in other encodings stay in them', () => {
  const dialect = form().syntax.dialect

  test('windows-1252', async () => {
    const bytes = Buffer.from('a,b\n\x80\xe9,\xe9z\n\x81,x\n', 'latin1')
    const syntax = { dialect, encoding: 'windows-1252' } as const
    const { bytes: out } = await masked(bytes, upper(1), form(',', { syntax }))
    expect(out.toString('latin1')).toBe('a,b\n\x80\xe9,\xc9Z\nx,x\n')
  })

  test.for(['little', 'big'] as const)('UTF-16, %s endian', async (order) => {
    const encode = (text: string): Buffer => {
      const bytes = Buffer.from(text, 'utf16le')
      return order === 'big' ? bytes.swap16() : bytes
    }
    const syntax = { dialect, encoding: 'utf-16' } as const
    const text = '\ufeffa,b\r\né,"ü\n"\r\nAnn,Lee,Q1\r\n'
    const { bytes } = await masked(encode(text), upper(1), form(',', { syntax }))
    expect(bytes).toEqual(encode('\ufeffa,b\r\né,"Ü\n"\r\nXxx,Xxx,X0\r\n'))
  })
})

describe('fixed width', () => {
  const dialect = { delimiter: '\u001f', quoteChar: null, header: false } as const
  const fixed = form(',', {
    syntax: { dialect, format: 'fixed' },
    hasHeader: false,
    places: [
      { name: 'id', start: 0, length: 3 },
      { name: 'name', start: 5, length: 6 },
      { name: 'sum', start: 11, length: 4 },
    ],
  })

  test('columns are masked in their places, what is outside of them is hidden', async () => {
    const found = await masked('001Q9ann   0.50Z\n002  bé   1.00\n', upper(1), fixed)
    expect(found.text).toBe('001X0ANN   0.50X\n002  xxx   1.00\n')
    expect(found.columns.map(({ name, texts }) => [name, texts])).toEqual([
      ['id', ['001', '002']],
      ['name', ['ann', 'bé']],
      ['sum', ['0.50', '1.00']],
    ])
  })

  test('a record that ends before the last column has none', async () => {
    const found = await masked('HD ann\n001  ann   0.50\n', upper(), fixed)
    expect(found.text).toBe('XX xxx\n001  ann   0.50\n')
  })
})
