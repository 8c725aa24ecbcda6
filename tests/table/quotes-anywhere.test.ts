/**
 * One wrong quote in a quoted file: put in anywhere, or taken away.
 *
 * It costs at most the record it is in. The one exception cannot be told from sound data by
 * anybody: where a quoted text begins with a delimiter or a line end, the quote before it also
 * reads as a closing one. Such files lose no record without a word (quoted.test.ts), but the wrong
 * quote may cost the neighbour too; the texts below do not begin so.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { recordFields, RecordReader } from '../../engine/table/record-reader.ts'
import type { Dialect } from '../../engine/table/spec.ts'

const DIALECT: Dialect = { delimiter: ',', quoteChar: '"', header: false }
const seed = 20240229

interface Found {
  readonly byteStart: number
  readonly byteEnd: number
  /** the fields, or nothing for a record with a fault */
  readonly fields: readonly string[] | null
}

function readRecords(bytes: Buffer): Found[] {
  const found: Found[] = []
  const reader = new RecordReader({ dialect: DIALECT }, (record) => {
    const { byteStart, byteEnd, faults } = record
    const fields = faults === 0 ? recordFields(record, DIALECT.delimiter) : null
    found.push({ byteStart, byteEnd, fields })
  })
  reader.push(bytes)
  reader.end()
  return found
}

/** Reads `damaged`, which differs from `sound` at one byte, and compares all other records. */
function expectOneLost(sound: Buffer, damaged: Buffer, at: number): void {
  const shift = damaged.length - sound.length
  const found = readRecords(damaged)
  let until = 0
  for (const { byteStart, byteEnd } of found) {
    expect(byteStart).toBe(until)
    until = byteEnd
  }
  expect(until).toBe(damaged.length)
  const byPlace = new Map(found.map(({ byteStart, ...rest }) => [byteStart, rest]))
  for (const { byteStart, byteEnd, fields } of readRecords(sound)) {
    if (byteStart <= at && at < byteEnd) continue
    const by = byteStart > at ? shift : 0
    expect(byPlace.get(byteStart + by)).toEqual({ byteEnd: byteEnd + by, fields })
  }
}

const withQuote = (text: Buffer, at: number): Buffer =>
  Buffer.concat([text.subarray(0, at), Buffer.from('"'), text.subarray(at)])

const SAMPLE = Buffer.from(
  [
    'id,name,note',
    '1,Ann,"a, b"',
    '2,"Smith, ""Bob""",',
    '"3","","two\nlines"',
    '"4","x","""quoted"""',
    '5,"three\r\nmore\r\nlines",z',
    '"6",plain,"é"',
    '7,,',
    '"8","last ""one""","y"',
    '',
  ].join('\n'),
)

describe('a quote', () => {
  test('put before any byte of a file costs at most the record it is in', () => {
    expect(readRecords(SAMPLE).every(({ fields }) => fields?.length === 3)).toBe(true)
    for (let at = 0; at < SAMPLE.length; at += 1) {
      expectOneLost(SAMPLE, withQuote(SAMPLE, at), at)
    }
  })

  test('taken away from a file costs at most the record it was in', () => {
    for (const [at, byte] of SAMPLE.entries()) {
      if (byte !== 0x22) continue
      const without = Buffer.concat([SAMPLE.subarray(0, at), SAMPLE.subarray(at + 1)])
      expectOneLost(SAMPLE, without, at)
    }
  })

  test('anywhere in any file of quoted records costs at most one', () => {
    const text = fc
      .array(fc.constantFrom('a', ' ', '"', ',', '\n', '\r\n', 'é', '7'), { maxLength: 6 })
      .map((pieces) => `x${pieces.join('')}`)
    const field = fc.oneof(
      fc.constantFrom('', '12', 'word', '""'),
      text.map((raw) => `"${raw.replaceAll('"', '""')}"`),
    )
    const record = fc.array(field, { minLength: 1, maxLength: 4 }).map((list) => list.join(','))
    const file = fc.array(record, { minLength: 1, maxLength: 25 }).map((list) => list.join('\n'))
    fc.assert(
      fc.property(file, fc.nat(), (content, place) => {
        const bytes = Buffer.from(`${content}\n`)
        const at = place % bytes.length
        expectOneLost(bytes, withQuote(bytes, at), at)
      }),
      { numRuns: 2000, seed },
    )
  })
})
