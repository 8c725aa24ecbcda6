import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RecordReader } from '../../engine/table/record-reader.ts'

const seed = 20240229

/** The last 100 records as text, position and faults, the file cut into windows. */
function records(bytes: Buffer, cuts: readonly number[]): unknown[] {
  const found: unknown[] = []
  const dialect = { delimiter: ',', quoteChar: '"', header: false } as const
  const reader = new RecordReader({ dialect }, (record) => {
    const { byteStart, byteEnd, line, faults, fields } = record
    const text = record.bytes.subarray(record.start, record.end).toString('latin1')
    found.push([text, byteStart, byteEnd, line, faults, fields?.ranges.length])
  })
  let from = 0
  for (const cut of [...cuts.toSorted((a, b) => a - b), bytes.length]) {
    reader.push(bytes.subarray(from, cut))
    from = cut
  }
  reader.end()
  return found.slice(-100)
}

test('records do not depend on how the file is cut into windows', () => {
  // the line end is decided on the first 64 KiB, so the windows that matter come after
  const lead = `${'x'.repeat(1023)}\n`.repeat(65)
  const piece = fc.constantFrom('"', '""', ',', '\n', '\r\n', '\r', 'é', '\0', 'abc', '","', '"\n')
  const split = fc.array(fc.integer({ min: lead.length, max: lead.length + 80 }), { maxLength: 12 })
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), split, (pieces, cuts) => {
      const bytes = Buffer.from(lead + pieces.join(''))
      const within = cuts.map((cut) => Math.min(cut, bytes.length))
      const whole = records(bytes, [])
      expect(records(bytes, within)).toEqual(whole)
      expect(records(bytes, [...bytes.keys()].slice(lead.length))).toEqual(whole)
    }),
    { numRuns: 40, seed },
  )
})

test('a record that grows past 4 MiB is one fault, and the next is read as ever', () => {
  const long = Buffer.from(`a,b\n"${'x'.repeat(5_000_000)}\nc,"d"\n`)
  const cuts = Array.from({ length: 80 }, (_, n) => n * 65_536)
  const found = records(long, cuts)
  expect(found).toEqual(records(long, []))
  expect(found.map((record) => (record as unknown[]).slice(1))).toEqual([
    [0, 4, 1, 0, undefined],
    [4, 5_000_006, 2, 8, undefined],
    [5_000_006, 5_000_012, 3, 0, 2],
  ])
})

test('a quoted record that grows past 4 MiB gives up its first line alone', () => {
  const bytes = Buffer.from(`"a\nb",${'x'.repeat(5_000_000)}\nc,d\n`)
  const cuts = Array.from({ length: 80 }, (_, n) => n * 65_536)
  const found = records(bytes, cuts)
  expect(found).toEqual(records(bytes, []))
  expect(found.map((record) => (record as unknown[]).slice(1, 5))).toEqual([
    [0, 3, 1, 16],
    [3, 5_000_007, 2, 8],
    [5_000_007, 5_000_011, 3, 0],
  ])
})
