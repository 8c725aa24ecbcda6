/** Samples of delimited text are pieces of the file as it lies there. */
import { open, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { scratchFolder } from '../parsing.ts'
import { form, MODIFIED_AT, READ_BYTES_MAX, sampleBytes, samplePath } from './sampling.ts'

const seed = 20240229
const TERABYTE = 1024 ** 4

let folder: Awaited<ReturnType<typeof scratchFolder>>
beforeAll(async () => {
  folder = await scratchFolder()
})
afterAll(async () => folder[Symbol.asyncDispose]())

async function sparse(name: string, bytes: Buffer, end?: Buffer): Promise<string> {
  const path = join(folder.path, name)
  await using handle = await open(path, 'w')
  await handle.write(bytes)
  await truncate(path, TERABYTE)
  if (end !== undefined) await handle.write(end, 0, end.length, TERABYTE - end.length)
  return path
}

/** A field as it is written. */
const cell = fc.oneof(
  fc.stringMatching(/^[a-z0-9 é]{0,6}$/),
  fc.stringMatching(/^[a-z,\n"]{0,8}$/).map((text) => `"${text.replaceAll('"', '""')}"`),
)
const record = fc
  .tuple(cell, cell, cell, fc.constantFrom('\n', '\r\n'))
  .map((row) => `${row.slice(0, 3).join(',')}${row[3]}`)
  .filter((line) => line.trim() !== '')

test('the first records are the file up to where they end', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(record, { maxLength: 30 }),
      fc.integer({ min: 1, max: 12 }),
      fc.constantFrom('', '\ufeff'),
      async (records, wanted, mark) => {
        const lines = ['a,b,c\n', ...records]
        const sample = await sampleBytes('x.csv', Buffer.from(mark + lines.join('')), {
          records: wanted,
        })
        expect(sample.bytes.toString()).toBe(mark + lines.slice(0, wanted + 1).join(''))
        expect(sample.records).toBe(Math.min(wanted, records.length))
        expect(sample.isWhole).toBe(records.length <= wanted)
        expect([sample.isCut, sample.extension, sample.format]).toEqual([false, '.csv', 'text'])
      },
    ),
    { numRuns: 200, seed },
  )
})

test('a mask that changes nothing gives the bytes of a sample without one', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(record, { maxLength: 12 }),
      fc.constantFrom('utf8', 'utf16le', 'latin1'),
      async (records, encoding) => {
        const text = `${encoding === 'utf16le' ? '\ufeff' : ''}a,b,c\n\n${records.join('\n')}`
        const bytes = Buffer.from(text, encoding)
        const of = { utf8: undefined, utf16le: 'utf-16', latin1: 'windows-1252' } as const
        const name = of[encoding]
        const syntax = { ...form().syntax, ...(name !== undefined && { encoding: name }) }
        const wanted = { form: form(',', { syntax }) }
        const plain = await sampleBytes('x.csv', bytes, wanted)
        const mask = () => [(same: string) => same, null, (same: string) => same]
        const masked = await sampleBytes('x.csv', bytes, { ...wanted, mask })
        expect(plain.bytes).toEqual(bytes)
        expect(masked.bytes).toEqual(bytes)
      },
    ),
    { numRuns: 200, seed },
  )
})

describe('a file of 1 TB costs at most the limit', () => {
  const rows = Array.from({ length: 5000 }, (_, n) => `${n},"a\nb",c\r\n`)
  const start = Buffer.from(`a,b,c\n${rows.join('')}`)

  test('a first look is 64 KiB', async () => {
    const { counted, readBytes, bytes } = await samplePath(await sparse('big.csv', start))
    expect([counted, readBytes]).toEqual([65_536, 65_536])
    expect(bytes.toString()).toBe(`a,b,c\n${rows.slice(0, 100).join('')}`)
  })

  test('fewer records than were wanted before a hole', async () => {
    const path = await sparse('hole.csv', start.subarray(0, 6 + 10 * 11))
    const sample = await samplePath(path)
    expect(sample.counted).toBeLessThanOrEqual(READ_BYTES_MAX)
    expect(sample.bytes.toString()).toBe(`a,b,c\n${rows.slice(0, 10).join('')}`)
    expect([sample.records, sample.isCut, sample.isWhole]).toEqual([10, true, false])
  })

  test('one line without an end', async () => {
    const sample = await samplePath(await sparse('line.csv', Buffer.alloc(2_000_000, 'x')))
    expect(sample.counted).toBeLessThanOrEqual(READ_BYTES_MAX)
    expect([sample.records, sample.isCut, sample.bytes.length]).toEqual([0, true, 0])
  })

  test('the last records are read from its end', async () => {
    const end = Buffer.from(`x\n${rows.join('')}`)
    const sample = await samplePath(await sparse('end.csv', start, end), { strategy: 'tail' })
    expect(sample.counted).toBeLessThanOrEqual(READ_BYTES_MAX)
    expect(sample.bytes.toString()).toBe(`a,b,c\n${rows.slice(-100).join('')}`)
    expect([sample.records, sample.isCut]).toEqual([100, false])
  })
})

test('an empty file is an empty sample', async () => {
  const sample = await sampleBytes('x.csv', Buffer.alloc(0))
  expect([sample.records, sample.bytes.length, sample.isWhole]).toEqual([0, 0, true])
})

test('a text of no known form is lines in one column', async () => {
  const sample = await sampleBytes('notes', Buffer.from('a,"b\nc\n'), {
    textForm: () => undefined,
    records: 1,
  })
  expect(sample.bytes.toString()).toBe('a,"b\n')
  expect(sample.columns).toEqual([{ name: undefined, texts: ['a,"b'], type: 'text' }])
})

test.for([
  ['bytes of any value', Buffer.alloc(0)],
  ['bytes of any value behind a mark of UTF-16', Buffer.from([0xff, 0xfe])],
] as const)('%s are only described', async ([, mark]) => {
  const any = Buffer.from(Array.from({ length: 4096 }, (_, n) => (n * n * 7919 + n) % 251))
  const bytes = Buffer.concat([mark, any]).subarray(0, 4096)
  const sample = await sampleBytes('x.csv', bytes)
  expect(sample.extension).toBe('.meta.json')
  expect(JSON.parse(sample.bytes.toString())).toEqual({
    original: 'x.csv',
    size: 4096,
    mtime: MODIFIED_AT,
    type: 'unknown',
    reason: 'binary',
  })
})
