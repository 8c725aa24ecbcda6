/** How files of any origin are cut, and when the first record is believed to hold names. */
import { expect, test } from 'vitest'
import { guessedForm, trustedForm } from '../../registry/text-form.ts'

const formOf = (text: string) => {
  const head = Buffer.from(text)
  const form = guessedForm(head, 'x.csv')
  return form === undefined ? undefined : trustedForm(head, form, undefined)
}

test.each([
  ['member_id,first_name,birth_date\n00012,Ann,1980-01-02\n00013,Bob,1981-01-02\n'],
  ['Id;Birthdate;City\na1;1980-01-02;Boston\na2;1981-01-02;Lynn\n'],
  ['﻿claimId\tpaidAmount\tdx1\nC1\t10.00\tE11\nC2\t11.00\tE12\n'],
])('names of columns are a header', (text) => {
  expect(formOf(text)).toMatchObject({ hasHeader: true })
})

test.each([
  ['SMITH,JOHN,F\nMILLER,ANN,M\nDOE,JANE,F\n'],
  ['Smith,McDonald,Boston\nMiller,O’Hara,Lynn\n'],
  ['deSouza;vanDyke\nMiller;Ohara\nDoe;Roe\n'],
])('a person’s record is none, where a header should be', (text) => {
  expect(formOf(text)).toMatchObject({ hasHeader: false })
})

test('what stands before the names is told apart', () => {
  const text = 'HD|NORTH|202401\nmember_id|name|paid_amount\nA1|Ann|1.00\nA2|Bob|2.00\n'
  expect(formOf(text)).toMatchObject({ hasHeader: true, preambleRecords: 1 })
})

test('a comma file of one column keeps its quoted line ends', () => {
  expect(guessedForm(Buffer.from('note\n"a\nb"\n'), 'x.csv')?.syntax.dialect).toMatchObject({
    delimiter: ',',
    quoteChar: '"',
  })
  expect(guessedForm(Buffer.from('note\n'), 'x.txt')).toBe(undefined)
})

test('a quoted cell longer than the look is quoted', () => {
  const text = `id,note\n1,"${'long\n'.repeat(4000)}"\n2,x\n`
  expect(guessedForm(Buffer.from(text), 'x.csv')?.syntax.dialect).toMatchObject({
    delimiter: ',',
    quoteChar: '"',
  })
})

test.each([
  ['after records that were whole', 3_000],
  ['in the first record', 12_000],
])(
  'a look that ends within a quoted cell, %s, guesses quotes, and no lines before the data',
  (_where, length) => {
    const cell = 'one, two, three, four\n'.repeat(8).padEnd(length, ' word, word')
    const head = Buffer.from(`Text,status\n${`"${cell}",open\n`.repeat(20)}`)
    const form = guessedForm(head, 'notes.csv')
    expect(form?.syntax.dialect).toMatchObject({ delimiter: ',', quoteChar: '"' })
    expect(form?.preambleRecords).toBeUndefined()
  },
)
