/** Which records are shown: the first, the last, any, and those that would be refused. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { form, sampleBytes } from './sampling.ts'

const seed = 20240229
const limit = 65_536 * 5

/** Records long enough in all that their end is read without what is before it. */
const field = fc.oneof(
  fc.stringMatching(/^[a-z0-9]{0,6}$/),
  fc.stringMatching(/^[a-z,\n"]{0,9}$/).map((text) => `"${text.replaceAll('"', '""')}"`),
)
const records = fc
  .array(
    fc.tuple(field, field, field).map((row) => `r,${row.join(',')}\n`),
    {
      minLength: 5,
      maxLength: 40,
    },
  )
  .map((some) => Array.from({ length: 40_000 }, (_, n) => some[(n * n) % some.length] as string))

const sampleTail = (text: string, wanted: number) =>
  sampleBytes('x.csv', Buffer.from(text), {
    strategy: 'tail',
    records: wanted,
    readBytesMax: limit,
  })

test('the last records of a long file are the end of it, wherever quotes begin', async () => {
  await fc.assert(
    fc.asyncProperty(records, fc.integer({ min: 1, max: 200 }), async (lines, wanted) => {
      const text = `h,a,b,c\n${lines.join('')}`
      fc.pre(text.length > limit)
      const sample = await sampleTail(text, wanted)
      expect(sample.bytes.toString()).toBe(`h,a,b,c\n${lines.slice(-wanted).join('')}`)
      expect(sample.readBytes).toBeLessThanOrEqual(limit)
    }),
    { numRuns: 12, seed },
  )
})

test('the last records of a long text in UTF-16, and of long JSON lines', async () => {
  const lines = Array.from({ length: 40_000 }, (_, n) => `é${n},"a\n${n}"\n`)
  const { dialect } = form().syntax
  const wanted = { strategy: 'tail', records: 7, readBytesMax: limit } as const
  for (const isBig of [false, true]) {
    const encode = (text: string): Buffer => {
      const bytes = Buffer.from(`\ufeff${text}`, 'utf16le')
      return isBig ? bytes.swap16() : bytes
    }
    const { bytes, isCut } = await sampleBytes('x.csv', encode(`a,b\n${lines.join('')}`), {
      ...wanted,
      form: form(',', { syntax: { dialect, encoding: 'utf-16' } }),
    })
    expect(bytes).toEqual(encode(`a,b\n${lines.slice(-7).join('')}`))
    expect(isCut).toBe(false)
  }
  const objects = lines.map((line) => `{"a":${JSON.stringify(line)}}\n`)
  const sample = await sampleBytes('x.jsonl', Buffer.from(objects.join('')), wanted)
  expect(sample.bytes.toString()).toBe(objects.slice(-7).join(''))
  expect(sample.readBytes).toBeLessThanOrEqual(limit)
})

test('fewer last records than were wanted are said to be cut', async () => {
  const line = `"${'x'.repeat(40_000)}",b\n`
  const sample = await sampleTail(`a,b\n${line.repeat(20)}`, 10)
  expect([sample.isCut, sample.bytes.toString()]).toEqual([
    true,
    `a,b\n${line.repeat(sample.records)}`,
  ])
  expect(sample.records).toBeGreaterThan(3)
})

test('any records: the same of the same seed, others of another, in the order of the file', async () => {
  const lines = Array.from({ length: 2000 }, (_, n) => `${n},x\n`)
  const bytes = Buffer.from(`a,b\n${lines.join('')}`)
  const numbers = async (ofSeed: string): Promise<number[]> => {
    const sample = await sampleBytes('x.csv', bytes, {
      strategy: 'reservoir',
      seed: ofSeed,
      records: 50,
    })
    expect(sample.bytes.toString().startsWith('a,b\n')).toBe(true)
    return sample.columns[0]?.texts.map(Number) ?? []
  }
  const [one, again, other] = [await numbers('1'), await numbers('1'), await numbers('2')]
  expect(one).toEqual(again)
  expect(one).not.toEqual(other)
  expect(one).toEqual(one.toSorted((a, b) => a - b))
  const all = (await Promise.all(Array.from({ length: 40 }, (_, n) => numbers(String(n))))).flat()
  const mean = all.reduce((sum, number) => sum + number, 0) / all.length
  expect(Math.abs(mean - 1000)).toBeLessThan(60)
})

describe('rejects', () => {
  const bytes = Buffer.from('a,b\n1,2\n3\n4,5\n"x" y,6\n7,8\n\n9,9,9\n')

  test('are the records of another length than most, and those with a fault', async () => {
    const sample = await sampleBytes('x.csv', bytes, { strategy: 'rejects' })
    expect(sample.bytes.toString()).toBe('a,b\n3\n"x" y,6\n9,9,9\n')
  })

  test('or those that the caller would refuse', async () => {
    const sample = await sampleBytes('x.csv', bytes, {
      strategy: 'rejects',
      isReject: ([first]) => first === '4',
    })
    expect(sample.bytes.toString()).toBe('a,b\n4,5\n"x" y,6\n')
  })
})

test('a file with every record in it is the whole file, whatever the strategy', async () => {
  const bytes = Buffer.from('\ufeffa,b\n\n1,2\n\n\n3,4\n\n')
  for (const strategy of ['head', 'tail', 'reservoir'] as const) {
    const sample = await sampleBytes('x.csv', bytes, { strategy, form: form() })
    expect([sample.isWhole, sample.bytes.toString()]).toEqual([true, bytes.toString()])
  }
})
