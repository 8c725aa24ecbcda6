/** Masks of single columns, on drawn texts. A failure of fast-check prints its seed. */
import fc from 'fast-check'
import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { compileFormat, dayNumber, numberedDay } from '../../../engine/table/date-format.ts'
import type { SampledColumn } from '../../../engine/table/sample/contract.ts'
import { columnMask, type MaskRequest } from '../../../engine/table/sample/mask.ts'
import { formatsReading } from '../../../engine/table/sample/mask-dates.ts'

const KEY = createHmac('sha256', 'tests').update('mask').digest()

/** A column of texts, masked. */
function masked(
  texts: readonly (string | null)[],
  more: Partial<Omit<MaskRequest, 'column'>> & Partial<Pick<SampledColumn, 'type'>> = {},
): readonly (string | null)[] {
  const { type = 'text', ...request } = more
  const column: SampledColumn = { name: undefined, texts, type }
  const own = { kind: 'token', key: KEY, submitter: 'north', scope: 'direct', ...request } as const
  const mask = columnMask({ ...own, column })
  return texts.map((text) => (text === null ? null : mask(text)))
}

const shape = (text: string): string =>
  text
    .replaceAll(/\p{Nd}/gu, '9')
    .replaceAll(/\p{Lu}/gu, 'A')
    .replaceAll(/\p{L}/gu, (one) => (one < '\u0800' ? 'a' : 'z'))
const zeros = (text: string): number => /^[^0-9]*(0*)/.exec(text)?.[1]?.length ?? 0
const latin = fc.string({
  unit: fc.constantFrom(...Array.from('AZaz0019.-@ _/ÉßñŠ東é́😀\u{10400}٣½')),
  minLength: 1,
  maxLength: 40,
})
const ids = fc.stringMatching(/^[A-Z]{0,2}0{0,4}[1-9][0-9]{3,9}$/)

describe('tokens', () => {
  test('keep shape, length and bytes of UTF-8, are another text, and are the same again', () => {
    fc.assert(
      fc.property(fc.array(latin, { minLength: 1, maxLength: 8 }), (texts) => {
        const tokens = masked(texts)
        expect(masked(texts)).toEqual(tokens)
        for (const [at, text] of texts.entries()) {
          const token = tokens[at] ?? ''
          expect(Array.from(token).length).toBe(Array.from(text).length)
          expect(Buffer.byteLength(token)).toBe(Buffer.byteLength(text))
          expect(shape(token)).toBe(shape(text))
          if (/[\p{L}\p{Nd}]/u.test(text)) expect(token).not.toBe(text)
          else expect(token).toBe(text)
          if (/[\p{L}1-9]/u.test(text)) expect(zeros(token)).toBe(zeros(text))
        }
      }),
    )
  })

  test('are no text of their own column', () => {
    fc.assert(
      fc.property(fc.array(ids, { minLength: 1, maxLength: 50 }), (texts) => {
        for (const token of masked(texts)) expect(texts).not.toContain(token)
      }),
    )
    const letters = 'BCDEFGHIJKLMNOPQRSTUVWXYZ'.split('')
    expect(new Set(masked(letters))).toEqual(new Set(['A']))
  })

  test('are the same in every file, under one key and scope only', () => {
    const [one] = masked(['M000123', 'M000999'])
    expect(masked(['M000777', 'M000123'])[1]).toBe(one)
    expect(masked(['M000123'], { submitter: 'south' })).toEqual([one])
    expect(masked(['M000123'], { scope: 'quasi' })).not.toEqual([one])
    expect(masked(['M000123'], { key: Buffer.alloc(16, 1) })).not.toEqual([one])
  })

  test('of every text of a shape are another one; of zeros the last one changes', () => {
    const digits = '0123456789'.split('')
    for (const [at, token] of masked(digits).entries()) expect(token).not.toBe(digits[at])
    expect(masked(['0000'])[0]).toMatch(/^000[1-9]$/)
    expect(masked(['---', '', '  '])).toEqual(['---', '', '  '])
  })

  test('of UUIDs and digests stay hexadecimal', () => {
    const texts = ['0da67f93-574e-8875-676a-a0893f46a093', 'DEADBEEF00112233']
    const [uuid, digest] = masked(texts)
    expect(uuid).toMatch(/^0[0-9a-f]{7}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    expect(digest).toMatch(/^[0-9A-F]{16}$/)
    expect(masked(['0a1f', 'ff'], { type: 'bytes' }).join(' ')).toMatch(/^0[0-9a-f]{3} [a-f]{2}$/)
  })

  test('a key shorter than 16 bytes is refused', () => {
    expect(() => masked(['M1'], { key: Buffer.alloc(15) })).toThrow('too short')
  })
})

test('what is dropped keeps its length and nothing else', () => {
  const [text] = masked(['Jane Doe, 12 Main Street 😀'], { kind: 'drop' })
  expect(text).toBe('x'.repeat(26))
  expect(masked(['', '   ', null], { kind: 'drop' })).toEqual(['', '   ', null])
})

describe('numbers and booleans of typed columns', () => {
  test('numbers keep sign, digits, point and exponent, and are others', () => {
    const texts = ['-12.50', '0', '7', '1.5e-7', '1.7976931348623157e308', '0.05']
    for (const [at, number] of masked(texts, { type: 'number' }).entries()) {
      expect(number).not.toBe(texts[at])
      expect(shape(number ?? '')).toBe(shape(texts[at] ?? ''))
      expect(Number.isFinite(Number(number))).toBe(true)
      expect(String(JSON.parse(number ?? ''))).toBe(String(Number(number)))
    }
  })

  test.for([
    ['of one byte', ['127', '126', '-128'], -128n, 127n],
    ['of one byte without sign', ['255', '200'], 0n, 255n],
    ['of four bytes', ['2147483647', '-2147483648'], -2147483648n, 2147483647n],
    [
      'of eight bytes',
      ['9223372036854775807', '-9223372036854775808'],
      -(2n ** 63n),
      2n ** 63n - 1n,
    ],
  ] as const)('whole numbers %s still are', ([, texts, low, high]) => {
    for (const [at, number] of masked([...texts], { type: 'number' }).entries()) {
      expect(number).not.toBe(texts[at])
      expect(number).toHaveLength(texts[at]?.length ?? 0)
      expect(BigInt(number ?? '') >= low && BigInt(number ?? '') <= high).toBe(true)
    }
  })

  test('an identifier has one token as a number and as text', () => {
    expect(masked(['123456789'], { type: 'number' })).toEqual(masked(['123456789']))
  })

  test('booleans do not tell', () => {
    expect(masked(['true', 'false'], { type: 'boolean' })).toEqual(['false', 'false'])
  })
})

describe('dates', () => {
  const FORMATS = ['%Y-%m-%d', '%Y%m%d', '%m/%d/%Y', '%d%b%Y', '%Y-%m-%dT%H:%M:%SZ']
  const day = fc.record({
    year: fc.integer({ min: 1900, max: 2199 }),
    month: fc.integer({ min: 1, max: 12 }),
    day: fc.integer({ min: 1, max: 28 }),
  })
  const SAMPLES: Readonly<Record<string, string>> = {
    '%d%b%Y': '01JAN2000',
    '%Y-%m-%dT%H:%M:%SZ': '2000-01-01T23:59:58Z',
    '%Y-%m-%d': '2000-01-01',
    '%Y%m%d': '20000101',
    '%m/%d/%Y': '01/01/2000',
  }

  test('of a submitter keep order, distance, format and time', () => {
    fc.assert(
      fc.property(fc.constantFrom(...FORMATS), fc.array(day, { minLength: 2 }), (format, days) => {
        const { read, write } = compileFormat(format)
        const texts = days.map((one) => write(SAMPLES[format] ?? '', one, 'kept'))
        const moved = masked(texts, { kind: 'date', formats: [format] }).map((text) => text ?? '')
        const shifts = moved.map((text, at) => {
          const [now, before] = [read(text), days[at]]
          if (now === null || before === undefined) throw new TypeError('no date any more')
          return dayNumber(now) - dayNumber(before)
        })
        expect(new Set(shifts).size).toBe(1)
        expect(Math.abs(shifts[0] ?? 0)).toBeGreaterThanOrEqual(32)
        expect(Math.abs(shifts[0] ?? 0)).toBeLessThanOrEqual(365)
        for (const text of moved) expect(text.slice(10)).toBe(SAMPLES[format]?.slice(10))
      }),
    )
  })

  test('of another submitter, and under another key, move otherwise', () => {
    const own = (more: Partial<MaskRequest>) => masked(['2024-02-29'], { kind: 'date', ...more })[0]
    const found = new Set([own({}), own({ submitter: 'south' }), own({ key: Buffer.alloc(16, 1) })])
    expect(found.size).toBe(3)
  })

  test('months move by months, open ends stay dates, blanks and letter case stay', () => {
    const texts = ['2024-03', '2024-12']
    const months = masked(texts, { kind: 'date' }).map(
      (text) => Number(text?.slice(0, 4)) * 12 + Number(text?.slice(5)),
    )
    expect(Number(months[1]) - Number(months[0])).toBe(9)
    for (const [open] of [['9999-12-31'], ['0001-01-01']]) {
      const [text] = masked([open ?? '', '2024-01-01'], { kind: 'date' })
      expect(text).not.toBe(open)
      expect(compileFormat('%Y-%m-%d').read(text ?? '')).not.toBeNull()
    }
    expect(masked(['  20240105 '], { kind: 'date' })[0]).toMatch(/^ {2}\d{8} $/)
    expect(masked(['05jan2024'], { kind: 'date' })[0]).toMatch(/^\d\d[a-z]{3}20\d\d$/)
  })

  test('what no format reads becomes a token; a moment of a direct column loses its time', () => {
    const texts = ['2024-01-05', 'unknown', '2024-13-05']
    const [first, word, other] = masked(texts, { kind: 'date' })
    expect(formatsReading(first ?? '')).toEqual(['%Y-%m-%d'])
    expect(word).toMatch(/^[a-z]{7}$/)
    expect(other).toMatch(/^\d{4}-\d\d-\d\d$/)
    const moment = ['2024-01-05T10:11:12.123456789+05:30']
    expect(masked(moment, { type: 'timestamp' })[0]).toMatch(/T10:11:12[.]123456789[+]05:30$/)
    expect(masked(moment, { kind: 'date', time: 'zero' })[0]).toMatch(/T00:00:00[.]0+[+]00:00$/)
  })
})

test('the number of a day gives the day, and follows that of the day before', () => {
  const numbers = (from: number, to: number): number[] => {
    const [first, last] = [from, to].map((year) => dayNumber({ year, month: 1, day: 1 }))
    return Array.from({ length: (last ?? 0) - (first ?? 0) }, (_, at) => (first ?? 0) + at)
  }
  for (const days of [
    ...numbers(1, 5),
    ...numbers(1899, 1905),
    ...numbers(1999, 2005),
    ...numbers(9995, 10_000),
  ]) {
    const { year, month, day } = numberedDay(days)
    const date = new Date(Date.parse('0001-01-01T00:00:00Z') + (days - 306) * 86_400_000)
    expect([year, month, day]).toEqual([
      date.getUTCFullYear(),
      date.getUTCMonth() + 1,
      date.getUTCDate(),
    ])
    expect(dayNumber({ year, month, day })).toBe(days)
  }
})
